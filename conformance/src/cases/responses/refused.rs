//! Responses that do not open a connection (RFC 6455 4.1, from "The client MUST validate").

use super::{Draft, Section, drops};
use crate::opening::{Grade, Opening};

/// Cases `status-*`: other statuses and versions. Everything else is as if the connection opened.
pub(super) fn statuses(mut section: Section) -> Section {
    let response = |start: &str| Draft::response().start(start);
    // The response of a server that does not know WebSocket.
    let refusal = |start: &str, header: &str| {
        let draft = response(start).line("Content-Length: 0");
        let draft = if header.is_empty() {
            draft
        } else {
            draft.line(header)
        };
        Opening::bait(draft).finishes()
    };
    let why = "RFC 6455 4.1: only 101 opens it";
    for (start, header) in [
        ("200 OK", ""),
        ("201 Created", "Location: http://{host}/created"),
        ("202 Accepted", ""),
        ("300 Multiple Choices", ""),
        ("301 Moved Permanently", "Location: http://{host}/elsewhere"),
        ("302 Found", "Location: ws://{host}/elsewhere"),
        ("304 Not Modified", ""),
        ("307 Temporary Redirect", "Location: /elsewhere"),
        ("308 Permanent Redirect", "Location: http://{host}/"),
        ("400 Bad Request", ""),
        (
            "401 Unauthorized",
            "WWW-Authenticate: Basic realm=\"conformance\"",
        ),
        ("403 Forbidden", ""),
        ("404 Not Found", ""),
        (
            "407 Proxy Authentication Required",
            "Proxy-Authenticate: Basic realm=\"conformance\"",
        ),
        ("426 Upgrade Required", "Sec-WebSocket-Version: 8"),
        ("429 Too Many Requests", "Retry-After: 1"),
        ("500 Internal Server Error", ""),
        ("503 Service Unavailable", "Retry-After: 1"),
        ("999 Unknown", ""),
    ] {
        let opening = refusal(&format!("HTTP/1.1 {start}"), header);
        let what = format!("{start} and the headers of an acceptance");
        drops(&mut section, &start[..3], &what, why, opening);
    }
    let head = |lines: &[&str]| Draft::new("HTTP/1.1 401 Unauthorized", lines);
    let body = "the body belongs to the refusal";
    for (name, what, opening) in [
        (
            "401-long-body",
            "401 and a body of 64 KiB",
            Opening::dropped(head(&["Content-Length: 65536"]))
                .behind(crate::Payload::repeated(b"no entry ", 65536)),
        ),
        (
            "401-chunked-body",
            "401 and a body in chunks",
            Opening::dropped(head(&["Transfer-Encoding: chunked"]))
                .behind("8\r\nno entry\r\n0\r\n\r\n"),
        ),
        (
            "401-body-until-end",
            "401 and a body up to the end of the stream",
            Opening::dropped(head(&["Connection: close"])).behind("no entry"),
        ),
        (
            "401-half-body",
            "401 and half of a body",
            Opening::dropped(head(&["Content-Length: 65536"])).behind("no en"),
        ),
        (
            "401-frames",
            "401 and a body of nothing but frames",
            Opening::bait(head(&["Connection: close"])),
        ),
    ] {
        drops(&mut section, name, what, body, opening.finishes());
    }
    let version = "RFC 6455 4.2.2: the status line is one of HTTP/1.1";
    let digits = "RFC 7230 3.1.2: a status has three digits";
    for (why, name, start) in [
        (version, "http-1-0", "HTTP/1.0 101 Switching Protocols"),
        (version, "http-0-9", "HTTP/0.9 101 Switching Protocols"),
        (version, "http-2-0", "HTTP/2.0 101 Switching Protocols"),
        (version, "http-2", "HTTP/2 101"),
        (
            version,
            "lowercase-http",
            "http/1.1 101 Switching Protocols",
        ),
        (version, "https", "HTTPS/1.1 101 Switching Protocols"),
        (version, "no-protocol", "101 Switching Protocols"),
        (digits, "code-1010", "HTTP/1.1 1010 Switching Protocols"),
        (digits, "code-10", "HTTP/1.1 10 Switching Protocols"),
        (digits, "code-plus", "HTTP/1.1 +101 Switching Protocols"),
        (
            digits,
            "code-hexadecimal",
            "HTTP/1.1 0x65 Switching Protocols",
        ),
        (digits, "no-code", "HTTP/1.1 Switching Protocols"),
        (digits, "protocol-only", "HTTP/1.1"),
    ] {
        let opening = Opening::bait(response(start)).finishes();
        drops(
            &mut section,
            name,
            &format!("the first line {start}"),
            why,
            opening,
        );
    }
    section
}

