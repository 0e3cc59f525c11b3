//! A client's request (RFC 6455 section 4.1).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::headers::{check_application_headers, check_value, is_authority, is_token};
use super::misuse::HandshakeMisuse;
use super::server_response::write_field;

/// A client's request for a WebSocket.
///
/// The application's headers are sent in addition to those of the handshake. `Host`, `Origin` and
/// `Authorization` among them replace the values of the fields below.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ClientRequest<'a> {
    /// The authority: a name or an address, with an IPv6 address in brackets, and a port unless it is the
    /// default of the scheme.
    pub host: &'a str,
    /// The path and query, percent-encoded, without a fragment.
    pub target: &'a str,
    /// The subprotocols to offer, in order of preference. None by default.
    pub subprotocols: &'a [&'a str],
    /// The value of `Origin` (RFC 6454). None by default.
    pub origin: Option<&'a str>,
    /// A user name and a password for the Basic scheme (RFC 7617). None by default.
    pub credentials: Option<Credentials<'a>>,
    /// Additional headers, as names and values. None by default.
    pub headers: &'a [(&'a str, &'a str)],
}

impl<'a> ClientRequest<'a> {
    /// Creates a request for `target` at `host`, without any options.
    pub const fn new(host: &'a str, target: &'a str) -> Self {
        Self {
            host,
            target,
            subprotocols: &[],
            origin: None,
            credentials: None,
            headers: &[],
        }
    }

    /// Offers subprotocols, in order of preference.
    #[must_use]
    pub const fn subprotocols(mut self, subprotocols: &'a [&'a str]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// Sends an `Origin`, as browsers do.
    #[must_use]
    pub const fn origin(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Sends credentials by the Basic scheme.
    #[must_use]
    pub const fn credentials(mut self, credentials: Credentials<'a>) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sends additional headers, as names and values.
    #[must_use]
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Checks the request.
    pub(super) fn check(&self) -> Result<(), HandshakeMisuse> {
        if !is_authority(self.host.as_bytes()) {
            return Err(HandshakeMisuse::InvalidHost);
        }
        // RFC 6455 section 3: fragment identifiers are meaningless here and must not be sent.
        let is_target_byte = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        if !self.target.starts_with('/') || !self.target.bytes().all(is_target_byte) {
            return Err(HandshakeMisuse::InvalidTarget);
        }
        self.check_subprotocols()?;
        self.origin.map_or(Ok(()), check_value)?;
        if let Some(Credentials { user, password }) = self.credentials
            && (user.contains(':') || user.chars().chain(password.chars()).any(char::is_control))
        {
            return Err(HandshakeMisuse::InvalidCredentials);
        }
        check_application_headers(self.headers, &RESERVED)?;
        for name in ["Host", "Origin", "Authorization"] {
            if self.own(name).nth(1).is_some() {
                return Err(HandshakeMisuse::RepeatedHeader);
            }
        }
        if self.own("Host").any(|host| !is_authority(host.as_bytes())) {
            return Err(HandshakeMisuse::InvalidHost);
        }
        Ok(())
    }

    /// Checks that subprotocols are tokens and all different (section 4.1).
    fn check_subprotocols(&self) -> Result<(), HandshakeMisuse> {
        for (index, subprotocol) in self.subprotocols.iter().enumerate() {
            if !is_token(subprotocol.as_bytes()) {
                return Err(HandshakeMisuse::InvalidSubprotocol);
            }
            if self.subprotocols[..index].contains(subprotocol) {
                return Err(HandshakeMisuse::RepeatedSubprotocol);
            }
        }
        Ok(())
    }

    /// Returns the values of the application's own headers called `name`.
    fn own(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// A user name and a password for the Basic scheme (RFC 7617). `Debug` shows neither.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The user name, without a colon.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Header fields that the application may not set in a request. With a second or another value the handshake
/// would fail, or frames would be taken for a body.
const RESERVED: [&str; 9] = [
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];

/// The header fields of a checked request, to be written as bytes or by an HTTP library.
pub(super) struct RequestFields<'a> {
    request: &'a ClientRequest<'a>,
    key: &'a [u8; 24],
    subprotocols: Option<String>,
    authorization: Option<String>,
    extensions: Option<&'a str>,
}

impl<'a> RequestFields<'a> {
    /// Checks `request` and computes the values that have to be encoded.
    pub(super) fn new(
        request: &'a ClientRequest<'a>,
        key: &'a [u8; 24],
        extensions: Option<&'a str>,
    ) -> Result<Self, HandshakeMisuse> {
        request.check()?;
        Ok(Self {
            request,
            key,
            subprotocols: Some(join_subprotocols(request.subprotocols))
                .filter(|list| !list.is_empty()),
            authorization: request.credentials.map(|Credentials { user, password }| {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }),
            extensions,
        })
    }

    /// Returns the fields in the order in which they are sent: `Host` first (RFC 7230 section 5.4).
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let request = self.request;
        let unless_own = |name: &str| request.own(name).next().is_none();
        let host = request.own("Host").next().unwrap_or(request.host);
        let authorization = self.authorization.as_deref();
        [
            ("Host", host.as_bytes()),
            ("Upgrade", b"websocket"),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Key", self.key),
            ("Sec-WebSocket-Version", b"13"),
        ]
        .into_iter()
        .chain(optional("Sec-WebSocket-Extensions", self.extensions))
        .chain(optional(
            "Sec-WebSocket-Protocol",
            self.subprotocols.as_deref(),
        ))
        .chain(optional(
            "Origin",
            request.origin.filter(|_| unless_own("Origin")),
        ))
        .chain(optional(
            "Authorization",
            authorization.filter(|_| unless_own("Authorization")),
        ))
        .chain(
            request
                .headers
                .iter()
                .filter(|(name, _)| !name.eq_ignore_ascii_case("Host"))
                .map(|(name, value)| (*name, value.as_bytes())),
        )
    }
}

/// Returns a field if it has a value.
fn optional<'a>(
    name: &'a str,
    value: Option<&'a str>,
) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    value.map(|value| (name, value.as_bytes())).into_iter()
}

