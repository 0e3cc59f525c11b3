//! A case is data: what is sent, when, and what has to come back.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use serde::Deserialize;

use crate::{
    extension::Offers, frame::Frame, id::Id, opening::Opening, payload::Payload, subject::Facts,
};

/// Which end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The end that dialled.
    Client,
    /// The end that was dialled.
    Server,
}

impl Role {
    /// The end that it talks to.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What a message is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any octets.
    Binary,
}

/// One case of the suite.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub id: Id,
    /// What the suite does, in a sentence.
    pub description: Cow<'static, str>,
    /// What the subject has to do, in a sentence.
    pub expectation: Cow<'static, str>,
    /// Which roles of a subject it can judge; `None`: both.
    pub role: Option<Role>,
    /// What has to be known of the subject: without it there is no right answer.
    pub needs: Option<Need>,
    /// No answer is wrong: the verdict is `INFORMATIONAL` whatever happens.
    pub informational: bool,
    /// What happens.
    pub plan: Plan,
}

impl Case {
    /// Makes a case for both roles.
    #[must_use]
    pub fn new(
        id: &[u16],
        description: impl Into<Cow<'static, str>>,
        expectation: impl Into<Cow<'static, str>>,
        plan: impl Into<Plan>,
    ) -> Self {
        Self {
            id: Id::new(id),
            description: description.into(),
            expectation: expectation.into(),
            role: None,
            needs: None,
            informational: false,
            plan: plan.into(),
        }
    }

    /// Only for subjects of that role.
    #[must_use]
    pub fn only(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// Only for subjects of which that is known.
    #[must_use]
    pub fn needs(mut self, need: Need) -> Self {
        self.needs = Some(need);
        self
    }

    /// Without a right answer.
    #[must_use]
    pub fn informational(mut self) -> Self {
        self.informational = true;
        self
    }

    /// Whether it can judge a subject of that role.
    #[must_use]
    pub fn applies_to(&self, role: Role) -> bool {
        self.role.is_none_or(|only| only == role)
    }
}

/// What has to be known of a subject, since the RFC leaves it to implementations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// [`Facts::max_message`](crate::Facts::max_message).
    MaxMessage,
    /// [`Facts::max_frame`](crate::Facts::max_frame).
    MaxFrame,
    /// [`Facts::max_fragments`](crate::Facts::max_fragments).
    MaxFragments,
    /// [`Facts::max_head`](crate::Facts::max_head).
    MaxHead,
    /// [`Facts::opening_timeout`](crate::Facts::opening_timeout).
    OpeningTimeout,
    /// [`Facts::close_timeout`](crate::Facts::close_timeout).
    CloseTimeout,
    /// [`Facts::ping_interval`](crate::Facts::ping_interval).
    PingInterval,
    /// [`Facts::pong_timeout`](crate::Facts::pong_timeout).
    PongTimeout,
    /// [`Facts::idle_timeout`](crate::Facts::idle_timeout).
    IdleTimeout,
    /// [`Facts::write_timeout`](crate::Facts::write_timeout).
    WriteTimeout,
}

/// What happens in a case.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Steps on an open connection.
    Script(Script),
    /// Steps that depend on what is known of the subject.
    Fitted(Fitting),
    /// Messages, each sent when the echo of the one before has come.
    Exchange(Exchange),
    /// An opening handshake that is not as it should be, or only just, and what comes behind it.
    Opening(Box<Opening>),
}

impl Plan {
    /// Whether it keeps a processor busy, instead of waiting most of the time.
    #[must_use]
    pub fn keeps_busy(&self) -> bool {
        let floods = |step: &Step| matches!(step, Step::Flood(..));
        match self {
            Self::Exchange(_) => true,
            Self::Script(script) => script.steps.iter().any(floods),
            Self::Fitted(_) | Self::Opening(_) => false,
        }
    }
}

impl From<Script> for Plan {
    fn from(script: Script) -> Self {
        Self::Script(script)
    }
}

impl From<Fitting> for Plan {
    fn from(fitting: Fitting) -> Self {
        Self::Fitted(fitting)
    }
}

impl From<Exchange> for Plan {
    fn from(exchange: Exchange) -> Self {
        Self::Exchange(exchange)
    }
}

