//! Responses in pieces, incomplete ones, and their limits.

use super::{Draft, Section, drops};
use crate::{
    case::{Case, Need},
    opening::{Grade, Manner, Opening, Place},
    payload::Payload,
};

/// Cases `end-*`: streams that end before the head does.
pub(super) fn endings(mut section: Section) -> Section {
    let why = "there is no response";
    let half = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upg";
    for (name, what, bytes) in [
        ("at-once", "nothing but the end of the stream", ""),
        (
            "in-first-line",
            "half a first line and the end of the stream",
            "HTTP/1.1 10",
        ),
        (
            "after-first-line",
            "a first line and the end of the stream",
            "HTTP/1.1 101 Switching Protocols\r\n",
        ),
        ("in-head", "half a head and the end of the stream", half),
        (
            "after-interim",
            "an interim response and the end of the stream",
            "HTTP/1.1 100 Continue\r\n\r\n",
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
    drops(
        &mut section,
        "before-empty-line",
        "a head without its empty line and the end of the stream",
        why,
        Opening::dropped(Draft::response().endless()).finishes(),
    );
    let interims = Payload::repeated(b"HTTP/1.1 100 Continue\r\n\r\n", 25 * 10_000);
    drops(
        &mut section,
        "after-10000-interim",
        "ten thousand interim responses and the end of the stream",
        why,
        Opening::dropped("").behind(interims).finishes(),
    );
    section
}

/// Cases `limit-*`: limits and deadlines of the subject.
pub(super) fn limits(mut section: Section) -> Section {
    let needs = |case: &mut Case| case.needs = Some(Need::MaxHead);
    let padded = |beyond: isize| {
        Draft::response()
            .line("X-Padding: {padding}")
            .padded(beyond)
    };
    let limit = "that is its limit";
    needs(section.opens(
        "longest",
        "as long as the client takes",
        limit,
        Grade::Wrong,
        padded(0),
    ));
    needs(section.add(
        "longest-bytewise", "Answers with a response as long as the client takes, byte by byte.",
        "The connection opens and the client echoes: that is its limit, and each byte costs the same.",
        Opening::opens(padded(0)).manner(Manner::Chopped(1)),
    ));
    let endless = Draft::response().endless();
    let why = "a client must not keep whatever somebody sends";
    for (name, what, opening) in [
        (
            "one-byte-too-long",
            "a response that is a byte longer than the client takes",
            Opening::bait(padded(1)),
        ),
        (
            "endless-headers",
            "a mebibyte of headers without end",
            Opening::dropped(endless.clone())
                .behind(Payload::repeated(b"X-Endless: head\r\n", 1 << 20)),
        ),
        (
            "endless-header",
            "a header of a mebibyte without end",
            Opening::dropped(endless.line("X-Endless: "))
                .behind(Payload::repeated(b"value", 1 << 20)),
        ),
        (
            "endless-phrase",
            "a reason phrase of a mebibyte without end",
            Opening::dropped("HTTP/1.1 101 ").behind(Payload::repeated(b"a", 1 << 20)),
        ),
    ] {
        needs(drops(&mut section, name, what, why, opening));
    }
    let why = "the client says that it does not wait longer";
    let half = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConn";
    for (name, what, opening) in [
        ("timeout-silent", "nothing", Opening::dropped("")),
        (
            "timeout-half-head",
            "half a head and nothing more",
            Opening::dropped(half),
        ),
        (
            "timeout-trickle",
            "a head that takes twice the time it may take",
            Opening::dropped(Draft::response()).manner(Manner::Trickled(16)),
        ),
    ] {
        drops(&mut section, name, what, why, opening).needs = Some(Need::OpeningTimeout);
    }
    section
}

/// Cases `cut-*`: the same response, cut in other places.
pub(super) fn cuts(mut section: Section) -> Section {
    let len = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        .len();
    let cuts = (1..=8).chain([16, 32, 64]).map(Manner::Chopped);
    let places = (1..len).map(|at| Manner::Cut(Place::Start(at)));
    for manner in cuts.chain(places) {
        section.add(
            manner.name(),
            format!("Answers with a response {manner}."),
            "The connection opens and the client echoes.",
            Opening::opens(Draft::response()).manner(manner),
        );
    }
    section
}
