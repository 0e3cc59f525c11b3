//! What a poll of a connection is asked to do, and what it found.

use wsproto::Time;

use crate::incoming::Incoming;

/// What [`Engine::poll_event`](crate::engine::Engine::poll_event) found.
#[derive(Debug)]
pub(crate) enum Found {
    /// Something for the application, taken out of the input.
    Incoming(Incoming),
    /// `next_event` has something to lend; only if the task is to [lend](Task::lend).
    Lendable,
    /// The connection is over: nothing is left to receive, to send or to wait for.
    Over,
    /// The caller's deadline has passed.
    TimedOut,
}

/// What a poll is to do beside what the connection wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    /// How much input it takes.
    pub(crate) intake: Intake,
    /// Leaves what it finds in the input, to be lent.
    pub(crate) lend: bool,
    /// Returns [`Found::TimedOut`] at this moment.
    pub(crate) deadline: Option<Time>,
}

impl Task {
    /// Receives for as long as it takes.
    pub(crate) const RECEIVE: Self = Self {
        intake: Intake::Any,
        lend: false,
        deadline: None,
    };

    /// As [`RECEIVE`](Self::RECEIVE), and copies nothing.
    pub(crate) const LEND: Self = Self {
        lend: true,
        ..Self::RECEIVE
    };
}

/// How much input a poll takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intake {
    /// Whatever comes: somebody waits for it.
    Any,
    /// As much as may be read ahead.
    Ahead,
    /// Nothing: the application has enough for now.
    Nothing,
}

/// What becomes of what is received while the application does something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiving {
    /// It is read ahead, up to a bound.
    Keep,
    /// It is not read: what was read already is lent to somebody, and comes first.
    Lent,
    /// Nobody will ask for it.
    Discard,
}
