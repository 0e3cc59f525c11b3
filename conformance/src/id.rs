//! Names of cases, such as 6.22.10, and patterns that select some of them.

use std::{fmt, str::FromStr};

use serde::Deserialize;

/// The name of a case: numbers with dots between, ordered as numbers are.
///
/// ```
/// use conformance::Id;
///
/// let ids: Vec<Id> = ["6.4.2", "6.4.10"].iter().map(|id| id.parse().unwrap()).collect();
/// assert!(ids[0] < ids[1]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(Vec<u16>);

impl Id {
    /// Makes an id of its numbers.
    #[must_use]
    pub fn new(numbers: &[u16]) -> Self {
        Self(numbers.to_vec())
    }

    /// The first of its numbers.
    #[must_use]
    pub fn group(&self) -> u16 {
        self.0.first().copied().unwrap_or_default()
    }

    /// The numbers.
    #[must_use]
    pub fn numbers(&self) -> &[u16] {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(u16::to_string).collect();
        f.pad(&numbers.join("."))
    }
}

/// Not numbers with dots between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoId;

impl fmt::Display for NoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a case is named by numbers with dots between, such as 6.4.1")
    }
}

impl std::error::Error for NoId {}

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let numbers: Result<Vec<_>, _> = text.split('.').map(str::parse).collect();
        numbers.map(Self).map_err(|_| NoId)
    }
}

impl TryFrom<String> for Id {
    type Error = NoId;

    fn try_from(text: String) -> Result<Self, NoId> {
        text.parse()
    }
}

/// Selects cases by name, as Autobahn does: an exact name, or a prefix in which `*` stands for
/// any characters, so that `1.*` is group 1, and `1*` is groups 1, 10, 12 and 13.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Whether it selects that case.
    ///
    /// ```
    /// use conformance::{Id, Pattern};
    ///
    /// let id = "12.1.1".parse::<Id>().unwrap();
    /// assert!(Pattern::new("1*").matches(&id));
    /// assert!(!Pattern::new("1.*").matches(&id));
    /// assert!(!Pattern::new("12.1").matches(&id));
    /// ```
    #[must_use]
    pub fn matches(&self, id: &Id) -> bool {
        let id = id.to_string();
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        if !self.0.contains('*') {
            return id == first;
        }
        let Some(mut rest) = id.strip_prefix(first) else {
            return false;
        };
        parts.all(|part| {
            let found = rest.find(part);
            rest = found.map_or("", |at| &rest[at + part.len()..]);
            found.is_some()
        })
    }

    /// Takes any text for a pattern.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
