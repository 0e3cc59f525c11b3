//! A server's response: acceptance, or any other HTTP response.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::headers::{check_application_headers, list_elements};
use super::misuse::HandshakeMisuse;
use super::status::reason_phrase;
use crate::config::Config;

/// The acceptance of a request by the application.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Accept<'a> {
    /// The subprotocol to use: one of those that the client offered. `None` by default.
    pub subprotocol: Option<&'a str>,
    /// Additional headers, such as `Set-Cookie`, as names and values. None by default.
    pub headers: &'a [(&'a str, &'a str)],
    /// Agrees to compression, if it is configured and offered. `true` by default.
    pub compression: bool,
    /// The configuration of the open connection. `None` by default: the configuration of the handshake stays.
    pub config: Option<&'a Arc<Config>>,
}

impl<'a> Accept<'a> {
    /// Creates an acceptance without a subprotocol and without additional headers.
    pub const fn new() -> Self {
        Self {
            subprotocol: None,
            headers: &[],
            compression: true,
            config: None,
        }
    }

    /// Chooses a subprotocol, or none.
    #[must_use]
    pub fn subprotocol(mut self, subprotocol: impl Into<Option<&'a str>>) -> Self {
        self.subprotocol = subprotocol.into();
        self
    }

    /// Sends additional headers, as names and values.
    #[must_use]
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Allows or vetoes compression for this connection.
    #[must_use]
    pub const fn compression(mut self, compression: bool) -> Self {
        self.compression = compression;
        self
    }

    /// Replaces the configuration, since the request and the client are known only now.
    ///
    /// It applies to bytes that came behind the request too, and determines the negotiation of compression.
    /// For a connection that an HTTP library upgrades, pass the configuration to
    /// [`Connection::upgraded`](crate::Connection::upgraded) instead.
    #[must_use]
    pub const fn config(mut self, config: &'a Arc<Config>) -> Self {
        self.config = Some(config);
        self
    }

    /// Checks the acceptance. `offered` is the client's list of subprotocols.
    pub(super) fn check(&self, offered: &str) -> Result<(), HandshakeMisuse> {
        if let Some(chosen) = self.subprotocol
            && !list_elements(offered.as_bytes()).any(|offer| offer == chosen.as_bytes())
        {
            return Err(HandshakeMisuse::SubprotocolNotOffered);
        }
        check_application_headers(self.headers, &RESERVED_IN_ACCEPT)
    }

    /// Returns the header fields of the response (RFC 6455 section 4.2.2, step 5).
    pub(super) fn fields<'b>(
        &'b self,
        accept_key: &'b [u8; 28],
        extensions: Option<&'b str>,
    ) -> impl Iterator<Item = (&'b str, &'b [u8])> {
        [
            ("Upgrade", &b"websocket"[..]),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Accept", accept_key),
        ]
        .into_iter()
        .chain(
            self.subprotocol
                .map(|chosen| ("Sec-WebSocket-Protocol", chosen.as_bytes())),
        )
        .chain(extensions.map(|agreed| ("Sec-WebSocket-Extensions", agreed.as_bytes())))
        .chain(
            self.headers
                .iter()
                .map(|(name, value)| (*name, value.as_bytes())),
        )
    }
}

impl Default for Accept<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// A response of the application that does not open a WebSocket.
///
/// It refuses or redirects a request for a WebSocket, or answers a plain HTTP request. It closes the
/// connection either way.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Reject<'a> {
    /// The status, 200 to 599.
    pub status: u16,
    /// Additional headers, such as `Content-Type` or `WWW-Authenticate`, as names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body. It must be empty for 204, 205 and 304.
    pub body: &'a [u8],
}

impl<'a> Reject<'a> {
    /// Creates a response with `status`, without additional headers or a body.
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            headers: &[],
            body: &[],
        }
    }

    /// Sends additional headers, as names and values.
    #[must_use]
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Sends a body.
    #[must_use]
    pub const fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }
}

/// Header fields that the application may not set in an acceptance. A 101 has no body (RFC 7230
/// section 3.3.2).
const RESERVED_IN_ACCEPT: [&str; 7] = [
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];

