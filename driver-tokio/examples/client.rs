//! A client that sends one message: `cargo run --release -p driver-tokio --example client ws://127.0.0.1:9002`.

use driver_tokio::{CloseCode, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "ws://127.0.0.1:9002".into());
    let mut socket = connect(&url).await?;
    socket.send("hello").await?;
    println!("received {:?}", socket.recv().await?);
    println!("{}", socket.close(CloseCode::NORMAL, "done").await?);
    Ok(())
}
