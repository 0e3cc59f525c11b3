//! A byte stream as a task sees it, and as the non-blocking stream that the kit reads and writes.

use std::{
    io::{self, ErrorKind, IoSlice, Read, Write},
    task::{Context, Poll},
};

/// A byte stream that wakes the task when it can go on.
///
/// Each method is what the runtimes' own traits have: `Pending` means that the task will be woken.
pub trait Transport: Unpin {
    /// Waits until there may be something to read. Asked after a read that left room in its buffer, which
    /// therefore took all that there was: where a read would find out by a system call that there is
    /// nothing more, this may spare it. Else it is ready at once.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Reads into `buf`; 0 bytes mean the end of the stream.
    ///
    /// # Errors
    /// What the stream reports.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes from `bufs`, of which at least one is not empty.
    ///
    /// # Errors
    /// What the stream reports.
    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>])
    -> Poll<io::Result<usize>>;

    /// Passes on what the stream itself buffers, as TLS does.
    ///
    /// # Errors
    /// What the stream reports.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the writing side.
    ///
    /// # Errors
    /// What the stream reports.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// The transport for the time of a poll: what is pending would block.
pub(crate) struct NonBlocking<'a, 'b, S> {
    transport: &'a mut S,
    cx: &'a mut Context<'b>,
    max_read: usize,
    /// Whether the last read took all that there was.
    drained: &'a mut bool,
}

impl<'a, 'b, S: Transport> NonBlocking<'a, 'b, S> {
    /// A stream that reads at most `max_read` bytes at a time.
    pub(crate) const fn new(
        transport: &'a mut S,
        cx: &'a mut Context<'b>,
        max_read: usize,
        drained: &'a mut bool,
    ) -> Self {
        Self {
            transport,
            cx,
            max_read,
            drained,
        }
    }
}

impl<S: Transport> Read for NonBlocking<'_, '_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if *self.drained && self.transport.poll_readable(self.cx).is_pending() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let len = buf.len().min(self.max_read);
        let n = would_block(self.transport.poll_read(self.cx, &mut buf[..len]))?;
        *self.drained = n < len;
        Ok(n)
    }
}

impl<S: Transport> Write for NonBlocking<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        would_block(self.transport.poll_write(self.cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        would_block(self.transport.poll_flush(self.cx))
    }
}

fn would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}