impl From<Opening> for Plan {
    fn from(opening: Opening) -> Self {
        Self::Opening(Box::new(opening))
    }
}

/// Makes a script that fits a subject.
#[derive(Clone)]
pub struct Fitting(Arc<Fit>);

type Fit = dyn Fn(&Facts) -> Option<Script> + Send + Sync;

impl Fitting {
    /// Makes one of a function that returns `None` if not enough is known of the subject.
    #[must_use]
    pub fn new(fit: impl Fn(&Facts) -> Option<Script> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fit))
    }

    /// The script for a subject.
    #[must_use]
    pub fn fit(&self, facts: &Facts) -> Option<Script> {
        (self.0)(facts)
    }
}

impl fmt::Debug for Fitting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fitting").finish_non_exhaustive()
    }
}

/// How frames go to the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sending {
    /// Together with the frames before and behind it.
    #[default]
    Together,
    /// Alone.
    Alone,
    /// In pieces of that many octets, header included.
    Chopped(usize),
}

impl fmt::Display for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Together => f.write_str("all at once"),
            Self::Alone => f.write_str("each frame by itself"),
            Self::Chopped(1) => f.write_str("octet by octet"),
            Self::Chopped(size) => write!(f, "{size} octets at a time"),
        }
    }
}

/// Steps on an open connection, and what has to come of them.
#[derive(Debug, Clone)]
pub struct Script {
    /// The extensions that the suite offers as a client, and asks for as a server.
    pub offers: Option<Offers>,
    /// What the suite does, in order.
    pub steps: Vec<Step>,
    /// The runs of events that are right, the best first.
    pub alternatives: Vec<Alternative>,
    /// How the connection has to end.
    pub closing: Closing,
    /// Whether the suite closes with 1000 as soon as the events are those of every alternative.
    pub closes_itself: bool,
    /// Whether frames behind the subject's Close frame are noted, each as an [`Event::Late`].
    pub looks_behind_close: bool,
}

impl Script {
    /// Begins a script: no steps, and no events expected.
    #[must_use]
    pub fn new(closing: Closing) -> Self {
        Self {
            offers: None,
            steps: Vec::new(),
            alternatives: Vec::new(),
            closing,
            closes_itself: true,
            looks_behind_close: false,
        }
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds steps.
    #[must_use]
    pub fn steps(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps.extend(steps);
        self
    }

    /// Adds a frame that goes together with its neighbours.
    #[must_use]
    pub fn frame(self, frame: Frame) -> Self {
        self.step(Step::Frame(frame, Sending::Together))
    }

    /// Adds frames that all go in that way.
    #[must_use]
    pub fn frames(self, sending: Sending, frames: impl IntoIterator<Item = Frame>) -> Self {
        let step = |frame| Step::Frame(frame, sending);
        self.steps(frames.into_iter().map(step))
    }

    /// Adds an alternative that is what the RFC wants.
    #[must_use]
    pub fn expect(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.alternatives.push(Alternative {
            strict: true,
            events: events.into_iter().collect(),
        });
        self
    }

    /// Adds an alternative that is not against the RFC.
    #[must_use]
    pub fn tolerate(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.alternatives.push(Alternative {
            strict: false,
            events: events.into_iter().collect(),
        });
        self
    }

    /// Leaves closing to the steps, whatever comes.
    #[must_use]
    pub fn without_close(mut self) -> Self {
        self.closes_itself = false;
        self
    }

    /// Notes frames behind the subject's Close frame, of which there must be none (RFC 6455 5.5.1).
    #[must_use]
    pub fn looks_behind_close(mut self) -> Self {
        self.looks_behind_close = true;
        self
    }

    /// With another end.
    #[must_use]
    pub fn closing(mut self, closing: Closing) -> Self {
        self.closing = closing;
        self
    }

    /// With extensions.
    #[must_use]
    pub fn offers(mut self, offers: Offers) -> Self {
        self.offers = Some(offers);
        self
    }
}

impl Step {
    /// A message in one frame that goes together with its neighbours, not compressed.
    #[must_use]
    pub fn message(kind: Kind, payload: impl Into<Payload>) -> Self {
        Self::Message {
            kind,
            payload: payload.into(),
            fragment: 0,
            sending: Sending::Together,
            compressed: false,
        }
    }
}

impl Event {
    /// A whole message of text.
    #[must_use]
    pub fn text(text: impl Into<Payload>) -> Self {
        Self::Message(Kind::Text, text.into())
    }

