//! What a client asks for (RFC 6455 section 4.1).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::answer::write_field;
use super::headers::{check_application_headers, check_value, is_authority, is_token};
use super::misuse::HandshakeMisuse;

/// A client's request for a WebSocket.
///
/// The headers of the application go on top of those that the handshake needs. `Host`, `Origin`
/// and `Authorization` among them replace what the fields below would send.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ClientRequest<'a> {
    /// The authority: a name or an address, an IPv6 address in brackets, and a port unless it is
    /// the default of the scheme.
    pub host: &'a str,
    /// The path and query, percent-encoded, without a fragment.
    pub target: &'a str,
    /// The subprotocols to offer, in order of preference. None by default.
    pub subprotocols: &'a [&'a str],
    /// The origin to state (RFC 6454); none by default.
    pub origin: Option<&'a str>,
    /// A name and a password for the Basic scheme (RFC 7617); none by default.
    pub credentials: Option<Credentials<'a>>,
    /// Headers to send along, names and values. None by default.
    pub headers: &'a [(&'a str, &'a str)],
}

impl<'a> ClientRequest<'a> {
    /// Asks `host` for `target`, and nothing else.
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

    /// States an origin, as browsers do.
    #[must_use]
    pub const fn origin(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Authenticates by the Basic scheme.
    #[must_use]
    pub const fn credentials(mut self, credentials: Credentials<'a>) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sends headers along, names and values.
    #[must_use]
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Checks what the application gave.
    pub(super) fn check(&self) -> Result<(), HandshakeMisuse> {
        if !is_authority(self.host.as_bytes()) {
            return Err(HandshakeMisuse::InvalidHost);
        }
        // RFC 6455 section 3: a fragment has no meaning here and must not be sent.
        let is_target_octet = |octet: u8| octet.is_ascii_graphic() && octet != b'#';
        if !self.target.starts_with('/') || !self.target.bytes().all(is_target_octet) {
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

    /// Section 4.1: subprotocols are tokens, and all different.
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

    /// The values of the application's own headers called `name`.
    fn own(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// A name and a password, for the Basic scheme. Neither shows in `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The name of the user, without a colon.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Fields of a request that are not the application's: with a second or another value, the
/// handshake would fail, or frames would be taken for a body.
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

/// The header fields of a request, checked and ready to be written by whoever sends it.
pub(super) struct AskFields<'a> {
    request: &'a ClientRequest<'a>,
    key: &'a [u8; 24],
    subprotocols: String,
    authorization: Option<String>,
    extensions: Option<&'a str>,
}

impl<'a> AskFields<'a> {
    /// Checks `request` and prepares the values that must be put together.
    pub(super) fn new(
        request: &'a ClientRequest<'a>,
        key: &'a [u8; 24],
        extensions: Option<&'a str>,
    ) -> Result<Self, HandshakeMisuse> {
        request.check()?;
        Ok(Self {
            request,
            key,
            subprotocols: join_subprotocols(request.subprotocols),
            authorization: request.credentials.map(|Credentials { user, password }| {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }),
            extensions,
        })
    }

    /// The fields in the order in which they are sent.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let request = self.request;
        let unless_own = |name: &str| request.own(name).next().is_none();
        let subprotocols = (!self.subprotocols.is_empty()).then_some(self.subprotocols.as_str());
        let optional = [
            ("Host", Some(request.host).filter(|_| unless_own("Host"))),
            ("Origin", request.origin.filter(|_| unless_own("Origin"))),
            (
                "Authorization",
                self.authorization
                    .as_deref()
                    .filter(|_| unless_own("Authorization")),
            ),
            ("Sec-WebSocket-Protocol", subprotocols),
            ("Sec-WebSocket-Extensions", self.extensions),
        ];
        [
            ("Upgrade", &b"websocket"[..]),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Version", b"13"),
            ("Sec-WebSocket-Key", self.key),
        ]
        .into_iter()
        .chain(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?.as_bytes()))),
        )
        .chain(
            request
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_bytes())),
        )
    }
}

/// Writes a request; `extensions` is the value of `Sec-WebSocket-Extensions`. Writes nothing on an
/// error.
pub(crate) fn write_request(
    out: &mut Vec<u8>,
    request: &ClientRequest<'_>,
    key: &[u8; 24],
    extensions: Option<&str>,
) -> Result<(), HandshakeMisuse> {
    let fields = AskFields::new(request, key, extensions)?;
    out.extend_from_slice(b"GET ");
    out.extend_from_slice(request.target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in fields.iter() {
        write_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// The subprotocols as one list, the form in which a connection keeps them.
pub(crate) fn join_subprotocols(subprotocols: &[&str]) -> String {
    subprotocols.join(", ")
}
