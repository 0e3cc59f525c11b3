//! Unusual requests that a server has to accept.

use super::{Draft, Section};
use crate::opening::Grade;

/// Cases `form-*`: the same request in other forms.
pub(super) fn forms(mut section: Section) -> Section {
    let request = Draft::request;
    let list = "RFC 7230 3.2.2, 7: a list is a list however it is written";
    let opaque = "RFC 6455 4.2.1: unknown headers are ignored";
    let space = "RFC 7230 3.2.4: space around a value is no part of it";
    let cookie = "x".repeat(4096);
    let strict = [
        (
            "minimal",
            "with nothing that it need not have",
            "RFC 6455 4.2.1",
            request(),
        ),
        (
            "lowercase-names",
            "with names of headers in lower case",
            "RFC 7230 3.2: names have no case",
            request().named(str::to_lowercase),
        ),
        (
            "uppercase-names",
            "with names of headers in upper case",
            "RFC 7230 3.2: names have no case",
            request().named(str::to_uppercase),
        ),
        (
            "reordered",
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
            "upgrade-mixed-case",
            "with Upgrade: WebSocket",
            "RFC 6455 4.2.1: the word has no case",
            request().set("Upgrade", "WebSocket"),
        ),
        (
            "uppercase-values",
            "with Upgrade: WEBSOCKET and Connection: UPGRADE",
            "RFC 6455 4.2.1: the words have no case",
            request()
                .set("Upgrade", "WEBSOCKET")
                .set("Connection", "UPGRADE"),
        ),
        (
            "connection-list",
            "with Connection: keep-alive, Upgrade",
            list,
            request().set("Connection", "keep-alive, Upgrade"),
        ),
        (
            "connection-list-without-spaces",
            "with Connection: upgrade,keep-alive",
            list,
            request().set("Connection", "upgrade,keep-alive"),
        ),
        (
            "connection-empty-elements",
            "whose Connection has empty elements and tabs",
            list,
            request().set("Connection", ",\tkeep-alive ,, \tUpgrade ,"),
        ),
        (
            "connection-second-line",
            "with two lines of Connection, the second of which is Upgrade",
            list,
            request()
                .set("Connection", "keep-alive")
                .line("Connection: Upgrade"),
        ),
        (
            "connection-first-line",
            "with two lines of Connection, the first of which is Upgrade",
            list,
            request().line("Connection: keep-alive"),
        ),
        (
            "no-space-after-colons",
            "without space behind the colons",
            space,
            request().spaced("", ""),
        ),
        (
            "spaces-around-values",
            "with spaces and tabs around values",
            space,
            request().spaced(" \t  ", "\t \t"),
        ),
        (
            "trailing-spaces",
            "with a space behind every value",
            space,
            request().spaced(" ", " "),
        ),
        (
            "unknown-header",
            "with an unknown header",
            opaque,
            request().line("X-Conformance: unknown"),
        ),
        (
            "unknown-header-first",
            "with an unknown header in front of all others",
            opaque,
            request().first("X-Conformance: unknown"),
        ),
        (
            "empty-header",
            "with an empty header",
            "RFC 7230 3.2: a value may be empty",
            request().line("X-Empty:").line("X-Spaces:   "),
        ),
        (
            "repeated-header",
            "with an unknown header on three lines",
            opaque,
            request()
                .line("X-Twice: 1")
                .line("X-Twice: 2")
                .line("x-twice: 1"),
        ),
        (
            "every-name-character",
            "with a header whose name has every character that names may have",
            "RFC 7230 3.2.6: the name is a token",
            request().line("!#$%&'*+-.^_`|~09azAZ: odd"),
        ),
        (
            "every-value-character",
            "with values that hold every printable character",
            "RFC 7230 3.2: they are values",
            request().line(format!("X-Printable: {}", (' '..='~').collect::<String>())),
        ),
        (
            "browser-headers",
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
            "40-unknown-headers",
            "with 40 unknown headers",
            opaque,
            request().unknown_headers(40),
        ),
        (
            "query",
            "with a query",
            "RFC 6455 3: it is part of the resource name",
            request().start("GET {resource}?a=b&c=%20d&e HTTP/1.1"),
        ),
        (
            "absolute-uri",
            "for an absolute URI",
            "RFC 6455 4.2.1, RFC 7230 5.3.2: a server must accept it",
            request().start("GET http://{host}{resource} HTTP/1.1"),
        ),
    ];
    for (name, what, why, draft) in strict {
        section.opens(name, what, why, Grade::Wrong, draft);
    }
    let lenient = [
        (
            "upgrade-list",
            "with Upgrade: h2c, websocket",
            "RFC 7230 6.7: a client may name several protocols, and websocket is one of them",
            request().set("Upgrade", "h2c, websocket"),
        ),
        (
            "upgrade-two-lines",
            "with two lines of Upgrade, h2c and websocket",
            "RFC 7230 6.7: a client may name several protocols, and websocket is one of them",
            request().set("Upgrade", "h2c").line("Upgrade: websocket"),
        ),
        (
            "non-ascii-header",
            "with a header that has bytes beyond ASCII",
            "RFC 7230 3.2.4: they are opaque",
            request()
                .line("X-Latin: \u{e4}\u{f6}\u{fc}")
                .line("X-Bytes: \u{80}\u{a0}\u{ff}"),
        ),
        (
            "long-cookie",
            "with a cookie of 4096 bytes",
            "RFC 6265 6.1: browsers have such cookies",
            request().line(format!("Cookie: long={cookie}")),
        ),
        (
            "own-origin",
            "with the origin of the server",
            "RFC 6455 4.2.2: the server decides, and this is its own",
            request().line("Origin: http://{host}"),
        ),
        (
            "content-length-zero",
            "with Content-Length: 0",
            "RFC 7230 3.3.2: that is no body",
            request().line("Content-Length: 0"),
        ),
        (
            "leading-empty-line",
            "behind an empty line",
            "RFC 7230 3.5: a server should ignore it",
            request().start("\r\nGET {resource} HTTP/1.1"),
        ),
    ];
    for (name, what, why, draft) in lenient {
        section.opens(name, what, why, Grade::Tolerated, draft);
    }
    let open_questions = [
        (
            "bare-lf",
            "whose lines end with LF alone",
            "RFC 7230 3.5 leaves it to the server",
            request().line_end("\n"),
        ),
        (
            "http-1-2",
            "of HTTP/1.2",
            "RFC 7230 2.6 wants it treated as HTTP/1.1, but there is no such version",
            request().start("GET {resource} HTTP/1.2"),
        ),
        (
            "key-spare-bits",
            "whose key ends in bits that base64 has no use for",
            "RFC 4648 3.5 leaves it to the server",
            request().set("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEF=="),
        ),
    ];
    for (name, what, why, draft) in open_questions {
        section
            .opens(name, what, why, Grade::Right, draft)
            .informational = true;
    }
    section
}

