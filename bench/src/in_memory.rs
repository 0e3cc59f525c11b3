//! The protocol core alone, in memory: an endless wire, and the subjects that are timed. The benchmarks
//! beside other libraries (`bench/peers`, a package of its own) use the same parts, so that all
//! subjects process the same bytes.
//!
//! `bench/NOTES.md` describes the method and how to run the benchmarks.

pub mod allocation;
pub mod compressed;
pub mod minimum;
pub mod ours;
pub mod wire;

pub use wire::{Sender, Source};
pub use wsproto::Role;

/// A subject that is timed, turn by turn.
pub trait Subject {
    /// Handles one batch of messages and returns the number of bytes handled: payload bytes when
    /// receiving, wire bytes when sending.
    fn turn(&mut self) -> usize;

    /// Returns the bytes written to the wire so far, if compression makes them fewer than the bytes
    /// handled.
    fn compressed_to(&self) -> Option<usize> {
        None
    }
}

/// Number of messages per turn: as many as arrive at a socket in a short wait.
///
/// The messages of a turn share its fixed cost, so larger batches make small messages look cheaper. All
/// subjects use the same batches.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// Maximum number of messages.
    pub messages: usize,
    /// Maximum number of payload bytes, unless a single message is longer.
    pub bytes: usize,
}

impl Default for Batch {
    /// 64 messages and 16 KiB: the wire and a read buffer fit the first-level cache together.
    fn default() -> Self {
        Self {
            messages: 64,
            bytes: 16 << 10,
        }
    }
}

impl Batch {
    /// Returns the number of messages of `len` bytes per turn; at least one.
    #[must_use]
    pub fn of(self, len: usize) -> usize {
        (self.bytes / len.max(1)).clamp(1, self.messages)
    }
}
