//! What a server accepts connections from.

use std::{
    future::Future,
    io,
    net::{TcpListener, TcpStream},
};

use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};

/// A source of streams for a [`Server`](crate::Server): a TCP or Unix listener, or anything else.
pub trait Listener: Send + 'static {
    /// What is accepted.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next stream. Must be safe to drop and call again.
    ///
    /// # Errors
    /// What the system reports; the server tries again, after a pause if need be.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for Async<TcpListener> {
    type Stream = Async<TcpStream>;

    async fn accept(&mut self) -> io::Result<Async<TcpStream>> {
        let (stream, _) = Self::accept(self).await?;
        // Whole batches of frames are written at once: waiting for more would only delay them. Where
        // it cannot be set the peer is gone already, which is no failure of the listener.
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
