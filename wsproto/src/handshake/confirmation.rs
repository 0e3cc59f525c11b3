//! A client's check of the server's answer (RFC 6455 section 4.1, from "The client MUST validate").

use core::error::Error;
use core::{fmt, str};

use super::extensions::Extensions;
use super::head::HeadError;
use super::headers::{Fields, Single, elements, list_elements, lists_token, single, values};
use super::request::HttpVersion;
use super::response::Response;

/// Why the server's answer does not open the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The octets are no head of an HTTP/1 response.
    Malformed,
    /// The head is larger than the limit.
    HeadTooLarge,
    /// The head has more headers than the limit.
    TooManyHeaders,
    /// The version of HTTP is not 1.1.
    UnsupportedHttpVersion,
    /// The status is not 101: the server refused, or wants something else first.
    Refused {
        /// The status that it sent.
        status: u16,
    },
    /// `Upgrade` is absent or names another protocol.
    NoUpgrade,
    /// `Connection` does not list `upgrade`.
    NoConnectionUpgrade,
    /// There is no `Sec-WebSocket-Accept`.
    MissingAccept,
    /// There is more than one `Sec-WebSocket-Accept`.
    RepeatedAccept,
    /// `Sec-WebSocket-Accept` does not answer the key that was sent.
    WrongAccept,
    /// There is more than one `Sec-WebSocket-Protocol`.
    RepeatedSubprotocol,
    /// The subprotocol is none of those that were asked for.
    SubprotocolNotAsked,
    /// `Sec-WebSocket-Extensions` does not follow its grammar (section 9.1).
    MalformedExtensions,
    /// An extension is none of those that were offered.
    ExtensionNotOffered,
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
        })
    }
}

impl Error for ResponseError {}

/// Checks an answer completely, but for the parameters of extensions.
///
/// `asked` is the list of subprotocols that were asked for, separated by commas; `offered` has the
/// names of the extensions that were offered.
pub(crate) fn check_response(
    response: &Response<'_>,
    expected_accept: &[u8; 28],
    asked: &str,
    offered: &[&str],
) -> Result<(), ResponseError> {
    Confirmation {
        status: response.status(),
        version: response.version(),
        fields: response.fields(),
    }
    .check(expected_accept, asked, offered)
}

/// The parts of an answer that decide, whoever parsed it.
pub(super) struct Confirmation<F> {
    pub(super) status: u16,
    pub(super) version: HttpVersion,
    pub(super) fields: F,
}

impl<'a, F: Fields<'a>> Confirmation<F> {
    /// Runs the checks in the order of section 4.1.
    pub(super) fn check(
        &self,
        expected_accept: &[u8; 28],
        asked: &str,
        offered: &[&str],
    ) -> Result<(), ResponseError> {
        if self.status != 101 {
            return Err(ResponseError::Refused {
                status: self.status,
            });
        }
        match self.version {
            HttpVersion::Http11 => {}
            HttpVersion::Http10 => return Err(ResponseError::UnsupportedHttpVersion),
        }
        self.check_upgrade()?;
        match single(self.fields, "Sec-WebSocket-Accept") {
            Single::Absent => return Err(ResponseError::MissingAccept),
            Single::Repeated => return Err(ResponseError::RepeatedAccept),
            Single::Once(accept) if accept == expected_accept => {}
            Single::Once(_) => return Err(ResponseError::WrongAccept),
        }
        self.check_extensions(offered)?;
        self.check_subprotocol(asked)
    }

    /// The server has agreed to one protocol, so another one beside it is a contradiction.
    fn check_upgrade(&self) -> Result<(), ResponseError> {
        let mut protocols = elements(self.fields, "Upgrade").peekable();
        let is_websocket = protocols.peek().is_some()
            && protocols.all(|protocol| protocol.eq_ignore_ascii_case(b"websocket"));
        if !is_websocket {
            return Err(ResponseError::NoUpgrade);
        }
        if !lists_token(self.fields, "Connection", "upgrade") {
            return Err(ResponseError::NoConnectionUpgrade);
        }
        Ok(())
    }

    /// Several lines are taken: section 4.2.2 allows what section 11.3.2 forbids.
    fn check_extensions(&self, offered: &[&str]) -> Result<(), ResponseError> {
        for extension in Extensions::new(values(self.fields, "Sec-WebSocket-Extensions")) {
            let extension = extension.map_err(|_| ResponseError::MalformedExtensions)?;
            if !offered.contains(&extension.name()) {
                return Err(ResponseError::ExtensionNotOffered);
            }
        }
        Ok(())
    }

    /// None is fine even if some were asked for: the application decides whether to go on.
    fn check_subprotocol(&self, asked: &str) -> Result<(), ResponseError> {
        match single(self.fields, "Sec-WebSocket-Protocol") {
            Single::Absent => Ok(()),
            Single::Repeated => Err(ResponseError::RepeatedSubprotocol),
            Single::Once(chosen) => {
                if list_elements(asked.as_bytes()).any(|asked| asked == chosen) {
                    Ok(())
                } else {
                    Err(ResponseError::SubprotocolNotAsked)
                }
            }
        }
    }
}
