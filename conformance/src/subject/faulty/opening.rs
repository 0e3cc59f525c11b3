//! The opening handshake of the faulty peer (RFC 6455 4), to the letter.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Defect, Peer, Phase, sabotage};
use crate::{
    case::Role,
    extension::{self, Agreed, Wish},
    handshake::{Head, accept_key},
};

/// The extensions that the client offers.
const OFFER: &str = "permessage-deflate; client_max_window_bits";

/// The status and some headers of a response that refuses a request.
type Refusal = &'static str;

const BAD: Refusal = "400 Bad Request\r\n";
const TOO_LARGE: Refusal = "431 Request Header Fields Too Large\r\n";

impl Peer {
    /// Processes the head. Returns true if it was complete.
    pub(super) fn take_head(&mut self) -> bool {
        while self.role == Role::Server && self.input.starts_with(b"\r\n") && !self.skipped {
            self.input.drain(..2);
            self.skipped = true;
        }
        let end = self.input.windows(4).position(|four| four == b"\r\n\r\n");
        let len = end.map_or(self.input.len(), |end| end + 4);
        let most = self.facts.max_head.unwrap_or(u64::MAX) as usize;
        if len > most && !self.has(Defect::HeadUnlimited) {
            self.refuse(TOO_LARGE);
            return true;
        }
        if !self.may_be_http() {
            self.refuse(BAD);
            return true;
        }
        let Some(end) = end else {
            return false;
        };
        let head: Vec<u8> = self.input.drain(..end + 4).collect();
        if self.has(Defect::EarlyDataLost) {
            self.input.clear();
        }
        let Some(head) = parse(&head) else {
            self.refuse(BAD);
            return true;
        };
        match self.role {
            Role::Server => match self.check_request(&head) {
                Ok(agreed) => self.accept(&head, agreed),
                Err(refusal) => self.refuse(refusal),
            },
            // RFC 7231 6.2: others may come before the last one.
            Role::Client if matches!(head.status(), Some(100 | 102..=199)) => {}
            Role::Client => match self.check_response(&head) {
                Some(agreed) => self.open(agreed),
                None => self.refuse(BAD),
            },
        }
        true
    }

    /// Returns false if the first line cannot be the start of one.
    fn may_be_http(&self) -> bool {
        let line = self.input.split(|byte| *byte == b'\n').next();
        let line = line.unwrap_or_default();
        let complete = line.len() < self.input.len();
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        let printable = text.iter().all(|byte| match byte {
            0x20..=0x7e => true,
            // A reason phrase may have them.
            0x80.. => self.role == Role::Client,
            _ => false,
        });
        let form = || {
            let text = String::from_utf8_lossy(text);
            let parts: Vec<_> = text.split(' ').collect();
            match self.role {
                Role::Server => parts.len() == 3 && parts[2].starts_with("HTTP/"),
                Role::Client => parts.len() >= 2 && parts[0].starts_with("HTTP/"),
            }
        };
        printable && (!complete || form())
    }

    /// Ends an opening handshake without a connection. A server sends a response.
    fn refuse(&mut self, refusal: Refusal) {
        if self.role == Role::Server && !self.has(Defect::RefusalUnanswered) {
            let answer =
                format!("HTTP/1.1 {refusal}Connection: close\r\nContent-Length: 0\r\n\r\n");
            self.queue(answer.into_bytes());
        }
        self.end();
        if self.role == Role::Client {
            self.phase = Phase::Gone;
        }
        if self.has(Defect::RefusalUnanswered) && self.role == Role::Server {
            self.phase = Phase::Closing;
            self.until = None;
        }
    }

    pub(super) fn opening_timed_out(&mut self) {
        self.refuse("408 Request Timeout\r\n");
    }

