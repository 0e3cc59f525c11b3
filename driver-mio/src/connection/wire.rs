//! A connection's transport during one turn.

use std::{
    cell::Cell,
    io::{self, ErrorKind, IoSlice, Read, Write},
};

use socket2::Socket;

use super::transport::Transport;
use crate::stats::Counters;

/// A transport during one turn.
pub(crate) enum Wire<'a> {
    Socket(SocketWire<'a>),
    Other(&'a mut dyn Transport),
}

/// A socket during one turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketWire<'a> {
    pub(crate) socket: &'a Socket,
    /// Writing would block.
    pub(crate) blocked: &'a Cell<bool>,
    /// Bytes of the last read in this turn.
    pub(crate) received: &'a Cell<usize>,
    pub(crate) counters: &'a Counters,
}

impl SocketWire<'_> {
    /// Counts a write of `len` bytes, and notes if the next one would block.
    #[inline]
    fn note(self, len: usize, written: io::Result<usize>) -> io::Result<usize> {
        self.counters.writes.add(1);
        if let Ok(n) = written {
            self.counters.bytes_sent.add(n);
        }
        match &written {
            // A write that was taken in part has filled the socket's buffer. The next one would only find that out.
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
