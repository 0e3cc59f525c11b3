//! Measures the round-trip time of a ping while the connection does other things:
//! `cargo run -p driver-tokio --example round_trip`.

use std::time::Instant;

use driver_tokio::{Accept, CloseCode, Incoming, Server, Upgrade, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(server.serve(listen));

    let mut socket = connect(&url).await?;
    let start = Instant::now();
    for number in 0..10_u8 {
        socket.feed("something else").await?;
        // It overtakes queued messages, and the pong has its payload. To keep a connection alive,
        // `Config::ping_interval` is enough.
        let sent = start.elapsed();
        socket.ping(&[number]).await?;
        while let Some(incoming) = socket.recv_incoming().await? {
            match incoming {
                Incoming::Pong(payload) if payload == [number] => break,
                other => println!("{other:?}"),
            }
        }
        println!("{number}: {:?}", start.elapsed() - sent);
    }
    println!("{}", socket.close(CloseCode::NORMAL, "").await?);
    Ok(())
}

/// Pings are answered automatically while the task waits.
async fn listen(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(_)) = socket.recv().await {}
}
