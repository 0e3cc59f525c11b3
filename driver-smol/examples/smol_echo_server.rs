//! An echo server: `cargo run --release -p driver-smol --example smol_echo_server`.

use driver_smol::{Accept, Server};

fn main() -> std::io::Result<()> {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:9002").await?;
        println!("listening on ws://{}", server.local_addr()?);
        server
            .serve(|upgrade| async move {
                let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
                    return;
                };
                while let Ok(Some(message)) = socket.recv().await {
                    // Written, with all answers to what has come so far, when `recv` has to wait.
                    let _ = socket.feed(message).await;
                }
            })
            .await;
        Ok(())
    })
}