/// Appends a request to `out`, or nothing on an error. `extensions` is the value of
/// `Sec-WebSocket-Extensions`.
pub(crate) fn write_request(
    out: &mut Vec<u8>,
    request: &ClientRequest<'_>,
    key: &[u8; 24],
    extensions: Option<&str>,
) -> Result<(), HandshakeMisuse> {
    let fields = RequestFields::new(request, key, extensions)?;
    out.extend_from_slice(b"GET ");
    out.extend_from_slice(request.target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in fields.iter() {
        write_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Joins the subprotocols to one list, the form in which a connection keeps them.
pub(crate) fn join_subprotocols(subprotocols: &[&str]) -> String {
    subprotocols.join(", ")
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::super::accept_key::accept_key;
    use super::super::check_request::{Verdict, check_request};
    use super::*;
    use crate::handshake::sample::with_request;

    const KEY: &[u8; 24] = b"dGhlIHNhbXBsZSBub25jZQ==";

    /// Writes a request and has a server check it.
    fn written(request: &ClientRequest<'_>) -> String {
        let mut out = Vec::new();
        write_request(&mut out, request, KEY, None).unwrap();
        let verdict = with_request(&out, |request| check_request(&request, false)).unwrap();
        let accept = accept_key(KEY);
        assert_eq!(verdict, Ok(Verdict::Upgrade { accept }));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_has_what_the_rfc_asks_for() {
        let mut out = Vec::new();
        let request = ClientRequest::new("server.example.com", "/chat?room=1")
            .subprotocols(&["chat", "superchat"])
            .origin("http://example.com");
        write_request(&mut out, &request, KEY, Some("permessage-deflate")).unwrap();
        assert_eq!(
            out.escape_ascii().to_string(),
            "GET /chat?room=1 HTTP/1.1\\r\\n\
             Host: server.example.com\\r\\n\
             Upgrade: websocket\\r\\n\
             Connection: Upgrade\\r\\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\
             Sec-WebSocket-Version: 13\\r\\n\
             Sec-WebSocket-Extensions: permessage-deflate\\r\\n\
             Sec-WebSocket-Protocol: chat, superchat\\r\\n\
             Origin: http://example.com\\r\\n\\r\\n"
        );
    }

    #[test]
    fn headers_of_the_application_never_break_the_handshake() {
        let request = ClientRequest::new("[::1]:8080", "/").headers(&[
            ("Cookie", "a=1; b=2"),
            ("X-Long", "\u{e4} \t"),
            ("cookie", "c=3"),
        ]);
        let head = written(&request);
        assert!(head.contains("Host: [::1]:8080\r\n"), "{head}");
        assert!(
            head.ends_with("Cookie: a=1; b=2\r\nX-Long: \u{e4} \t\r\ncookie: c=3\r\n\r\n"),
            "{head}"
        );
    }

    #[test]
    fn headers_of_the_application_replace_defaults() {
        let request = ClientRequest::new("a", "/")
            .origin("http://a")
            .credentials(Credentials {
                user: "a",
                password: "a",
            });
        for (name, value) in [
            ("host", "b:81"),
            ("ORIGIN", "http://b"),
            ("authorization", "Bearer b"),
        ] {
            let headers = [(name, value)];
            let head = written(&request.headers(&headers));
            let values: Vec<_> = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .filter(|(own, _)| own.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
                .collect();
            assert_eq!(values, [value], "{head}");
        }
    }

    #[test]
    fn credentials_are_sent_by_the_basic_scheme() {
        for (user, password, expected) in [
            ("Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("", "", "Og=="),
            ("test", "12:3\u{a3}", "dGVzdDoxMjozwqM="),
        ] {
            let credentials = Credentials { user, password };
            let head = written(&ClientRequest::new("a", "/").credentials(credentials));
            assert!(
                head.contains(&format!("Authorization: Basic {expected}\r\n")),
                "{head}"
            );
        }
    }

    #[test]
    fn a_request_with_a_mistake_writes_nothing() {
        use HandshakeMisuse as M;
        let request = ClientRequest::new("a", "/");
        let credentials = |user, password| request.credentials(Credentials { user, password });
        for (request, misuse) in [
            (ClientRequest::new("", "/"), M::InvalidHost),
            (ClientRequest::new("a\r\nb", "/"), M::InvalidHost),
            (ClientRequest::new("user@a", "/"), M::InvalidHost),
            (ClientRequest::new("a/b", "/"), M::InvalidHost),
            (ClientRequest::new("a", ""), M::InvalidTarget),
            (ClientRequest::new("a", "b"), M::InvalidTarget),
            (
                ClientRequest::new("a", "/ HTTP/1.1\r\nX: y"),
                M::InvalidTarget,
            ),
            (ClientRequest::new("a", "/b c"), M::InvalidTarget),
            (ClientRequest::new("a", "/b\0"), M::InvalidTarget),
            (ClientRequest::new("a", "/b#c"), M::InvalidTarget),
            (ClientRequest::new("a", "/\u{e4}"), M::InvalidTarget),
            (request.subprotocols(&["a", ""]), M::InvalidSubprotocol),
            (request.subprotocols(&["a b"]), M::InvalidSubprotocol),
            (request.subprotocols(&["a,b"]), M::InvalidSubprotocol),
            (request.subprotocols(&["a\r\nb"]), M::InvalidSubprotocol),
            (request.subprotocols(&["a\0"]), M::InvalidSubprotocol),
            (
                request.subprotocols(&["a", "b", "a"]),
                M::RepeatedSubprotocol,
            ),
            (request.origin("a\nb"), M::InvalidHeaderValue),
            (credentials("a:b", "c"), M::InvalidCredentials),
            (credentials("a\n", "c"), M::InvalidCredentials),
            (credentials("a", "\0"), M::InvalidCredentials),
            (request.headers(&[("A B", "c")]), M::InvalidHeaderName),
            (
                request.headers(&[("A", "b\r\nc: d")]),
                M::InvalidHeaderValue,
            ),
            (request.headers(&[("A", "b\0")]), M::InvalidHeaderValue),
            (
                request.headers(&[("UPGRADE", "websocket")]),
                M::ReservedHeader,
            ),
            (
                request.headers(&[("connection", "close")]),
                M::ReservedHeader,
            ),
            (
                request.headers(&[("Sec-WebSocket-Key", "x")]),
                M::ReservedHeader,
            ),
            (
                request.headers(&[("Sec-WebSocket-Version", "13")]),
                M::ReservedHeader,
            ),
            (
                request.headers(&[("Sec-WebSocket-Accept", "x")]),
                M::ReservedHeader,
            ),
            (
                request.headers(&[("Sec-WebSocket-Protocol", "x")]),
                M::ReservedHeader,
            ),
            (
                request.headers(&[("Sec-WebSocket-Extensions", "x")]),
                M::ReservedHeader,
            ),
            (
                request.headers(&[("Content-Length", "1")]),
                M::ReservedHeader,
            ),
            (
                request.headers(&[("Transfer-Encoding", "chunked")]),
                M::ReservedHeader,
            ),
            (
                request.headers(&[("Host", "a"), ("host", "b")]),
                M::RepeatedHeader,
            ),
            (request.headers(&[("Host", "a b")]), M::InvalidHost),
        ] {
            let mut out = Vec::new();
            let written = write_request(&mut out, &request, KEY, None);
            assert_eq!(written, Err(misuse), "{request:?}");
            assert!(out.is_empty(), "{request:?}");
        }
    }

    #[test]
    fn credentials_do_not_show_in_debug() {
        let credentials = Credentials {
            user: "secret",
            password: "secret",
        };
        let request = ClientRequest::new("a", "/").credentials(credentials);
        assert!(!format!("{request:?}").contains("secret"));
    }
}
