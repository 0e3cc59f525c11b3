//! Admission of sends: whether a sender has to wait before it may queue something.

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
    #[inline]
    pub(crate) fn has_room(&self, unit: Unit) -> bool {
        let len = match unit {
            Unit::Message(len) | Unit::Part(len) => len,
            Unit::AnyMessage => usize::MAX,
        };
        (!self.connection.is_high() && self.connection.admits(len)) || self.may_send_anyway(unit)
    }

    /// Returns true if a sender need not wait although the queue is high or would not admit `unit`.
    #[cold]
    fn may_send_anyway(&self, unit: Unit) -> bool {
        let connection = &self.connection;
        let is_part = matches!(unit, Unit::Part(_));
        match connection.config().overflow {
            _ if !connection.is_open() => true,
            Overflow::DropNewest | Overflow::DropOldest => !is_part,
            // The core closes the connection instead of refusing the message.
            Overflow::Close => !is_part && !connection.is_high(),
            // `Refuse`, and every policy to come: nothing is sent that the core would refuse.
            _ => false,
        }
    }
}
