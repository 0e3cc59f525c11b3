//! Names of cases, such as 6.22.10 or `closing/code-1000`, and patterns that select some of them.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::Deserialize;

/// The name of a case. Autobahn's cases have its numbers with dots between, ordered as numbers are. The others have
/// slugs, the name of the group and that of the case.
///
/// ```
/// use conformance::Id;
///
/// let ids: Vec<Id> = ["6.4.2", "6.4.10", "closing/code-1000"]
///     .iter()
///     .map(|id| id.parse().unwrap())
///     .collect();
/// assert!(ids[0] < ids[1]);
/// assert_eq!(ids[1].group(), "6");
/// assert_eq!(ids[2].group(), "closing");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(Name);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Name {
    Numbers(Vec<u16>),
    /// The group and the case, with a slash between.
    Slug(String),
}

impl Id {
    /// Makes an id of the names of a group and of a case.
    ///
    /// # Panics
    ///
    /// If one of them is not in kebab case: lower-case letters and digits with single hyphens between.
    #[must_use]
    pub fn slug(group: &str, case: &str) -> Self {
        assert!(
            is_kebab(group) && is_kebab(case),
            "{group}/{case} is no slug"
        );
        Self(Name::Slug(format!("{group}/{case}")))
    }

    /// The name of the group: the first number, or what stands before the slash.
    #[must_use]
    pub fn group(&self) -> Cow<'_, str> {
        match &self.0 {
            Name::Numbers(numbers) => {
                let first = numbers.first().copied().unwrap_or_default();
                first.to_string().into()
            }
            Name::Slug(slug) => slug.split('/').next().unwrap_or_default().into(),
        }
    }

    /// True if it is a case of Autobahn's.
    #[must_use]
    pub const fn is_autobahns(&self) -> bool {
        matches!(self.0, Name::Numbers(_))
    }
}

/// True if the text consists of lower-case letters and digits with single hyphens between.
fn is_kebab(text: &str) -> bool {
    text.split('-').all(|word| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        !word.is_empty() && word.chars().all(fits)
    })
}

impl<const N: usize> From<&[u16; N]> for Id {
    fn from(numbers: &[u16; N]) -> Self {
        numbers.as_slice().into()
    }
}

impl From<&[u16]> for Id {
    fn from(numbers: &[u16]) -> Self {
        Self(Name::Numbers(numbers.to_vec()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Numbers(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(u16::to_string).collect();
                f.pad(&numbers.join("."))
            }
            Name::Slug(slug) => f.pad(slug),
        }
    }
}

/// A text that names no case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoId;

impl fmt::Display for NoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a case is named by numbers, such as 6.4.1, or by a slug, such as closing/code-1000",
        )
    }
}

impl std::error::Error for NoId {}

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        if let Some((group, case)) = text.split_once('/') {
            let fits = is_kebab(group) && is_kebab(case);
            return fits.then(|| Self::slug(group, case)).ok_or(NoId);
        }
        let numbers: Result<Vec<_>, _> = text.split('.').map(str::parse).collect();
        numbers
            .map(|numbers| Self(Name::Numbers(numbers)))
            .map_err(|_| NoId)
    }
}

impl TryFrom<String> for Id {
    type Error = NoId;

    fn try_from(text: String) -> Result<Self, NoId> {
        text.parse()
    }
}

/// Selects cases by name: a group, an exact name, or, as with Autobahn, a prefix in which `*` stands for any
/// characters, so that `1.*` is group 1, and `1*` is groups 1, 10, 12 and 13.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Returns true if it selects that case.
    ///
    /// ```
    /// use conformance::{Id, Pattern};
    ///
    /// let id = "12.1.1".parse::<Id>().unwrap();
    /// assert!(Pattern::new("1*").matches(&id));
    /// assert!(!Pattern::new("1.*").matches(&id));
    /// assert!(!Pattern::new("12.1").matches(&id));
    /// assert!(Pattern::new("12").matches(&id));
    ///
    /// let id = "closing/code-1000".parse::<Id>().unwrap();
    /// for pattern in ["closing", "closing/*", "closing/code-*", "closing/code-1000"] {
    ///     assert!(Pattern::new(pattern).matches(&id));
    /// }
    /// assert!(!Pattern::new("closing/code").matches(&id));
    /// ```
    #[must_use]
    pub fn matches(&self, id: &Id) -> bool {
        let name = id.to_string();
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        if !self.0.contains('*') {
            return name == first || id.group() == first;
        }
        let Some(mut rest) = name.strip_prefix(first) else {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers_or_slugs_in_kebab_case() {
        for text in ["6.4.2", "10.1.1", "closing/code-1000", "a/b"] {
            let id = text.parse::<Id>().expect(text);
            assert_eq!(id.to_string(), text);
        }
        for text in [
            "",
            "6.",
            "6.x",
            "closing",
            "closing/",
            "/code",
            "closing/Code",
            "closing/code--1",
            "closing/code_1",
            "closing/a/b",
            "-closing/code",
        ] {
            assert_eq!(text.parse::<Id>(), Err(NoId), "{text}");
        }
    }

    #[test]
    fn cases_of_autobahn_come_first_and_in_the_order_of_their_numbers() {
        let mut ids: Vec<Id> = ["closing/code-1000", "10.1.1", "2.10", "2.9"]
            .map(|id| id.parse().expect("an id"))
            .into();
        ids.sort();
        let names: Vec<_> = ids.iter().map(Id::to_string).collect();
        assert_eq!(names, ["2.9", "2.10", "10.1.1", "closing/code-1000"]);
    }
}
