//! A message that is lent.

use wsproto::{Binary, Kind, Message, Text};

/// A message that is lent, in most cases from the loop's read buffer.
#[derive(Debug)]
pub enum MessageRef<'a> {
    /// A text message.
    Text(Text<'a>),
    /// A binary message; also a text message, if [`check_utf8`](wsproto::Config::check_utf8) is off.
    Binary(Binary<'a>),
}

impl MessageRef<'_> {
    /// Returns the type that the sender gave the message.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(bytes) => bytes.kind(),
        }
    }

    /// Returns the bytes of the message; those of a text are UTF-8, unless
    /// [`check_utf8`](wsproto::Config::check_utf8) is off.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Returns the text of a text message, and `None` for a binary message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// Returns an owned message: moved if it was assembled in memory of its own, else copied.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes.into(),
        }
    }
}

impl<'a> From<&'a str> for MessageRef<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a [u8]> for MessageRef<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Binary(bytes.into())
    }
}

impl<'a> From<&'a Message> for MessageRef<'a> {
    fn from(message: &'a Message) -> Self {
        match message {
            Message::Text(text) => text.as_str().into(),
            Message::Binary(bytes) => bytes.as_slice().into(),
        }
    }
}
