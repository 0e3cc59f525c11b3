//! The task of a poll, and its result.

use wsproto::Time;

use crate::incoming::Incoming;

/// The result of a poll of a connection.
#[derive(Debug)]
pub(crate) enum Found {
    /// An event for the application, taken out of the input.
    Incoming(Incoming),
    /// An event that was announced and can be lent; only if the poll [lends](PollMode::lend).
    Lendable,
    /// The connection is over: nothing is left to receive, to send or to wait for.
    Over,
    /// The caller's deadline has passed.
    TimedOut,
}

/// Options of a poll, beside the connection's own wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PollMode {
    pub(crate) reads: ReadBudget,
    /// Leaves the event that it finds in the input, to be lent.
    pub(crate) lend: bool,
    /// The poll returns [`Found::TimedOut`] at this moment.
    pub(crate) deadline: Option<Time>,
}

impl PollMode {
    /// Receives, and waits for as long as it takes.
    pub(crate) const RECEIVE: Self = Self {
        reads: ReadBudget::Unlimited,
        lend: false,
        deadline: None,
    };

    /// As [`RECEIVE`](Self::RECEIVE), without a copy.
    pub(crate) const LEND: Self = Self {
        lend: true,
        ..Self::RECEIVE
    };
}

/// The read limit of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadBudget {
    /// Everything that comes: somebody waits for it.
    Unlimited,
    /// The rest of the bytes that may be read ahead.
    Ahead,
    /// Nothing, and no event is taken either: the application has enough for now.
    Nothing,
}

/// The handling of incoming events while the application sends or closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiving {
    /// They are read ahead, up to a bound.
    Keep,
    /// Nothing is read: input that was read before is lent to the receiver, and comes first.
    Lent,
    /// They are dropped: nobody will ask for them.
    Discard,
}
