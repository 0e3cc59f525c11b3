//! Faults of a response that does not open the connection (RFC 6455 section 4.1).

use core::error::Error;
use core::fmt;

use super::head::HeadError;

/// The reason why the server's response does not open the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The bytes are not the head of an HTTP/1 response.
    Malformed,
    /// The head is larger than the limit.
    HeadTooLarge,
    /// The head has more headers than the limit.
    TooManyHeaders,
    /// The version of HTTP is not 1.1.
    UnsupportedHttpVersion,
    /// The status is not 101: the server refused, or redirects.
    ///
    /// Only a handshake over an HTTP library reports this. A connection reports
    /// [`Event::Refused`](crate::Event::Refused).
    Refused {
        /// The status of the response.
        status: u16,
    },
    /// `Upgrade` is absent, or names another protocol.
    NoUpgrade,
    /// `Connection` does not list `upgrade`.
    NoConnectionUpgrade,
    /// There is no `Sec-WebSocket-Accept`.
    MissingAccept,
    /// There is more than one `Sec-WebSocket-Accept`.
    RepeatedAccept,
    /// `Sec-WebSocket-Accept` does not match the key that was sent.
    WrongAccept,
    /// There is more than one `Sec-WebSocket-Protocol`.
    RepeatedSubprotocol,
    /// The subprotocol is not among those that were requested.
    SubprotocolNotAsked,
    /// `Sec-WebSocket-Extensions` does not follow its grammar (RFC 6455 section 9.1).
    MalformedExtensions,
    /// An extension is not among those that were offered.
    ExtensionNotOffered,
    /// The parameters of permessage-deflate do not fit the offer (RFC 7692 section 7.1).
    IllegalCompression,
}

impl From<HeadError> for ResponseError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Malformed => Self::Malformed,
            HeadError::UnsupportedHttpVersion => Self::UnsupportedHttpVersion,
            HeadError::TooLarge => Self::HeadTooLarge,
        }
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the answer is not an HTTP/1.1 response",
            Self::HeadTooLarge => "the head of the response is too large",
            Self::TooManyHeaders => "the response has too many headers",
            Self::UnsupportedHttpVersion => "the version of HTTP of the response is not 1.1",
            Self::Refused { status } => {
                return write!(f, "the server answered with status {status} instead of 101");
            }
            Self::NoUpgrade => "Upgrade is not websocket",
            Self::NoConnectionUpgrade => "Connection does not list upgrade",
            Self::MissingAccept => "Sec-WebSocket-Accept is missing",
            Self::RepeatedAccept => "Sec-WebSocket-Accept occurs more than once",
            Self::WrongAccept => "Sec-WebSocket-Accept does not answer the key",
            Self::RepeatedSubprotocol => "Sec-WebSocket-Protocol occurs more than once",
            Self::SubprotocolNotAsked => "the server chose a subprotocol that was not asked for",
            Self::MalformedExtensions => "Sec-WebSocket-Extensions is malformed",
            Self::ExtensionNotOffered => "the server chose an extension that was not offered",
            Self::IllegalCompression => {
                "the server's parameters of permessage-deflate do not fit the offer"
            }
        })
    }
}

impl Error for ResponseError {}
