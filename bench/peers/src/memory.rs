//! An in-memory transport that is always ready: it supplies batches without end and accepts everything.

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

/// Incoming bytes come from a [`Source`]; outgoing bytes are only counted.
#[derive(Debug)]
pub struct Memory {
    source: Option<Source>,
    /// Number of bytes written; shared, because some libraries do not expose their transport.
    pub written: Rc<Cell<usize>>,
}

impl Memory {
    /// Creates a transport to receive from.
    #[must_use]
    pub fn reading(source: Source) -> Self {
        Self {
            source: Some(source),
            written: Rc::default(),
        }
    }

    /// Creates a transport to send to.
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
            // `put_slice` does not clear the memory first, unlike a read into `initialize_unfilled`.
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

/// Returns the output of a future that never waits, because its transport is always ready: the time
/// includes no executor, wake-up or timer.
///
/// # Panics
/// If the future is not ready.
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a transport in memory is always ready"),
    }
}
