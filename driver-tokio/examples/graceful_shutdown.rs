//! A server that shuts down gracefully on Ctrl-C: it stops accepting, every peer gets its queued messages and then a
//! Close with 1001, and those that do not answer are dropped after ten seconds:
//! `cargo run -p driver-tokio --example graceful_shutdown`.

use std::time::Duration;

use driver_tokio::{Accept, Server};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let server = Server::bind("127.0.0.1:9002").await?;
    println!("listening on ws://{}, until Ctrl-C", server.local_addr()?);
    let handle = server.handle();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            println!("{} connections to close", handle.connections());
            let patience = Duration::from_secs(10);
            let dropped = handle.shutdown_with("back in a minute", patience).await;
            println!("{dropped} had to be dropped");
        }
    });
    // Returns when the last connection is gone.
    server
        .serve(|upgrade| async move {
            let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
                return;
            };
            while let Ok(Some(message)) = socket.recv().await {
                let _ = socket.feed(message).await;
            }
            // Time to save state.
        })
        .await;
    Ok(())
}
