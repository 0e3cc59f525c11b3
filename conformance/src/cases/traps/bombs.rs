//! Messages that inflate to more than the limit, which applies to inflated bytes and must be enforced
//! before all of them are inflated, or received.

use std::time::Duration;

use reference::deflate::{Blocks, Token};

use super::{GROUP, close, offers, packed, packed_in_frames, step};
use crate::{
    case::{Closing, Event, Extent, Fitting, Need, Script, Step},
    cases::section::Section,
    frame::{Frame, opcode},
    payload::Payload,
};

/// Limits above this are not tried out.
const TESTABLE: u64 = 32 << 20;

/// Compressed bytes after which a subject may be expected to have begun to inflate.
const ENOUGH: usize = 64 << 10;

/// How long a subject may take to inflate as much as it takes.
const SOON: Duration = Duration::from_secs(1);

/// The subject waits for more of a message that is too long already.
const WAITS: &str = "it waits for the rest";

const TOO_BIG: &str = "The subject closes, best with 1009, and best without waiting for the rest.";

/// Cases `bomb-*`: decompression bombs.
pub(super) fn bombs() -> Section {
    let mut section = Section::new(GROUP, "bomb", None);
    let mut fit = |name: &'static str,
                   what: &'static str,
                   expectation: &'static str,
                   fit: fn(usize) -> Script| {
        let case = section.add(
            name,
            what,
            expectation,
            Fitting::new(move |facts| {
                let limit = facts.max_message.filter(|limit| *limit <= TESTABLE)?;
                let script = fit(usize::try_from(limit).ok()?);
                Some(
                    script
                        .offers(offers())
                        .step(Step::Kill(Duration::from_secs(10))),
                )
            }),
        );
        case.needs = Some(Need::MaxMessage);
    };
    fit(
        "longest",
        "Sends a compressed message that is exactly as long as the subject takes, once it is inflated.",
        "The message comes back.",
        |limit| {
            Script::new(Closing::by_suite())
                .step(packed(repeated(limit)))
                .expect([Event::text(Payload::repeated(b"*", limit))])
        },
    );
    fit(
        "longest-twice",
        "Sends two such messages: the limit is one of each message.",
        "Both come back.",
        |limit| {
            let echo = || Event::text(Payload::repeated(b"*", limit));
            Script::new(Closing::by_suite())
                .steps([packed(repeated(limit)), packed(repeated(limit))])
                .expect([echo(), echo()])
        },
    );
    fit(
        "one-byte-too-long",
        "Sends a compressed message that is a byte too long, once it is inflated.",
        "The subject closes, best with 1009.",
        |limit| too_big(vec![packed(repeated(limit + 1))], Vec::new()),
    );
    fit(
        "64-times-too-long",
        "Sends a compressed message that inflates to 64 times what the subject takes.",
        "The subject closes, best with 1009.",
        |limit| {
            too_big(
                vec![packed(repeated((64 * limit).min(1 << 28)))],
                Vec::new(),
            )
        },
    );
    fit(
        "fragments-too-long",
        "Sends a compressed message in fragments, of which each is short enough, and all together a byte too long.",
        "The subject closes, best with 1009.",
        |limit| {
            let message = repeated(limit + 1);
            let lens = vec![message.len() / 10 + 1; 9];
            too_big(packed_in_frames(&message, &lens), Vec::new())
        },
    );
    fit(
        "stored-too-long",
        "Sends stored blocks that are a byte too long together.",
        "The subject closes, best with 1009.",
        |limit| {
            let bytes = vec![b'*'; limit + 1];
            let blocks = bytes.chunks(0xffff).fold(Blocks::new(), Blocks::stored);
            let message = blocks.message();
            let lens = vec![message.len() / 2];
            too_big(packed_in_frames(&message, &lens), Vec::new())
        },
    );
    fit(
        "early-by-fragments",
        "Sends fragments of a compressed message that is much too long already, and then the rest.",
        TOO_BIG,
        |limit| {
            let message = bomb(limit);
            let mut frames = packed_in_frames(&message, &vec![1000; message.len() / 1000 - 1]);
            let rest = frames.split_off(frames.len() - 1);
            too_big(frames, rest)
        },
    );
    fit(
        "early-in-a-frame",
        "Sends most of a frame of a compressed message that is much too long already, and then the rest.",
        TOO_BIG,
        |limit| {
            let message = bomb(limit);
            let most = Extent::Bytes(message.len() - 100);
            let frame = Frame::new(opcode::TEXT, message).reserved(4);
            too_big(
                vec![Step::Start(frame, most)],
                vec![Step::Next(Extent::All)],
            )
        },
    );
    fit(
        "inflates-to-nothing",
        "Sends a compressed message that inflates to nothing, in as many empty blocks as make it long itself.",
        "The subject takes it for an empty message, or closes, best with 1009.",
        |limit| {
            let message = [
                [0x00, 0x00, 0x00, 0xff, 0xff].repeat(limit / 5 + 1),
                vec![0x00],
            ]
            .concat();
            let frame = Frame::new(opcode::TEXT, message).reserved(4);
            Script::new(Closing::by_either(&[1000, 1009]).tolerate(&[1008, 1011]))
                .step(step(frame))
                .step(Step::Await(1))
                .step(close())
                .expect([Event::text("")])
                .expect([])
        },
    );
    section
}

/// Too much: the subject closes with 1009, best before the rest.
fn too_big(steps: Vec<Step>, rest: Vec<Step>) -> Script {
    let early = !rest.is_empty();
    let mut script = Script::new(Closing::by_subject(&[1009]).tolerate(&[1002, 1008, 1011]))
        .without_close()
        .steps(steps);
    if early {
        script = script.step(Step::Within(SOON, WAITS)).steps(rest);
    }
    let script = script.step(Step::Kill(Duration::from_secs(2))).expect([]);
    if early {
        script.tolerate([Event::Mark(WAITS)])
    } else {
        script
    }
}

/// A message of one letter, repeated, which compresses to a thousandth.
fn repeated(count: usize) -> Vec<u8> {
    let mut tokens = vec![Token::Literals(b"*")];
    let mut left = count - 1;
    while left >= 3 {
        let len = left.min(258);
        tokens.push(Token::Reference { len, distance: 1 });
        left -= len;
    }
    tokens.extend((0..left).map(|_| Token::Literals(b"*")));
    Blocks::new().fixed(&tokens).message()
}

/// A message that is too long for that limit, and that has [`ENOUGH`] compressed bytes: a reference takes 13 bits.
fn bomb(limit: usize) -> Vec<u8> {
    repeated((2 * limit).max(ENOUGH * 8 / 13 * 258))
}
