//! The figures of loops, counted by each loop for itself.

use std::{
    iter::Sum,
    ops::Add,
    sync::atomic::{AtomicU64, Ordering},
};

/// The figures of one loop since it was started, or the sum of several loops.
///
/// From [`ServerHandle::stats`](crate::ServerHandle::stats). The figures of a loop are read one after the
/// other while it works, so they may be of slightly different moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Connections at present, opening and closing ones included.
    pub connections: u64,
    /// Connections that were accepted, dialled or adopted.
    pub begun: u64,
    /// Connections that have opened, which means that their handshakes were completed.
    pub opened: u64,
    /// Messages received. With [`Delivery::Chunks`](wsproto::Delivery::Chunks), each chunk counts.
    pub messages_received: u64,
    /// Messages sent. Each part of a streamed message and each receiver of a broadcast counts.
    pub messages_sent: u64,
    /// Bytes read from sockets.
    pub bytes_received: u64,
    /// Bytes written to sockets.
    pub bytes_sent: u64,
    /// Bytes in outgoing queues at present.
    pub bytes_queued: u64,
    /// Commands of other threads that wait for the loop at present.
    pub commands_waiting: u64,
    /// Reads from sockets, each a system call.
    pub reads: u64,
    /// Writes to sockets, each a system call.
    pub writes: u64,
    /// Waits for events, each a system call.
    pub waits: u64,
    /// Events that the waits have returned.
    pub events: u64,
}

impl Add for Stats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            connections: self.connections + other.connections,
            begun: self.begun + other.begun,
            opened: self.opened + other.opened,
            messages_received: self.messages_received + other.messages_received,
            messages_sent: self.messages_sent + other.messages_sent,
            bytes_received: self.bytes_received + other.bytes_received,
            bytes_sent: self.bytes_sent + other.bytes_sent,
            bytes_queued: self.bytes_queued + other.bytes_queued,
            commands_waiting: self.commands_waiting + other.commands_waiting,
            reads: self.reads + other.reads,
            writes: self.writes + other.writes,
            waits: self.waits + other.waits,
            events: self.events + other.events,
        }
    }
}

impl Sum for Stats {
    fn sum<I: Iterator<Item = Self>>(stats: I) -> Self {
        stats.fold(Self::default(), Add::add)
    }
}

/// A count that one thread changes and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds to the count. Only the loop that owns the count may call this, so that no atomic addition is needed.
    #[inline]
    pub(crate) fn add(&self, n: usize) {
        let sum = self.0.load(Ordering::Relaxed).wrapping_add(n as u64);
        self.0.store(sum, Ordering::Relaxed);
    }

    /// Subtracts from the count, under the rule of [`add`](Self::add).
    #[inline]
    pub(crate) fn subtract(&self, n: usize) {
        let rest = self.0.load(Ordering::Relaxed).wrapping_sub(n as u64);
        self.0.store(rest, Ordering::Relaxed);
    }

    /// Replaces a contribution of `before` by one of `after`.
    #[inline]
    pub(crate) fn change(&self, before: usize, after: usize) {
        if before != after {
            self.add(after.wrapping_sub(before));
        }
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counts of one loop.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: Count,
    pub(crate) begun: Count,
    pub(crate) opened: Count,
    pub(crate) messages_received: Count,
    pub(crate) messages_sent: Count,
    pub(crate) bytes_received: Count,
    pub(crate) bytes_sent: Count,
    pub(crate) bytes_queued: Count,
    pub(crate) reads: Count,
    pub(crate) writes: Count,
    pub(crate) waits: Count,
    pub(crate) events: Count,
}

impl Counters {
    /// Returns the figures at present.
    pub(crate) fn stats(&self, commands_waiting: usize) -> Stats {
        Stats {
            connections: self.connections.get(),
            begun: self.begun.get(),
            opened: self.opened.get(),
            messages_received: self.messages_received.get(),
            messages_sent: self.messages_sent.get(),
            bytes_received: self.bytes_received.get(),
            bytes_sent: self.bytes_sent.get(),
            bytes_queued: self.bytes_queued.get(),
            commands_waiting: commands_waiting as u64,
            reads: self.reads.get(),
            writes: self.writes.get(),
            waits: self.waits.get(),
            events: self.events.get(),
        }
    }
}
