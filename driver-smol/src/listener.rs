//! Sources of connections for a server.

use std::{
    future::Future,
    io,
    net::{TcpListener, TcpStream},
};

use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};

/// A source of streams for a [`Server`](crate::Server): a TCP or Unix listener, or anything else.
pub trait Listener: Send + 'static {
    /// The type of an accepted stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next stream. Must be cancel-safe.
    ///
    /// # Errors
    /// The error that the system reports. The server tries again, after a pause if necessary.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for Async<TcpListener> {
    type Stream = Async<TcpStream>;

    async fn accept(&mut self) -> io::Result<Async<TcpStream>> {
        let (stream, _) = Self::accept(self).await?;
        // Whole batches of frames are written at once, so Nagle's algorithm would only delay them. If it cannot be
        // set, the peer is gone already, which is no failure of the listener.
        let _ = stream.get_ref().set_nodelay(true);
        Ok(stream)
    }
}

#[cfg(unix)]
impl Listener for Async<std::os::unix::net::UnixListener> {
    type Stream = Async<std::os::unix::net::UnixStream>;

    async fn accept(&mut self) -> io::Result<Self::Stream> {
        Self::accept(self).await.map(|(stream, _)| stream)
    }
}
