//! Failures of a single connection.

use std::{fmt, io};

use crate::opening::OpeningError;

/// The reason for which a connection was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Connecting failed.
    Connect(io::ErrorKind),
    /// The server did not open a WebSocket.
    Opening(OpeningError),
    /// The server did not answer the opening handshake in time.
    OpeningTimeout,
    /// The server agreed to no compression, or to other parameters than on earlier connections.
    Compression,
    /// Reading or writing failed.
    Lost(io::ErrorKind),
    /// The stream ended without a Close frame.
    Ended,
    /// The server closed with this code; 1005 if it sent none (RFC 6455 section 7.4.1).
    Closed(u16),
    /// A frame that a server must not send.
    BadFrame,
    /// A message with a different length than the one sent, or an unexpected message.
    WrongLength,
    /// A message with a different payload than the one sent.
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
            Self::Ended => f.write_str("the stream ended without a Close frame"),
            Self::Closed(code) => write!(f, "closed by the server with {code}"),
            Self::BadFrame => f.write_str("invalid frame"),
            Self::WrongLength => f.write_str("answer with the wrong length"),
            Self::WrongContent => f.write_str("answer with the wrong payload"),
        }
    }
}

impl std::error::Error for Fault {}
