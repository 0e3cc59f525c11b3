//! Requests that a server has to take, though it may not have seen their like.

use super::{Draft, Section};
use crate::opening::Grade;

/// Case 20.1: the same request in other forms.
pub(super) fn forms(mut section: Section) -> Section {
    let request = Draft::request;
    let list = "RFC 7230 3.2.2, 7: a list is a list however it is written";
    let opaque = "RFC 6455 4.2.1: unknown headers are ignored";
    let space = "RFC 7230 3.2.4: space around a value is no part of it";
    let cookie = "x".repeat(4096);
    let strict = [
        (
            "with nothing that it need not have",
            "RFC 6455 4.2.1",
            request(),
        ),
        (
            "with names of headers in lower case",
            "RFC 7230 3.2: names have no case",
            request().named(str::to_lowercase),
        ),
        (
            "with names of headers in upper case",
            "RFC 7230 3.2: names have no case",
            request().named(str::to_uppercase),
        ),
        (
            "with the headers in another order",
            "RFC 6455 4.2.1: their order does not matter",
            Draft::new(
                "GET {resource} HTTP/1.1",
                &[
                    "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: {key}",
                    "Connection: Upgrade",
                    "Upgrade: websocket",
                    "Host: {host}",
                ],
            ),
        ),
        (
            "with Upgrade: WebSocket",
            "RFC 6455 4.2.1: the word has no case",
            request().set("Upgrade", "WebSocket"),
        ),
        (
            "with Upgrade: WEBSOCKET and Connection: UPGRADE",
            "RFC 6455 4.2.1: the words have no case",
            request()
                .set("Upgrade", "WEBSOCKET")
                .set("Connection", "UPGRADE"),
        ),
        (
            "with Connection: keep-alive, Upgrade",
            list,
            request().set("Connection", "keep-alive, Upgrade"),
        ),
        (
            "with Connection: upgrade,keep-alive",
            list,
            request().set("Connection", "upgrade,keep-alive"),
        ),
        (
            "whose Connection has empty elements and tabs",
            list,
            request().set("Connection", ",\tkeep-alive ,, \tUpgrade ,"),
        ),
        (
            "with two lines of Connection, the second of which is Upgrade",
            list,
            request()
                .set("Connection", "keep-alive")
                .line("Connection: Upgrade"),
        ),
        (
            "with two lines of Connection, the first of which is Upgrade",
            list,
            request().line("Connection: keep-alive"),
        ),
        (
            "without space behind the colons",
            space,
            request().spaced("", ""),
        ),
        (
            "with spaces and tabs around values",
            space,
            request().spaced(" \t  ", "\t \t"),
        ),
        (
            "with a space behind every value",
            space,
            request().spaced(" ", " "),
        ),
        (
            "with an unknown header",
            opaque,
            request().line("X-Conformance: unknown"),
        ),
        (
            "with an unknown header in front of all others",
            opaque,
            request().first("X-Conformance: unknown"),
        ),
        (
            "with an empty header",
            "RFC 7230 3.2: a value may be empty",
            request().line("X-Empty:").line("X-Spaces:   "),
        ),
        (
            "with an unknown header on three lines",
            opaque,
            request()
                .line("X-Twice: 1")
                .line("X-Twice: 2")
                .line("x-twice: 1"),
        ),
        (
            "with a header whose name has every character that names may have",
            "RFC 7230 3.2.6: the name is a token",
            request().line("!#$%&'*+-.^_`|~09azAZ: odd"),
        ),
        (
            "with values that hold every printable character",
            "RFC 7230 3.2: they are values",
            request().line(format!("X-Printable: {}", (' '..='~').collect::<String>())),
        ),
        (
            "with what browsers send along",
            opaque,
            request()
                .line("User-Agent: Mozilla/5.0 (X11; Linux x86_64) Conformance/1.0")
                .line("Accept-Encoding: gzip, deflate, br")
                .line("Accept-Language: en-US,en;q=0.5")
                .line("Cookie: session=0123456789abcdef; theme=dark")
                .line("Pragma: no-cache")
                .line("Cache-Control: no-cache")
                .line("DNT: 1")
                .line("Sec-Fetch-Mode: websocket"),
        ),
        (
            "with 40 unknown headers",
            opaque,
            request().unknown_headers(40),
        ),
        (
            "with a query",
            "RFC 6455 3: it is part of the resource name",
            request().start("GET {resource}?a=b&c=%20d&e HTTP/1.1"),
        ),
        (
            "for an absolute URI",
            "RFC 6455 4.2.1, RFC 7230 5.3.2: a server must accept it",
            request().start("GET http://{host}{resource} HTTP/1.1"),
        ),
    ];
    for (what, why, draft) in strict {
        section.opens(what, why, Grade::Wrong, draft);
    }
    let lenient = [
        (
            "with Upgrade: h2c, websocket",
            "RFC 7230 6.7: a client may name several protocols, and websocket is one of them",
            request().set("Upgrade", "h2c, websocket"),
        ),
        (
            "with two lines of Upgrade, h2c and websocket",
            "RFC 7230 6.7: a client may name several protocols, and websocket is one of them",
            request().set("Upgrade", "h2c").line("Upgrade: websocket"),
        ),
        (
            "with a header that has bytes beyond ASCII",
            "RFC 7230 3.2.4: they are opaque",
            request()
                .line("X-Latin: \u{e4}\u{f6}\u{fc}")
                .line("X-Bytes: \u{80}\u{a0}\u{ff}"),
        ),
        (
            "with a cookie of 4096 bytes",
            "RFC 6265 6.1: browsers have such cookies",
            request().line(format!("Cookie: long={cookie}")),
        ),
        (
            "with the origin of the server",
            "RFC 6455 4.2.2: the server decides, and this is its own",
            request().line("Origin: http://{host}"),
        ),
        (
            "with Content-Length: 0",
            "RFC 7230 3.3.2: that is no body",
            request().line("Content-Length: 0"),
        ),
        (
            "behind an empty line",
            "RFC 7230 3.5: a server should ignore it",
            request().start("\r\nGET {resource} HTTP/1.1"),
        ),
    ];
    for (what, why, draft) in lenient {
        section.opens(what, why, Grade::Tolerated, draft);
    }
    let open_questions = [
        (
            "whose lines end with LF alone",
            "RFC 7230 3.5 leaves it to the server",
            request().line_end("\n"),
        ),
        (
            "of HTTP/1.2",
            "RFC 7230 2.6 wants it treated as HTTP/1.1, but there is no such version",
            request().start("GET {resource} HTTP/1.2"),
        ),
        (
            "whose key ends in bits that base64 has no use for",
            "RFC 4648 3.5 leaves it to the server",
            request().set("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEF=="),
        ),
    ];
    for (what, why, draft) in open_questions {
        section.opens(what, why, Grade::Right, draft).informational = true;
    }
    section
}