    /// A whole binary message.
    #[must_use]
    pub fn binary(octets: impl Into<Payload>) -> Self {
        Self::Message(Kind::Binary, octets.into())
    }

    /// A pong.
    #[must_use]
    pub fn pong(octets: impl Into<Payload>) -> Self {
        Self::Pong(octets.into())
    }
}

/// One thing that the suite does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends a frame.
    Frame(Frame, Sending),
    /// Sends a message in frames of `fragment` octets (0: one frame). If they divide the message
    /// evenly, an empty frame ends it, as Autobahn does it.
    Message {
        /// Its type.
        kind: Kind,
        /// Its octets, before they are compressed.
        payload: Payload,
        /// Octets a frame, after they are compressed.
        fragment: usize,
        /// How the frames go to the transport.
        sending: Sending,
        /// Whether it is compressed, if that was agreed on.
        compressed: bool,
    },
    /// Sends frames as one run of octets, in pieces with a pause behind each: what is read ends where a
    /// piece does. If the last is a Close frame, it counts as a [`Step::Close`].
    Pieces {
        /// The frames.
        frames: Vec<Frame>,
        /// Where the run is cut.
        cuts: Cuts,
        /// How long the subject may take to read a piece.
        pause: Duration,
    },
    /// Sends the first part of a frame.
    Start(Frame, Extent),
    /// Sends the next part of the frame that was started last.
    Next(Extent),
    /// Begins a frame whose payload follows in steps of [`Step::Part`]: the header with the length of
    /// all of it.
    Begin(Frame),
    /// The next octets of the payload of the frame that was begun last.
    Part(Payload),
    /// Sends octets as they are, masked or not.
    Octets(Payload, Sending),
    /// Sends a Close frame with that payload, and begins the closing handshake thereby. A frame with the
    /// opcode of a Close that is sent as a [`Step::Frame`] does not count as that.
    Close(Payload),
    /// Lets time pass and takes what comes, or goes on at once if the connection ends.
    Wait(Duration),
    /// Waits until there are that many events, or a timer ends it.
    Await(usize),
    /// Waits until that event was the last, or a timer ends it.
    AwaitLast(Event),
    /// Gives the subject that long to close or to end the connection, and notes the mark if it has not.
    Within(Duration, &'static str),
    /// Notes that nobody has closed the connection, as an event. If it was closed, the script ends here.
    Mark(&'static str),
    /// Starts the timer that ends a connection that should be over: closes it with 1001, or drops it
    /// if it was closed.
    Kill(Duration),
    /// Starts the timer that closes a connection on which nothing more is to come.
    CloseAfter(Duration),
    /// Ends our direction of the transport.
    Finish,
    /// Resets the transport.
    Abort,
    /// Stops reading, or goes on.
    Read(bool),
    /// Answers pings and Close frames, as the suite does by itself, or no longer.
    Answer(bool),
    /// Gives the subject that long to end the transport, and notes the mark if it has not.
    Gone(Duration, &'static str),
    /// Sends as many frames, each made from its number, or fewer if the subject takes nothing for a second.
    Flood(usize, fn(usize) -> Frame),
    /// Notes the mark if the subject is known to hold more than that many octets which it wants to send.
    /// Only a subject in memory lets itself be looked into.
    Holds(usize, &'static str),
    /// Replaces the events so far by what a function makes of them, and of the number of frames that
    /// were sent by [`Step::Flood`]; also if the connection has ended.
    SumUp(fn(&[Event], usize) -> Vec<Event>),
    /// Opens another connection to the subject, which must be a server, runs a script on it, and notes
    /// the mark if all goes well there.
    Another(Script, &'static str),
}

/// How much of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// That many octets.
    Octets(usize),
    /// The header, or what is left of it.
    Header,
    /// Everything.
    All,
}

/// Where a run of octets is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cuts {
    /// Behind every so many octets.
    Every(usize),
    /// Behind that many octets, counted from the start; in order.
    Behind(Vec<usize>),
}

/// What is noted of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message(Kind, Payload),
    /// A pong.
    Pong(Payload),
    /// A ping. Noted only where a script expects one.
    Ping,
    /// A [`Step::Mark`] was reached, or the like of it.
    Mark(&'static str),
    /// A frame behind the subject's Close frame. Noted only where a script [looks](Script::looks_behind_close).
    Late,
}

/// Events that are right, and how right.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// Whether it is what the RFC wants, or only not against it.
    pub strict: bool,
    /// All events, in order.
    pub events: Vec<Event>,
}

/// Who has to close, and how.
#[derive(Debug, Clone)]
pub struct Closing {
    /// Who has to send the first Close frame.
    pub by: By,
    /// The codes that the subject's Close frame may carry. Without a code, or without a frame, it is
    /// right as well.
    pub codes: Vec<u16>,
    /// Codes that are not against the RFC, but not what it prefers; 1005 for a Close frame without one.
    pub tolerated: Vec<u16>,
    /// Whether the closing handshake has to be complete.
    pub clean: bool,
    /// Whether a wrong close is a wrong behaviour too.
    pub blame: Blame,
}

/// Who closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The suite.
    Suite,
    /// The subject, by a Close frame or by ending the transport.
    Subject,
    /// Either.
    Either,
}

/// Which mistakes in closing are mistakes in behaviour too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blame {
    /// None.
    #[default]
    None,
    /// The wrong side closed.
    WrongSide,
    /// The code was wrong.
    WrongCode,
}

