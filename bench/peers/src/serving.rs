//! The common part of the echo servers: accepting, the opening handshake, a task for each connection.
//! The rest is specific to each library.

use std::{
    io,
    net::{TcpListener, TcpStream},
};

use async_executor::LocalExecutor;
use async_io::Async;
use bench::opening::{self, Echo};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Runs `handler` for each open connection, on tokio's current-thread runtime. If a client offers
/// extensions, the server agrees to `extensions`.
///
/// # Errors
/// System errors of the listener and of the runtime.
pub fn on_tokio<F: Future<Output = ()> + Send>(
    listener: TcpListener,
    extensions: Option<&'static str>,
    handler: impl Fn(tokio::net::TcpStream) -> F + Copy + Send + 'static,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let mut head = Vec::new();
                while stream.read_buf(&mut head).await.is_ok_and(|n| n > 0) {
                    let Some(response) = answer(&head, extensions) else {
                        continue;
                    };
                    drop(head);
                    if stream.write_all(&response).await.is_ok() {
                        handler(stream).await;
                    }
                    return;
                }
            });
        }
    })
}

/// Runs `handler` for each open connection, on smol's executor and reactor in one thread.
///
/// # Errors
/// System errors of the listener.
pub fn on_smol<F: Future<Output = ()> + 'static>(
    listener: TcpListener,
    handler: impl Fn(Async<TcpStream>) -> F + Copy + 'static,
) -> io::Result<()> {
    let executor = LocalExecutor::new();
    async_io::block_on(executor.run(async {
        let listener = Async::new(listener)?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.get_ref().set_nodelay(true)?;
            let task = executor.spawn(async move {
                let (mut head, mut part) = (Vec::new(), [0; 512]);
                while let Ok(n @ 1..) = stream.read(&mut part).await {
                    head.extend_from_slice(&part[..n]);
                    let Some(response) = answer(&head, None) else {
                        continue;
                    };
                    drop(head);
                    if stream.write_all(&response).await.is_ok() {
                        handler(stream).await;
                    }
                    return;
                }
            });
            task.detach();
        }
    }))
}

/// Returns the response to a request once it is complete; an invalid request has none.
fn answer(head: &[u8], extensions: Option<&str>) -> Option<Vec<u8>> {
    let (_, response) = opening::answer(head, Echo::Messages, extensions).ok()??;
    Some(response)
}
