//! The events that a connection reports to the application. They borrow the input, never the connection.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::{fmt, ops::Deref};

use crate::{
    handshake::{Request, Response},
    wire::close::Closed,
};

/// The type of a data message (RFC 6455 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Arbitrary bytes.
    Binary,
}

/// An event of a connection. It borrows the [`Input`](crate::Input).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Server: a request has come. Answer it with [`accept`](crate::Connection::accept) or
    /// [`reject`](crate::Connection::reject), now or later.
    Request(Request<'a>),
    /// Client: the server accepted, and messages may be sent.
    Open(Response<'a>),
    /// Client: the server refused, or redirects. [`Closed`](Self::Closed) follows.
    Refused(Response<'a>),
    /// A text message.
    Text(Text<'a>),
    /// A binary message.
    Binary(Binary<'a>),
    /// A part of a message, with [`Delivery::Chunks`](crate::Delivery::Chunks).
    Chunk(Chunk<'a>),
    /// The payload of a Ping, at most 125 bytes. Its Pong is queued, unless
    /// [`answer_pings`](crate::Config::answer_pings) is off or our Close frame comes first.
    Ping(&'a [u8]),
    /// The payload of a Pong, solicited or not, at most 125 bytes.
    Pong(&'a [u8]),
    /// The outgoing queue was [high](crate::Config::queue_high) and is [low](crate::Config::queue_low) again.
    Drained,
    /// The connection ended. This is the last event, unless an error was returned.
    Closed(Closed),
}

/// A part of a message. The chunks of a message, concatenated, are the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk<'a> {
    /// The type of the message. A chunk of text may end inside a code point; UTF-8 is checked across chunks.
    pub kind: Kind,
    /// The bytes; empty only if this is the last chunk.
    pub data: &'a [u8],
    /// True if this is the last chunk of the message.
    pub last: bool,
}

impl<'a> Chunk<'a> {
    /// Creates a chunk.
    #[must_use]
    pub const fn new(kind: Kind, data: &'a [u8], last: bool) -> Self {
        Self { kind, data, last }
    }
}

/// A text message. It dereferences to `str`.
pub struct Text<'a>(Place<'a, str, String>);

/// A binary message. It dereferences to `[u8]`.
pub struct Binary<'a> {
    place: Place<'a, [u8], Vec<u8>>,
    kind: Kind,
}

/// The memory that holds a whole message.
enum Place<'a, T: ?Sized, O> {
    /// In the read buffer.
    Input(&'a T),
    /// In memory of its own, because it came in several parts or was compressed.
    Assembled(&'a mut O),
}

impl<'a> Text<'a> {
    pub(crate) const fn in_place(text: &'a str) -> Self {
        Self(Place::Input(text))
    }

    pub(crate) const fn assembled(text: &'a mut String) -> Self {
        Self(Place::Assembled(text))
    }

    /// Returns the text, which borrows the input.
    #[must_use]
    pub fn into_str(self) -> &'a str {
        match self.0 {
            Place::Input(text) => text,
            Place::Assembled(text) => text,
        }
    }

    /// Returns an owned text: moved if it was assembled in memory of about its size, copied once otherwise.
    #[must_use]
    pub fn into_string(self) -> String {
        match self.0 {
            Place::Input(text) => text.to_owned(),
            Place::Assembled(text) if fits(text.len(), text.capacity()) => core::mem::take(text),
            Place::Assembled(text) => text.clone(),
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::in_place(text)
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Place::Input(text) => text,
            Place::Assembled(text) => text,
        }
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<String> for Text<'_> {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.into_string()
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<'a> Binary<'a> {
    pub(crate) const fn in_place(bytes: &'a [u8], kind: Kind) -> Self {
        Self {
            place: Place::Input(bytes),
            kind,
        }
    }

    pub(crate) const fn assembled(bytes: &'a mut Vec<u8>, kind: Kind) -> Self {
        Self {
            place: Place::Assembled(bytes),
            kind,
        }
    }

    /// Returns the type of the message: binary, or text if [`check_utf8`](crate::Config::check_utf8) is off.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the bytes, which borrow the input.
    #[must_use]
    pub fn into_slice(self) -> &'a [u8] {
        match self.place {
            Place::Input(bytes) => bytes,
            Place::Assembled(bytes) => bytes,
        }
    }

    /// Returns owned bytes: moved if they were assembled in memory of about their size, copied once
    /// otherwise.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match self.place {
            Place::Input(bytes) => bytes.to_vec(),
            Place::Assembled(bytes) if fits(bytes.len(), bytes.capacity()) => {
                core::mem::take(bytes)
            }
            Place::Assembled(bytes) => bytes.clone(),
        }
    }
}

/// Returns true if a buffer of this capacity may be given away with a message: at most an eighth of the
/// message's length is unused.
const fn fits(len: usize, capacity: usize) -> bool {
    capacity - len <= len / 8
}

impl<'a> From<&'a [u8]> for Binary<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::in_place(bytes, Kind::Binary)
    }
}

impl Deref for Binary<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.place {
            Place::Input(bytes) => bytes,
            Place::Assembled(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Binary<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Binary<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && **self == **other
    }
}

impl Eq for Binary<'_> {}

impl PartialEq<[u8]> for Binary<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

impl PartialEq<&[u8]> for Binary<'_> {
    fn eq(&self, other: &&[u8]) -> bool {
        **self == **other
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Binary<'_> {
    fn eq(&self, other: &[u8; N]) -> bool {
        **self == *other
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Binary<'_> {
    fn eq(&self, other: &&[u8; N]) -> bool {
        **self == **other
    }
}

impl From<Binary<'_>> for Vec<u8> {
    fn from(binary: Binary<'_>) -> Self {
        binary.into_vec()
    }
}

impl fmt::Debug for Binary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
