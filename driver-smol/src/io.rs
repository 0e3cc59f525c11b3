//! Streams of the futures traits as transports, with a direct path to sockets.

use std::{
    any::Any,
    io::{self, ErrorKind, IoSlice, Read},
    net::{Shutdown, TcpStream},
    pin::Pin,
    task::{Context, Poll, ready},
};

use async_io::Async;
use driver_futures::Transport;
use futures_io::{AsyncRead, AsyncWrite};

use crate::{bulk, edges::Watch};

/// Any stream, as the transport of a connection.
///
/// [`Async<TcpStream>`](Async) and `Async<UnixStream>` are recognized: they are read only when readable, which saves
/// a system call per message; their writing side can be shut; and on Linux waiting for them takes no system call of
/// its own.
#[derive(Debug)]
pub struct Io<S> {
    stream: S,
    watch: Option<Watch>,
}

impl<S: 'static> Io<S> {
    /// Makes a transport of a stream.
    pub fn new(stream: S) -> Self {
        Self {
            watch: Socket::of(&stream).and_then(|socket| socket.watch()),
            stream,
        }
    }

    /// The stream.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }
}

/// A stream that is a socket.
enum Socket<'a> {
    Tcp(&'a Async<TcpStream>),
    #[cfg(unix)]
    Unix(&'a Async<std::os::unix::net::UnixStream>),
}

impl<'a> Socket<'a> {
    /// The socket that a stream is, if it is one. Decided at compile time.
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

    fn watch(&self) -> Option<Watch> {
        match self {
            Self::Tcp(socket) => Watch::new(socket),
            #[cfg(unix)]
            Self::Unix(socket) => Watch::new(socket),
        }
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => socket.poll_readable(cx),
            #[cfg(unix)]
            Self::Unix(socket) => socket.poll_readable(cx),
        }
    }

    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => (&mut socket.get_ref()).read(buf),
            #[cfg(unix)]
            Self::Unix(socket) => (&mut socket.get_ref()).read(buf),
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
        if let Some(watch) = &self.watch {
            return watch.poll_readable(cx);
        }
        match Socket::of(&self.stream) {
            // The read reports the error.
            Some(socket) => socket.poll_readable(cx).map(drop),
            None => Poll::Ready(()),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if let (Some(watch), Some(socket)) = (&self.watch, Socket::of(&self.stream)) {
            loop {
                match socket.read(buf) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        ready!(watch.poll_readable(cx));
                    }
                    read => {
                        bulk::add(*read.as_ref().unwrap_or(&0));
                        return Poll::Ready(read);
                    }
                }
            }
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs {
            [one] => Pin::new(&mut self.stream).poll_write(cx, one),
            bufs => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Socket::of(&self.stream) {
            // Closing a stream of async-io only flushes it.
            Some(socket) => Poll::Ready(socket.shutdown()),
            None => Pin::new(&mut self.stream).poll_close(cx),
        }
    }
}
