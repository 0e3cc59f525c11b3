//! The next work of a driver for a connection.

use crate::clock::Time;

/// The next work of a driver for one connection, returned by [`Connection::wants`](crate::Connection::wants).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Wants {
    /// Read when the transport is readable, and hand the bytes to
    /// [`next_event`](crate::Connection::next_event).
    pub read: bool,
    /// Write [`outgoing`](crate::Connection::outgoing) as soon as the transport is writable.
    pub write: bool,
    /// Shut the transport's writing side, then call [`handle_shutdown`](crate::Connection::handle_shutdown).
    pub shutdown: bool,
    /// Drop the transport: the connection has no further use for it.
    pub done: bool,
    /// Call [`next_event`](crate::Connection::next_event) without reading first: a deadline or a write has
    /// caused an event, or input that was set aside can be processed.
    pub event: bool,
    /// Call [`handle_timeout`](crate::Connection::handle_timeout) at this time, or soon after. `None` if no
    /// deadline is running.
    pub deadline: Option<Time>,
}
