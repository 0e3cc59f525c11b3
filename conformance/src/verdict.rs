//! Verdicts, with the words and the rules of Autobahn, so that both can be compared case by case.

use std::fmt;

use serde::Deserialize;

/// The verdict on the behaviour of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Behavior {
    /// It is what the RFC wants.
    Ok,
    /// The RFC allows it, but prefers something else.
    NonStrict,
    /// There is no right answer.
    Informational,
    /// The subject does not have what the case is about.
    Unimplemented,
    /// Against the RFC.
    Failed,
}

/// The verdict on the end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum BehaviorClose {
    /// It is what the RFC wants.
    Ok,
    /// There is no right answer.
    Informational,
    /// The wrong side closed, or the connection never opened.
    Failed,
    /// The closing handshake was not completed.
    Unclean,
    /// The subject's Close frame had a code that it should not have.
    #[serde(rename = "WRONG CODE")]
    WrongCode,
    /// The subject, a server, left it to the suite to end the transport (RFC 6455 7.1.1).
    #[serde(rename = "FAILED BY CLIENT")]
    FailedByClient,
}

/// A verdict on a case, in two halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Verdict {
    /// The verdict on the behaviour of the subject.
    pub behavior: Behavior,
    /// The verdict on the end of the connection.
    pub close: BehaviorClose,
}

impl Verdict {
    /// Right in both halves.
    pub const OK: Self = Self {
        behavior: Behavior::Ok,
        close: BehaviorClose::Ok,
    };

    /// Wrong in both halves.
    pub const FAILED: Self = Self {
        behavior: Behavior::Failed,
        close: BehaviorClose::Failed,
    };

    /// Neither right nor wrong.
    pub const INFORMATIONAL: Self = Self {
        behavior: Behavior::Informational,
        close: BehaviorClose::Informational,
    };

    /// Returns true if it is `OK`, or `INFORMATIONAL` where there is no right answer.
    #[must_use]
    pub const fn is_best(self) -> bool {
        !matches!(self.behavior, Behavior::NonStrict) && self.passes()
    }

    /// Returns true if the subject passed: `OK`, `NON-STRICT` or `INFORMATIONAL`, with a right closing.
    #[must_use]
    pub const fn passes(self) -> bool {
        let behaved = matches!(
            self.behavior,
            Behavior::Ok | Behavior::NonStrict | Behavior::Informational
        );
        behaved && self.close.is_right()
    }
}

impl Behavior {
    /// The word for it in Autobahn's reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NonStrict => "NON-STRICT",
            Self::Informational => "INFORMATIONAL",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Failed => "FAILED",
        }
    }
}

impl BehaviorClose {
    /// Returns true if the connection ended as it must, or may end in any way.
    #[must_use]
    pub const fn is_right(self) -> bool {
        match self {
            Self::Ok | Self::Informational => true,
            Self::Failed | Self::Unclean | Self::WrongCode | Self::FailedByClient => false,
        }
    }

    /// The word for it in Autobahn's reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Informational => "INFORMATIONAL",
            Self::Failed => "FAILED",
            Self::Unclean => "UNCLEAN",
            Self::WrongCode => "WRONG CODE",
            Self::FailedByClient => "FAILED BY CLIENT",
        }
    }
}

impl fmt::Display for Behavior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for BehaviorClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.behavior, self.close)
    }
}
