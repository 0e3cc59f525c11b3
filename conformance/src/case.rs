//! A case is data: what is sent, when, and what has to come back.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use serde::Deserialize;

use crate::{extension::Offers, id::Id, opening::Opening, payload::Payload, subject::Facts};

mod closing;
mod script;

pub use self::{
    closing::{Blame, By, Closing},
    script::{Alternative, Cuts, Event, Extent, Script, Sending, Step},
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
    /// Any bytes.
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

/// Messages one at a time: each is sent when the echo of the one before has come.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The extensions that the suite offers as a client, and asks for as a server.
    pub offers: Option<Offers>,
    /// How many messages.
    pub count: usize,
    /// What they are.
    pub messages: Messages,
    /// Bytes a frame, after compression; 0: one frame.
    pub fragment: usize,
    /// How frames go to the transport.
    pub sending: Sending,
    /// After how long the suite gives up.
    pub timeout: Duration,
    /// Whether an echo must have the bytes that were sent, or only as many.
    pub check: Check,
}

/// What an echo is compared in, besides its type.
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
    /// The same again and again.
    Same(Kind, Payload),
    /// Windows onto a set of data, each where the one before ended, and wrapped around at its end.
    Windows(&'static crate::data::Set, usize),
}
