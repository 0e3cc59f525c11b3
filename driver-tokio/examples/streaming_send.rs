//! Sends a message whose length is not known when it begins, part by part:
//! `cargo run -p driver-tokio --example streaming_send`.

use driver_tokio::{Accept, CloseCode, Kind, Server, Upgrade, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(server.serve(tell_length));

    let mut socket = connect(&url).await?;
    socket.start(Kind::Binary).await?;
    for part in 0..1000_u32 {
        // Waits until the transport has taken the part: only one is in memory. Pongs and a Close may come in between.
        socket.write(&part.to_be_bytes().repeat(250)).await?;
    }
    socket.finish(b"the end").await?;
    println!("{:?}", socket.recv().await?);
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}

async fn tell_length(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        let text = format!("one message of {} bytes", message.as_bytes().len());
        let _ = socket.send(text).await;
    }
}
