//! Requests that are against the grammar of HTTP, and bytes that are no HTTP at all.

use super::{Draft, Refusal, Section, refuses};
use crate::{
    frame::{Frame, opcode},
    opening::{Grade, Half, Opening},
    payload::Payload,
};

const BAD: Refusal = Refusal::with(&[400]);

/// Cases `grammar-*`: grammar, and bodies.
pub(super) fn grammar(mut section: Section) -> Section {
    lines(&mut section);
    values(&mut section);
    bodies(&mut section);
    section
}

fn lines(section: &mut Section) {
    let request = Draft::request;
    let grammar = "RFC 6455 4.1, RFC 7230 3.2: a valid request has headers of another form";
    let space = "RFC 7230 3.2.4 demands just this";
    let exactly = Refusal::exactly(&[400]);
    for (name, what, why, refusal, line) in [
        (
            "space-after-name",
            "a request with a space behind the name of a header",
            space,
            exactly,
            "X-Conformance : space",
        ),
        (
            "tab-after-name",
            "a request with a tab behind the name of a header",
            space,
            exactly,
            "X-Conformance\t: tab",
        ),
        (
            "space-in-name",
            "a request with a space inside the name of a header",
            grammar,
            BAD,
            "X Conformance: space",
        ),
        (
            "no-colon",
            "a request with a line that has no colon",
            grammar,
            BAD,
            "X-Conformance",
        ),
        (
            "no-name",
            "a request with a header without a name",
            grammar,
            BAD,
            ": nameless",
        ),
        (
            "name-in-parentheses",
            "a request with a name in parentheses",
            grammar,
            BAD,
            "(X-Conformance): odd",
        ),
        (
            "nul-in-name",
            "a request with a NUL in the name of a header",
            grammar,
            BAD,
            "X-Conf\0ormance: odd",
        ),
        (
            "non-ascii-name",
            "a request with a byte beyond ASCII in the name of a header",
            grammar,
            BAD,
            "X-Conf\u{f6}rmance: odd",
        ),
    ] {
        let opening = Opening::refused(request().line(line), refusal);
        refuses(section, name, what, why, refusal, opening);
    }
    let folded = "RFC 7230 3.2.4: a folded line is refused or put together again";
    for (name, what, draft) in [
        (
            "folded",
            "a request with a folded header",
            request().line("X-Conformance: folded\r\n here"),
        ),
        (
            "folded-like-a-header",
            "a request with a folded header, the second line of which looks like one",
            request().line("X-Conformance: folded\r\n\tUpgrade: h2c"),
        ),
        (
            "space-before-first",
            "a request with white space in front of the first header",
            request().first(" X-Conformance: folded"),
        ),
    ] {
        let opening = Opening::refused(draft, BAD).otherwise(Grade::Right);
        refuses(section, name, what, folded, BAD, opening);
    }
}

fn values(section: &mut Section) {
    let why = "RFC 7230 3.2: values have no control characters, though some servers replace them";
    for (name, what, value) in [
        ("nul-in-value", "a NUL", "a\0b"),
        ("cr-in-value", "a bare CR", "a\rb"),
        ("cr-at-end", "a bare CR at the end", "a\r"),
        ("control-in-value", "a control character", "a\x01b"),
        ("del-in-value", "a DEL", "a\x7fb"),
    ] {
        let draft = Draft::request().line(format!("X-Conformance: {value}"));
        let opening = Opening::refused(draft, BAD).otherwise(Grade::Tolerated);
        let what = format!("a request with {what} in a value");
        refuses(section, name, &what, why, BAD, opening);
    }
}

