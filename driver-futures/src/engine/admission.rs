//! When a sender has to wait before it may queue something.

use wsproto::Overflow;

use super::Engine;
use crate::{clock::Clock, transport::Transport};

/// Something that a sender is about to queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A message of this many bytes.
    Message(usize),
    /// A message whose length is not known before it is queued.
    AnyMessage,
    /// A part of a message, of this many bytes. No policy drops it: half a message cannot be dropped.
    Part(usize),
}

impl<S: Transport, C: Clock> Engine<S, C> {
    /// Returns true if a sender need not wait before it queues `unit`.
    ///
    /// A sender waits while the queue is [high](wsproto::Connection::is_high), and also while the core would
    /// [refuse](wsproto::Connection::admits) what it has to send. With [`Overflow::DropNewest`] and
    /// [`Overflow::DropOldest`], messages never wait: those policies are for programs that would rather lose
    /// messages than time, and the core decides which ones. On a connection that is not open nothing waits
    /// either, since every send fails.
    pub(crate) fn has_room(&self, unit: Unit) -> bool {
        let connection = &self.connection;
        let overflow = connection.config().overflow;
        let is_refused = match unit {
            Unit::Message(_) | Unit::AnyMessage if drops(overflow) => return true,
            Unit::Message(len) => overflow == Overflow::Refuse && !connection.admits(len),
            Unit::AnyMessage => overflow == Overflow::Refuse && !connection.admits(usize::MAX),
            Unit::Part(len) => !connection.admits(len),
        };
        (!connection.is_high() && !is_refused) || !connection.is_open()
    }
}

/// Returns true if the policy drops messages.
const fn drops(overflow: Overflow) -> bool {
    matches!(overflow, Overflow::DropNewest | Overflow::DropOldest)
}
