//! A client's check of the server's response (RFC 6455 section 4.1, from "The client MUST validate").

use core::str;

use super::headers::{Fields, Single, elements, list_elements, lists_token, single, values};
use super::http_version::HttpVersion;
use super::response::Response;
use super::response_error::ResponseError;
use crate::extensions::Extensions;

/// Checks a response, except for the parameters of extensions.
///
/// `asked` lists the requested subprotocols, separated by commas. `offered` has the names of the offered
/// extensions.
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

/// The parts of a response that are checked, whichever parser found them.
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

    /// Checks that the upgrade is to WebSocket alone: the server agrees to one protocol, so a second one is a
    /// contradiction.
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

    /// Checks that every extension was offered. Several header lines are accepted: section 4.2.2 allows what
    /// section 11.3.2 forbids.
    fn check_extensions(&self, offered: &[&str]) -> Result<(), ResponseError> {
        for extension in Extensions::new(values(self.fields, "Sec-WebSocket-Extensions")) {
            let extension = extension.map_err(|_| ResponseError::MalformedExtensions)?;
            if !offered.contains(&extension.name()) {
                return Err(ResponseError::ExtensionNotOffered);
            }
        }
        Ok(())
    }

    /// Checks that the subprotocol was requested. None is valid even if some were: the application decides
    /// whether to continue.
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

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;
    use crate::handshake::head::HeadError;
    use crate::handshake::sample::{ACCEPT, RESPONSE_FIELDS, head, with_response};

    const OK: &str = "HTTP/1.1 101 Switching Protocols";

    fn check(first_line: &str, changes: &[(&str, Option<&str>)]) -> Result<(), ResponseError> {
        let head = head(first_line, &RESPONSE_FIELDS, changes);
        with_response(head, |response| {
            check_response(
                &response,
                ACCEPT,
                "superchat, chat",
                &["permessage-deflate"],
            )
        })
        .and_then(|inner| inner)
    }

    #[test]
    fn answers_that_conform_are_accepted_whatever_their_form() {
        for (first_line, changes) in [
            (OK, &[][..]),
            ("HTTP/1.1 101", &[]),
            ("HTTP/1.1 101 \u{e4}", &[]),
            (OK, &[("Upgrade", Some("WebSocket"))]),
            (OK, &[("Connection", Some("keep-alive, uPGRADE"))]),
            (
                OK,
                &[
                    ("Connection", Some("keep-alive")),
                    ("Connection", Some("upgrade")),
                ],
            ),
            (OK, &[("Sec-WebSocket-Protocol", None)]),
            (
                OK,
                &[(
                    "Sec-WebSocket-Accept",
                    Some(" s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t"),
                )],
            ),
            (
                OK,
                &[(
                    "Sec-WebSocket-Extensions",
                    Some("permessage-deflate; server_max_window_bits=10"),
                )],
            ),
            (
                OK,
                &[("Set-Cookie", Some("a=1")), ("Set-Cookie", Some("b=2"))],
            ),
        ] {
            assert_eq!(
                check(first_line, changes),
                Ok(()),
                "{first_line} {changes:?}"
            );
        }
    }

    #[test]
    fn every_fault_has_its_error() {
        use ResponseError as E;
        let overlong = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".repeat(300);
        for (first_line, changes, error) in [
            ("HTTP/1.1 200 OK", &[][..], E::Refused { status: 200 }),
            (
                "HTTP/1.1 401 Unauthorized",
                &[("Upgrade", None)],
                E::Refused { status: 401 },
            ),
            ("HTTP/1.0 503 Busy", &[], E::Refused { status: 503 }),
            ("HTTP/1.1 999 What", &[], E::Refused { status: 999 }),
            (
                "HTTP/1.0 101 Switching Protocols",
                &[],
                E::UnsupportedHttpVersion,
            ),
            (OK, &[("Upgrade", None)], E::NoUpgrade),
            (OK, &[("Upgrade", Some("h2c"))], E::NoUpgrade),
            (OK, &[("Upgrade", Some(""))], E::NoUpgrade),
            (OK, &[("Upgrade", Some("websocket, h2c"))], E::NoUpgrade),
            (OK, &[("Connection", None)], E::NoConnectionUpgrade),
            (OK, &[("Connection", Some("close"))], E::NoConnectionUpgrade),
            (
                OK,
                &[("Connection", Some("no-upgrade-please"))],
                E::NoConnectionUpgrade,
            ),
            (OK, &[("Sec-WebSocket-Accept", None)], E::MissingAccept),
            (OK, &[("Sec-WebSocket-Accept", Some(""))], E::WrongAccept),
            (OK, &[("Sec-WebSocket-Accept", Some("x"))], E::WrongAccept),
            (
                OK,
                &[("Sec-WebSocket-Accept", Some(&overlong))],
                E::WrongAccept,
            ),
            (
                OK,
                &[("Sec-WebSocket-Accept", Some("S3PPLMBITXAQ9KYGZZHZRBK+XOO="))],
                E::WrongAccept,
            ),
            (
                OK,
                &[
                    ("Sec-WebSocket-Accept", Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
                    ("Sec-WebSocket-Accept", Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
                ],
                E::RepeatedAccept,
            ),
            (
                OK,
                &[("Sec-WebSocket-Protocol", Some("other"))],
                E::SubprotocolNotAsked,
            ),
            (
                OK,
                &[("Sec-WebSocket-Protocol", Some("CHAT"))],
                E::SubprotocolNotAsked,
            ),
            (
                OK,
                &[("Sec-WebSocket-Protocol", Some(""))],
                E::SubprotocolNotAsked,
            ),
            (
                OK,
                &[("Sec-WebSocket-Protocol", Some("chat, superchat"))],
                E::SubprotocolNotAsked,
            ),
            (
                OK,
                &[
                    ("Sec-WebSocket-Protocol", Some("chat")),
                    ("Sec-WebSocket-Protocol", Some("chat")),
                ],
                E::RepeatedSubprotocol,
            ),
            (
                OK,
                &[("Sec-WebSocket-Extensions", Some("x-unknown"))],
                E::ExtensionNotOffered,
            ),
            (
                OK,
                &[
                    ("Sec-WebSocket-Extensions", Some("permessage-deflate")),
                    ("Sec-WebSocket-Extensions", Some("x-unknown")),
                ],
                E::ExtensionNotOffered,
            ),
            (
                OK,
                &[("Sec-WebSocket-Extensions", Some("permessage-deflate; a="))],
                E::MalformedExtensions,
            ),
        ] {
            assert_eq!(
                check(first_line, changes),
                Err(error),
                "{first_line} {changes:?}"
            );
        }
    }

    #[test]
    fn nothing_may_be_chosen_if_nothing_was_asked_for() {
        for (name, value, error) in [
            (
                "Sec-WebSocket-Protocol",
                "chat",
                ResponseError::SubprotocolNotAsked,
            ),
            (
                "Sec-WebSocket-Extensions",
                "permessage-deflate",
                ResponseError::ExtensionNotOffered,
            ),
        ] {
            let changes = [("Sec-WebSocket-Protocol", None), (name, Some(value))];
            let head = head(OK, &RESPONSE_FIELDS, &changes);
            let checked =
                with_response(head, |response| check_response(&response, ACCEPT, "", &[]));
            assert_eq!(checked, Ok(Err(error)));
        }
    }

    #[test]
    fn what_the_server_sent_can_be_seen() {
        let head = "HTTP/1.1 302 Found it\r\nLocation: /there\r\nA: 1\r\na: 2\r\n\r\n";
        with_response(head, |response| {
            assert_eq!(response.status(), 302);
            assert_eq!(response.reason_phrase(), "Found it");
            assert_eq!(response.header_str("location"), Some("/there"));
            assert_eq!(response.headers_named("A").count(), 2);
            assert_eq!(response.headers().count(), 3);
            assert!(format!("{response:?}").contains("302"));
        })
        .unwrap();
        let reason = |head: &str| {
            with_response(head, |response| String::from(response.reason_phrase())).unwrap()
        };
        assert_eq!(reason("HTTP/1.1 200 \u{e4}\r\n\r\n"), "");
        assert_eq!(reason("HTTP/1.1 200\r\n\r\n"), "");
    }

    #[test]
    fn a_hopeless_head_has_its_error_too() {
        use ResponseError as E;
        for (error, expected) in [
            (HeadError::Malformed, E::Malformed),
            (HeadError::TooLarge, E::HeadTooLarge),
            (HeadError::UnsupportedHttpVersion, E::UnsupportedHttpVersion),
        ] {
            assert_eq!(E::from(error), expected);
        }
    }
}
