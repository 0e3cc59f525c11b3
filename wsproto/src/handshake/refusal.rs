//! Refusals of requests, and the HTTP responses that state the reason.

use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use super::head::HeadError;
use super::server_response::{Reject, write_answer};

/// A fault of a request, with the status that it is answered with.
///
/// The response closes the connection, and has the reason as text in its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are not the head of an HTTP/1 request: 400.
    Malformed,
    /// The head is larger than the limit: 431.
    HeadTooLarge,
    /// The head has more headers than the limit: 431.
    TooManyHeaders,
    /// The head was not complete before its deadline: 408.
    TooSlow,
    /// The major version of HTTP is not 1: 505.
    UnsupportedHttpVersion,
    /// HTTP/1.0 has no upgrades (RFC 7230 section 6.7): 400.
    Http10,
    /// There is no `Host` (RFC 7230 section 5.4): 400.
    MissingHost,
    /// There is more than one `Host`: 400.
    RepeatedHost,
    /// `Host` is empty, or contains a character that is not allowed in an authority: 400.
    InvalidHost,
    /// The target is neither a path nor an absolute URI (RFC 6455 section 4.2.1): 400.
    InvalidTarget,
    /// The method is not GET: 405.
    MethodNotAllowed,
    /// There is no `Upgrade`: 426.
    UpgradeRequired,
    /// `Upgrade` does not list `websocket`: 400.
    UpgradeToOther,
    /// `Connection` does not list `upgrade`: 400.
    NoConnectionUpgrade,
    /// There is no `Sec-WebSocket-Version`: 400.
    MissingVersion,
    /// There is more than one `Sec-WebSocket-Version`: 400.
    RepeatedVersion,
    /// `Sec-WebSocket-Version` is not 13: 426.
    UnsupportedVersion,
    /// There is no `Sec-WebSocket-Key`: 400.
    MissingKey,
    /// There is more than one `Sec-WebSocket-Key`: 400.
    RepeatedKey,
    /// `Sec-WebSocket-Key` is not the base64 of 16 bytes: 400.
    InvalidKey,
    /// A request for an upgrade has a body: 400.
    UnexpectedBody,
    /// `Sec-WebSocket-Protocol` lists something that is not a token: 400.
    InvalidSubprotocol,
    /// `Sec-WebSocket-Extensions` does not follow its grammar (RFC 6455 section 9.1): 400.
    MalformedExtensions,
}

impl Refusal {
    /// Returns the status of the response.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed
            | Self::Http10
            | Self::MissingHost
            | Self::RepeatedHost
            | Self::InvalidHost
            | Self::InvalidTarget
            | Self::UpgradeToOther
            | Self::NoConnectionUpgrade
            | Self::MissingVersion
            | Self::RepeatedVersion
            | Self::MissingKey
            | Self::RepeatedKey
            | Self::InvalidKey
            | Self::UnexpectedBody
            | Self::InvalidSubprotocol
            | Self::MalformedExtensions => 400,
            Self::MethodNotAllowed => 405,
            Self::TooSlow => 408,
            Self::UpgradeRequired | Self::UnsupportedVersion => 426,
            Self::HeadTooLarge | Self::TooManyHeaders => 431,
            Self::UnsupportedHttpVersion => 505,
        }
    }

    /// Appends the response to `out`, without its body if the method is known to be HEAD.
    pub(crate) fn write(self, out: &mut Vec<u8>, head_only: bool) {
        let answer = Reject::new(self.status())
            .headers(self.headers())
            .body(self.text().as_bytes());
        write_answer(out, &answer, head_only);
    }

    /// Returns the headers that tell the client what to do instead.
    pub(super) const fn headers(self) -> &'static [(&'static str, &'static str)] {
        const TEXT: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");
        match self {
            // RFC 7231 section 6.5.5.
            Self::MethodNotAllowed => &[("Allow", "GET"), TEXT],
            // RFC 7231 section 6.5.15.
            Self::UpgradeRequired => &[("Upgrade", "websocket"), TEXT],
            // RFC 6455 section 4.4.
            Self::UnsupportedVersion => &[
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
                TEXT,
            ],
            Self::Malformed
            | Self::HeadTooLarge
            | Self::TooManyHeaders
            | Self::TooSlow
            | Self::UnsupportedHttpVersion
            | Self::Http10
            | Self::MissingHost
            | Self::RepeatedHost
            | Self::InvalidHost
            | Self::InvalidTarget
            | Self::UpgradeToOther
            | Self::NoConnectionUpgrade
            | Self::MissingVersion
            | Self::RepeatedVersion
            | Self::MissingKey
            | Self::RepeatedKey
            | Self::InvalidKey
            | Self::UnexpectedBody
            | Self::InvalidSubprotocol
            | Self::MalformedExtensions => &[TEXT],
        }
    }

    /// Returns the reason, for the body of the response and for logs.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "this is not an HTTP/1.1 request",
            Self::HeadTooLarge => "the head of the request is too large",
            Self::TooManyHeaders => "the request has too many headers",
            Self::TooSlow => "the request took too long to arrive",
            Self::UnsupportedHttpVersion => "the version of HTTP must be 1.1",
            Self::Http10 => "HTTP/1.0 cannot be upgraded, use HTTP/1.1",
            Self::MissingHost => "Host is missing",
            Self::RepeatedHost => "Host occurs more than once",
            Self::InvalidHost => "Host is not a valid authority",
            Self::InvalidTarget => "the target must be a path or an absolute URI",
            Self::MethodNotAllowed => "the method must be GET",
            Self::UpgradeRequired => "this is a WebSocket endpoint, ask for an upgrade",
            Self::UpgradeToOther => "Upgrade must list websocket",
            Self::NoConnectionUpgrade => "Connection must list upgrade",
            Self::MissingVersion => "Sec-WebSocket-Version is missing",
            Self::RepeatedVersion => "Sec-WebSocket-Version occurs more than once",
            Self::UnsupportedVersion => "Sec-WebSocket-Version must be 13",
            Self::MissingKey => "Sec-WebSocket-Key is missing",
            Self::RepeatedKey => "Sec-WebSocket-Key occurs more than once",
            Self::InvalidKey => "Sec-WebSocket-Key must be 16 bytes in base64",
            Self::UnexpectedBody => "a request for an upgrade must not have a body",
            Self::InvalidSubprotocol => "Sec-WebSocket-Protocol must be a list of tokens",
            Self::MalformedExtensions => "Sec-WebSocket-Extensions is malformed",
        }
    }
}

