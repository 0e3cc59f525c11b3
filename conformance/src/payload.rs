//! What cases send: octets as they are, or a rule to make them when they are needed.

use std::borrow::Cow;

/// The payload of a message or a frame.
#[derive(Debug, Clone)]
pub enum Payload {
    /// These octets.
    Octets(Cow<'static, [u8]>),
    /// A pattern, repeated and cut to a length: sixteen mebioctets need not lie in memory while
    /// another case runs.
    Repeated {
        /// What is repeated; not empty.
        pattern: &'static [u8],
        /// How many octets there are in all.
        len: usize,
    },
}

impl Payload {
    /// No octets.
    pub const EMPTY: Self = Self::Octets(Cow::Borrowed(b""));

    /// Makes a payload of a pattern that is repeated and cut to `len` octets.
    #[must_use]
    pub const fn repeated(pattern: &'static [u8], len: usize) -> Self {
        Self::Repeated { pattern, len }
    }

    /// How many octets it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Octets(octets) => octets.len(),
            Self::Repeated { len, .. } => *len,
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The octets themselves.
    #[must_use]
    pub fn octets(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Octets(octets) => Cow::Borrowed(octets),
            Self::Repeated { pattern, len } => {
                let mut octets = pattern.repeat(len.div_ceil(pattern.len()));
                octets.truncate(*len);
                Cow::Owned(octets)
            }
        }
    }
}

/// Payloads are equal if their octets are, however they are written.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.octets() == other.octets()
    }
}

impl Eq for Payload {}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Self::Octets(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<&'static [u8]> for Payload {
    fn from(octets: &'static [u8]) -> Self {
        Self::Octets(Cow::Borrowed(octets))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Payload {
    fn from(octets: &'static [u8; N]) -> Self {
        Self::Octets(Cow::Borrowed(octets))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(octets: Vec<u8>) -> Self {
        Self::Octets(Cow::Owned(octets))
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}