/// Cases `offer-*`: offers that must not stop a connection from opening.
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
    for (name, what, why, lines) in [
        (
            "two-subprotocols",
            "that asks for one of two subprotocols",
            chosen,
            &["Sec-WebSocket-Protocol: conformance.a, conformance.b"][..],
        ),
        (
            "subprotocols-two-lines",
            "that asks for subprotocols on two lines",
            chosen,
            &[
                "Sec-WebSocket-Protocol: conformance.a",
                "Sec-WebSocket-Protocol: conformance.b",
            ],
        ),
        (
            "unknown-extension",
            "that offers an unknown extension",
            unknown,
            &["Sec-WebSocket-Extensions: x-conformance"],
        ),
        (
            "unknown-extension-parameters",
            "that offers an unknown extension with parameters",
            unknown,
            &["Sec-WebSocket-Extensions: x-conformance; a; b=1; c=\"2\"; a"],
        ),
        (
            "unknown-extensions-two-lines",
            "that offers unknown extensions on two lines",
            unknown,
            &[
                "Sec-WebSocket-Extensions: x-conformance, x-other;a=b",
                "Sec-WebSocket-Extensions: x-last",
            ],
        ),
        (
            "deflate-plain",
            "that offers permessage-deflate without parameters",
            free,
            &["Sec-WebSocket-Extensions: permessage-deflate"],
        ),
        (
            "deflate-browser",
            "that offers permessage-deflate as browsers do",
            free,
            &["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
        ),
        (
            "unknown-then-deflate",
            "that offers an unknown extension and, on another line, permessage-deflate",
            free,
            &[
                "Sec-WebSocket-Extensions: x-conformance",
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
            ],
        ),
        (
            "deflate-quoted",
            "that offers permessage-deflate with quoted parameters",
            free,
            &["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"12\""],
        ),
        (
            "deflate-bad-then-plain",
            "that offers permessage-deflate with an unknown parameter, and without",
            free,
            &["Sec-WebSocket-Extensions: permessage-deflate; x-conformance, permessage-deflate"],
        ),
        (
            "deflate-unknown-parameter",
            "that offers permessage-deflate with an unknown parameter",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; x-conformance=1"],
        ),
        (
            "deflate-window-99",
            "that offers permessage-deflate with a window of 99 bits",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99"],
        ),
        (
            "deflate-window-7",
            "that offers permessage-deflate with a window of 7 bits",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=7"],
        ),
        (
            "deflate-window-without-value",
            "that offers permessage-deflate with a window without bits",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits"],
        ),
        (
            "deflate-parameter-twice",
            "that offers permessage-deflate with a parameter twice",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; \
               server_no_context_takeover; server_no_context_takeover"],
        ),
        (
            "deflate-value-on-flag",
            "that offers permessage-deflate with a value where there is none",
            declined,
            &["Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover=1"],
        ),
    ] {
        section.opens(name, what, why, Grade::Wrong, offer(lines));
    }
    section
}
