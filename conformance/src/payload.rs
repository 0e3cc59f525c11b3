//! Payloads of cases: bytes, or a rule that makes them when they are needed.

use std::borrow::Cow;

/// The payload of a message or a frame.
#[derive(Debug, Clone)]
pub enum Payload {
    /// These bytes.
    Bytes(Cow<'static, [u8]>),
    /// A pattern, repeated and cut to a length: sixteen mebibytes need not lie in memory while
    /// another case runs.
    Repeated {
        /// The pattern; not empty.
        pattern: &'static [u8],
        /// How many bytes there are in all.
        len: usize,
    },
}

impl Payload {
    /// No bytes.
    pub const EMPTY: Self = Self::Bytes(Cow::Borrowed(b""));

    /// Makes a payload of a pattern that is repeated and cut to `len` bytes.
    #[must_use]
    pub const fn repeated(pattern: &'static [u8], len: usize) -> Self {
        Self::Repeated { pattern, len }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Repeated { len, .. } => *len,
        }
    }

    /// Returns true if it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes themselves.
    #[must_use]
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Repeated { pattern, len } => {
                let mut bytes = pattern.repeat(len.div_ceil(pattern.len()));
                bytes.truncate(*len);
                Cow::Owned(bytes)
            }
        }
    }
}

/// Payloads are equal if their bytes are, however they are written.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.bytes() == other.bytes()
    }
}

impl Eq for Payload {}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Self::Bytes(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<&'static [u8]> for Payload {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Payload {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}
