//! Mistakes of the application in what it asks the handshake to write.

use core::error::Error;
use core::fmt;

/// Says what is wrong with a handshake that the application asked for.
///
/// Nothing has been written when this is returned: the call may be repeated with better arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeMisuse {
    /// A header name is no token (RFC 7230 section 3.2.6).
    InvalidHeaderName,
    /// A header value holds CR, LF, NUL or another control character but the tab.
    InvalidHeaderValue,
    /// A header belongs to the handshake itself and cannot be given by hand, or has a field of its own.
    ReservedHeader,
    /// `Host`, `Origin` or `Authorization` is given more than once.
    RepeatedHeader,
    /// There are more headers than the HTTP library takes.
    TooManyHeaders,
    /// The host is empty, or holds a character that no authority has (RFC 3986 section 3.2.2).
    InvalidHost,
    /// The target is no absolute path with an optional query in printable ASCII, or has a fragment.
    InvalidTarget,
    /// The user name has a colon, or a credential holds a control character (RFC 7617 section 2).
    InvalidCredentials,
    /// A subprotocol is no token (RFC 6455 section 4.1).
    InvalidSubprotocol,
    /// A subprotocol is asked for twice (RFC 6455 section 4.1).
    RepeatedSubprotocol,
    /// The subprotocol that is accepted is none of those that the client offered.
    SubprotocolNotOffered,
    /// The status of an answer is outside 200 to 599.
    InvalidStatus,
    /// The status of an answer (204, 205 or 304) allows no body (RFC 7231 section 6).
    BodyNotAllowed,
}

impl fmt::Display for HandshakeMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidHeaderName => "a header name is not a token",
            Self::InvalidHeaderValue => "a header value holds a control character",
            Self::ReservedHeader => "a header is reserved for the handshake itself",
            Self::RepeatedHeader => "a header that may occur once is given more than once",
            Self::TooManyHeaders => "there are more headers than the HTTP library takes",
            Self::InvalidHost => "the host is not valid in a Host header",
            Self::InvalidTarget => "the target is not an absolute path in printable ASCII",
            Self::InvalidCredentials => "the credentials cannot be sent by the Basic scheme",
            Self::InvalidSubprotocol => "a subprotocol is not a token",
            Self::RepeatedSubprotocol => "a subprotocol is asked for twice",
            Self::SubprotocolNotOffered => "the accepted subprotocol was not offered",
            Self::InvalidStatus => "the status of an answer must lie between 200 and 599",
            Self::BodyNotAllowed => "the status of the answer allows no body",
        })
    }
}

impl Error for HandshakeMisuse {}
