//! A broadcast on its way to all loops, and what it has come to.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use wsproto::Prepared;

use crate::{
    event_loop::slab::Key,
    handle::promise::{Giver, Promise, promise},
};

/// Policy for a connection whose outgoing queue is long when a broadcast comes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlowReceivers {
    /// Queues the message, as far as [`queue_limit`](wsproto::Config::queue_limit) and
    /// [`overflow`](wsproto::Config::overflow) of the connection allow.
    #[default]
    Queue,
    /// Does not send this message to the connection.
    Skip {
        /// Bytes in its queue above which the connection counts as slow.
        above: usize,
    },
    /// Closes the connection with 1008.
    Close {
        /// Bytes in its queue above which the connection counts as slow.
        above: usize,
    },
}

/// The numbers of connections that a broadcast has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Reached {
    /// Connections that took the message: it is with the system, or in their queues.
    pub sent: usize,
    /// Connections that were too slow for it and were skipped or closed, by [`SlowReceivers`] or by
    /// [`Overflow::Close`](wsproto::Overflow::Close).
    pub slow: usize,
    /// Connections that had no room for it, or were in the middle of a message.
    pub refused: usize,
}

/// The receivers of a broadcast on one loop.
#[derive(Debug)]
pub(crate) enum Recipients {
    All,
    Topic(Arc<str>),
    Keys(Vec<Key>),
}

/// A broadcast on its way to all loops. The count is complete when the last loop has let go of it, also if that loop
/// has ended without looking at it.
pub(crate) struct BroadcastState {
    pub(crate) message: Prepared,
    pub(crate) slow: SlowReceivers,
    sent: AtomicUsize,
    too_slow: AtomicUsize,
    refused: AtomicUsize,
    giver: Option<Giver<Reached>>,
}

impl BroadcastState {
    pub(crate) fn new(message: Prepared, slow: SlowReceivers) -> (Arc<Self>, Promise<Reached>) {
        let (promise, giver) = promise();
        let state = Self {
            message,
            slow,
            sent: AtomicUsize::new(0),
            too_slow: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            giver: Some(giver),
        };
        (Arc::new(state), promise)
    }

    /// Adds the connections of one loop.
    pub(crate) fn add(&self, reached: Reached) {
        self.sent.fetch_add(reached.sent, Ordering::Relaxed);
        self.too_slow.fetch_add(reached.slow, Ordering::Relaxed);
        self.refused.fetch_add(reached.refused, Ordering::Relaxed);
    }
}

impl Drop for BroadcastState {
    fn drop(&mut self) {
        let reached = Reached {
            sent: *self.sent.get_mut(),
            slow: *self.too_slow.get_mut(),
            refused: *self.refused.get_mut(),
        };
        if let Some(giver) = self.giver.take() {
            giver.give(reached);
        }
    }
}

impl fmt::Debug for BroadcastState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastState")
            .field("slow", &self.slow)
            .finish_non_exhaustive()
    }
}
