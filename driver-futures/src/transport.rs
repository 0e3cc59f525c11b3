//! A byte stream as a task sees it.

use std::{
    io::{self, IoSlice},
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
