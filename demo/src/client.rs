//! A client of an endpoint that speaks unasked: what the client says comes in here, what it is told
//! goes out by a [mailbox](crate::mailbox).

use std::ops::ControlFlow;

use wsproto::{CloseCode, Message};

/// What an endpoint does for one of its clients. Dropped when the client is gone.
pub(crate) trait Client {
    /// Takes a message of the client's. May end the connection.
    fn handle(&mut self, message: Message) -> ControlFlow<Farewell>;
}

/// How the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Farewell {
    /// The code of the Close frame.
    pub(crate) code: CloseCode,
    /// The reason in it.
    pub(crate) reason: &'static str,
}

/// To a client whose mailbox ran over.
pub(crate) const TOO_SLOW: Farewell = Farewell {
    code: CloseCode::TRY_AGAIN_LATER,
    reason: "too slow",
};

/// The reason that everybody gets when the server goes.
pub(crate) const SHUTTING_DOWN: &str = "server is shutting down";
