//! Invalid compressed messages: reserved bits where none may be set, streams that do not inflate, and text
//! that is none once it is inflated.

use reference::deflate::{Blocks, Token};

use super::{
    GROUP, MADE_UP, OPEN, TIMEOUT, close, compressed, doubtful, echoes, library, offers, packed,
    packed_in_frames, refused, step,
};
use crate::{
    case::{Closing, Event, Kind, Script, Step},
    cases::section::Section,
    data::RECORDS,
    frame::{Frame, opcode},
};

/// RFC 7692 7.2.3.1.
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// Cases `reserved-*`: reserved bits where none may be set, now that RSV1 means something (RFC 7692 6).
pub(super) fn reserved_bits() -> Section {
    let mut section = Section::new(GROUP, "reserved", None);
    let first = || Frame::new(opcode::TEXT, &HELLO[..3]).unfinished();
    let rest = || Frame::new(opcode::CONTINUATION, &HELLO[3..]);
    let ping = |bits| Frame::new(opcode::PING, "ping").reserved(bits);
    for (name, what, frames) in [
        (
            "rsv1-continuation-of-compressed",
            "RSV1 on a continuation of a compressed text",
            vec![first().reserved(4), rest().reserved(4)],
        ),
        (
            "rsv1-continuation-of-plain",
            "RSV1 on a continuation of a plain text",
            vec![
                Frame::text("Hel").unfinished(),
                Frame::new(opcode::CONTINUATION, "lo").reserved(4),
            ],
        ),
        (
            "rsv1-continuation-only",
            "RSV1 on a continuation, though not on the first frame of what would be a compressed text",
            vec![
                Frame::text("").unfinished(),
                Frame::new(opcode::CONTINUATION, HELLO).reserved(4),
            ],
        ),
        ("rsv1-ping", "RSV1 on a ping", vec![ping(4)]),
        (
            "rsv1-ping-between-fragments",
            "RSV1 on a ping inside of a compressed text",
            vec![first().reserved(4), ping(4), rest()],
        ),
        (
            "rsv1-pong",
            "RSV1 on a pong",
            vec![Frame::new(opcode::PONG, "pong").reserved(4)],
        ),
        (
            "rsv1-close",
            "RSV1 on a Close frame",
            vec![Frame::close(1000, "").reserved(4)],
        ),
        (
            "rsv2-plain",
            "RSV2 on a plain text",
            vec![Frame::text("Hello").reserved(2)],
        ),
        (
            "rsv3-plain",
            "RSV3 on a plain text",
            vec![Frame::text("Hello").reserved(1)],
        ),
        (
            "rsv2-compressed",
            "RSV2 beside RSV1 on a compressed text",
            vec![Frame::new(opcode::TEXT, HELLO).reserved(6)],
        ),
        (
            "rsv3-compressed",
            "RSV3 beside RSV1 on a compressed text",
            vec![Frame::new(opcode::TEXT, HELLO).reserved(5)],
        ),
        (
            "all-compressed",
            "all reserved bits on a compressed text",
            vec![Frame::new(opcode::TEXT, HELLO).reserved(7)],
        ),
        (
            "rsv2-continuation",
            "RSV2 on a continuation of a compressed text",
            vec![first().reserved(4), rest().reserved(2)],
        ),
        ("rsv3-ping", "RSV3 on a ping", vec![ping(1)]),
        (
            "rsv1-reserved-opcode",
            "RSV1 on a frame of a reserved opcode",
            vec![Frame::new(0x3, HELLO).reserved(4)],
        ),
    ] {
        section.add(
            name,
            format!("Sets {what}."),
            "The subject closes with 1002.",
            refused(frames.into_iter().map(step), 1002),
        );
    }
    section
}

