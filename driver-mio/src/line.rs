//! The line from any thread to one connection: where its loop is, and how much is on its way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use wsproto::{Config, Overflow, SendError};

use crate::{
    command::{Command, Mailbox, Order},
    slab::Key,
};

/// Whether something may be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A message.
    Whole,
    /// A part of one, without which the others are worth nothing.
    Fragment,
}

/// Shared by a connection and all its handles. Made when the first handle is asked for.
#[derive(Debug)]
pub(crate) struct Line {
    mailbox: Arc<Mailbox>,
    pub(crate) key: Key,
    config: Arc<Config>,
    /// Bytes in the mailbox.
    on_their_way: AtomicUsize,
    /// Bytes in the connection's queue, when its loop last looked.
    queued: AtomicUsize,
    closed: AtomicBool,
}

impl Line {
    pub(crate) fn new(mailbox: Arc<Mailbox>, key: Key, config: Arc<Config>) -> Self {
        Self {
            mailbox,
            key,
            config,
            on_their_way: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    // For handles.

    /// Whether a message, or a part of one, may be put on its way.
    pub(crate) fn admit(&self, len: usize, part: Part) -> Result<(), SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        let Config {
            queue_high,
            queue_limit,
            overflow,
            ..
        } = *self.config;
        let on_their_way = self.on_their_way.load(Ordering::Relaxed);
        let before = match overflow {
            // What is queued already makes room, or has the connection closed.
            Overflow::DropOldest | Overflow::Close => on_their_way,
            _ => on_their_way + self.queued.load(Ordering::Relaxed),
        };
        // The rule of the connection's own queue.
        if before < queue_high.min(queue_limit) || before.saturating_add(len) <= queue_limit {
            return Ok(());
        }
        Err(match (overflow, part) {
            (Overflow::DropNewest, Part::Whole) => SendError::Dropped,
            _ => SendError::QueueFull,
        })
    }

    /// Passes an order on to the loop.
    pub(crate) fn pass(self: &Arc<Self>, order: Order) -> Result<(), SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        self.on_their_way.fetch_add(order.len(), Ordering::Relaxed);
        self.mailbox
            .push(Command::Order(Arc::clone(self), order))
            .map_err(|_| SendError::Closed)
    }

    /// Whether the connection is on the loop with that mailbox.
    pub(crate) fn is_on(&self, mailbox: &Arc<Mailbox>) -> bool {
        Arc::ptr_eq(&self.mailbox, mailbox)
    }

    /// Passes a command on to the loop that is no order.
    pub(crate) fn command(&self, command: Command) -> Result<(), SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        self.mailbox.push(command).map_err(|_| SendError::Closed)
    }

    /// Bytes that were sent and have not gone to the transport.
    pub(crate) fn buffered(&self) -> usize {
        self.on_their_way.load(Ordering::Relaxed) + self.queued.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    // For the loop.

    /// An order of that length has arrived.
    pub(crate) fn arrived(&self, len: usize) {
        self.on_their_way.fetch_sub(len, Ordering::Relaxed);
    }

    /// So much is queued.
    pub(crate) fn set_queued(&self, bytes: usize) {
        self.queued.store(bytes, Ordering::Relaxed);
    }

    /// The connection takes nothing any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }
}
