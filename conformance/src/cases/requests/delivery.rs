//! Requests in pieces, their limits, and responses that must arrive.

use super::{Draft, Refusal, Section, refuses};
use crate::{
    case::{Case, Need},
    opening::{Grade, Manner, Opening, Place},
    payload::Payload,
};

/// Cases `answer-*`: refusals that must arrive although the server has not read everything.
pub(super) fn answers(mut section: Section) -> Section {
    let method = Refusal::with(&[405, 400, 413, 501]);
    let bad = Refusal::with(&[400]);
    let arrives = "the answer must arrive: a transport that is closed with unread input is reset, \
        which destroys what was sent (RFC 7230 6.6)";
    let post = Draft::request().start("POST {resource} HTTP/1.1");
    let keyless = || Draft::request().without("Sec-WebSocket-Key");
    for (name, what, refusal, opening) in [
        (
            "post-with-long-body",
            "a request with the method POST and a body of 256 KiB",
            method,
            Opening::refused(post.line("Content-Length: 262144"), method)
                .behind(Payload::repeated(b"body", 256 << 10)),
        ),
        (
            "no-key-then-256-kib",
            "a request without a key, and 256 KiB of something behind it",
            bad,
            Opening::refused(keyless(), bad).behind(Payload::repeated(b"\x82\xfe", 256 << 10)),
        ),
        (
            "bad-header-then-256-kib",
            "a request with a malformed header, and 256 KiB of something behind it",
            bad,
            Opening::refused(Draft::request().line(": nameless"), bad)
                .behind(Payload::repeated(b"more", 256 << 10)),
        ),
    ] {
        refuses(&mut section, name, what, arrives, refusal, opening);
    }
    refuses(
        &mut section,
        "no-key-bytewise",
        "a request without a key, byte by byte",
        "RFC 6455 4.2.1",
        bad,
        Opening::refused(keyless(), bad).manner(Manner::Chopped(1)),
    );
    let half_open = bad.silence(Grade::Tolerated);
    refuses(
        &mut section,
        "no-key-then-end",
        "a request without a key, and the end of the stream behind it",
        "RFC 6455 4.2.1: the other direction is still open",
        half_open,
        Opening::refused(keyless(), half_open).finishes(),
    );
    let silent = bad.silence(Grade::Right);
    for (name, what, bytes) in [
        ("end-at-once", "nothing but the end of the stream", ""),
        (
            "end-in-first-line",
            "half a first line and the end of the stream",
            "GET {resource} HT",
        ),
        (
            "end-in-head",
            "half a head and the end of the stream",
            "GET {resource} HTTP/1.1\r\nHost: {host}\r\nUpgr",
        ),
    ] {
        let opening = Opening::refused(bytes, silent).finishes();
        let why = "there is nothing to agree to";
        refuses(&mut section, name, what, why, silent, opening);
    }
    section
}

/// Cases `limit-*`: limits and deadlines of the subject.
pub(super) fn limits(mut section: Section) -> Section {
    lengths(&mut section);
    deadlines(&mut section);
    section
}

fn lengths(section: &mut Section) {
    let needs = |case: &mut Case| case.needs = Some(Need::MaxHead);
    let padded = |beyond: isize| Draft::request().line("X-Padding: {padding}").padded(beyond);
    let limit = "that is its limit";
    needs(section.opens(
        "longest",
        "as long as the server takes",
        limit,
        Grade::Wrong,
        padded(0),
    ));
    let by_bytes = Opening::opens(padded(0)).manner(Manner::Chopped(1));
    needs(section.add(
        "longest-bytewise",
        "Sends a request as long as the server takes, byte by byte.",
        "The connection opens and echoes: that is its limit, and each byte costs the same.",
        by_bytes,
    ));
    let too_large = Refusal::with(&[431, 400, 413, 414]).silence(Grade::Tolerated);
    let why = "RFC 6585 5, and a server must not keep whatever somebody sends";
    let target = Draft::request()
        .start("GET {resource}?{padding} HTTP/1.1")
        .padded(1);
    let endless = Draft::request().endless();
    for (name, what, opening) in [
        (
            "one-byte-too-long",
            "a request that is a byte longer than the server takes",
            Opening::refused(padded(1), too_large),
        ),
        (
            "16-kib-too-long",
            "a request that is 16 KiB longer than the server takes, in pieces of 1000 bytes",
            Opening::refused(padded(1 << 14), too_large).manner(Manner::Chopped(1000)),
        ),
        (
            "target-too-long",
            "a request whose target is longer than the server takes",
            Opening::refused(target, too_large),
        ),
        (
            "endless-headers",
            "a mebibyte of headers without end",
            Opening::refused(endless.clone(), too_large)
                .behind(Payload::repeated(b"X-Endless: head\r\n", 1 << 20)),
        ),
        (
            "endless-header",
            "a header of a mebibyte without end",
            Opening::refused(endless.line("X-Endless: "), too_large)
                .behind(Payload::repeated(b"value", 1 << 20)),
        ),
        (
            "endless-first-line",
            "a first line of a mebibyte without end",
            Opening::refused("GET /", too_large).behind(Payload::repeated(b"a", 1 << 20)),
        ),
    ] {
        needs(refuses(section, name, what, why, too_large, opening));
    }
    let many =
        Opening::refused(Draft::request().unknown_headers(200), too_large).otherwise(Grade::Right);
    let (name, what) = ("200-unknown-headers", "a request with 200 unknown headers");
    let why = "a server may have a limit";
    refuses(section, name, what, why, too_large, many).informational = true;
}

fn deadlines(section: &mut Section) {
    let slow = Refusal::with(&[408, 400]).silence(Grade::Tolerated);
    let why = "the server says that it does not wait longer (RFC 7231 6.5.7)";
    let half = "GET {resource} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConn";
    let trickle = Opening::refused(Draft::request(), slow).manner(Manner::Trickled(16));
    for (name, what, refusal, opening) in [
        (
            "timeout-silent",
            "nothing",
            slow.silence(Grade::Right),
            Opening::refused("", slow.silence(Grade::Right)),
        ),
        (
            "timeout-half-head",
            "half a head and nothing more",
            slow,
            Opening::refused(half, slow),
        ),
        (
            "timeout-trickle",
            "a head that takes twice the time it may take",
            slow,
            trickle,
        ),
    ] {
        refuses(section, name, what, why, refusal, opening).needs = Some(Need::OpeningTimeout);
    }
}

/// Cases `cut-*`: the same request, cut in other places.
pub(super) fn cuts(mut section: Section) -> Section {
    // The lengths before and after the host, which may have any length itself.
    let front = "GET / HTTP/1.1\r\nHost: ".len();
    let rest = "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        .len();
    let chopped = (1..=8).chain([16, 32, 64]).map(Manner::Chopped);
    let places = (1..=front)
        .map(Place::Start)
        .chain((1..=rest).rev().map(Place::BeforeEnd));
    for manner in chopped.chain(places.map(Manner::Cut)) {
        section.add(
            manner.name(),
            format!("Sends a request {manner}."),
            "The connection opens and echoes.",
            Opening::opens(Draft::request()).manner(manner),
        );
    }
    section
}
