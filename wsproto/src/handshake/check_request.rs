//! A server's check of a request (RFC 6455 section 4.2.1).

use super::accept_key::{accept_key, is_key};
use super::headers::{
    Fields, Single, asks_for_upgrade, elements, is_authority, is_token, lists_token, single, values,
};
use super::http_version::HttpVersion;
use super::refusal::Refusal;
use super::request::Request;
use crate::extensions::Extensions;

/// The type of a valid request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A request for a WebSocket.
    Upgrade {
        /// The value of `Sec-WebSocket-Accept` for its key.
        accept: [u8; 28],
    },
    /// A plain HTTP request.
    Plain,
}

/// Checks a request.
///
/// A plain HTTP request is refused unless `surface_plain` is set. Its body is not read.
pub(crate) fn check_request(
    request: &Request<'_>,
    surface_plain: bool,
) -> Result<Verdict, Refusal> {
    Candidate {
        method: request.method(),
        target: request.target(),
        version: request.version(),
        fields: request.fields(),
    }
    .check(surface_plain)
}

/// The parts of a request that are checked, whichever parser found them.
pub(super) struct Candidate<'a, F> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) version: HttpVersion,
    pub(super) fields: F,
}

impl<'a, F: Fields<'a>> Candidate<'a, F> {
    /// Checks the request. Of several faults, the most fundamental is reported: first those of HTTP, then the
    /// absence of an upgrade, then the fields of the handshake.
    pub(super) fn check(&self, surface_plain: bool) -> Result<Verdict, Refusal> {
        let plain = surface_plain && !asks_for_upgrade(self.version, self.fields);
        match self.version {
            HttpVersion::Http10 if plain => return Ok(Verdict::Plain),
            HttpVersion::Http10 => return Err(Refusal::Http10),
            HttpVersion::Http11 => self.check_host()?,
        }
        if plain {
            return Ok(Verdict::Plain);
        }
        if self.method != "GET" {
            return Err(Refusal::MethodNotAllowed);
        }
        self.check_upgrade()?;
        let is_resource = self.target.starts_with('/') || self.target.contains("://");
        if !is_resource {
            return Err(Refusal::InvalidTarget);
        }
        self.check_version()?;
        let accept = self.check_key()?;
        self.check_no_body()?;
        self.check_offers()?;
        Ok(Verdict::Upgrade { accept })
    }

    /// RFC 7230 section 5.4: an HTTP/1.1 request without exactly one valid `Host` is answered with 400.
    fn check_host(&self) -> Result<(), Refusal> {
        match single(self.fields, "Host") {
            Single::Absent => Err(Refusal::MissingHost),
            Single::Repeated => Err(Refusal::RepeatedHost),
            Single::Once(host) if is_authority(host) => Ok(()),
            Single::Once(_) => Err(Refusal::InvalidHost),
        }
    }

    fn check_upgrade(&self) -> Result<(), Refusal> {
        if elements(self.fields, "Upgrade").next().is_none() {
            return Err(Refusal::UpgradeRequired);
        }
        if !asks_for_upgrade(self.version, self.fields) {
            return Err(Refusal::UpgradeToOther);
        }
        if !lists_token(self.fields, "Connection", "upgrade") {
            return Err(Refusal::NoConnectionUpgrade);
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), Refusal> {
        match single(self.fields, "Sec-WebSocket-Version") {
            Single::Absent => Err(Refusal::MissingVersion),
            Single::Repeated => Err(Refusal::RepeatedVersion),
            Single::Once(b"13") => Ok(()),
            Single::Once(_) => Err(Refusal::UnsupportedVersion),
        }
    }

    fn check_key(&self) -> Result<[u8; 28], Refusal> {
        match single(self.fields, "Sec-WebSocket-Key") {
            Single::Absent => Err(Refusal::MissingKey),
            Single::Repeated => Err(Refusal::RepeatedKey),
            Single::Once(key) if is_key(key) => Ok(accept_key(key)),
            Single::Once(_) => Err(Refusal::InvalidKey),
        }
    }

    /// Refuses a body, which would be parsed as frames. A length of 0 is no body.
    fn check_no_body(&self) -> Result<(), Refusal> {
        let is_zero =
            |length: &[u8]| !length.is_empty() && length.iter().all(|&digit| digit == b'0');
        let has_body = values(self.fields, "Transfer-Encoding").next().is_some()
            || !values(self.fields, "Content-Length").all(is_zero);
        if has_body {
            return Err(Refusal::UnexpectedBody);
        }
        Ok(())
    }

    /// Checks the syntax of the offered subprotocols and extensions (sections 4.2.1 and 9.1). Unknown ones
    /// are valid.
    fn check_offers(&self) -> Result<(), Refusal> {
        if !elements(self.fields, "Sec-WebSocket-Protocol").all(is_token) {
            return Err(Refusal::InvalidSubprotocol);
        }
        let extensions = values(self.fields, "Sec-WebSocket-Extensions");
        if Extensions::new(extensions).any(|extension| extension.is_err()) {
            return Err(Refusal::MalformedExtensions);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::handshake::sample::{ACCEPT, REQUEST_FIELDS, head, with_request};

    const GET: &str = "GET /chat HTTP/1.1";

    fn verdict(
        first_line: &str,
        changes: &[(&str, Option<&str>)],
        surface_plain: bool,
    ) -> Result<Verdict, Refusal> {
        let head = head(first_line, &REQUEST_FIELDS, changes);
        with_request(head, |request| check_request(&request, surface_plain)).and_then(|inner| inner)
    }

    #[test]
    fn requests_that_conform_are_accepted_whatever_their_form() {
        for (first_line, changes) in [
            (GET, &[][..]),
            ("GET http://server.example.com/chat HTTP/1.1", &[]),
            (GET, &[("Connection", Some("keep-alive, Upgrade"))]),
            (GET, &[("Connection", Some("keep-alive,uPGRADE,"))]),
            (
                GET,
                &[
                    ("Connection", Some("keep-alive")),
                    ("Connection", Some("upgrade")),
                ],
            ),
            (GET, &[("Upgrade", Some("WebSocket"))]),
            (GET, &[("Upgrade", Some("h2c, websocket"))]),
            (
                GET,
                &[("Upgrade", Some("h2c")), ("Upgrade", Some("websocket"))],
            ),
            (GET, &[("Sec-WebSocket-Protocol", None), ("Origin", None)]),
            (GET, &[("Sec-WebSocket-Protocol", Some(""))]),
            (
                GET,
                &[
                    ("Sec-WebSocket-Protocol", Some("a")),
                    ("Sec-WebSocket-Protocol", Some("b")),
                ],
            ),
            (GET, &[("Content-Length", Some("0"))]),
            (GET, &[("Host", Some("[::1]:8080"))]),
            (
                GET,
                &[("Sec-WebSocket-Extensions", Some("unknown; what=ever"))],
            ),
            (
                GET,
                &[(
                    "Sec-WebSocket-Extensions",
                    Some("permessage-deflate; server_max_window_bits=99"),
                )],
            ),
            (
                GET,
                &[
                    ("Sec-WebSocket-Extensions", Some("")),
                    ("X", Some("\u{e4}")),
                ],
            ),
        ] {
            for surface_plain in [false, true] {
                let verdict = verdict(first_line, changes, surface_plain);
                assert_eq!(
                    verdict,
                    Ok(Verdict::Upgrade { accept: *ACCEPT }),
                    "{first_line} {changes:?}"
                );
            }
        }
    }

    #[test]
    fn every_fault_has_its_refusal() {
        use Refusal as R;
        for (first_line, changes, refusal) in [
            ("POST /chat HTTP/1.1", &[][..], R::MethodNotAllowed),
            ("HEAD /chat HTTP/1.1", &[], R::MethodNotAllowed),
            ("get /chat HTTP/1.1", &[], R::MethodNotAllowed),
            ("GET /chat HTTP/1.0", &[], R::Http10),
            ("GET * HTTP/1.1", &[], R::InvalidTarget),
            ("GET chat HTTP/1.1", &[], R::InvalidTarget),
            (GET, &[("Host", None)], R::MissingHost),
            (
                GET,
                &[("Host", Some("a")), ("Host", Some("a"))],
                R::RepeatedHost,
            ),
            (GET, &[("Host", Some(""))], R::InvalidHost),
            (GET, &[("Host", Some("a b"))], R::InvalidHost),
            (GET, &[("Host", Some("user@a"))], R::InvalidHost),
            (GET, &[("Host", Some("a/b"))], R::InvalidHost),
            (
                GET,
                &[("Upgrade", None), ("Connection", None)],
                R::UpgradeRequired,
            ),
            (GET, &[("Upgrade", None)], R::UpgradeRequired),
            (GET, &[("Upgrade", Some("h2c"))], R::UpgradeToOther),
            (GET, &[("Upgrade", Some("websockets"))], R::UpgradeToOther),
            (GET, &[("Connection", None)], R::NoConnectionUpgrade),
            (
                GET,
                &[("Connection", Some("keep-alive"))],
                R::NoConnectionUpgrade,
            ),
            (
                GET,
                &[("Connection", Some("no-upgrade-please"))],
                R::NoConnectionUpgrade,
            ),
            (
                GET,
                &[("Connection", Some("upgrade please"))],
                R::NoConnectionUpgrade,
            ),
            (GET, &[("Sec-WebSocket-Version", None)], R::MissingVersion),
            (
                GET,
                &[("Sec-WebSocket-Version", Some(""))],
                R::UnsupportedVersion,
            ),
            (
                GET,
                &[("Sec-WebSocket-Version", Some("8"))],
                R::UnsupportedVersion,
            ),
            (
                GET,
                &[("Sec-WebSocket-Version", Some("013"))],
                R::UnsupportedVersion,
            ),
            (
                GET,
                &[
                    ("Sec-WebSocket-Version", Some("13")),
                    ("Sec-WebSocket-Version", Some("8")),
                ],
                R::RepeatedVersion,
            ),
            (GET, &[("Sec-WebSocket-Key", None)], R::MissingKey),
            (GET, &[("Sec-WebSocket-Key", Some(""))], R::InvalidKey),
            (GET, &[("Sec-WebSocket-Key", Some("x"))], R::InvalidKey),
            (
                GET,
                &[("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZTE3IQ=="))],
                R::InvalidKey,
            ),
            (
                GET,
                &[
                    ("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZQ==")),
                    ("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZQ==")),
                ],
                R::RepeatedKey,
            ),
            (GET, &[("Content-Length", Some("1"))], R::UnexpectedBody),
            (GET, &[("Content-Length", Some(""))], R::UnexpectedBody),
            (
                GET,
                &[("Content-Length", Some("0")), ("Content-Length", Some("5"))],
                R::UnexpectedBody,
            ),
            (
                GET,
                &[("Transfer-Encoding", Some("chunked"))],
                R::UnexpectedBody,
            ),
            (
                GET,
                &[("Sec-WebSocket-Protocol", Some("a b"))],
                R::InvalidSubprotocol,
            ),
            (
                GET,
                &[("Sec-WebSocket-Protocol", Some("a, http://b"))],
                R::InvalidSubprotocol,
            ),
            (
                GET,
                &[("Sec-WebSocket-Extensions", Some("a; =b"))],
                R::MalformedExtensions,
            ),
        ] {
            assert_eq!(
                verdict(first_line, changes, false),
                Err(refusal),
                "{first_line} {changes:?}"
            );
        }
    }

    #[test]
    fn plain_requests_are_surfaced_if_that_is_asked_for() {
        for (first_line, changes, refusal) in [
            (
                "GET / HTTP/1.1",
                &[("Upgrade", None), ("Connection", None)][..],
                Refusal::UpgradeRequired,
            ),
            // A plain request behind a reverse proxy that always sets Connection.
            (
                "GET / HTTP/1.1",
                &[("Upgrade", None)],
                Refusal::UpgradeRequired,
            ),
            (
                "GET / HTTP/1.1",
                &[("Upgrade", Some("h2c"))],
                Refusal::UpgradeToOther,
            ),
            (
                "POST / HTTP/1.1",
                &[("Upgrade", None), ("Content-Length", Some("9"))],
                Refusal::MethodNotAllowed,
            ),
            (
                "OPTIONS * HTTP/1.1",
                &[("Upgrade", None)],
                Refusal::MethodNotAllowed,
            ),
            (
                "GET /health HTTP/1.0",
                &[("Upgrade", None), ("Host", None)],
                Refusal::Http10,
            ),
            // RFC 7230 section 6.7: Upgrade in HTTP/1.0 must be ignored.
            ("GET / HTTP/1.0", &[], Refusal::Http10),
        ] {
            assert_eq!(
                verdict(first_line, changes, true),
                Ok(Verdict::Plain),
                "{first_line} {changes:?}"
            );
            assert_eq!(
                verdict(first_line, changes, false),
                Err(refusal),
                "{first_line} {changes:?}"
            );
        }
    }

    #[test]
    fn surfacing_lets_no_faulty_request_pass() {
        for (first_line, changes, refusal) in [
            (
                "GET / HTTP/1.1",
                &[("Upgrade", None), ("Host", None)][..],
                Refusal::MissingHost,
            ),
            ("POST / HTTP/1.1", &[], Refusal::MethodNotAllowed),
            (
                "GET / HTTP/1.1",
                &[("Connection", None)],
                Refusal::NoConnectionUpgrade,
            ),
            (
                "GET / HTTP/1.1",
                &[("Sec-WebSocket-Key", None)],
                Refusal::MissingKey,
            ),
        ] {
            assert_eq!(
                verdict(first_line, changes, true),
                Err(refusal),
                "{first_line} {changes:?}"
            );
        }
    }

    #[test]
    fn the_request_says_itself_whether_it_is_an_upgrade() {
        for (version, upgrade, expected) in [
            ("1.1", "websocket", true),
            ("1.1", "h2c, WEBSOCKET", true),
            ("1.1", "h2c", false),
            ("1.0", "websocket", false),
        ] {
            let head = format!("GET / HTTP/{version}\r\nUpgrade: {upgrade}\r\n\r\n");
            assert_eq!(
                with_request(head, |request| request.is_upgrade()),
                Ok(expected)
            );
        }
    }
}
