//! Opening handshakes that are not as they should be, or only just: what is sent, and what has to be answered.
//!
//! `opening::server` runs them against servers, `opening::client` against clients.

use std::{fmt, time::Duration};

use crate::{
    case::{Alternative, Closing, Event, Kind, Script, Step},
    handshake::{Arrival, Heads, Rule},
    judging,
    payload::Payload,
    script,
    session::Session,
    subject::Facts,
    verdict::{Behavior, BehaviorClose, Verdict},
};

mod client;
mod draft;
mod sending;
mod server;

#[cfg(test)]
mod tests;

pub use self::draft::{Draft, Half};

/// How long a subject may take to echo once it is open.
const ECHO_TIMEOUT: Duration = Duration::from_secs(2);

/// The suite's half of an opening handshake, and what the subject has to make of it.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The head.
    pub half: Half,
    /// How head and what goes with it are cut into pieces.
    pub manner: Manner,
    /// Steps that are taken before the subject has answered, if it has to answer: their frames go
    /// together with the head.
    pub early: Vec<Step>,
    /// Bytes behind the head that are no frames, such as a body.
    pub behind: Payload,
    /// The suite ends its direction once all of it is sent.
    pub finishes: bool,
    /// The duty of the subject.
    pub answer: Answer,
    /// The grade of the opposite: refusing a proper half, or opening on one that must be refused.
    pub otherwise: Grade,
    /// The script that runs on the connection if it opens.
    pub script: Script,
    /// A further rule that the request of a client is judged by.
    pub rule: Option<Rule>,
}

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("all at once"),
            Self::Chopped(1) => f.write_str("byte by byte"),
            Self::Chopped(size) => write!(f, "{size} bytes at a time"),
            Self::Cut(place) => write!(f, "in two pieces, cut {place}"),
            Self::Trickled(pieces) => write!(f, "in {pieces} pieces, too slowly"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(bytes) => write!(f, "behind {bytes} bytes"),
            Self::BeforeEnd(bytes) => write!(f, "{bytes} bytes before the end of the head"),
            Self::BehindHead(0) => f.write_str("at the end of the head"),
            Self::BehindHead(bytes) => write!(f, "{bytes} bytes behind the head"),
        }
    }
}

/// The duty of a subject that receives the suite's half.
#[derive(Debug, Clone)]
pub enum Answer {
    /// It opens.
    Opens,
    /// A server refuses it.
    Refuses(Refusal),
    /// A client ends the transport without a frame (RFC 6455 4.1: it fails the connection).
    Drops,
}

/// How a server has to refuse a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status codes that fit.
    pub statuses: &'static [u16],
    /// The grade of any other response that does not open the connection.
    pub others: Grade,
    /// A header that the answer must have, and what it must list.
    pub header: Option<(&'static str, &'static str)>,
    /// The grade of ending the connection without a response.
    pub silence: Grade,
}

/// The grade of a behaviour other than the preferred one, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grade {
    /// It is just as right.
    Right,
    /// It is not against the RFC, but not what it prefers.
    Tolerated,
    /// It is against the RFC.
    Wrong,
}

/// How bytes are cut into pieces that go to the transport one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// All at once.
    #[default]
    Whole,
    /// In pieces of that many bytes.
    Chopped(usize),
    /// In two pieces, with a moment between them.
    Cut(Place),
    /// In about that many pieces, over twice the time for which the subject waits for them.
    Trickled(usize),
}

/// Where something is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// This many bytes after the start.
    Start(usize),
    /// This many bytes before the end of the head.
    BeforeEnd(usize),
    /// This many bytes after the end of the head.
    BehindHead(usize),
}

impl Manner {
    /// A part of the name of a case.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Whole => "whole".to_owned(),
            Self::Chopped(1) => "bytewise".to_owned(),
            Self::Chopped(size) => format!("every-{size}-bytes"),
            Self::Cut(Place::Start(at)) => format!("after-{at}"),
            Self::Cut(Place::BeforeEnd(bytes)) => format!("{bytes}-before-end"),
            Self::Cut(Place::BehindHead(bytes)) => format!("{bytes}-after-end"),
            Self::Trickled(pieces) => format!("trickled-in-{pieces}"),
        }
    }
}

impl From<Grade> for Behavior {
    fn from(grade: Grade) -> Self {
        match grade {
            Grade::Right => Self::Ok,
            Grade::Tolerated => Self::NonStrict,
            Grade::Wrong => Self::Failed,
        }
    }
}

impl Refusal {
    /// Any error is an answer, best one of these; silence is none (RFC 6455 4.2.1).
    #[must_use]
    pub const fn with(statuses: &'static [u16]) -> Self {
        Self {
            statuses,
            others: Grade::Tolerated,
            header: None,
            silence: Grade::Wrong,
        }
    }

    /// Nothing but one of these statuses is an answer.
    #[must_use]
    pub const fn exactly(statuses: &'static [u16]) -> Self {
        Self {
            others: Grade::Wrong,
            ..Self::with(statuses)
        }
    }

    /// With a header that lists that.
    #[must_use]
    pub const fn header(mut self, name: &'static str, element: &'static str) -> Self {
        self.header = Some((name, element));
        self
    }

    /// Ending the connection without an answer is judged so.
    #[must_use]
    pub const fn silence(mut self, grade: Grade) -> Self {
        self.silence = grade;
        self
    }
}

impl Opening {
    /// Makes an opening that a subject has to take, and to echo on.
    #[must_use]
    pub fn opens(half: impl Into<Half>) -> Self {
        Self {
            half: half.into(),
            manner: Manner::Whole,
            early: Vec::new(),
            behind: Payload::EMPTY,
            finishes: false,
            answer: Answer::Opens,
            otherwise: Grade::Wrong,
            script: echo(),
            rule: None,
        }
    }