impl Closing {
    /// The suite closes with 1000, and the subject answers likewise.
    #[must_use]
    pub fn by_suite() -> Self {
        Self::answered(&[1000])
    }

    /// The suite closes, and the subject answers with one of these codes.
    #[must_use]
    pub fn answered(codes: &[u16]) -> Self {
        Self {
            by: By::Suite,
            codes: codes.to_vec(),
            tolerated: Vec::new(),
            clean: true,
            blame: Blame::None,
        }
    }

    /// The suite sends a Close frame that is wrong; the subject answers with one of these codes or ends the transport.
    #[must_use]
    pub fn refused(codes: &[u16]) -> Self {
        Self {
            clean: false,
            ..Self::answered(codes)
        }
    }

    /// The subject closes with one of these codes, or ends the transport.
    #[must_use]
    pub fn by_subject(codes: &[u16]) -> Self {
        Self {
            by: By::Subject,
            ..Self::refused(codes)
        }
    }

    /// Either side closes or ends the transport, the subject with one of these codes if it sends any.
    #[must_use]
    pub fn by_either(codes: &[u16]) -> Self {
        Self {
            by: By::Either,
            ..Self::refused(codes)
        }
    }

    /// With codes that are not the best.
    #[must_use]
    pub fn tolerate(mut self, codes: &[u16]) -> Self {
        self.tolerated = codes.to_vec();
        self
    }

    /// With that blame.
    #[must_use]
    pub fn blame(mut self, blame: Blame) -> Self {
        self.blame = blame;
        self
    }
}

/// Messages one at a time: each is sent when the echo of the one before has come.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The extensions that the suite offers as a client, and asks for as a server.
    pub offers: Option<Offers>,
    /// How many messages.
    pub count: usize,
    /// What they are.
    pub messages: Messages,
    /// Octets a frame, after compression; 0: one frame.
    pub fragment: usize,
    /// How frames go to the transport.
    pub sending: Sending,
    /// After how long the suite gives up.
    pub timeout: Duration,
    /// Whether an echo must have the octets that were sent, or only as many.
    pub check: Check,
}

/// What an echo is compared in, besides its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The number of octets.
    Length,
    /// The octets.
    Content,
}

/// The messages of an exchange.
#[derive(Debug, Clone)]
pub enum Messages {
    /// The same again and again.
    Same(Kind, Payload),
    /// Windows onto a set of data, each where the one before ended, and wrapped around at its end.
    Windows(&'static crate::data::Set, usize),
}
