//! The errors of opening handshakes, the same for all drivers.

use std::fmt;

use wsproto::{Closed, Error, ResponseHead, SendError};

/// The reason why an opening handshake failed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer broke the protocol or a deadline. It was told, if there was a way.
    Failed(Error),
    /// Client: the server refused, or redirects.
    Refused(Box<ResponseHead>),
    /// The connection ended before the handshake was complete.
    Closed(Closed),
    /// The request or the answer cannot be sent as asked.
    Misuse(SendError),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Refused(response) => {
                let response = response.view();
                write!(
                    f,
                    "the server answered {} {}",
                    response.status(),
                    response.reason_phrase()
                )
            }
            Self::Closed(closed) => write!(f, "{closed} before the handshake was complete"),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HandshakeError {}