/// Header fields that the application may not set in another response.
const RESERVED_IN_REJECT: [&str; 3] = ["Connection", "Content-Length", "Transfer-Encoding"];

/// Appends the response that opens the connection to `out`, or nothing on an error.
///
/// `offered` is the client's list of subprotocols, separated by commas. `extensions` is the value of
/// `Sec-WebSocket-Extensions`.
pub(crate) fn write_accept(
    out: &mut Vec<u8>,
    accept_key: &[u8; 28],
    accept: &Accept<'_>,
    offered: &str,
    extensions: Option<&str>,
) -> Result<(), HandshakeMisuse> {
    accept.check(offered)?;
    write_status_line(out, 101);
    for (name, value) in accept.fields(accept_key, extensions) {
        write_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Appends a response that does not open the connection to `out`, or nothing on an error. `head_only` omits
/// the body, for the method HEAD.
pub(crate) fn write_reject(
    out: &mut Vec<u8>,
    reject: &Reject<'_>,
    head_only: bool,
) -> Result<(), HandshakeMisuse> {
    if !(200..=599).contains(&reject.status) {
        return Err(HandshakeMisuse::InvalidStatus);
    }
    if matches!(reject.status, 204 | 205 | 304) && !reject.body.is_empty() {
        return Err(HandshakeMisuse::BodyNotAllowed);
    }
    check_application_headers(reject.headers, &RESERVED_IN_REJECT)?;
    write_answer(out, reject, head_only);
    Ok(())
}

/// Appends a checked response, the last of its connection.
pub(super) fn write_answer(out: &mut Vec<u8>, answer: &Reject<'_>, head_only: bool) {
    write_status_line(out, answer.status);
    let names_upgrade = answer
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("Upgrade"));
    // RFC 7230 section 6.7: a sender of Upgrade must also list it in Connection.
    let connection = if names_upgrade {
        "close, Upgrade"
    } else {
        "close"
    };
    write_field(out, "Connection", connection.as_bytes());
    for (name, value) in answer.headers {
        write_field(out, name, value.as_bytes());
    }
    // RFC 7230 section 3.3.2 forbids it in a 204. In a 304 it would describe the body of another response.
    if !matches!(answer.status, 204 | 304) {
        write_field(
            out,
            "Content-Length",
            answer.body.len().to_string().as_bytes(),
        );
    }
    out.extend_from_slice(b"\r\n");
    if !head_only {
        out.extend_from_slice(answer.body);
    }
}

/// Appends the status line of a response.
fn write_status_line(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason_phrase(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends one header line, of a request or a response.
pub(super) fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::sample::{ACCEPT, with_response};

    #[test]
    fn an_acceptance_has_what_the_rfc_asks_for_and_what_the_application_adds() {
        let mut out = Vec::new();
        let accept = Accept::new()
            .subprotocol("chat")
            .headers(&[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]);
        let extensions = Some("permessage-deflate");
        write_accept(&mut out, ACCEPT, &accept, "superchat, chat", extensions).unwrap();
        assert_eq!(
            out.escape_ascii().to_string(),
            "HTTP/1.1 101 Switching Protocols\\r\\n\
             Upgrade: websocket\\r\\n\
             Connection: Upgrade\\r\\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\
             Sec-WebSocket-Protocol: chat\\r\\n\
             Sec-WebSocket-Extensions: permessage-deflate\\r\\n\
             Set-Cookie: a=1\\r\\n\
             Set-Cookie: b=2\\r\\n\\r\\n"
        );
    }

    #[test]
    fn what_was_not_agreed_is_not_mentioned() {
        let mut out = Vec::new();
        write_accept(&mut out, ACCEPT, &Accept::default(), "chat", None).unwrap();
        with_response(out, |response| {
            assert_eq!(response.headers().count(), 3);
            assert_eq!(response.subprotocol(), None);
        })
        .unwrap();
    }

    #[test]
    fn an_acceptance_with_a_mistake_writes_nothing() {
        use HandshakeMisuse as M;
        let accept = Accept::new();
        for (accept, misuse) in [
            (accept.subprotocol("other"), M::SubprotocolNotOffered),
            (accept.subprotocol("CHAT"), M::SubprotocolNotOffered),
            (accept.subprotocol(""), M::SubprotocolNotOffered),
            (
                accept.subprotocol("chat, superchat"),
                M::SubprotocolNotOffered,
            ),
            (accept.subprotocol("chat\r\nX: y"), M::SubprotocolNotOffered),
            (accept.headers(&[("A", "b\rc")]), M::InvalidHeaderValue),
            (accept.headers(&[("A", "b\nc")]), M::InvalidHeaderValue),
            (accept.headers(&[("A", "b\0c")]), M::InvalidHeaderValue),
            (accept.headers(&[("A", "b\x7fc")]), M::InvalidHeaderValue),
            (accept.headers(&[("A\r\nB", "c")]), M::InvalidHeaderName),
            (accept.headers(&[("A:", "c")]), M::InvalidHeaderName),
            (accept.headers(&[("", "c")]), M::InvalidHeaderName),
            (
                accept.headers(&[("A", "ok"), ("upgrade", "h2c")]),
                M::ReservedHeader,
            ),
            (
                accept.headers(&[("Sec-WebSocket-Accept", "x")]),
                M::ReservedHeader,
            ),
            (
                accept.headers(&[("Sec-WebSocket-Protocol", "x")]),
                M::ReservedHeader,
            ),
            (
                accept.headers(&[("Content-Length", "1")]),
                M::ReservedHeader,
            ),
        ] {
            let mut out = Vec::new();
            let written = write_accept(&mut out, ACCEPT, &accept, "chat, superchat", None);
            assert_eq!(written, Err(misuse), "{accept:?}");
            assert!(out.is_empty(), "{accept:?}");
        }
    }

    #[test]
    fn nothing_can_be_chosen_if_nothing_was_offered() {
        let accept = Accept::new().subprotocol("chat");
        let written = write_accept(&mut Vec::new(), ACCEPT, &accept, "", None);
        assert_eq!(written, Err(HandshakeMisuse::SubprotocolNotOffered));
    }

    #[test]
    fn any_response_but_an_interim_one_can_be_given() {
        for (reject, head_only, expected) in [
            (
                Reject::new(403).body(b"no"),
                false,
                "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
            ),
            (
                Reject::new(200)
                    .body(b"a page")
                    .headers(&[("Content-Type", "text/html")]),
                false,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\n\
                 Content-Length: 6\r\n\r\na page",
            ),
            (
                Reject::new(200).body(b"a page"),
                true,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n",
            ),
            (
                Reject::new(204),
                false,
                "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            ),
            (
                Reject::new(599),
                false,
                "HTTP/1.1 599 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            ),
        ] {
            let mut out = Vec::new();
            write_reject(&mut out, &reject, head_only).unwrap();
            assert_eq!(
                out.escape_ascii().to_string(),
                expected.escape_default().to_string()
            );
        }
    }

    #[test]
    fn a_rejection_with_a_mistake_writes_nothing() {
        use HandshakeMisuse as M;
        for (reject, misuse) in [
            (Reject::new(0), M::InvalidStatus),
            (Reject::new(100), M::InvalidStatus),
            (Reject::new(101), M::InvalidStatus),
            (Reject::new(600), M::InvalidStatus),
            (Reject::new(204).body(b"x"), M::BodyNotAllowed),
            (Reject::new(304).body(b"x"), M::BodyNotAllowed),
            (
                Reject::new(401).headers(&[("A", "b\r\nc: d")]),
                M::InvalidHeaderValue,
            ),
            (
                Reject::new(401).headers(&[("connection", "keep-alive")]),
                M::ReservedHeader,
            ),
            (
                Reject::new(401).headers(&[("Content-Length", "7")]),
                M::ReservedHeader,
            ),
            (
                Reject::new(401).headers(&[("Transfer-Encoding", "chunked")]),
                M::ReservedHeader,
            ),
        ] {
            let mut out = Vec::new();
            assert_eq!(
                write_reject(&mut out, &reject, false),
                Err(misuse),
                "{reject:?}"
            );
            assert!(out.is_empty(), "{reject:?}");
        }
    }
}