    /// Sends the request of a client.
    pub(super) fn request(&mut self, host: &str, resource: &str) {
        let nonce: [u8; 16] = std::array::from_fn(|_| fastrand::u8(..));
        self.key = STANDARD.encode(nonce);
        let request = format!(
            "GET {resource} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {}\r\nSec-WebSocket-Extensions: {OFFER}\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n",
            self.key
        );
        let request = sabotage::head(self.defect, self.role, request);
        self.queue(request.into_bytes());
    }

    fn accept(&mut self, head: &Head, agreed: Option<(Agreed, String)>) {
        let key = head.all("Sec-WebSocket-Key").next().unwrap_or_default();
        let extensions = match &agreed {
            Some((_, text)) => format!("Sec-WebSocket-Extensions: {text}\r\n"),
            None => String::new(),
        };
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n{extensions}\r\n",
            accept_key(key)
        );
        let response = sabotage::head(self.defect, self.role, response);
        self.queue(response.into_bytes());
        self.open(agreed.map(|(agreed, _)| agreed));
    }

    /// Judges a request (RFC 6455 4.2.1).
    fn check_request(&self, head: &Head) -> Result<Option<(Agreed, String)>, Refusal> {
        let parts: Vec<_> = head.start.split(' ').collect();
        let &[method, target, version] = parts.as_slice() else {
            return Err(BAD);
        };
        let old = version == "HTTP/1.0" && self.has(Defect::OldHttpAccepted);
        match version {
            "HTTP/1.1" => {}
            _ if old => {}
            "HTTP/1.0" | "http/1.1" | "HTTP/1.1x" | "FTP/1.1" => return Err(BAD),
            _ => return Err("505 HTTP Version Not Supported\r\n"),
        }
        let post = method == "POST" && self.has(Defect::PostAccepted);
        if method != "GET" && !post {
            return Err("405 Method Not Allowed\r\nAllow: GET\r\n");
        }
        if !target.starts_with('/') && !target.starts_with("http://") {
            return Err(BAD);
        }
        let host = head.one("Host").map_err(|_| BAD)?;
        if host.contains([' ', '/']) {
            return Err(BAD);
        }
        let has_body = head.all("Content-Length").any(|len| len != "0")
            || head.all("Transfer-Encoding").next().is_some();
        if has_body && !post {
            return Err(BAD);
        }
        let mut upgrade = head.elements("Upgrade");
        let is_upgrade = |word: &str| {
            word == "websocket"
                || word.eq_ignore_ascii_case("websocket") && !self.has(Defect::UpgradeHasCase)
        };
        let connection = head.lists("Connection", "upgrade");
        let connection = match self.defect {
            Some(Defect::ConnectionExact) => head
                .all("Connection")
                .any(|value| value.eq_ignore_ascii_case("upgrade")),
            Some(Defect::ConnectionLastLine) => head
                .all("Connection")
                .last()
                .is_some_and(|value| value.to_lowercase().contains("upgrade") && connection),
            Some(Defect::ConnectionContains) => head
                .all("Connection")
                .any(|value| value.to_lowercase().contains("upgrade")),
            _ => connection,
        };
        if !upgrade.any(is_upgrade) || !connection {
            return Err("426 Upgrade Required\r\nUpgrade: websocket\r\n");
        }
        let key = head.one("Sec-WebSocket-Key");
        let key_fits = key.is_ok_and(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16));
        if !key_fits && !self.has(Defect::KeyUnchecked) {
            return Err(BAD);
        }
        match head.one("Sec-WebSocket-Version") {
            Ok("13") => {}
            _ if self.has(Defect::VersionUnchecked) => {}
            Ok(_) => {
                return Err(
                    "426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
                );
            }
            Err(_) => return Err(BAD),
        }
        if !head.elements("Sec-WebSocket-Protocol").all(is_token) {
            return Err(BAD);
        }
        self.choose(head)
    }

    /// Chooses among the extensions that are offered.
    fn choose(&self, head: &Head) -> Result<Option<(Agreed, String)>, Refusal> {
        let offers: Vec<_> = head.elements("Sec-WebSocket-Extensions").collect();
        if !offers.iter().all(|offer| is_extension(offer)) {
            return Err(BAD);
        }
        let known =
            |offer: &&&str| offer.split(';').next().map(str::trim) == Some("permessage-deflate");
        if self.has(Defect::UnknownExtensionRefused) && !offers.iter().all(|offer| known(&offer)) {
            return Err(BAD);
        }
        let offers = offers.iter().filter(known);
        let is_bad = |offer: &&str| Agreed::answer(offer, &[Wish::NOTHING]).is_err();
        let some_are_bad = offers.clone().any(is_bad);
        if self.has(Defect::BadOfferRefused) && some_are_bad {
            return Err(BAD);
        }
        if self.has(Defect::BadOfferDeclinesAll) && some_are_bad {
            return Ok(None);
        }
        for offer in offers.clone() {
            if self.has(Defect::BitsWithoutValueDeclined)
                && offer.ends_with("client_max_window_bits")
            {
                continue;
            }
            let Ok(Some((agreed, text))) = Agreed::answer(offer, &[Wish::NOTHING]) else {
                continue;
            };
            return Ok(Some(match self.defect {
                Some(Defect::WindowNotEchoed) => (agreed, "permessage-deflate".to_owned()),
                Some(Defect::UnofferedWindow) => (agreed, text + "; client_max_window_bits=15"),
                _ => (agreed, text),
            }));
        }
        let accepts = self.has(Defect::BadOfferAccepted) && some_are_bad;
        Ok(accepts.then(|| (Agreed::DEFAULT, "permessage-deflate".to_owned())))
    }

    /// Judges a response (RFC 6455 4.1).
    fn check_response(&self, head: &Head) -> Option<Option<Agreed>> {
        let mut start = head.start.splitn(3, ' ');
        if start.next() != Some("HTTP/1.1") || start.next() != Some("101") {
            return None;
        }
        let upgrade = head.one("Upgrade").ok()?;
        let accept = head.one("Sec-WebSocket-Accept") == Ok(&accept_key(&self.key));
        let protocol = head.all("Sec-WebSocket-Protocol").next().is_some();
        if !upgrade.eq_ignore_ascii_case("websocket")
            || !head.lists("Connection", "upgrade") && !self.has(Defect::ConnectionContains)
            || !accept && !self.has(Defect::AcceptUnchecked)
            || protocol && !self.has(Defect::SubprotocolUnchecked)
        {
            return None;
        }
        let answers: Vec<_> = head.elements("Sec-WebSocket-Extensions").collect();
        let [answer] = answers.as_slice() else {
            let ignored = answers.is_empty() || self.has(Defect::ExtensionUnchecked);
            return ignored.then_some(None);
        };
        let fits = is_extension(answer) && extension::check_answer(OFFER, answer).is_ok();
        if !fits {
            return self.has(Defect::ExtensionUnchecked).then_some(None);
        }
        Agreed::from_response(answer).ok()
    }
}

/// Reads a head to the letter of RFC 7230 3.2.
fn parse(head: &[u8]) -> Option<Head> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.strip_suffix("\r\n\r\n")?.split("\r\n");
    let start = lines.next()?.to_owned();
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let controls = |c: char| c.is_ascii_control() && c != '\t';
        if !is_token(name) || value.contains(controls) {
            return None;
        }
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Some(Head {
        start,
        headers,
        text: text.into_owned(),
    })
}

/// RFC 7230 3.2.6.
fn is_token(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

/// One element of the grammar in RFC 6455 9.1.
fn is_extension(text: &str) -> bool {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().is_some_and(is_token);
    name && parts.all(|parameter| match parameter.split_once('=') {
        None => is_token(parameter),
        Some((name, value)) => {
            let quoted = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            is_token(name.trim()) && is_token(quoted.unwrap_or_else(|| value.trim()))
        }
    })
}
