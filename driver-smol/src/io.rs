//! Streams of the futures traits as transports, and the direct path to sockets.

use std::{
    any::Any,
    io::{self, IoSlice},
    net::{Shutdown, TcpStream},
    pin::Pin,
    task::{Context, Poll},
};

use async_io::Async;
use driver_async::Transport;
use futures_io::{AsyncRead, AsyncWrite};

/// Any stream, as the transport of a connection.
///
/// An [`Async<TcpStream>`](Async) and an `Async<UnixStream>` are recognized: they are not read from before
/// they have something, which saves a system call per message, and their writing side can be shut.
#[derive(Debug)]
pub struct Io<S>(pub S);

/// A stream that is a socket.
enum Socket<'a> {
    Tcp(&'a Async<TcpStream>),
    #[cfg(unix)]
    Unix(&'a Async<std::os::unix::net::UnixStream>),
}

impl<'a> Socket<'a> {
    /// Which one a stream is. Decided when this is compiled.
    fn of<S: 'static>(stream: &'a S) -> Option<Self> {
        let stream: &dyn Any = stream;
        if let Some(tcp) = stream.downcast_ref() {
            return Some(Self::Tcp(tcp));
        }
        #[cfg(unix)]
        if let Some(unix) = stream.downcast_ref() {
            return Some(Self::Unix(unix));
        }
        None
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => socket.poll_readable(cx),
            #[cfg(unix)]
            Self::Unix(socket) => socket.poll_readable(cx),
        }
    }

    fn shutdown(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.get_ref().shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(socket) => socket.get_ref().shutdown(Shutdown::Write),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Transport for Io<S> {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match Socket::of(&self.0) {
            // An error is for the read to find.
            Some(socket) => socket.poll_readable(cx).map(drop),
            None => Poll::Ready(()),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs {
            [one] => Pin::new(&mut self.0).poll_write(cx, one),
            bufs => Pin::new(&mut self.0).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Socket::of(&self.0) {
            // To close such a stream means nothing but to flush it.
            Some(socket) => Poll::Ready(socket.shutdown()),
            None => Pin::new(&mut self.0).poll_close(cx),
        }
    }
}
