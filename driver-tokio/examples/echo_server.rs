//! An echo server: `cargo run --release -p driver-tokio --example echo_server`.

use driver_tokio::{Accept, Server};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let server = Server::bind("127.0.0.1:9002").await?;
    println!("listening on ws://{}", server.local_addr()?);
    server
        .serve(|upgrade| async move {
            let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
                return;
            };
            while let Ok(Some(message)) = socket.recv().await {
                // Written when `recv` has to wait, together with all other answers.
                let _ = socket.feed(message).await;
            }
        })
        .await;
    Ok(())
}
