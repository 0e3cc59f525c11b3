//! A server that ends in order: nothing further is accepted, every peer gets what was sent and then a
//! Close with 1001, and those who do not answer are waited for ten seconds at most. It ends when a line is
//! entered: `cargo run -p driver-smol --example smol_graceful_shutdown`.

use std::{io, time::Duration};

use driver_smol::{Accept, Server};

fn main() -> io::Result<()> {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:9002").await?;
        println!(
            "listening on ws://{}, until you press Enter",
            server.local_addr()?
        );
        let handle = server.handle();
        let shut_down = async move {
            let line = smol::unblock(|| io::stdin().read_line(&mut String::new()));
            if line.await.is_ok() {
                println!("{} connections to close", handle.connections());
                let patience = Duration::from_secs(10);
                let dropped = handle.shutdown_with("back in a minute", patience).await;
                println!("{dropped} had to be dropped");
            }
        };
        smol::spawn(shut_down).detach();
        // Returns when the last connection is gone.
        server
            .serve(|upgrade| async move {
                let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
                    return;
                };
                while let Ok(Some(message)) = socket.recv().await {
                    let _ = socket.feed(message).await;
                }
                // Time to store what is left to store.
            })
            .await;
        Ok(())
    })
}
