//! Group `limits`: what a frame header may say, and when it must be judged; and the limits of the subject (RFC
//! 6455 5.2, 10.4).

use std::time::Duration;

use crate::{
    case::{Case, Closing, Event, Extent, Fitting, Kind, Need, Script, Sending, Step},
    frame::{Frame, opcode},
    id::Id,
    payload::Payload,
    subject::Facts,
};

mod headers;

/// How long a subject may take to judge what it has of a frame.
const SOON: Duration = Duration::from_millis(300);

/// The subject did not act on the header.
const HEADER: &str = "the header is not enough";

/// Limits above this are not tried out.
const TESTABLE: u64 = 32 << 20;

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = headers::cases();
    cases.extend(messages());
    cases.extend(frames());
    cases.extend(fragments());
    cases
}

/// The name of a case of the group.
fn named(name: impl AsRef<str>) -> Id {
    Id::slug("limits", name.as_ref())
}

/// Returns a limit that is small enough to be tested.
fn testable(limit: Option<u64>) -> Option<usize> {
    limit
        .filter(|limit| *limit <= TESTABLE)
        .map(|limit| limit as usize)
}

/// The bytes that a single frame may have, by the known limits.
fn frame_len(facts: &Facts) -> usize {
    let limit = facts.max_frame.unwrap_or(u64::MAX).min(16 << 10);
    (limit as usize).max(1)
}

/// The frames of a binary message of that many bytes, in frames that are not too long.
fn in_frames(len: usize, facts: &Facts) -> Vec<Step> {
    let mut left = len;
    let mut steps = Vec::new();
    while left > 0 || steps.is_empty() {
        let piece = left.min(frame_len(facts));
        left -= piece;
        let opcode = if steps.is_empty() {
            opcode::BINARY
        } else {
            opcode::CONTINUATION
        };
        let mut frame = Frame::new(opcode, vec![b'*'; piece]);
        frame.fin = left == 0;
        steps.push(Step::Frame(frame, Sending::Together));
    }
    steps
}

/// Too much: the subject closes with 1009, by the header alone.
fn too_big(before: Vec<Step>, frame: Frame) -> Script {
    Script::new(Closing::by_subject(&[1009]).tolerate(&[1002, 1008, 1011]))
        .without_close()
        .steps(before)
        .step(Step::Start(frame, Extent::Header))
        .step(Step::Within(SOON, HEADER))
        .step(Step::Next(Extent::All))
        .step(Step::Kill(Duration::from_secs(2)))
        .expect([])
        .tolerate([Event::Mark(HEADER)])
}

const TOO_BIG: &str =
    "The subject closes, best with 1009, and best without waiting for the payload.";

/// Cases `message-*`: the longest message.
fn messages() -> Vec<Case> {
    let fit = |name: &str, what: &'static str, expectation, fit: fn(usize, &Facts) -> Script| {
        Case::new(
            named(name),
            what,
            expectation,
            Fitting::new(move |facts| {
                let limit = testable(facts.max_message)?;
                Some(fit(limit, facts).step(Step::Kill(Duration::from_secs(10))))
            }),
        )
        .needs(Need::MaxMessage)
    };
    vec![
        fit(
            "message-longest",
            "Sends a message that is exactly as long as the subject takes, in fragments.",
            "The message comes back.",
            |limit, facts| {
                Script::new(Closing::by_suite())
                    .steps(in_frames(limit, facts))
                    .expect([Event::binary(vec![b'*'; limit])])
            },
        ),
        fit(
            "message-one-byte-too-long",
            "Sends fragments that are a byte too long together.",
            TOO_BIG,
            |limit, facts| {
                let mut steps = in_frames(limit, facts);
                if let Some(Step::Frame(last, _)) = steps.last_mut() {
                    last.fin = false;
                }
                too_big(steps, Frame::new(opcode::CONTINUATION, "*"))
            },
        ),
        fit(
            "message-too-long-by-header",
            "Sends most of a message that is not too long, and the header of a frame that makes it so.",
            TOO_BIG,
            |limit, facts| {
                let len = frame_len(facts).min(limit);
                let mut steps = in_frames(limit - len + 1, facts);
                if let Some(Step::Frame(last, _)) = steps.last_mut() {
                    last.fin = false;
                }
                too_big(steps, Frame::new(opcode::CONTINUATION, vec![b'*'; len]))
            },
        ),
        fit(
            "message-longest-twice",
            "Sends as long a message as the subject takes, twice: the limit is one of each message.",
            "Both come back.",
            |limit, facts| {
                let echo = || Event::binary(vec![b'*'; limit]);
                Script::new(Closing::by_suite())
                    .steps(in_frames(limit, facts))
                    .steps(in_frames(limit, facts))
                    .expect([echo(), echo()])
            },
        ),
    ]
}

