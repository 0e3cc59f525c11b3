//! Calls that the user of a driver may give up in the middle, and their outcome: the same questions to every
//! driver, answered by each in its own way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Something that waits on an open connection, or for a thread to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Waiting for a message.
    Receive,
    /// Waiting for a message that is lent from the read buffer.
    ReceiveLent,
    /// Waiting for room in the queue, and for the queue to be written.
    Feed,
    /// Waiting until a message was written to the transport.
    Send,
    /// Waiting for the end of the closing handshake.
    Close,
    /// Having something done on the thread of the connection.
    Call,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Receive,
        Self::ReceiveLent,
        Self::Feed,
        Self::Send,
        Self::Close,
        Self::Call,
    ];
}

/// The answer of a driver that is asked to give something up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It was given up.
    Made,
    /// Nobody waits for that, for the reason given.
    NotMade(&'static str),
}

/// The impatience of an echo: each of its calls of one kind is given up after so many polls, as `select!` and
/// timeouts do, and repeated until it completes.
#[derive(Debug, Clone)]
pub struct Haste {
    /// The call that is given up.
    pub act: Act,
    /// How often it is polled before that, at least once.
    pub steps: usize,
    given_up: Arc<AtomicUsize>,
}

impl Haste {
    /// Gives `act` up after so many polls.
    #[must_use]
    pub fn new(act: Act, steps: usize) -> Self {
        Self {
            act,
            steps,
            given_up: Arc::default(),
        }
    }

    /// How often an incomplete call was given up.
    #[must_use]
    pub fn given_up(&self) -> usize {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Notes that an incomplete call was given up.
    pub(super) fn note(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }
}

/// A text that tells a hasty echo to close, with 1000.
pub const PLEASE_CLOSE: &str = "please close";

/// How a server leaves its requests without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The request is dropped as soon as the application has it.
    AtOnce,
    /// The request is kept to be answered later, and dropped then.
    Later,
}

/// Something that has begun and is given up by being dropped.
pub trait Attempt {
    /// Lets it progress as far as it can without waiting, if it does not progress by itself.
    fn step(&mut self);
}
