//! An echo server on an executor of several threads: `cargo run --release -p driver-smol --example smol_echo_server`.
//!
//! `serve` alone needs no executor and runs all connections in the thread that polls it. `serve_on` spawns a task for each
//! connection.

use std::{io, sync::Arc, thread};

use driver_smol::{Accept, OnExecutor, Server, Upgrade};
use smol::Executor;

fn main() -> io::Result<()> {
    let executor = Arc::new(Executor::new());
    for _ in 1..thread::available_parallelism()?.get() {
        let executor = Arc::clone(&executor);
        thread::spawn(move || smol::block_on(executor.run(smol::future::pending::<()>())));
    }
    smol::block_on(executor.run(async {
        let server = Server::bind("127.0.0.1:9002").await?;
        println!("listening on ws://{}", server.local_addr()?);
        server
            .serve_on(OnExecutor(Arc::clone(&executor)), echo)
            .await;
        Ok(())
    }))
}

async fn echo(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        // Written together with the answers to everything that has arrived when `recv` has to wait.
        let _ = socket.feed(message).await;
    }
}
