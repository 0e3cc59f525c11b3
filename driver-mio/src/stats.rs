//! What loops have done so far, and what they hold: counted by each loop for itself.

use std::{
    iter::Sum,
    ops::Add,
    sync::atomic::{AtomicU64, Ordering},
};

/// What one loop has done since it was started, and what it holds; or several loops together.
///
/// From [`ServerHandle::stats`](crate::ServerHandle::stats). The figures of a loop are read one after the
/// other while it works on, so they may be of slightly different moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Connections that there are, opening and closing ones included.
    pub connections: u64,
    /// Connections that were accepted, dialled or adopted.
    pub begun: u64,
    /// Connections that have opened: their handshakes were complete.
    pub opened: u64,
    /// Messages that came; in chunks, each chunk counts.
    pub messages_received: u64,
    /// Messages that were sent, each fragment and each receiver of a broadcast counted.
    pub messages_sent: u64,
    /// Bytes that were read from sockets.
    pub bytes_received: u64,
    /// Bytes that sockets have taken.
    pub bytes_sent: u64,
    /// Bytes that wait in outgoing queues.
    pub bytes_queued: u64,
    /// Orders of other threads that wait for the loop.
    pub orders_waiting: u64,
    /// Reads from sockets, each a system call.
    pub reads: u64,
    /// Writes to sockets, each a system call.
    pub writes: u64,
    /// Waits for news, each a system call.
    pub waits: u64,
    /// Pieces of news that the waits have brought.
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
            orders_waiting: self.orders_waiting + other.orders_waiting,
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

/// A number that one thread changes and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// To be called by the loop that counts, and by nobody else: so there is no need for anything that
    /// keeps other cores waiting.
    #[inline]
    pub(crate) fn add(&self, n: usize) {
        let sum = self.0.load(Ordering::Relaxed).wrapping_add(n as u64);
        self.0.store(sum, Ordering::Relaxed);
    }

    /// Like [`add`](Self::add), the other way.
    #[inline]
    pub(crate) fn subtract(&self, n: usize) {
        let rest = self.0.load(Ordering::Relaxed).wrapping_sub(n as u64);
        self.0.store(rest, Ordering::Relaxed);
    }

    /// Something that was `before` is `after` now.
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

/// What one loop counts.
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
    /// The figures as they are now.
    pub(crate) fn stats(&self, orders_waiting: usize) -> Stats {
        Stats {
            connections: self.connections.get(),
            begun: self.begun.get(),
            opened: self.opened.get(),
            messages_received: self.messages_received.get(),
            messages_sent: self.messages_sent.get(),
            bytes_received: self.bytes_received.get(),
            bytes_sent: self.bytes_sent.get(),
            bytes_queued: self.bytes_queued.get(),
            orders_waiting: orders_waiting as u64,
            reads: self.reads.get(),
            writes: self.writes.get(),
            waits: self.waits.get(),
            events: self.events.get(),
        }
    }
}