/// Cases `header-*`: headers of the handshake.
pub(super) fn headers(mut section: Section) -> Section {
    let response = Draft::response;
    let upgrade = "RFC 6455 4.1: Upgrade is websocket";
    let connection = "RFC 6455 4.1: Connection lists Upgrade";
    for (name, what, why, draft) in [
        (
            "no-upgrade",
            "no Upgrade",
            upgrade,
            response().without("Upgrade"),
        ),
        (
            "empty-upgrade",
            "an empty Upgrade",
            upgrade,
            response().set("Upgrade", ""),
        ),
        (
            "upgrade-h2c",
            "Upgrade: h2c",
            upgrade,
            response().set("Upgrade", "h2c"),
        ),
        (
            "upgrade-websockets",
            "Upgrade: websockets",
            upgrade,
            response().set("Upgrade", "websockets"),
        ),
        (
            "upgrade-list",
            "Upgrade: websocket, h2c",
            upgrade,
            response().set("Upgrade", "websocket, h2c"),
        ),
        (
            "no-connection",
            "no Connection",
            connection,
            response().without("Connection"),
        ),
        (
            "empty-connection",
            "an empty Connection",
            connection,
            response().set("Connection", ""),
        ),
        (
            "connection-keep-alive",
            "Connection: keep-alive",
            connection,
            response().set("Connection", "keep-alive"),
        ),
        (
            "connection-no-upgrade-please",
            "Connection: no-upgrade-please",
            connection,
            response().set("Connection", "no-upgrade-please"),
        ),
        (
            "none",
            "no headers at all",
            upgrade,
            Draft::new("HTTP/1.1 101 Switching Protocols", &[]),
        ),
    ] {
        drops(
            &mut section,
            name,
            &format!("101 and {what}"),
            why,
            Opening::bait(draft),
        );
    }
    accepts(&mut section);
    let subprotocol = "RFC 6455 4.1: the client has not asked for it";
    let extension = "RFC 6455 4.1: the client has not offered it";
    let once = "RFC 6455 11.3.4: there is no more than one";
    let grammar = "RFC 6455 9.1: what breaks the grammar must not be passed over";
    let parameter = "RFC 7692 5.1: the client has not offered that, and could not have";
    for (why, name, line) in [
        (
            subprotocol,
            "subprotocol-unasked",
            "Sec-WebSocket-Protocol: conformance.unasked",
        ),
        (subprotocol, "subprotocol-empty", "Sec-WebSocket-Protocol: "),
        (
            subprotocol,
            "subprotocol-list",
            "Sec-WebSocket-Protocol: conformance.a, conformance.b",
        ),
        (
            once,
            "subprotocol-twice",
            "Sec-WebSocket-Protocol: conformance.a\r\nSec-WebSocket-Protocol: conformance.a",
        ),
        (
            extension,
            "extension-unasked",
            "Sec-WebSocket-Extensions: x-conformance",
        ),
        (
            extension,
            "extension-unasked-parameters",
            "Sec-WebSocket-Extensions: x-conformance; a=b; c",
        ),
        (
            extension,
            "extension-unasked-second",
            "Sec-WebSocket-Extensions: permessage-deflate, x-conformance",
        ),
        (
            extension,
            "extension-unasked-second-line",
            "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: x-conformance",
        ),
        (
            grammar,
            "extension-trailing-semicolon",
            "Sec-WebSocket-Extensions: permessage-deflate;",
        ),
        (
            grammar,
            "extension-parameter-without-value",
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=",
        ),
        (
            grammar,
            "extension-with-space",
            "Sec-WebSocket-Extensions: permessage deflate",
        ),
        (
            parameter,
            "deflate-unknown-parameter",
            "Sec-WebSocket-Extensions: permessage-deflate; x-conformance",
        ),
        (
            parameter,
            "deflate-window-16",
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=16",
        ),
        (
            parameter,
            "deflate-window-7",
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7",
        ),
        (
            parameter,
            "deflate-window-without-value",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        ),
        (
            parameter,
            "deflate-value-on-flag",
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover=1",
        ),
        (
            parameter,
            "deflate-parameter-twice",
            "Sec-WebSocket-Extensions: permessage-deflate; \
             server_no_context_takeover; server_no_context_takeover",
        ),
    ] {
        let what = format!("101 and {}", line.replace("\r\n", ", and "));
        drops(
            &mut section,
            name,
            &what,
            why,
            Opening::bait(response().line(line)),
        );
    }
    let twice = response().line("Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate");
    drops(
        &mut section,
        "deflate-twice",
        "101 and permessage-deflate twice",
        "RFC 7692 6: RSV1 has one meaning",
        Opening::bait(twice).otherwise(Grade::Tolerated),
    );
    section
}

