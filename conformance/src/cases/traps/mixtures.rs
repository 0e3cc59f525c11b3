//! Messages compressed and plain in all mixtures: a history holds what was compressed and nothing else.

use super::{GROUP, compressed, echoes, fragmented, step};
use crate::{
    case::{Event, Kind, Step},
    cases::section::Section,
    data::{BITMAP, RECORDS, VERSE},
    frame::{Frame, opcode},
};

const A: &str = "One text, which comes again and again: one text, which comes again.";
const B: &str = "Another text, which should be nowhere in a history of compressed messages.";

/// A text, and also a block of fixed codes that stands for "a", as it would be sent.
const LIKE_A_STREAM: &str = "J\u{4}\u{0}";

/// Cases `message-*`: each kind of message, compressed.
pub(super) fn messages() -> Section {
    let mut section = Section::new(GROUP, "message", None);
    let comes_back = "The message comes back.";
    for (name, what, kind, payload) in [
        ("text", "a text", Kind::Text, A.as_bytes()),
        (
            "binary",
            "a binary message",
            Kind::Binary,
            &[0x00, 0xff, 0x80, 0xc1][..],
        ),
        ("empty-text", "an empty text", Kind::Text, &b""[..]),
        (
            "empty-binary",
            "an empty binary message",
            Kind::Binary,
            &b""[..],
        ),
        (
            "json",
            "40 000 bytes of JSON",
            Kind::Text,
            RECORDS.window(0, 40_000),
        ),
        (
            "verse",
            "100 000 bytes of verse",
            Kind::Binary,
            VERSE.window(0, 100_000),
        ),
        (
            "bitmap",
            "50 000 bytes of a picture",
            Kind::Binary,
            BITMAP.window(0, 50_000),
        ),
    ] {
        section.add(
            name,
            format!("Sends {what}, compressed."),
            comes_back,
            echoes(
                [compressed(kind, payload, 0)],
                [Event::Message(kind, payload.into())],
            ),
        );
    }
    section.add(
        "lengths-0-to-129",
        "Sends messages of 0 to 129 bytes, all compressed.",
        "All of them come back.",
        {
            let payloads = || (0..130).map(|len| VERSE.window(len * 100, len));
            let message = |payload| compressed(Kind::Binary, payload, 0);
            echoes(payloads().map(message), payloads().map(Event::binary))
        },
    );
    section
}

/// Cases `mixture-*`: compressed and plain messages in turn.
pub(super) fn mixtures() -> Section {
    let mut section = Section::new(GROUP, "mixture", None);
    let a = || compressed(Kind::Text, A, 0);
    let b = || compressed(Kind::Text, B, 0);
    let plain_b = || Step::message(Kind::Text, B);
    let ping = |payload: &str| step(Frame::new(opcode::PING, payload));
    let pong = |payload: &str| step(Frame::new(opcode::PONG, payload));
    let all = "All messages come back.";

    section.add(
        "repeated",
        "Sends a compressed text three times, which refers back if context takeover was agreed on.",
        all,
        echoes([a(), a(), a()], [A, A, A].map(Event::text)),
    );
    section.add(
        "plain-in-turn",
        "Sends plain and compressed texts in turn.",
        all,
        echoes(
            [plain_b(), a(), plain_b(), a()],
            [B, A, B, A].map(Event::text),
        ),
    );
    section.add(
        "plain-not-in-history",
        "Sends a plain text between compressed ones that refer back: it is in no history.",
        all,
        echoes(
            [a(), plain_b(), a(), b(), b()],
            [A, B, A, B, B].map(Event::text),
        ),
    );
    section.add(
        "empty-between",
        "Sends empty messages, compressed and plain, between compressed texts that refer back.",
        all,
        echoes(
            [
                a(),
                compressed(Kind::Binary, b"", 0),
                a(),
                Step::message(Kind::Binary, b""),
                a(),
            ],
            [
                Event::text(A),
                Event::binary(b""),
                Event::text(A),
                Event::binary(b""),
                Event::text(A),
            ],
        ),
    );
    section.add(
        "plain-fragments-after", "Sends a compressed text, then a plain one in fragments: only one of them is to be inflated.",
        all,
        echoes([a(), fragmented(Kind::Text, B, 10)], [A, B].map(Event::text)),
    );
    section.add(
        "fragments-in-turn",
        "Sends a compressed text in fragments, then a plain one in fragments, then both again.",
        all,
        echoes(
            [
                compressed(Kind::Text, A, 5),
                fragmented(Kind::Text, B, 5),
                compressed(Kind::Text, A, 5),
                fragmented(Kind::Text, B, 5),
            ],
            [A, B, A, B].map(Event::text),
        ),
    );
    section.add(
        "plain-like-a-stream", "Sends a plain text that could be a compressed one, in fragments and whole, behind compressed ones.",
        all,
        echoes(
            [
                a(),
                fragmented(Kind::Text, LIKE_A_STREAM, 2),
                a(),
                Step::message(Kind::Text, LIKE_A_STREAM),
            ],
            [A, LIKE_A_STREAM, A, LIKE_A_STREAM].map(Event::text),
        ),
    );
    section.add(
        "pings-not-in-history", "Sends compressed texts with pings and pongs between them: their payloads are in no history.",
        "All messages come back, and every ping is answered.",
        echoes(
            // A pong may overtake an echo, unless that has come.
            [
                a(),
                Step::Await(1),
                ping(A),
                Step::Await(2),
                a(),
                pong(B),
                b(),
                Step::Await(4),
                ping(B),
                Step::Await(5),
                b(),
                a(),
            ],
            [
                Event::text(A),
                Event::pong(A),
                Event::text(A),
                Event::text(B),
                Event::pong(B),
                Event::text(B),
                Event::text(A),
            ],
        ),
    );
    section.add(
        "controls-between-fragments", "Sends compressed texts in fragments with empty frames, pings and pongs between them, twice.",
        "All messages come back, and every ping is answered.",
        {
            let message = || {
                // 7.2.3.1, which does not refer to anything.
                let stream: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
                let next = |part: &[u8]| step(Frame::new(opcode::CONTINUATION, part).unfinished());
                [
                    step(Frame::new(opcode::TEXT, b"").reserved(4).unfinished()),
                    next(&stream[..2]),
                    ping("Hello"),
                    next(b""),
                    next(&stream[2..5]),
                    pong("Hello"),
                    ping(""),
                    next(&stream[5..]),
                    step(Frame::new(opcode::CONTINUATION, b"")),
                ]
            };
            let between = [Step::Await(3)];
            let events = || [Event::pong("Hello"), Event::pong(""), Event::text("Hello")];
            echoes([&message()[..], &between, &message()].concat(), [events(), events()].concat())
        },
    );
    section.add(
        "beyond-the-window", "Sends 90 000 bytes of verse in compressed messages, then all again: some of it has left the window.",
        all,
        {
            let windows = || [0, 30_000, 60_000, 0, 30_000, 60_000].map(|at| VERSE.window(at, 30_000));
            let message = |payload| compressed(Kind::Binary, payload, 1000);
            echoes(windows().map(message), windows().map(Event::binary))
        },
    );
    section
}
