//! Misuse of the opening handshake by the application.

use core::error::Error;
use core::fmt;

/// A fault in a request or response that the application asked the handshake to write.
///
/// Nothing was written, so the call may be repeated with other arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeMisuse {
    /// A header name is not a token (RFC 7230 section 3.2.6).
    InvalidHeaderName,
    /// A header value contains CR, LF, NUL or another control character except the tab.
    InvalidHeaderValue,
    /// A header belongs to the handshake itself and cannot be set, or has a field of its own.
    ReservedHeader,
    /// `Host`, `Origin` or `Authorization` is given more than once.
    RepeatedHeader,
    /// There are more headers than the HTTP library accepts.
    TooManyHeaders,
    /// The host is empty, or contains a character that is not allowed in an authority (RFC 3986
    /// section 3.2.2).
    InvalidHost,
    /// The target is not an absolute path with an optional query in printable ASCII, or has a fragment.
    InvalidTarget,
    /// The user name has a colon, or a credential contains a control character (RFC 7617 section 2).
    InvalidCredentials,
    /// A subprotocol is not a token (RFC 6455 section 4.1).
    InvalidSubprotocol,
    /// A subprotocol is requested twice (RFC 6455 section 4.1).
    RepeatedSubprotocol,
    /// The accepted subprotocol is not among those that the client offered.
    SubprotocolNotOffered,
    /// The status of a response is outside of 200 to 599.
    InvalidStatus,
    /// The status of a response (204, 205 or 304) allows no body (RFC 7231 section 6).
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
