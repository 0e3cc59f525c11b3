//! A transport in memory that is always ready: it gives a batch without end and takes everything.

use std::{
    cell::Cell,
    hint::black_box,
    io::{self, IoSlice, Read, Write},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bench::in_memory::Source;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What comes in is a [`Source`]; of what goes out, only the bytes are counted.
#[derive(Debug)]
pub struct Memory {
    source: Option<Source>,
    /// Bytes that were written; shared, because some libraries do not show their transport.
    pub written: Rc<Cell<usize>>,
}

impl Memory {
    /// A transport to receive from.
    #[must_use]
    pub fn reading(source: Source) -> Self {
        Self {
            source: Some(source),
            written: Rc::default(),
        }
    }

    /// A transport to send to.
    #[must_use]
    pub fn writing() -> Self {
        Self {
            source: None,
            written: Rc::default(),
        }
    }

    fn count(&self, bytes: &[u8]) -> usize {
        let n = black_box(bytes).len();
        self.written.set(self.written.get() + n);
        n
    }

    fn count_all(&self, slices: &[IoSlice<'_>]) -> usize {
        let n = black_box(slices)
            .iter()
            .map(|slice| slice.len())
            .sum::<usize>();
        self.written.set(self.written.get() + n);
        n
    }
}

impl Read for Memory {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.source.as_mut().map_or(0, |source| source.read(buf)))
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.count(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.count_all(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(source) = &mut self.source {
            // `put_slice` does not clear the memory first, as a read into `initialize_unfilled` would.
            let bytes = source.peek(buf.remaining());
            buf.put_slice(bytes);
            let n = bytes.len();
            source.skip(n);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.count(bytes)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.count_all(slices)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(feature = "soketto-deflate")]
impl futures_io::AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.read(buf))
    }
}

#[cfg(feature = "soketto-deflate")]
impl futures_io::AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.count(bytes)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The output of a future that never waits, because its transport is always ready: no executor, no
/// wake-up and no timer is part of the time.
///
/// # Panics
/// If it waits all the same.
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a transport in memory is always ready"),
    }
}