impl From<HeadError> for Refusal {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Malformed => Self::Malformed,
            HeadError::UnsupportedHttpVersion => Self::UnsupportedHttpVersion,
            HeadError::TooLarge => Self::HeadTooLarge,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Error for Refusal {}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::handshake::sample::with_response;

    /// One refusal of each kind of response, and several of the most common ones.
    const REFUSALS: [(Refusal, u16); 8] = [
        (Refusal::Malformed, 400),
        (Refusal::InvalidKey, 400),
        (Refusal::MethodNotAllowed, 405),
        (Refusal::TooSlow, 408),
        (Refusal::UpgradeRequired, 426),
        (Refusal::UnsupportedVersion, 426),
        (Refusal::HeadTooLarge, 431),
        (Refusal::UnsupportedHttpVersion, 505),
    ];

    #[test]
    fn the_answer_is_complete_and_closes_the_connection() {
        for (refusal, status) in REFUSALS {
            let mut out = b"before".to_vec();
            refusal.write(&mut out, false);
            let answer = out.strip_prefix(b"before").unwrap();
            with_response(answer, |response| {
                assert_eq!(response.status(), status);
                assert!(!response.reason_phrase().is_empty());
                assert!(
                    response
                        .header_str("Connection")
                        .unwrap()
                        .starts_with("close")
                );
                let body = refusal.text();
                let length: usize = response
                    .header_str("Content-Length")
                    .unwrap()
                    .parse()
                    .unwrap();
                assert_eq!(length, body.len());
                assert!(answer.ends_with(body.as_bytes()));
            })
            .unwrap();
        }
    }

    #[test]
    fn the_answer_tells_how_to_do_better() {
        let header = |refusal: Refusal, name: &str| {
            let mut out = Vec::new();
            refusal.write(&mut out, false);
            with_response(out, |response| response.header_str(name).map(String::from)).unwrap()
        };
        assert_eq!(
            header(Refusal::MethodNotAllowed, "Allow").as_deref(),
            Some("GET")
        );
        for refusal in [Refusal::UpgradeRequired, Refusal::UnsupportedVersion] {
            assert_eq!(header(refusal, "Upgrade").as_deref(), Some("websocket"));
            assert_eq!(
                header(refusal, "Connection").as_deref(),
                Some("close, Upgrade")
            );
        }
        let version = header(Refusal::UnsupportedVersion, "Sec-WebSocket-Version");
        assert_eq!(version.as_deref(), Some("13"));
    }

    #[test]
    fn the_answer_to_a_head_request_has_no_body() {
        let mut out = Vec::new();
        Refusal::MethodNotAllowed.write(&mut out, true);
        assert!(out.ends_with(b"\r\n\r\n"));
        let mut with_body = Vec::new();
        Refusal::MethodNotAllowed.write(&mut with_body, false);
        assert!(with_body.starts_with(&out));
    }

    #[test]
    fn a_hopeless_head_has_its_refusal_too() {
        for (error, status) in [
            (HeadError::Malformed, 400),
            (HeadError::TooLarge, 431),
            (HeadError::UnsupportedHttpVersion, 505),
        ] {
            assert_eq!(Refusal::from(error).status(), status, "{error:?}");
        }
    }
}