/// Cases `corrupt-*`: compressed messages that do not inflate.
pub(super) fn streams() -> Section {
    let mut section = Section::new(GROUP, "corrupt", None);
    let blocks = Blocks::new;
    let literals = Token::Literals;
    let hello = blocks().fixed(&[literals(b"Hello")]).message();
    let records = RECORDS.window(0, 300);
    let dynamic = library(9, records);
    // HLIT, HDIST and HCLEN, which are counted from 257, 1 and 4.
    let dynamic_header = |literals, distances, lengths| {
        blocks()
            .header(2)
            .bits(literals, 5)
            .bits(distances, 5)
            .bits(lengths, 4)
    };
    let same_lengths =
        |blocks: Blocks, length| (0..19).fold(blocks, |blocks, _| blocks.bits(length, 3));
    let distance = |distance| {
        let tokens = [literals(b"Hello"), Token::Reference { len: 3, distance }];
        blocks().fixed(&tokens).message()
    };
    let streams = [
        (
            "reserved-block-type",
            "a block of the type that is reserved",
            blocks().header(3).message(),
        ),
        (
            "stored-length-mismatch",
            "a stored block whose length does not match its complement",
            blocks()
                .header(0)
                .aligned()
                .bits(5, 16)
                .bits(5, 16)
                .message(),
        ),
        (
            "length-symbol-286",
            "the symbol 286 for a length",
            blocks()
                .fixed(&[literals(b"Hello"), Token::Symbol(286)])
                .message(),
        ),
        (
            "length-symbol-287",
            "the symbol 287 for a length",
            blocks()
                .fixed(&[literals(b"Hello"), Token::Symbol(287)])
                .message(),
        ),
        (
            "distance-symbol-30",
            "the symbol 30 for a distance",
            blocks()
                .fixed(&[literals(b"Hello"), Token::Symbol(257), Token::Distance(30)])
                .message(),
        ),
        (
            "distance-symbol-31",
            "the symbol 31 for a distance",
            blocks()
                .fixed(&[literals(b"Hello"), Token::Symbol(257), Token::Distance(31)])
                .message(),
        ),
        (
            "reference-before-start",
            "a reference to before the first byte",
            distance(6),
        ),
        (
            "reference-32768-back",
            "a reference to 32 768 bytes before, of which there were 5",
            distance(32_768),
        ),
        (
            "reference-first",
            "a reference before anything else",
            blocks()
                .fixed(&[Token::Reference {
                    len: 3,
                    distance: 1,
                }])
                .message(),
        ),
        (
            "too-many-literals",
            "dynamic codes for 287 literals and lengths",
            dynamic_header(30, 0, 0).bits(0, 12).message(),
        ),
        (
            "oversubscribed",
            "dynamic codes of which too many would be one bit long",
            same_lengths(dynamic_header(0, 0, 15), 1).message(),
        ),
        (
            "incomplete",
            "dynamic codes that leave bits without a meaning",
            same_lengths(dynamic_header(0, 0, 15), 7).message(),
        ),
        (
            "no-lengths",
            "dynamic codes without any length for lengths",
            (0..20)
                .fold(same_lengths(dynamic_header(0, 0, 15), 0), |blocks, _| {
                    blocks.bits(0, 16)
                })
                .message(),
        ),
        (
            // Only 16 and 17 have a code, of one bit; 16 comes first.
            "repeat-first",
            "dynamic codes that begin with a repetition",
            dynamic_header(0, 0, 0)
                .bits(1, 3)
                .bits(1, 3)
                .bits(0, 3)
                .bits(0, 3)
                .bits(0, 1)
                .bits(0, 14)
                .message(),
        ),
        (
            // Only 18 and 0 have a code; everything gets the length 0, so the end of the block has no code.
            "no-end-of-block",
            "dynamic codes without one for the end of the block",
            dynamic_header(0, 0, 0)
                .bits(0, 3)
                .bits(0, 3)
                .bits(1, 3)
                .bits(1, 3)
                .bits(1, 1)
                .bits(127, 7)
                .bits(1, 1)
                .bits(109, 7)
                .message(),
        ),
        ("garbage", "bytes that are no stream", vec![0xff; 20]),
        (
            "zlib-header",
            "a stream of another format, with a header of zlib",
            [&[0x78, 0x9c], &hello[..]].concat(),
        ),
        (
            "gzip-header",
            "a stream of another format, with a header of gzip",
            [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], &hello[..]].concat(),
        ),
    ];
    for (name, what, message) in streams {
        section.add(
            name,
            format!("Sends a compressed text with {what}."),
            CORRUPT,
            corrupt(vec![packed(message.clone())]),
        );
        let lens = vec![1; message.len() - 1];
        section.add(
            format!("{name}-bytewise"),
            format!("Sends a compressed text with {what}, in frames of one byte."),
            CORRUPT,
            corrupt(packed_in_frames(&message, &lens)),
        );
    }
    for (name, what, message) in [
        (
            "cut-stored",
            "a stored block that is cut off",
            &blocks().stored(b"Hello").unfinished()[..8],
        ),
        (
            "cut-stored-length",
            "a stored block that ends in its length",
            &[0x00, 0x05],
        ),
        (
            "cut-fixed",
            "a block of fixed codes that is cut off",
            &hello[..4],
        ),
        (
            "cut-dynamic",
            "blocks of dynamic codes that are cut off",
            &dynamic[..dynamic.len() / 2],
        ),
        (
            "cut-dynamic-end",
            "blocks of dynamic codes that lack the last three bytes",
            &dynamic[..dynamic.len() - 3],
        ),
        (
            "cut-dynamic-header",
            "dynamic codes that are cut off",
            &dynamic[..20],
        ),
        (
            "with-tail",
            "a whole block and the tail that is not to be sent",
            &[&hello[..], &[0x00, 0x00, 0xff, 0xff]].concat(),
        ),
        (
            "extra-byte",
            "a whole block and one byte more",
            &[&hello[..], &[0x05]].concat(),
        ),
    ] {
        section.add(
            name,
            format!("Sends a compressed text of {what}."),
            "The subject closes with 1007. To make some message of it is not the best.",
            doubtful([packed(message)])
                .step(Step::SumUp(|events, _| match events {
                    [Event::Message(..), still_open] => {
                        vec![Event::Mark(MADE_UP), still_open.clone()]
                    }
                    other => other.to_vec(),
                }))
                .step(close())
                .tolerate([Event::Mark(MADE_UP), Event::Mark(OPEN)]),
        );
    }
    section.add(
        "after-a-good-one", "Sends a proper compressed text and, once it has come back, one that does not inflate, and one more.",
        "The first text comes back, and the subject closes with 1007.",
        Script::new(Closing::by_subject(&[1007]).tolerate(&[1002]))
            .offers(offers())
            .step(Step::Kill(TIMEOUT))
            .steps([packed(HELLO), Step::Await(1), packed([0x07]), packed(HELLO)])
            .expect([Event::text("Hello")]),
    );
    section
}

