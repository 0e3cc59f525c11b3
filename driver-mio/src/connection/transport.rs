//! Transports that are no plain sockets.

use std::{
    fmt,
    io::{self, Read, Write},
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use mio::{Interest, Registry, Token, event::Source};

use crate::event_loop::slab::Key;

/// The interest that every connection is registered with, once: edges of both kinds.
pub(crate) const INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// A transport that is no plain socket: TLS, a reliable protocol over datagrams, a pipe in memory.
///
/// `read` and `write` must not block, but fail with [`WouldBlock`](io::ErrorKind::WouldBlock). A `read` that
/// returns zero is the end of the stream. Both are called on one loop only.
pub trait Transport: Read + Write + Send {
    /// Registers for notifications when reading or writing can go on, after either would have blocked.
    ///
    /// # Errors
    /// The system's error. The connection does not come about then.
    fn register(&mut self, registration: Registration<'_>) -> io::Result<()>;

    /// Ends the writing side, so that the peer reads the end of the stream behind everything written.
    ///
    /// # Errors
    /// The transport's error. After [`WouldBlock`](io::ErrorKind::WouldBlock) it is called again.
    fn shutdown(&mut self) -> io::Result<()>;
}

/// Registers a [`Transport`] with its loop: by a descriptor that the loop watches, or by a [`Notifier`].
pub struct Registration<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) token: Token,
    pub(crate) notifier: Notifier,
}

impl Registration<'_> {
    /// Has the loop watch a source with a descriptor, for example the socket underneath, for as long as the descriptor
    /// is open.
    ///
    /// # Errors
    /// The system's error.
    pub fn watch(&self, source: &mut impl Source) -> io::Result<()> {
        source.register(self.registry, self.token, INTEREST)
    }

    /// Returns a notifier for a transport without a descriptor, to be called from any thread when reading or writing
    /// can go on.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }
}

impl fmt::Debug for Registration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}

/// A loop that can be told that a transport of its can go on.
pub(crate) trait Notify: fmt::Debug + Send + Sync + UnwindSafe + RefUnwindSafe {
    fn notify(&self, key: Key);
}

/// Tells a loop that a [`Transport`] can go on.
#[derive(Debug, Clone)]
pub struct Notifier {
    mailbox: Arc<dyn Notify>,
    key: Key,
}

impl Notifier {
    pub(crate) fn new(mailbox: Arc<dyn Notify>, key: Key) -> Self {
        Self { mailbox, key }
    }

    /// Has the loop read and write again. Does nothing once the connection is gone.
    pub fn notify(&self) {
        self.mailbox.notify(self.key);
    }
}
