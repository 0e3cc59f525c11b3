//! Scripts: steps on an open connection, and the events that they must lead to.

use std::{fmt, time::Duration};

use super::{Closing, Kind};
use crate::{extension::Offers, frame::Frame, payload::Payload};

/// How frames are written to the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sending {
    /// Together with the neighbouring frames.
    #[default]
    Together,
    /// In a write of its own.
    Alone,
    /// In pieces of this many bytes, header included.
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

/// Steps on an open connection, and the events that they must lead to.
#[derive(Debug, Clone)]
pub struct Script {
    /// The extensions that the suite offers as a client and accepts as a server.
    pub offers: Option<Offers>,
    /// The steps of the suite, in order.
    pub steps: Vec<Step>,
    /// The runs of events that are right, the best first.
    pub alternatives: Vec<Alternative>,
    /// How the connection has to end.
    pub closing: Closing,
    /// True if the suite closes with 1000 as soon as the events are those of an alternative.
    pub closes_itself: bool,
    /// True if frames after the subject's Close frame are noted, each as an [`Event::Late`].
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

    /// Adds a frame that is written together with its neighbours.
    #[must_use]
    pub fn frame(self, frame: Frame) -> Self {
        self.step(Step::Frame(frame, Sending::Together))
    }

    /// Adds frames that are written in that way.
    #[must_use]
    pub fn frames(self, sending: Sending, frames: impl IntoIterator<Item = Frame>) -> Self {
        let step = |frame| Step::Frame(frame, sending);
        self.steps(frames.into_iter().map(step))
    }

    /// Adds an alternative that the RFC wants.
    #[must_use]
    pub fn expect(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.alternatives.push(Alternative {
            strict: true,
            events: events.into_iter().collect(),
        });
        self
    }

    /// Adds an alternative that the RFC only allows.
    #[must_use]
    pub fn tolerate(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.alternatives.push(Alternative {
            strict: false,
            events: events.into_iter().collect(),
        });
        self
    }

    /// Leaves closing to the steps, whatever is received.
    #[must_use]
    pub fn without_close(mut self) -> Self {
        self.closes_itself = false;
        self
    }

    /// Notes frames after the subject's Close frame, which are forbidden (RFC 6455 5.5.1).
    #[must_use]
    pub fn looks_behind_close(mut self) -> Self {
        self.looks_behind_close = true;
        self
    }

    /// Sets the expected closing.
    #[must_use]
    pub fn closing(mut self, closing: Closing) -> Self {
        self.closing = closing;
        self
    }

    /// Sets the extensions.
    #[must_use]
    pub fn offers(mut self, offers: Offers) -> Self {
        self.offers = Some(offers);
        self
    }
}

impl Step {
    /// An uncompressed message in one frame that is written together with its neighbours.
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

/// An action of the suite.
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
        /// The bytes of a frame after compression.
        fragment: usize,
        /// How the frames go to the transport.
        sending: Sending,
        /// True if it is compressed when that was agreed on.
        compressed: bool,
    },
    /// Sends frames as one run of bytes, in pieces with a pause after each, so that each read ends where a
    /// piece does. If the last is a Close frame, it counts as a [`Step::Close`].
    Pieces {
        /// The frames.
        frames: Vec<Frame>,
        /// The places where the run is cut.
        cuts: Cuts,
        /// The time that the subject has to read a piece.
        pause: Duration,
    },
    /// Sends the first part of a frame.
    Start(Frame, Extent),
    /// Sends the next part of the frame that was started last.
    Next(Extent),
    /// Sends the header of a frame whose payload follows in steps of [`Step::Part`], with the length of
    /// all of it.
    Begin(Frame),
    /// The next bytes of the payload of the frame that was begun last.
    Part(Payload),
    /// Sends bytes as they are, masked or not.
    Bytes(Payload, Sending),
    /// Sends a Close frame with that payload, and begins the closing handshake thereby. A frame with the
    /// opcode of a Close that is sent as a [`Step::Frame`] does not count as that.
    Close(Payload),
    /// Lets time pass and processes input, or goes on at once if the connection ends.
    Wait(Duration),
    /// Waits for this many events, or until a timer ends the connection.
    Await(usize),
    /// Waits until this is the last event, or a timer ends the connection.
    AwaitLast(Event),
    /// Gives the subject this long to close or end the connection, and notes the mark if it has not.
    Within(Duration, &'static str),
    /// Notes that nobody has closed the connection, as an event. If it was closed, the script ends here.
    Mark(&'static str),
    /// Starts the timer that ends a connection that should be over: closes it with 1001, or drops it
    /// if it was closed.
    Kill(Duration),
    /// Starts the timer that closes a connection without further expected events.
    CloseAfter(Duration),
    /// Ends our direction of the transport.
    Finish,
    /// Resets the transport.
    Abort,
    /// Stops or resumes reading.
    Read(bool),
    /// Switches the answers to pings and Close frames on, as they are by default, or off.
    Answer(bool),
    /// Gives the subject this long to end the transport, and notes the mark if it has not.
    Gone(Duration, &'static str),
    /// Sends as many frames, each made from its number, or fewer if the subject takes nothing for a second.
    Flood(usize, fn(usize) -> Frame),
    /// Notes the mark if the subject is known to hold more than that many bytes which it wants to send.
    /// Only a subject in memory lets itself be looked into.
    Holds(usize, &'static str),
    /// Replaces the events so far by the result of a function of them and of the number of frames that
    /// were sent by [`Step::Flood`]; also if the connection has ended.
    SumUp(fn(&[Event], usize) -> Vec<Event>),
    /// Opens another connection to the subject, which must be a server, runs a script on it, and notes
    /// the mark if all goes well there.
    Another(Script, &'static str),
}

/// A part of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// This many bytes.
    Bytes(usize),
    /// The header, or the rest of it.
    Header,
    /// The whole frame.
    All,
}

/// The places where a run of bytes is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cuts {
    /// After every so many bytes.
    Every(usize),
    /// After these numbers of bytes from the start, in order.
    Behind(Vec<usize>),
}

/// An event on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message(Kind, Payload),
    /// A pong.
    Pong(Payload),
    /// A ping. Noted only where a script expects one.
    Ping,
    /// A [`Step::Mark`] was reached, or a step noted its mark.
    Mark(&'static str),
    /// A frame after the subject's Close frame. Noted only where a script [looks](Script::looks_behind_close).
    Late,
}

/// A right sequence of events, and its grade.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// True if the RFC wants it; false if it only allows it.
    pub strict: bool,
    /// All events, in order.
    pub events: Vec<Event>,
}