/// Case 20.2: offers that must not stop a connection from opening.
pub(super) fn offers(mut section: Section) -> Section {
    let offer = |lines: &[&str]| {
        lines
            .iter()
            .fold(Draft::request(), |draft, line| draft.line(*line))
    };
    let chosen = "none of them is chosen, or one (RFC 6455 4.2.2)";
    let unknown = "what is unknown is not agreed to (RFC 6455 9.1)";
    let declined = "the offer is declined and the connection is not (RFC 7692 5.1)";
    let free = "the server may agree or not";
    for (what, why, lines) in [
        (
            "that asks for one of two subprotocols",
            chosen,
            &["Sec-WebSocket-Protocol: conformance.a, conformance.b"][..],
        ),
        (
            "that asks for subprotocols on two lines",
            chosen,
            &[
                "Sec-WebSocket-Protocol: conformance.a",
                "Sec-WebSocket-Protocol: conformance.b",
            ],
        ),
        (
            "that offers an unknown extension",
            unknown,
            &["Sec-WebSocket-Extensions: x-conformance"],
        ),
        (
            "that offers an unknown extension with parameters",
            unknown,
            &["Sec-WebSocket-Extensions: x-conformance; a; b=1; c=\"2\"; a"],
        ),
        (
            "that offers unknown extensions on two lines",
            unknown,
            &[
                "Sec-WebSocket-Extensions: x-conformance, x-other;a=b",
                "Sec-WebSocket-Extensions: x-last",
            ],
        ),
        (
            "that offers permessage-deflate without parameters",
            free,
            &["Sec-WebSocket-Extensions: permessage-deflate"],
        ),
        (
            "that offers permessage-deflate as browsers do",
            free,
            &["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
        ),
        (
            "that offers an unknown extension and, on another line, permessage-deflate",
            free,
            &[
                "Sec-WebSocket-Extensions: x-conformance",
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
            ],
        ),
        (
            "that offers permessage-deflate with quoted parameters",
            free,
            &["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"12\""],
        ),
        (
            "that offers permessage-deflate with an unknown parameter, and without",
            free,
            &["Sec-WebSocket-Extensions: permessage-deflate; x-conformance, permessage-deflate"],
        ),
        (
            "that offers permessage-deflate with an unknown parameter",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; x-conformance=1"],
        ),
        (
            "that offers permessage-deflate with a window of 99 bits",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99"],
        ),
        (
            "that offers permessage-deflate with a window of 7 bits",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=7"],
        ),
        (
            "that offers permessage-deflate with a window without bits",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits"],
        ),
        (
            "that offers permessage-deflate with a parameter twice",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; \
               server_no_context_takeover; server_no_context_takeover"],
        ),
        (
            "that offers permessage-deflate with a value where there is none",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover=1"],
        ),
    ] {
        section.opens(what, why, Grade::Wrong, offer(lines));
    }
    section
}
