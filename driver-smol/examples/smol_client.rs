//! A client that says one thing: `cargo run --release -p driver-smol --example smol_client ws://127.0.0.1:9002`.

use driver_smol::{CloseCode, connect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let url = std::env::args()
            .nth(1)
            .unwrap_or_else(|| "ws://127.0.0.1:9002".into());
        let mut socket = connect(&url).await?;
        socket.send("hello").await?;
        println!("received {:?}", socket.recv().await?);
        println!("{}", socket.close(CloseCode::NORMAL, "done").await?);
        Ok(())
    })
}
