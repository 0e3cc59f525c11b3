//! The upper bound of a runtime: a task for each connection that echoes bytes, waiting as the driver
//! waits and without any WebSocket. The difference between this and the raw echo is the cost of the
//! runtime, and the difference between this and a driver is the cost of the driver.

use std::{
    cell::RefCell,
    future::poll_fn,
    io::{self, IoSlice},
    net::TcpListener,
    task::{Context, Poll, ready},
};

use async_io::Async;
use driver_futures::{AcceptFrom, Spawn, Transport};
use driver_smol::Smol;
use driver_tokio::Tokio;
use tokio::runtime::Builder;

use super::BUFFER;
use crate::opening::{self, Echo};

thread_local! {
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into_boxed_slice());
}

/// Echoes bytes forever, on tokio's current-thread runtime.
///
/// # Errors
/// System errors of the listener and of the runtime.
pub fn on_tokio(listener: TcpListener) -> io::Result<()> {
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async { serve::<_, Tokio>(tokio::net::TcpListener::from_std(listener)?).await })
}

/// Echoes bytes forever, on async-io's reactor in this thread.
///
/// # Errors
/// System errors of the listener.
pub fn on_smol(listener: TcpListener) -> io::Result<()> {
    async_io::block_on(async { serve::<_, Smol>(Async::new(listener)?).await })
}

async fn serve<L: Send, R: AcceptFrom<L>>(mut listener: L) -> io::Result<()> {
    let spawner = R::Spawner::default();
    spawner
        .run_until(async {
            loop {
                let transport = R::accept(&mut listener).await?;
                let mut connection = Connection {
                    transport,
                    phase: Phase::Opening(Vec::new()),
                    unsent: Vec::new(),
                    drained: false,
                };
                spawner.spawn(async move {
                    // The other end reports errors of a connection.
                    let _ = poll_fn(|cx| connection.poll(cx)).await;
                });
            }
        })
        .await
}

struct Connection<S> {
    transport: S,
    phase: Phase,
    /// Bytes that the socket did not accept. Until it does, nothing more is read.
    unsent: Vec<u8>,
    /// True if the last read emptied the socket.
    drained: bool,
}

enum Phase {
    /// The part of the request received so far.
    Opening(Vec<u8>),
    Open,
}

impl<S: Transport> Connection<S> {
    /// Ready at the end of the stream.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        READ.with_borrow_mut(|buf| {
            loop {
                let unsent = std::mem::take(&mut self.unsent);
                if self.poll_write(cx, &unsent)?.is_pending() {
                    return Poll::Pending;
                }
                if self.drained {
                    ready!(self.transport.poll_readable(cx));
                }
                let n = ready!(self.transport.poll_read(cx, buf))?;
                if n == 0 {
                    return Poll::Ready(Ok(()));
                }
                self.drained = n < buf.len();
                match &mut self.phase {
                    Phase::Open => {
                        if self.poll_write(cx, &buf[..n])?.is_pending() {
                            return Poll::Pending;
                        }
                    }
                    Phase::Opening(head) => {
                        head.extend_from_slice(&buf[..n]);
                        let answer = opening::answer(head, Echo::Bytes, None);
                        let Some((len, mut bytes)) = answer.map_err(io::Error::other)? else {
                            continue;
                        };
                        bytes.extend_from_slice(&head[len..]);
                        self.phase = Phase::Open;
                        self.unsent = bytes;
                    }
                }
            }
        })
    }

    /// Bytes that the transport does not accept are kept.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mut bytes: &[u8],
    ) -> Result<Poll<()>, io::Error> {
        while !bytes.is_empty() {
            let Poll::Ready(n) = self.transport.poll_write(cx, &[IoSlice::new(bytes)]) else {
                self.unsent = bytes.to_vec();
                return Ok(Poll::Pending);
            };
            bytes = &bytes[n?..];
        }
        Ok(Poll::Ready(()))
    }
}
