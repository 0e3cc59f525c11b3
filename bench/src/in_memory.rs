//! The protocol core by itself, in memory: an endless wire, and the subjects that are timed. The
//! benchmarks beside other libraries (`bench/peers`, a package of its own) use the same parts, so
//! that all subjects see the same bytes.
//!
//! See `bench/NOTES.md` for what is measured and how to run it.

pub mod allocation;
pub mod compressed;
pub mod minimum;
pub mod ours;
pub mod wire;

pub use wire::{Sender, Source};
pub use wsproto::Role;

/// Something that is timed, one turn after the other.
pub trait Subject {
    /// Handles the messages of one batch and returns the bytes of them: payload bytes where
    /// messages are received, bytes for the wire where they are sent.
    fn turn(&mut self) -> usize;

    /// Bytes that it has put on the wire so far, if it makes them fewer than it handles.
    fn compressed_to(&self) -> Option<usize> {
        None
    }
}

/// How many messages share a turn: as many as lay in a socket after a short wait.
///
/// A turn costs something that its messages share, so small messages look the cheaper the more of
/// them come together. The same batches are used for all subjects.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// Messages at most.
    pub messages: usize,
    /// Payload bytes at most, unless one message alone has more.
    pub bytes: usize,
}

impl Default for Batch {
    /// 64 messages and 16 KiB: the wire and a read buffer stay in the nearest cache together.
    fn default() -> Self {
        Self {
            messages: 64,
            bytes: 16 << 10,
        }
    }
}

impl Batch {
    /// How many messages of that many bytes a turn handles; at least one.
    #[must_use]
    pub fn of(self, len: usize) -> usize {
        (self.bytes / len.max(1)).clamp(1, self.messages)
    }
}
