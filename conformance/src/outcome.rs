//! The outcome of a case: the verdict, the reasons for it, and everything that explains them.

use std::time::{Duration, SystemTime};

use crate::{
    case::{Alternative, Closing, Event},
    handshake::Heads,
    log::Log,
    verdict::Verdict,
};

/// The outcome of a case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not better, a sentence each.
    pub reasons: Vec<String>,
    /// When the case began.
    pub started: SystemTime,
    /// How long the connection lasted.
    pub duration: Duration,
    /// The runs of events that were right, the best first.
    pub expected: Vec<Alternative>,
    /// How the connection had to end; `None` if the case does not say.
    pub closing: Option<Closing>,
    /// The received events, in order.
    pub events: Vec<Event>,
    /// The opening handshake.
    pub heads: Heads,
    /// How the connection ended.
    pub ending: Ending,
    /// The log of the wire.
    pub log: Log,
}

/// How a connection ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// The suite sent the first Close frame.
    pub by_suite: bool,
    /// The suite found a violation.
    pub violation: Option<String>,
    /// The suite ended the transport where the subject should have.
    pub dropped: bool,
    /// The closing handshake was complete in time.
    pub clean: bool,
    /// The subject did not answer the suite's Close frame.
    pub unanswered: bool,
    /// The subject, a server, did not end the transport.
    pub not_ended: bool,
    /// The suite dialled the subject.
    pub suite_dialled: bool,
    /// The connection never opened.
    pub never_open: bool,
    /// Code and reason of the suite's Close frame.
    pub local: Option<(Option<u16>, String)>,
    /// Code and reason of the subject's Close frame.
    pub remote: Option<(Option<u16>, String)>,
}
