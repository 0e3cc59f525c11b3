//! What happens on an open connection, step by step, and what has to come of it.

use std::{fmt, time::Duration};

use super::{Closing, Kind};
use crate::{extension::Offers, frame::Frame, payload::Payload};

/// How frames go to the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sending {
    /// Together with the frames before and behind it.
    #[default]
    Together,
    /// Alone.
    Alone,
    /// In pieces of that many bytes, header included.
    Chopped(usize),
}

impl fmt::Display for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Together => f.write_str("all at once"),
            Self::Alone => f.write_str("each frame by itself"),
            Self::Chopped(1) => f.write_str("byte by byte"),
            Self::Chopped(size) => write!(f, "{size} bytes at a time"),
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
    pub fn binary(bytes: impl Into<Payload>) -> Self {
        Self::Message(Kind::Binary, bytes.into())
    }

    /// A pong.
    #[must_use]
    pub fn pong(bytes: impl Into<Payload>) -> Self {
        Self::Pong(bytes.into())
    }
}

/// One thing that the suite does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends a frame.
    Frame(Frame, Sending),
    /// Sends a message in frames of `fragment` bytes (0: one frame). If they divide the message
    /// evenly, an empty frame ends it, as Autobahn does it.
    Message {
        /// Its type.
        kind: Kind,
        /// Its bytes, before they are compressed.
        payload: Payload,
        /// Bytes a frame, after they are compressed.
        fragment: usize,
        /// How the frames go to the transport.
        sending: Sending,
        /// Whether it is compressed, if that was agreed on.
        compressed: bool,
    },
    /// Sends frames as one run of bytes, in pieces with a pause behind each: what is read ends where a
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
    /// The next bytes of the payload of the frame that was begun last.
    Part(Payload),
    /// Sends bytes as they are, masked or not.
    Bytes(Payload, Sending),
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
    /// Notes the mark if the subject is known to hold more than that many bytes which it wants to send.
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
    /// That many bytes.
    Bytes(usize),
    /// The header, or what is left of it.
    Header,
    /// Everything.
    All,
}

/// Where a run of bytes is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cuts {
    /// Behind every so many bytes.
    Every(usize),
    /// Behind that many bytes, counted from the start; in order.
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
