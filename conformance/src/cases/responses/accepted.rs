//! Unusual responses that a client has to accept.

use super::{Draft, Section};
use crate::opening::Grade;

/// Cases `form-*`: the same response in other forms.
pub(super) fn forms(mut section: Section) -> Section {
    let response = Draft::response;
    let no_case = "RFC 6455 4.1: names have no case";
    let list = "RFC 6455 4.1, RFC 7230 7: Connection is a list";
    let opaque = "RFC 7230 3.2.1: unknown headers are ignored";
    let space = "RFC 7230 3.2.4, RFC 6455 4.1: space around a value is no part of it";
    let phrase = "RFC 7230 3.1.2: the phrase means nothing";
    let interim = "RFC 7231 6.2: any number of such responses may come before the last one";
    let before = |first: &str| response().start(format!("{first}HTTP/1.1 101 Switching Protocols"));
    let proceed = "HTTP/1.1 100 Continue\r\n\r\n";
    for (name, what, why, draft) in [
        (
            "minimal",
            "with nothing that it need not have",
            "RFC 6455 4.2.2",
            response(),
        ),
        (
            "lowercase-names",
            "with names of headers in lower case",
            no_case,
            response().named(str::to_lowercase),
        ),
        (
            "uppercase-names",
            "with names of headers in upper case",
            no_case,
            response().named(str::to_uppercase),
        ),
        (
            "reordered",
            "with the headers in another order",
            "RFC 7230 3.2.2: their order does not matter",
            Draft::new(
                "HTTP/1.1 101 Switching Protocols",
                &[
                    "Sec-WebSocket-Accept: {accept}",
                    "Connection: Upgrade",
                    "Upgrade: websocket",
                ],
            ),
        ),
        (
            "mixed-case-values",
            "with Upgrade: WebSocket and Connection: upgrade",
            "RFC 6455 4.1: the words have no case",
            response()
                .set("Upgrade", "WebSocket")
                .set("Connection", "upgrade"),
        ),
        (
            "connection-list",
            "with Connection: keep-alive, Upgrade",
            list,
            response().set("Connection", "keep-alive, Upgrade"),
        ),
        (
            "connection-empty-elements",
            "whose Connection has empty elements and tabs",
            list,
            response().set("Connection", ",\tUPGRADE ,, keep-alive"),
        ),
        (
            "connection-two-lines",
            "with two lines of Connection",
            list,
            response()
                .set("Connection", "keep-alive")
                .line("Connection: Upgrade"),
        ),
        (
            "no-space-after-colons",
            "without space behind the colons",
            space,
            response().spaced("", ""),
        ),
        (
            "spaces-around-values",
            "with spaces and tabs around values",
            space,
            response().spaced(" \t  ", "\t \t"),
        ),
        (
            "no-phrase",
            "without a reason phrase",
            phrase,
            response().start("HTTP/1.1 101 "),
        ),
        (
            "other-phrase",
            "with another reason phrase",
            phrase,
            response().start("HTTP/1.1 101 404 Not Found"),
        ),
        (
            "unknown-headers",
            "with unknown headers",
            opaque,
            response()
                .first("Server: conformance")
                .line("Date: Sun, 06 Nov 1994 08:49:37 GMT")
                .line("X-Empty:")
                .line("!#$%&'*+-.^_`|~09azAZ: odd"),
        ),
        (
            "cookies",
            "with three cookies",
            "RFC 6265 3: each has a line of its own",
            response()
                .line("Set-Cookie: a=1; Path=/")
                .line("Set-Cookie: b=2")
                .line("Set-Cookie: a=3"),
        ),
        (
            "40-unknown-headers",
            "with 40 unknown headers",
            opaque,
            response().unknown_headers(40),
        ),
        ("after-100", "behind a 100", interim, before(proceed)),
        (
            "after-103",
            "behind a 103 that has headers",
            interim,
            before("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"),
        ),
        (
            "after-three-interim",
            "behind three others",
            interim,
            before(&proceed.repeat(3)),
        ),
    ] {
        section.opens(name, what, why, Grade::Wrong, draft);
    }
    let cookie = "x".repeat(4096);
    for (name, what, why, draft) in [
        (
            "no-space-before-phrase",
            "without the space in front of an empty reason phrase",
            "RFC 7230 3.1.2 wants the space, and some servers leave it out",
            response().start("HTTP/1.1 101"),
        ),
        (
            "non-ascii",
            "with bytes beyond ASCII in the phrase and in a header",
            "RFC 7230 3.2.4: they are opaque",
            response()
                .start("HTTP/1.1 101 Protokoll gewechselt \u{e4}")
                .line("X-Latin: \u{e4}\u{ff}"),
        ),
        (
            "long-cookie",
            "with a cookie of 4096 bytes",
            "RFC 6265 6.1: clients take such cookies",
            response().line(format!("Set-Cookie: long={cookie}")),
        ),
    ] {
        section.opens(name, what, why, Grade::Tolerated, draft);
    }
    for (name, what, why, draft) in [
        (
            "bare-lf",
            "whose lines end with LF alone",
            "RFC 7230 3.5 leaves it to the client",
            response().line_end("\n"),
        ),
        (
            "leading-empty-line",
            "behind an empty line",
            "RFC 7230 has no such line, and breaks nothing by it",
            before("\r\n"),
        ),
        (
            "folded",
            "with a folded header",
            "RFC 7230 3.2.4 lets clients put it together and forbids servers to send it, \
             and RFC 6455 4.1 makes clients fail what is wrong",
            response().line("X-Conformance: folded\r\n here"),
        ),
        (
            "upgrade-two-lines",
            "with Upgrade: websocket on two lines",
            "RFC 6455 4.2.2 has one, and 4.1 asks for no other value",
            response().line("Upgrade: websocket"),
        ),
        (
            "content-length-zero",
            "with Content-Length: 0",
            "RFC 7230 3.3.2 forbids servers to send it in a 101",
            response().line("Content-Length: 0"),
        ),
    ] {
        section
            .opens(name, what, why, Grade::Right, draft)
            .informational = true;
    }
    section
}