fn accepts(section: &mut Section) {
    let name = "Sec-WebSocket-Accept";
    let accept = |value: &str| Draft::response().set(name, value);
    let long = "A".repeat(100 << 10);
    let other = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let fits = "RFC 6455 4.1: it is the answer to the key";
    let once = "RFC 6455 11.3.3: there is no more than one";
    for (name, what, why, draft) in [
        (
            "no-accept",
            "no Sec-WebSocket-Accept",
            fits,
            Draft::response().without(name),
        ),
        (
            "empty-accept",
            "an empty Sec-WebSocket-Accept",
            fits,
            accept(""),
        ),
        (
            "accept-of-one-character",
            "a Sec-WebSocket-Accept of one character",
            fits,
            accept("x"),
        ),
        (
            "accept-of-another-key",
            "the Sec-WebSocket-Accept of another key",
            fits,
            accept(other),
        ),
        (
            "accept-without-padding",
            "a Sec-WebSocket-Accept without its padding",
            fits,
            accept("{accept-without-padding}"),
        ),
        (
            "accept-uppercase",
            "a Sec-WebSocket-Accept in upper case",
            fits,
            accept("{ACCEPT}"),
        ),
        (
            "accept-extra-letter",
            "a Sec-WebSocket-Accept with a letter too many",
            fits,
            accept("{accept}A"),
        ),
        (
            "accept-leading-letter",
            "a Sec-WebSocket-Accept with a letter in front",
            fits,
            accept("A{accept}"),
        ),
        (
            "accept-quoted",
            "a Sec-WebSocket-Accept in quotes",
            fits,
            accept("\"{accept}\""),
        ),
        (
            "accept-list",
            "a Sec-WebSocket-Accept with itself on one line",
            fits,
            accept("{accept}, {accept}"),
        ),
        (
            "accept-is-key",
            "the key as Sec-WebSocket-Accept",
            fits,
            accept("{key}"),
        ),
        (
            "accept-4-kib",
            "a Sec-WebSocket-Accept of 4 KiB",
            fits,
            accept(&long[..4 << 10]),
        ),
        (
            "accept-100-kib",
            "a Sec-WebSocket-Accept of 100 KiB",
            fits,
            accept(&long),
        ),
        (
            "wrong-accept-second",
            "the Sec-WebSocket-Accept of another key behind the right one",
            once,
            accept("{accept}").line(format!("{name}: {other}")),
        ),
        (
            "wrong-accept-first",
            "the Sec-WebSocket-Accept of another key in front of the right one",
            once,
            accept("{accept}").first(&format!("{name}: {other}")),
        ),
    ] {
        drops(
            section,
            name,
            &format!("101 and {what}"),
            why,
            Opening::bait(draft),
        );
    }
    let twice = Opening::bait(accept("{accept}").line(format!("{name}: {{accept}}")));
    drops(
        section,
        "accept-twice",
        "101 and the right Sec-WebSocket-Accept twice",
        once,
        twice,
    );
}

/// Cases `grammar-*`: the grammar of HTTP, and bytes that are no HTTP at all.
pub(super) fn grammar(mut section: Section) -> Section {
    let why = "RFC 6455 4.1, RFC 7230 3.2: headers have another form";
    for (name, what, line) in [
        ("no-colon", "a line that has no colon", "X-Conformance"),
        ("no-name", "a header without a name", ": nameless"),
        (
            "space-after-name",
            "a space behind the name of a header",
            "X-Conformance : space",
        ),
        (
            "space-in-name",
            "a space inside the name of a header",
            "X Conformance: space",
        ),
        ("nul-in-value", "a NUL in a value", "X-Conformance: a\0b"),
        ("cr-in-value", "a bare CR in a value", "X-Conformance: a\rb"),
        (
            "control-in-value",
            "a control character in a value",
            "X-Conformance: a\x01b",
        ),
    ] {
        let opening = Opening::bait(Draft::response().line(line)).otherwise(Grade::Tolerated);
        drops(&mut section, name, &format!("101 and {what}"), why, opening);
    }
    let why = "RFC 6455 4.1: that is no response of HTTP/1.1";
    for (name, what, bytes) in [
        (
            "tls",
            "an alert of a TLS server",
            "\x15\x03\x03\x00\x02\x02\x28",
        ),
        (
            "ssh",
            "the greeting of an SSH server",
            "SSH-2.0-conformance\r\n",
        ),
        (
            "smtp",
            "the greeting of a mail server",
            "220 conformance.example ESMTP\r\n",
        ),
        (
            "http-2",
            "the settings of an HTTP/2 server",
            "\0\0\0\x04\0\0\0\0\0",
        ),
        ("frames", "frames without a head", "\u{81}\x05Hello\u{89}\0"),
        (
            "html",
            "a page without a head",
            "<!DOCTYPE html><title>Hello</title>\r\n\r\n",
        ),
        ("nuls", "NULs", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        (
            "request",
            "a request",
            "GET / HTTP/1.1\r\nHost: conformance.example\r\n\r\n",
        ),
        (
            "empty-line-and-frames",
            "an empty line and frames",
            "\r\n\r\n\u{81}\x05Hello",
        ),
    ] {
        drops(
            &mut section,
            name,
            what,
            why,
            Opening::dropped(bytes).finishes(),
        );
    }
    section
}
