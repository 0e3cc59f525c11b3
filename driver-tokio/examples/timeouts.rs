//! Deadlines: idle connections are closed, dead peers are noticed, and peers that do not read do not hold up the
//! sender: `cargo run -p driver-tokio --example timeouts`.

use std::time::Duration;

use driver_tokio::{Accept, Config, Connect, Kind, Server, TimedSendError, Upgrade};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    // Set by default, to longer times.
    config.opening_timeout = Some(Duration::from_secs(5));
    config.ping_interval = Some(Duration::from_secs(10));
    config.pong_timeout = Some(Duration::from_secs(5));
    config.write_timeout = Some(Duration::from_secs(5));
    config.close_timeout = Some(Duration::from_secs(2));
    // None by default.
    config.idle_timeout = Some(Duration::from_secs(1));
    let server = Server::bind("127.0.0.1:0").await?.config(config);
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(server.serve(listen));

    // Connecting has a deadline too: resolving, all addresses and the handshake together.
    let (mut socket, _) = Connect::new(url)
        .timeout(Duration::from_secs(3))
        .connect()
        .await?;

    // A deadline for one message:
    let sent = socket
        .send_timeout(vec![0; 12 << 20], Duration::from_millis(50))
        .await;
    match sent {
        Ok(()) => println!("sent"),
        Err(TimedSendError::TimedOut { queued }) => println!("not yet; queued: {queued}"),
        Err(TimedSendError::Refused(error)) => println!("{error}"),
    }
    socket.flush().await?;

    // Nothing is sent from now on: the server closes with 1001 after a second.
    println!("{:?}", socket.recv().await?.map(|message| message.kind()));
    println!("{:?}", socket.closed());
    Ok(())
}

async fn listen(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    while let Ok(Some(message)) = socket.recv().await {
        assert_eq!(message.kind(), Kind::Binary);
    }
}
