//! A case is data: the frames to send, their timing, and the expected events.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use serde::Deserialize;

use crate::{extension::Offers, id::Id, opening::Opening, payload::Payload, subject::Facts};

mod closing;
mod script;

pub use self::{
    closing::{Blame, By, Closing},
    script::{Alternative, Cuts, Event, Extent, Script, Sending, Step},
};

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The end that connected.
    Client,
    /// The end that accepted.
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

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

/// One case of the suite.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub id: Id,
    /// The action of the suite, in a sentence.
    pub description: Cow<'static, str>,
    /// The duty of the subject, in a sentence.
    pub expectation: Cow<'static, str>,
    /// The only role that it applies to; `None`: both.
    pub role: Option<Role>,
    /// A fact about the subject without which there is no right answer.
    pub needs: Option<Need>,
    /// No answer is wrong: the verdict is `INFORMATIONAL` whatever happens.
    pub informational: bool,
    /// The steps or messages.
    pub plan: Plan,
}

impl Case {
    /// Makes a case for both roles.
    #[must_use]
    pub fn new(
        id: impl Into<Id>,
        description: impl Into<Cow<'static, str>>,
        expectation: impl Into<Cow<'static, str>>,
        plan: impl Into<Plan>,
    ) -> Self {
        Self {
            id: id.into(),
            description: description.into(),
            expectation: expectation.into(),
            role: None,
            needs: None,
            informational: false,
            plan: plan.into(),
        }
    }

    /// Restricts it to subjects of a role.
    #[must_use]
    pub fn only(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// Restricts it to subjects of which a fact is known.
    #[must_use]
    pub fn needs(mut self, need: Need) -> Self {
        self.needs = Some(need);
        self
    }

    /// Makes it a case without a right answer.
    #[must_use]
    pub fn informational(mut self) -> Self {
        self.informational = true;
        self
    }

    /// Returns true if it applies to subjects of that role.
    #[must_use]
    pub fn applies_to(&self, role: Role) -> bool {
        self.role.is_none_or(|only| only == role)
    }
}

/// A fact about a subject that the RFC leaves to implementations.
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

/// The plan of a case.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Steps on an open connection.
    Script(Script),
    /// Steps that depend on the facts about the subject.
    Fitted(Fitting),
    /// Messages, each sent after the echo of the previous one.
    Exchange(Exchange),
    /// An opening handshake that is wrong, or just right, and the bytes after it.
    Opening(Box<Opening>),
}

impl Plan {
    /// Returns true if it keeps a processor busy; other plans wait most of the time.
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
    /// Makes one of a function that returns `None` if a fact about the subject is missing.
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

/// Messages one at a time: each is sent after the echo of the previous one.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The extensions that the suite offers as a client and accepts as a server.
    pub offers: Option<Offers>,
    /// The number of messages.
    pub count: usize,
    /// Their content.
    pub messages: Messages,
    /// The bytes of a frame after compression; 0: one frame.
    pub fragment: usize,
    /// How frames are written to the transport.
    pub sending: Sending,
    /// The time after which the suite gives up.
    pub timeout: Duration,
    /// How echoes are compared with the messages.
    pub check: Check,
}

/// The property in which an echo is compared, besides its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The number of bytes.
    Length,
    /// The bytes.
    Content,
}

/// The messages of an exchange.
#[derive(Debug, Clone)]
pub enum Messages {
    /// The same message each time.
    Same(Kind, Payload),
    /// Windows onto a set of data, one after the other, wrapped around at its end.
    Windows(&'static crate::data::Set, usize),
}
