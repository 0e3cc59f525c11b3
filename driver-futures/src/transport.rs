//! A byte stream as a task sees it.

use std::{
    io::{self, IoSlice},
    task::{Context, Poll},
};

/// A byte stream that wakes the task when it is ready.
///
/// The methods are those of the runtimes' own traits: `Pending` means that the task will be woken.
pub trait Transport: Unpin {
    /// Waits until there may be something to read. It is called before a read if the last read left room in its
    /// buffer, and so took everything: a runtime that knows that nothing has come since can save the system call
    /// of the read. The default is always ready.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Reads into `buf`; 0 bytes mean the end of the stream.
    ///
    /// # Errors
    /// The error that the stream reports.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes from `bufs`, of which at least one is not empty.
    ///
    /// # Errors
    /// The error that the stream reports.
    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>])
    -> Poll<io::Result<usize>>;

    /// Passes on bytes that the stream buffers itself, as TLS does.
    ///
    /// # Errors
    /// The error that the stream reports.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the writing side.
    ///
    /// # Errors
    /// The error that the stream reports.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}
