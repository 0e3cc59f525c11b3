//! The suite's half of a proper opening handshake (RFC 6455 4), and how it judges the other half.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

use self::rule::Evidence;
use crate::{
    case::Role,
    extension::{Agreed, Measure, Offers, check_answer},
    session::Session,
    wire::Received,
};

pub(crate) mod rule;

pub use self::rule::Rule;

/// How long the subject may take for its half.
const TIMEOUT: Duration = Duration::from_secs(5);

/// More than any head should have.
const MAX_HEAD: usize = 64 << 10;

/// The head of a request or a response, with its original text.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// The first line.
    pub start: String,
    /// The header lines, in order, without space around.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub text: String,
}

impl Head {
    /// Reads a head that ends with an empty line, to the letter.
    ///
    /// # Errors
    ///
    /// If a line is no header. The text says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        for line in lines.take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(':') else {
                return Err(format!("a line that is no header: {line:?}"));
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Self {
            start,
            headers,
            text: text.to_owned(),
        })
    }

    /// The values of a header, each line by itself.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let same = move |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .filter(same)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a header that must not be repeated.
    ///
    /// # Errors
    ///
    /// If it is missing or repeated. The text says so.
    pub fn one<'a>(&'a self, name: &'a str) -> Result<&'a str, String> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(format!("{name} is missing")),
            (Some(_), Some(_)) => Err(format!("{name} is repeated")),
        }
    }

    /// The elements of a header that is a list, on however many lines.
    pub fn elements<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let elements = self.all(name).flat_map(|value| value.split(','));
        elements
            .map(str::trim)
            .filter(|element| !element.is_empty())
    }

    /// Returns true if a header that is a list has that token, compared without case.
    #[must_use]
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.elements(name)
            .any(|element| element.eq_ignore_ascii_case(token))
    }

    /// The status of a response, if the first line has one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let mut start = self.start.split(' ');
        let status = start.nth(1).filter(|status| status.len() == 3)?;
        status.parse().ok()
    }
}

/// The answer to a key (RFC 6455 4.2.2).
#[must_use]
pub fn accept_key(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

/// Why no head was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeadFault {
    /// It is complete and wrong. The text says how.
    Malformed(String),
    /// It is longer than any head should be.
    Endless,
    /// The transport ended first.
    Ended,
    /// The transport was reset first.
    Reset,
    /// It did not come in time.
    TooSlow,
}

impl fmt::Display for HeadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(how) => how,
            Self::Endless => "a head without end",
            Self::Ended => "the transport ended before the head did",
            Self::Reset => "the transport was reset before the head was whole",
            Self::TooSlow => "no whole head came in time",
        })
    }
}

/// Waits for a complete head and removes it from the input.
///
/// # Errors
///
/// If none arrived in time, or the input is no head.
pub(crate) fn receive_head(session: &mut Session) -> Result<Head, HeadFault> {
    receive_head_until(session, session.now() + TIMEOUT * session.settings.patience)
}

/// Waits until a deadline for a complete head, and removes it from the input.
///
/// # Errors
///
/// If none arrived in time, or the input is no head.
pub(crate) fn receive_head_until(
    session: &mut Session,
    until: Duration,
) -> Result<Head, HeadFault> {
    loop {
        let input = session.input();
        if let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = input.drain(..end + 4).collect();
            let head = String::from_utf8(head)
                .map_err(|_| HeadFault::Malformed("a head that is not UTF-8".to_owned()))?;
            return Head::parse(&head).map_err(HeadFault::Malformed);
        }
        if input.len() > MAX_HEAD {
            return Err(HeadFault::Endless);
        }
        match session.receive(until) {
            Received::Bytes(_) => {}
            Received::End => return Err(HeadFault::Ended),
            Received::Reset => return Err(HeadFault::Reset),
            Received::Nothing => return Err(HeadFault::TooSlow),
        }
    }
}

/// A fresh key (RFC 6455 4.1).
pub(crate) fn key() -> String {
    let nonce: [u8; 16] = std::array::from_fn(|_| fastrand::u8(..));
    STANDARD.encode(nonce)
}

