//! The answer to the one question that a driver has to ask.

use crate::clock::Time;

/// A driver's whole to-do list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Wants {
    /// Read when there is something, and hand it to [`next_event`](crate::Connection::next_event).
    pub read: bool,
    /// Write [`outgoing`](crate::Connection::outgoing) as soon as the transport takes it.
    pub write: bool,
    /// Shut the transport's writing side, then call [`handle_shutdown`](crate::Connection::handle_shutdown).
    pub shutdown: bool,
    /// Drop the transport: there is nothing to do any more.
    pub done: bool,
    /// Call [`next_event`](crate::Connection::next_event), though nothing was read: time or a write has brought news, or
    /// input that was set aside can go on.
    pub event: bool,
    /// Call [`handle_timeout`](crate::Connection::handle_timeout) at that moment, or soon after.
    pub deadline: Option<Time>,
}
