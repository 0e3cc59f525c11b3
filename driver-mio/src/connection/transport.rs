//! What connections run over: sockets, or whatever else can be read and written.

use std::{
    cell::Cell,
    fmt,
    io::{self, ErrorKind, IoSlice, Read, Write},
    sync::Arc,
};

use mio::{Interest, Registry, Token, event::Source};
use socket2::Socket;

use crate::{
    command::{Command, Mailbox},
    event_loop::slab::Key,
    stats::Counters,
};

/// What a connection is registered for, once and for all: edges of both kinds.
pub(crate) const INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// A transport that is no plain socket: TLS, a reliable protocol over datagrams, a pipe in memory.
///
/// `read` and `write` must not block, but fail with [`WouldBlock`](ErrorKind::WouldBlock); reading zero
/// bytes is the end of the stream. Both are called on one loop only.
pub trait Transport: Read + Write + Send {
    /// Arranges to be told when reading or writing may go on, after either would have blocked.
    ///
    /// # Errors
    /// What the system reports; the connection is not made then.
    fn register(&mut self, registration: Registration<'_>) -> io::Result<()>;

    /// Ends the writing side, so that the peer reads the end of the stream behind everything written.
    ///
    /// # Errors
    /// What the transport reports. [`WouldBlock`](ErrorKind::WouldBlock) has it called again.
    fn shutdown(&mut self) -> io::Result<()>;
}

/// How a [`Transport`] is told apart from others: for a descriptor, or for notices of its own.
pub struct Registration<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) token: Token,
    pub(crate) mailbox: &'a Arc<Mailbox>,
    pub(crate) key: Key,
}

impl Registration<'_> {
    /// Has the loop watch something with a descriptor, a socket underneath for example, for as long as that
    /// is open.
    ///
    /// # Errors
    /// What the system reports.
    pub fn watch(&self, source: &mut impl Source) -> io::Result<()> {
        source.register(self.registry, self.token, INTEREST)
    }

    /// For a transport without a descriptor: says from any thread that reading or writing may go on.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        Notifier {
            mailbox: Arc::clone(self.mailbox),
            key: self.key,
        }
    }
}

impl fmt::Debug for Registration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}

/// Tells a loop that a [`Transport`] has news.
#[derive(Debug, Clone)]
pub struct Notifier {
    mailbox: Arc<Mailbox>,
    key: Key,
}

impl Notifier {
    /// Has the loop read and write again. Does nothing once the connection is gone.
    pub fn notify(&self) {
        // A loop that has ended has no connections.
        let _ = self.mailbox.push(Command::Notified(self.key));
    }
}

/// A transport during one turn.
pub(crate) enum Wire<'a> {
    Socket(SocketWire<'a>),
    Other(&'a mut dyn Transport),
}

/// A socket during one turn, and whether it has said that it would block on writing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketWire<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) blocked: &'a Cell<bool>,
    /// Bytes of the last read in this turn.
    pub(crate) received: &'a Cell<usize>,
    pub(crate) counters: &'a Counters,
}

impl SocketWire<'_> {
    #[inline]
    fn note(self, len: usize, written: io::Result<usize>) -> io::Result<usize> {
        self.counters.writes.add(1);
        if let Ok(n) = written {
            self.counters.bytes_sent.add(n);
        }
        match &written {
            // What was taken in part has filled the socket's buffer: trying again would only be told so.
            Ok(n) => self.blocked.set(*n < len),
            Err(error) => self.blocked.set(error.kind() == ErrorKind::WouldBlock),
        }
        written
    }

    #[inline]
    pub(crate) fn write(mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.blocked.get() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let written = (&mut self.socket).write(bytes);
        self.note(bytes.len(), written)
    }

    pub(crate) fn write_vectored(mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.blocked.get() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let written = (&mut self.socket).write_vectored(slices);
        self.note(slices.iter().map(|slice| slice.len()).sum(), written)
    }
}

impl Read for Wire<'_> {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Socket(wire) => {
                let read = wire.socket.read(buf);
                wire.counters.reads.add(1);
                if let Ok(n) = read {
                    wire.counters.bytes_received.add(n);
                    wire.received.set(n);
                }
                read
            }
            Self::Other(transport) => transport.read(buf),
        }
    }
}

impl Write for Wire<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Socket(wire) => wire.write(bytes),
            Self::Other(transport) => transport.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Socket(wire) => wire.write_vectored(slices),
            Self::Other(transport) => transport.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Socket(_) => Ok(()),
            Self::Other(transport) => transport.flush(),
        }
    }
}
