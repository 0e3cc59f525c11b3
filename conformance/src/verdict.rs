//! Verdicts, with the words and the rules of Autobahn, so that both can be compared case by case.

use std::fmt;

use serde::Deserialize;

/// What is thought of what a subject did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Behavior {
    /// As the RFC wants it.
    Ok,
    /// Not against the RFC, but not what it prefers.
    NonStrict,
    /// There is no right answer.
    Informational,
    /// The subject does not have what the case is about.
    Unimplemented,
    /// Against the RFC.
    Failed,
}

/// What is thought of how a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum BehaviorClose {
    /// As the RFC wants it.
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

/// Both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Verdict {
    /// What is thought of what the subject did.
    pub behavior: Behavior,
    /// What is thought of how the connection ended.
    pub close: BehaviorClose,
}

impl Verdict {
    /// As it must be.
    pub const OK: Self = Self {
        behavior: Behavior::Ok,
        close: BehaviorClose::Ok,
    };

    /// As it must not be.
    pub const FAILED: Self = Self {
        behavior: Behavior::Failed,
        close: BehaviorClose::Failed,
    };

    /// Neither right nor wrong.
    pub const INFORMATIONAL: Self = Self {
        behavior: Behavior::Informational,
        close: BehaviorClose::Informational,
    };

    /// Whether nothing is left to be wished for: `OK`, or `INFORMATIONAL` where there is no right answer.
    #[must_use]
    pub const fn is_best(self) -> bool {
        !matches!(self.behavior, Behavior::NonStrict) && self.passes()
    }

    /// Whether the subject passed: `OK`, `NON-STRICT` or `INFORMATIONAL`, and closed as it must.
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
    /// Whether the connection ended as it must, or nobody says how it must.
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