/// Cases `frame-*`: the longest frame.
fn frames() -> Vec<Case> {
    let fit = |name: &str, what: &'static str, expectation, fit: fn(usize) -> Script| {
        Case::new(
            named(name),
            what,
            expectation,
            Fitting::new(move |facts| {
                let limit = facts.max_frame.min(facts.max_message.or(facts.max_frame));
                let script = fit(testable(limit)?);
                Some(script.step(Step::Kill(Duration::from_secs(10))))
            }),
        )
        .needs(Need::MaxFrame)
    };
    vec![
        fit(
            "frame-longest",
            "Sends a message in a frame that is exactly as long as the subject takes.",
            "The message comes back.",
            |limit| {
                Script::new(Closing::by_suite())
                    .step(Step::message(
                        Kind::Binary,
                        Payload::repeated(b"\xfe", limit),
                    ))
                    .expect([Event::binary(Payload::repeated(b"\xfe", limit))])
            },
        ),
        fit(
            "frame-one-byte-too-long",
            "Sends the header of a frame that is a byte too long, and then its payload.",
            TOO_BIG,
            |limit| {
                too_big(
                    Vec::new(),
                    Frame::new(opcode::BINARY, vec![0xfe; limit + 1]),
                )
            },
        ),
        fit(
            "frame-of-text-too-long",
            "Sends the header of a text that is a byte too long, and then its payload.",
            TOO_BIG,
            |limit| too_big(Vec::new(), Frame::new(opcode::TEXT, vec![b'*'; limit + 1])),
        ),
    ]
}

/// More fragments than anybody counts in sixteen bits.
const MANY: usize = 65_537;

/// A fragment of a binary message of `count` fragments that are all alike.
fn fragment(at: usize, count: usize, piece: &[u8]) -> Frame {
    let opcode = if at == 0 {
        opcode::BINARY
    } else {
        opcode::CONTINUATION
    };
    let mut frame = Frame::new(opcode, piece);
    frame.fin = at + 1 == count;
    frame
}

/// Cases `fragments-*`: many fragments, which may cost a receiver more than their bytes.
fn fragments() -> Vec<Case> {
    let message = |count: usize, piece: &'static [u8]| {
        (0..count).map(move |at| Step::Frame(fragment(at, count, piece), Sending::Together))
    };
    let mut cases = Vec::new();
    let empty = Step::Flood(MANY, |at| fragment(at, MANY, b""));
    let tiny = Step::Flood(MANY, |at| fragment(at, MANY, b"*"));
    for (piece, flood) in [(&b""[..], empty), (b"*", tiny)] {
        let len = piece.len();
        cases.push(Case::new(
            named(format!("fragments-{MANY}-of-{len}-bytes")),
            format!("Sends a message in {MANY} fragments of {len} bytes."),
            "The message comes back. To close with 1009 is not the best.",
            Script::new(Closing::by_either(&[1000, 1009]).tolerate(&[1002, 1008, 1011]))
                .step(Step::Kill(Duration::from_secs(10)))
                .step(flood)
                .step(Step::Await(1))
                .step(Step::Close(Frame::close(1000, "").payload.into()))
                .expect([Event::binary(piece.repeat(MANY))])
                .tolerate([]),
        ));
    }
    for piece in [&b""[..], b"*"] {
        let len = piece.len();
        cases.push(
            Case::new(
                named(format!("fragments-most-of-{len}-bytes")),
                format!(
                    "Sends a message in as many fragments of {len} bytes as the subject takes."
                ),
                "The message comes back.",
                Fitting::new(move |facts| {
                    let limit = testable(facts.max_fragments)?;
                    Some(
                        Script::new(Closing::by_suite())
                            .step(Step::Kill(Duration::from_secs(10)))
                            .steps(message(limit, piece))
                            .expect([Event::binary(piece.repeat(limit))]),
                    )
                }),
            )
            .needs(Need::MaxFragments),
        );
        cases.push(
            Case::new(
                named(format!("fragments-one-too-many-of-{len}-bytes")),
                format!(
                    "Sends a message in one fragment of {len} bytes more than the subject takes."
                ),
                "The subject closes, best with 1009.",
                Fitting::new(move |facts| {
                    let limit = testable(facts.max_fragments)?;
                    Some(
                        Script::new(Closing::by_subject(&[1009]).tolerate(&[1002, 1008, 1011]))
                            .without_close()
                            .step(Step::Kill(Duration::from_secs(10)))
                            .steps(message(limit + 1, piece))
                            .expect([]),
                    )
                }),
            )
            .needs(Need::MaxFragments),
        );
    }
    cases
}