const CORRUPT: &str = "The subject closes, best with 1007.";

/// Sends what does not inflate. RFC 7692 does not say which code that is; 1007 is for what is not what it
/// should be inside of a message, and 1002 is what some take.
fn corrupt(steps: Vec<Step>) -> Script {
    refused(steps, 1007).closing(Closing::by_subject(&[1007]).tolerate(&[1002]))
}

/// Cases `text-*`: text is checked once it is inflated (RFC 6455 8.1).
pub(super) fn text() -> Section {
    let mut section = Section::new(GROUP, "text", None);
    let greek = "κόσμε, ein Wörtchen, 𐍈";
    for (name, what, bytes) in [
        (
            "lone-continuation",
            "with a lonely continuation byte",
            &b"Hello\x80"[..],
        ),
        (
            "ff-byte",
            "with a byte that never occurs",
            b"Hello\xff, hello",
        ),
        ("overlong", "with an overlong slash", b"Hello\xc0\xaf"),
        ("surrogate", "with a surrogate", b"Hello\xed\xa0\x80, hello"),
        (
            "beyond-last",
            "with a code point beyond the last",
            b"Hello\xf4\x90\x80\x80",
        ),
        (
            "cut-code-point",
            "that ends inside of a code point",
            b"Hello\xce",
        ),
        (
            "half-code-point",
            "that consists of half a code point",
            b"\xf0\x90",
        ),
    ] {
        for fragment in [0, 1] {
            let (suffix, how) = if fragment == 0 {
                ("", "in one frame")
            } else {
                ("-bytewise", "in frames of one byte")
            };
            section.add(
                format!("{name}{suffix}"),
                format!("Sends a compressed text {what}, {how}."),
                "The subject closes with 1007.",
                refused([compressed(Kind::Text, bytes, fragment)], 1007),
            );
        }
    }
    section.add(
        "binary-is-not-checked",
        "Sends such bytes as a compressed binary message.",
        "The message comes back.",
        echoes(
            [compressed(Kind::Binary, b"Hello\xff\xce", 0)],
            [Event::binary(b"Hello\xff\xce")],
        ),
    );
    section.add(
        "blocks-cut-code-points",
        "Sends stored blocks that are cut inside of code points.",
        "The text comes back.",
        {
            let bytes = greek.as_bytes().iter();
            let message = bytes.fold(Blocks::new(), |blocks, byte| blocks.stored(&[*byte]));
            echoes([packed(message.message())], [Event::text(greek)])
        },
    );
    section.add(
        "frames-cut-code-points",
        "Sends a stored block in frames of one byte, which cut code points too.",
        "The text comes back.",
        {
            let message = Blocks::new().stored(greek.as_bytes()).message();
            let lens = vec![1; message.len() - 1];
            echoes(packed_in_frames(&message, &lens), [Event::text(greek)])
        },
    );
    section.add(
        "stream-is-not-utf8", "Sends a compressed text whose bytes would not be UTF-8 themselves, whole and in fragments.",
        "Both come back.",
        {
            let message = Blocks::new().fixed(&[Token::Literals(greek.as_bytes())]).message();
            let steps = [vec![packed(message.clone())], packed_in_frames(&message, &[1, 2, 3])];
            echoes(steps.concat(), [greek, greek].map(Event::text))
        },
    );
    section
}
