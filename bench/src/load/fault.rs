//! What can go wrong with one connection.

use std::{fmt, io};

use crate::opening::OpeningError;

/// Why a connection was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Connecting failed.
    Connect(io::ErrorKind),
    /// The server did not open a WebSocket.
    Opening(OpeningError),
    /// The server did not answer the opening handshake in time.
    OpeningTimeout,
    /// The server agreed to no compression, or to another one than on the connections before.
    Compression,
    /// Reading or writing failed.
    Lost(io::ErrorKind),
    /// The stream ended without a Close frame.
    Ended,
    /// The server closed, with that code; 1005 if it gave none (RFC 6455 section 7.4.1).
    Closed(u16),
    /// A frame that a server must not send.
    BadFrame,
    /// A message of another length than the one that was sent, or one that nobody waited for.
    WrongLength,
    /// A message with another payload than the one that was sent.
    WrongContent,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(kind) => write!(f, "connecting: {kind}"),
            Self::Opening(error) => write!(f, "opening: {error}"),
            Self::OpeningTimeout => f.write_str("opening: no answer in time"),
            Self::Compression => f.write_str("opening: compression was not agreed to"),
            Self::Lost(kind) => write!(f, "connection lost: {kind}"),
            Self::Ended => f.write_str("the stream ended without a Close"),
            Self::Closed(code) => write!(f, "closed by the server with {code}"),
            Self::BadFrame => f.write_str("a frame that a server must not send"),
            Self::WrongLength => f.write_str("an answer of the wrong length"),
            Self::WrongContent => f.write_str("an answer with the wrong payload"),
        }
    }
}

impl std::error::Error for Fault {}