    /// Makes an opening that a server has to refuse.
    #[must_use]
    pub fn refused(half: impl Into<Half>, refusal: Refusal) -> Self {
        Self {
            answer: Answer::Refuses(refusal),
            ..Self::opens(half)
        }
    }

    /// Makes an opening that a client has to refuse.
    #[must_use]
    pub fn dropped(half: impl Into<Half>) -> Self {
        Self {
            answer: Answer::Drops,
            ..Self::opens(half)
        }
    }

    /// Makes an opening that a client has to refuse. A message goes with it, which a client that opens the
    /// connection after all echoes.
    #[must_use]
    pub fn bait(half: impl Into<Half>) -> Self {
        Self {
            early: vec![Step::message(Kind::Text, "bait")],
            script: expecting("bait"),
            ..Self::dropped(half)
        }
    }

    /// Makes an opening with which a script begins: its messages and frames go together with the head.
    #[must_use]
    pub fn early(half: impl Into<Half>, early: Vec<Step>, script: Script) -> Self {
        Self {
            early,
            script,
            ..Self::opens(half)
        }
    }

    /// The expected alternatives and the expected closing, if the connection has to open.
    pub(crate) fn expected(&self) -> (Vec<Alternative>, Option<Closing>) {
        match self.answer {
            Answer::Opens => {
                let script = &self.script;
                (script.alternatives.clone(), Some(script.closing.clone()))
            }
            Answer::Refuses(_) | Answer::Drops => (Vec::new(), None),
        }
    }

    /// In pieces.
    #[must_use]
    pub fn manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// With bytes behind the head that are no frames.
    #[must_use]
    pub fn behind(mut self, bytes: impl Into<Payload>) -> Self {
        self.behind = bytes.into();
        self
    }

    /// With the end of the suite's direction behind it.
    #[must_use]
    pub fn finishes(mut self) -> Self {
        self.finishes = true;
        self
    }

    /// If the subject does the other, that is judged so.
    #[must_use]
    pub fn otherwise(mut self, grade: Grade) -> Self {
        self.otherwise = grade;
        self
    }

    /// Another script runs on the connection if it opens.
    #[must_use]
    pub fn script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }

    /// The client's request is measured by that besides.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rule = Some(rule);
        self
    }
}

/// Opens a connection as the case wants it, and runs its script if it opens.
pub(crate) fn run(
    opening: &Opening,
    session: &mut Session,
    arrival: &Arrival,
    heads: &mut Heads,
    facts: &Facts,
) -> (Verdict, Vec<String>) {
    let (opened, rule) = match arrival {
        Arrival::Dialled { host, resource } => {
            let target = (host.as_str(), resource.as_str());
            (server::run(opening, session, target, heads, facts), None)
        }
        Arrival::Accepted(request) => {
            let (opened, evidence) = client::run(opening, session, request, heads, facts);
            (opened, opening.rule.map(|rule| (rule, request, evidence)))
        }
    };
    let (mut verdict, mut reasons) = match opened {
        Opened::No(verdict, reasons) => (verdict, reasons),
        Opened::Yes(grade, mut reasons) => {
            let (mut verdict, more) = converse(opening, session);
            verdict.behavior = verdict.behavior.max(grade.into());
            reasons.extend(more);
            (verdict, reasons)
        }
        Opened::Perhaps => {
            let (verdict, reasons) = converse(opening, session);
            let ending = session.ending();
            let left = session.events.is_empty() && ending.remote.is_none() && !ending.dropped;
            match opening.otherwise {
                Grade::Right if left => (Verdict::OK, Vec::new()),
                Grade::Tolerated if left => {
                    let behavior = Behavior::NonStrict;
                    let close = BehaviorClose::Ok;
                    let reason = "the client refused what it might have taken";
                    (Verdict { behavior, close }, vec![reason.to_owned()])
                }
                Grade::Right | Grade::Tolerated | Grade::Wrong => (verdict, reasons),
            }
        }
    };
    if let Some((rule, request, mut evidence)) = rule {
        evidence.masks.clone_from(&session.masks);
        if let Err(reason) = rule.check(request, &evidence) {
            verdict.behavior = Behavior::Failed;
            reasons.push(reason);
        }
    }
    (verdict, reasons)
}

/// Runs the script on a connection that is open.
fn converse(opening: &Opening, session: &mut Session) -> (Verdict, Vec<String>) {
    script::run(&opening.script, session, None);
    judging::judge(&opening.script, &session.events, &session.ending())
}

/// The outcome of the opening handshake, before the script.
enum Opened {
    /// The connection is open, which is thought of like that, and the script decides.
    Yes(Grade, Vec<String>),
    /// The connection is open unless the client leaves it now.
    Perhaps,
    /// The connection is not open.
    No(Verdict, Vec<String>),
}

/// The longest head that a subject takes, or a guess.
fn max_head(facts: &Facts) -> usize {
    let known = facts
        .max_head
        .map(|max| usize::try_from(max).unwrap_or(usize::MAX));
    known.unwrap_or(16 << 10)
}

/// Sends a message and expects it back.
fn echo() -> Script {
    expecting("Hello").step(Step::message(Kind::Text, "Hello"))
}

/// Expects a message that was sent before.
fn expecting(text: &'static str) -> Script {
    Script::new(Closing::by_suite())
        .step(Step::Kill(ECHO_TIMEOUT))
        .expect([Event::text(text)])
}
