//! Owned messages, and the conversions from and to other types.

use alloc::{
    borrow::{Cow, ToOwned},
    boxed::Box,
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::fmt;

use crate::event::{Binary, Kind, Text};

/// An owned message: what applications keep, and send.
///
/// ```
/// use wsproto::Message;
///
/// let message = Message::from("hello");
/// assert!(message.is_text());
/// assert_eq!(message.as_text(), Some("hello"));
/// assert_eq!(message.to_string(), "hello");
/// assert_eq!(Message::from(b"\x01\x02").len(), 2);
/// assert_eq!(String::try_from(message).unwrap(), "hello");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
}

impl Message {
    /// Returns the type of the message.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// Returns true for a text message.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Returns true for a binary message.
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// Returns the length of the payload in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Returns true if the payload is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes of the message; text is UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Returns the text, or `None` for a binary message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// Converts the message into its bytes without copying them.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Converts a text message into its text without copying it.
    ///
    /// # Errors
    /// [`NotText`], which contains the message, for a binary one.
    pub fn into_text(self) -> Result<String, NotText> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(_) => Err(NotText(self)),
        }
    }
}

/// The error of converting a binary message into text. Contains the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotText(pub Message);

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message is binary, not text")
    }
}

impl core::error::Error for NotText {}

impl fmt::Display for Message {
    /// Shows a text as it is, and a binary message as text with U+FFFD for everything that is not UTF-8.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Binary(bytes) => f.pad(&String::from_utf8_lossy(bytes)),
        }
    }
}

impl fmt::Debug for Message {
    /// Shows the type, the length, and the first bytes: a log is not the place for megabytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        match self {
            Self::Text(text) if text.len() <= SHOWN => write!(f, "Text({text:?})"),
            Self::Text(text) => {
                let boundary = |end: &usize| text.is_char_boundary(*end);
                let end = (0..=SHOWN).rev().find(boundary).unwrap_or_default();
                write!(f, "Text({:?}.. {} bytes)", &text[..end], text.len())
            }
            Self::Binary(bytes) if bytes.len() <= SHOWN => {
                write!(f, "Binary(b\"{}\")", bytes.escape_ascii())
            }
            Self::Binary(bytes) => {
                let shown = bytes[..SHOWN].escape_ascii();
                write!(f, "Binary(b\"{shown}\".. {} bytes)", bytes.len())
            }
        }
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq<str> for Message {
    fn eq(&self, other: &str) -> bool {
        self.as_text() == Some(other)
    }
}

impl PartialEq<&str> for Message {
    fn eq(&self, other: &&str) -> bool {
        self.as_text() == Some(other)
    }
}

impl PartialEq<[u8]> for Message {
    /// True for a binary message of these bytes.
    fn eq(&self, other: &[u8]) -> bool {
        self.is_binary() && self.as_bytes() == other
    }
}

macro_rules! from_text {
    ($($source:ty => |$text:ident| $into:expr;)*) => {
        $(impl From<$source> for Message {
            fn from($text: $source) -> Self {
                Self::Text($into)
            }
        })*
    };
}

from_text! {
    String => |text| text;
    &String => |text| text.clone();
    &str => |text| text.to_owned();
    Box<str> => |text| text.into_string();
    Cow<'_, str> => |text| text.into_owned();
    Arc<str> => |text| (*text).to_owned();
    Text<'_> => |text| text.into_string();
}

macro_rules! from_bytes {
    ($([$($generics:tt)*] $source:ty => |$bytes:ident| $into:expr;)*) => {
        $(impl<$($generics)*> From<$source> for Message {
            fn from($bytes: $source) -> Self {
                Self::Binary($into)
            }
        })*
    };
}

from_bytes! {
    [] Vec<u8> => |bytes| bytes;
    [] &Vec<u8> => |bytes| bytes.clone();
    [] &[u8] => |bytes| bytes.to_vec();
    [const N: usize] [u8; N] => |bytes| bytes.to_vec();
    [const N: usize] &[u8; N] => |bytes| bytes.to_vec();
    [] Box<[u8]> => |bytes| bytes.into_vec();
    [] Cow<'_, [u8]> => |bytes| bytes.into_owned();
    [] Arc<[u8]> => |bytes| bytes.to_vec();
    [] Binary<'_> => |bytes| bytes.into_vec();
}

impl From<&Self> for Message {
    fn from(message: &Self) -> Self {
        message.clone()
    }
}

impl From<Message> for Vec<u8> {
    fn from(message: Message) -> Self {
        message.into_bytes()
    }
}

impl TryFrom<Message> for String {
    type Error = NotText;

    fn try_from(message: Message) -> Result<Self, NotText> {
        message.into_text()
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString, vec};

    use super::*;

    #[test]
    fn everything_that_is_text_becomes_a_text_message() {
        let text = String::from("text");
        let messages = [
            Message::from("text"),
            Message::from(&text),
            Message::from(text.clone()),
            Message::from(text.clone().into_boxed_str()),
            Message::from(Cow::Borrowed("text")),
            Message::from(Arc::<str>::from("text")),
            Message::from(Text::from("text")),
            Message::from(&Message::from("text")),
        ];
        for message in messages {
            assert_eq!(message, "text");
            assert_eq!((message.len(), message.is_text()), (4, true));
            assert_eq!(String::try_from(message), Ok(text.clone()));
        }
    }

    #[test]
    fn everything_that_is_bytes_becomes_a_binary_message() {
        let bytes = vec![0, 1, 0xff];
        let messages = [
            Message::from([0, 1, 0xff]),
            Message::from(b"\0\x01\xff"),
            Message::from(&bytes[..]),
            Message::from(&bytes),
            Message::from(bytes.clone()),
            Message::from(bytes.clone().into_boxed_slice()),
            Message::from(Cow::Borrowed(&bytes[..])),
            Message::from(Arc::<[u8]>::from(&bytes[..])),
            Message::from(Binary::from(&bytes[..])),
        ];
        for message in messages {
            assert!(message.is_binary() && message == bytes[..]);
            let NotText(back) = message.into_text().unwrap_err();
            assert_eq!(Vec::from(back), bytes, "the message is not lost");
        }
    }

    #[test]
    fn a_message_is_shown_as_text_and_debugged_in_short() {
        assert_eq!(format!("[{:>5}]", Message::from("a")), "[    a]");
        assert_eq!(Message::from(b"a\xff").to_string(), "a\u{fffd}");
        assert_eq!(format!("{:?}", Message::from("a\n")), r#"Text("a\n")"#);
        assert_eq!(
            format!("{:?}", Message::from([7, b'a'])),
            r#"Binary(b"\x07a")"#
        );
        for message in [
            Message::from("é".repeat(5000)),
            Message::from(vec![7; 10_000]),
        ] {
            let debug = format!("{message:?}");
            assert!(
                debug.len() < 300 && debug.ends_with(".. 10000 bytes)"),
                "{debug}"
            );
        }
    }
}
