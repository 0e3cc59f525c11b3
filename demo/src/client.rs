//! A client of an endpoint that also sends unsolicited messages: the client's messages are handled
//! here, and messages to it go through a [mailbox](crate::mailbox).

use std::ops::ControlFlow;

use wsproto::{CloseCode, Message};

/// The endpoint's side of one client. Dropped when the client has left.
pub(crate) trait Client {
    /// Handles a message from the client. May end the connection.
    fn handle(&mut self, message: Message) -> ControlFlow<Farewell>;
}

/// The Close frame with which the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Farewell {
    /// The close code.
    pub(crate) code: CloseCode,
    /// The close reason.
    pub(crate) reason: &'static str,
}

/// For a client whose mailbox has overflowed.
pub(crate) const TOO_SLOW: Farewell = Farewell {
    code: CloseCode::TRY_AGAIN_LATER,
    reason: "too slow",
};

/// The close reason for every client when the server shuts down.
pub(crate) const SHUTTING_DOWN: &str = "server is shutting down";