fn bodies(section: &mut Section) {
    let request = Draft::request;
    let body = Refusal::with(&[400, 413]);
    let read = "no frames come before the end of a body (RFC 7230 6.7)";
    let both = "RFC 7230 3.3.3: this is how requests are smuggled";
    for (name, what, why, draft, bytes) in [
        (
            "body",
            "a request with a body",
            read,
            request().line("Content-Length: 5"),
            "hello",
        ),
        (
            "chunked-body",
            "a request with a body in chunks",
            read,
            request().line("Transfer-Encoding: chunked"),
            "5\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "chunked-body-with-length",
            "a request with a body in chunks that has a length too",
            both,
            request()
                .line("Content-Length: 15")
                .line("Transfer-Encoding: chunked"),
            "5\r\nhello\r\n0\r\n\r\n",
        ),
    ] {
        let opening = Opening::refused(draft, body)
            .behind(bytes)
            .otherwise(Grade::Tolerated);
        refuses(section, name, what, why, body, opening);
    }
    let length = Refusal::exactly(&[400]);
    let coding = Refusal::exactly(&[400, 501]);
    for (name, what, why, refusal, draft) in [
        (
            "two-lengths",
            "a request with two lengths",
            "RFC 7230 3.3.3 demands just this",
            length,
            request()
                .line("Content-Length: 0")
                .line("Content-Length: 5"),
        ),
        (
            "negative-length",
            "a request with a negative length",
            "RFC 7230 3.3.3 demands just this",
            length,
            request().line("Content-Length: -5"),
        ),
        (
            "length-not-a-number",
            "a request with a length that is no number",
            "RFC 7230 3.3.3 demands just this",
            length,
            request().line("Content-Length: five"),
        ),
        (
            "body-without-end",
            "a request with a body in a coding that has no end",
            "RFC 7230 3.3.1, 3.3.3",
            coding,
            request().line("Transfer-Encoding: gzip"),
        ),
    ] {
        refuses(
            section,
            name,
            what,
            why,
            refusal,
            Opening::refused(draft, refusal),
        );
    }
}

/// Cases `protocol-*`: other protocols, to which a server may close without a response.
pub(super) fn other_protocols(mut section: Section) -> Section {
    let refusal = Refusal::with(&[400, 431, 505]).silence(Grade::Right);
    let why = "this is no request of HTTP/1.1. Waiting for more of it is tolerated";
    let hello = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03\
        0123456789abcdef0123456789abcdef\x00\x00\x04\x13\x01\x00\x2f\x01\x00";
    let mut frame = Frame::new(opcode::TEXT, "Hello").encode(Some([1, 2, 3, 4]));
    frame.extend(Frame::new(opcode::PING, "").encode(Some([5, 6, 7, 8])));
    let frames: String = frame.into_iter().map(char::from).collect();
    let bytes = [
        ("tls", "the hello of a TLS client", hello.to_owned()),
        (
            "ssh",
            "the greeting of an SSH client",
            "SSH-2.0-conformance\r\n".to_owned(),
        ),
        (
            "http-2",
            "the preface of HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_owned(),
        ),
        (
            "socks",
            "the greeting of a SOCKS client",
            "\x05\x01\0".to_owned(),
        ),
        ("frames", "frames without an opening handshake", frames),
        ("nuls", "4096 NULs", "\0".repeat(4096)),
        ("ff-bytes", "4096 bytes 0xff", "\u{ff}".repeat(4096)),
        (
            "text",
            "a line of text",
            "hello, is this a server?\r\n\r\n".to_owned(),
        ),
        (
            "proxy",
            "the header of the PROXY protocol",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\nGET / HTTP/1.1\r\n\r\n".to_owned(),
        ),
        (
            "response",
            "a response in the place of a request",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned(),
        ),
        (
            "byte-order-mark",
            "a byte order mark in front of a request",
            "\u{ef}\u{bb}\u{bf}GET / HTTP/1.1\r\n\r\n".to_owned(),
        ),
    ];
    for (name, what, bytes) in bytes {
        let opening = Opening::refused(Half::Bytes(bytes), refusal);
        refuses(&mut section, name, what, why, refusal, opening);
    }
    let opening = Opening::refused("", refusal).behind(Payload::repeated(b"\r\n", 256 << 10));
    refuses(
        &mut section,
        "empty-lines",
        "256 KiB of empty lines",
        why,
        refusal,
        opening,
    );
    section
}