/// A proper request, as Autobahn's fuzzing client writes it.
pub(crate) fn request(host: &str, resource: &str, key: &str, offers: Option<&Offers>) -> String {
    let mut extensions = String::new();
    for line in offers.iter().flat_map(|offers| &offers.lines) {
        extensions += &format!("Sec-WebSocket-Extensions: {line}\r\n");
    }
    format!(
        "GET {resource} HTTP/1.1\r\nUser-Agent: conformance/{version}\r\nHost: {host}\r\n\
         Upgrade: WebSocket\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n\
         Sec-WebSocket-Key: {key}\r\n{extensions}Sec-WebSocket-Version: 13\r\n\r\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// Judges the response to a request (RFC 6455 4.1), and returns the parameters of compression.
///
/// # Errors
///
/// If a client has to fail the connection. The text says why.
pub(crate) fn check_response(head: &Head, request: &Head) -> Result<Option<Agreed>, String> {
    if !head.start.starts_with("HTTP/1.1 ") || head.status() != Some(101) {
        return Err(format!("not a 101 of HTTP/1.1: {:?}", head.start));
    }
    if !head.one("Upgrade")?.eq_ignore_ascii_case("websocket") {
        return Err("Upgrade is not websocket".to_owned());
    }
    if !head.lists("Connection", "upgrade") {
        return Err("Connection does not list upgrade".to_owned());
    }
    if head.one("Sec-WebSocket-Accept")? != accept_key(request.one("Sec-WebSocket-Key")?) {
        return Err("Sec-WebSocket-Accept does not fit the key".to_owned());
    }
    if head.all("Sec-WebSocket-Protocol").next().is_some() {
        let chosen = head.one("Sec-WebSocket-Protocol")?;
        let mut offered = request.elements("Sec-WebSocket-Protocol");
        if !offered.any(|offered| offered == chosen) {
            return Err(format!("a subprotocol that was not offered: {chosen:?}"));
        }
    }
    if head.all("Sec-WebSocket-Extensions").next().is_none() {
        return Ok(None);
    }
    // 4.2.2: several may be split over several lines, and only one is ever agreed on here.
    let extensions = head.one("Sec-WebSocket-Extensions")?;
    let mut offered = request.elements("Sec-WebSocket-Extensions");
    if !offered.any(|offered| offered.starts_with("permessage-deflate")) {
        return Err(format!("an extension that was not offered: {extensions:?}"));
    }
    Agreed::from_response(extensions).map_err(|bad| format!("an extension is wrong: {}", bad.0))
}

/// Judges a request (RFC 6455 4.2.1) and returns its key.
///
/// # Errors
///
/// If a server has to refuse it. The text says why.
pub(crate) fn check_request(head: &Head) -> Result<String, String> {
    for rule in Rule::OF_REQUESTS {
        rule.check(head, &Evidence::default())?;
    }
    Ok(head.one("Sec-WebSocket-Key")?.to_owned())
}

/// A proper response to a request with that key.
pub(crate) fn response(key: &str, extensions: Option<&str>) -> String {
    let extensions = extensions.map_or_else(String::new, |extensions| {
        format!("Sec-WebSocket-Extensions: {extensions}\r\n")
    });
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nServer: conformance/{version}\r\nUpgrade: WebSocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{extensions}\r\n",
        version = env!("CARGO_PKG_VERSION"),
        accept = accept_key(key),
    )
}

/// The origin of a connection, and the bytes that were exchanged already.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// The suite connected to a server and has sent nothing.
    Dialled {
        /// For the header `Host`.
        host: String,
        /// Path and query.
        resource: String,
    },
    /// A client connected to the suite; this is its request.
    Accepted(Head),
}

impl Arrival {
    /// The role of the suite.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self {
            Self::Dialled { .. } => Role::Client,
            Self::Accepted(_) => Role::Server,
        }
    }
}

/// The texts of request and response, as far as they arrived.
#[derive(Debug, Clone, Default)]
pub struct Heads {
    /// The client's half.
    pub request: String,
    /// The server's half.
    pub response: String,
}

/// Opens a connection with a proper handshake.
///
/// # Errors
///
/// If the subject does its half wrongly. The text says how.
pub(crate) fn open(
    session: &mut Session,
    arrival: &Arrival,
    offers: Option<&Offers>,
    heads: &mut Heads,
) -> Result<(), String> {
    let agreed = match arrival {
        Arrival::Dialled { host, resource } => {
            heads.request = request(host, resource, &key(), offers);
            session.send(heads.request.as_bytes());
            let head = receive_head(session).map_err(|fault| fault.to_string())?;
            heads.response.clone_from(&head.text);
            let agreed = check_response(&head, &Head::parse(&heads.request)?)?;
            if let Some(offers) = offers.filter(|offers| offers.measure == Measure::Letter)
                && let Some(response) = head.all("Sec-WebSocket-Extensions").next()
            {
                check_answer(&offers.lines.join(","), response)
                    .map_err(|bad| format!("no answer to an offer: {}", bad.0))?;
            }
            agreed
        }
        Arrival::Accepted(head) => {
            heads.request.clone_from(&head.text);
            let key = check_request(head)?;
            let offered: Vec<_> = head.all("Sec-WebSocket-Extensions").collect();
            let answer = match offers {
                Some(offers) => Agreed::answer(&offered.join(","), &offers.wishes)
                    .map_err(|bad| format!("an offer is wrong: {}", bad.0))?,
                None => None,
            };
            let (agreed, extensions) = answer.unzip();
            heads.response = response(&key, extensions.as_deref());
            session.send(heads.response.as_bytes());
            agreed
        }
    };
    if let (Some(agreed), Some(offers)) = (agreed, offers) {
        session.agree(agreed, offers.measure);
    }
    session.enter_open();
    Ok(())
}
