//! Group 6: text that is UTF-8, and text that is not (RFC 6455 8.1, RFC 3629).

use std::time::Duration;

use crate::{
    case::{Blame, Case, Closing, Event, Kind, Script, Sending, Step},
    frame::{Frame, opcode},
    payload::Payload,
};

mod sequences;

/// Text with code points of two bytes.
const MIXED: &str = "Hello-µ@ßöäüàá-UTF-8!!";

/// Greek: code points of two bytes, and one of three.
const KOSME: &[u8] = "κ\u{1f79}σμε".as_bytes();

/// The prefix is text, and a surrogate stands in the middle.
const SURROGATE: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";

const SECOND: Duration = Duration::from_secs(1);

const COMES_BACK: &str = "The message comes back.";
const REFUSED: &str = "The subject closes with 1007 or drops the connection.";

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = empty_fragments();
    cases.extend(cut_code_points());
    cases.extend(cut_violations());
    cases.extend(failing_fast());
    for (section, sequences) in (5..).zip(sequences::all()) {
        for (number, payload) in (1..).zip(sequences.payloads) {
            let valid = match sequences.valid {
                sequences::Valid::All => true,
                sequences::Valid::None => false,
                sequences::Valid::Some => std::str::from_utf8(&payload).is_ok(),
            };
            let id = [6, section, number];
            cases.push(in_one_frame(&id, sequences.topic, valid, payload));
        }
    }
    cases
}

/// 6.1: text without bytes, and fragments without.
fn empty_fragments() -> Vec<Case> {
    let fragment = |opcode, payload: &str| Frame::new(opcode, payload).unfinished();
    let tables = [
        (vec![Frame::new(opcode::TEXT, "")], ""),
        (
            vec![
                fragment(opcode::TEXT, ""),
                fragment(opcode::CONTINUATION, ""),
                Frame::new(opcode::CONTINUATION, ""),
            ],
            "",
        ),
        (
            vec![
                fragment(opcode::TEXT, ""),
                fragment(opcode::CONTINUATION, "middle frame payload"),
                Frame::new(opcode::CONTINUATION, ""),
            ],
            "middle frame payload",
        ),
    ];
    (1..)
        .zip(tables)
        .map(|(number, (frames, whole))| {
            let count = frames.len();
            Case::new(
                &[6, 1, number],
                format!("Sends text of {} bytes in {count} frames.", whole.len()),
                COMES_BACK,
                Script::new(Closing::by_suite())
                    .frames(Sending::Together, frames)
                    .step(Step::CloseAfter(SECOND))
                    .expect([Event::text(whole)]),
            )
        })
        .collect()
}

/// 6.2: text that is cut anywhere, inside code points too.
fn cut_code_points() -> Vec<Case> {
    let mixed = MIXED.as_bytes();
    let halves = [
        Step::Frame(
            Frame::new(opcode::TEXT, &mixed[..15]).unfinished(),
            Sending::Together,
        ),
        Step::Frame(
            Frame::new(opcode::CONTINUATION, &mixed[15..]),
            Sending::Together,
        ),
    ];
    let tables = [
        ("one frame", vec![Step::message(Kind::Text, MIXED)], mixed),
        ("two fragments", halves.to_vec(), mixed),
        ("fragments of one byte", vec![byte_by_byte(mixed)], mixed),
        ("fragments of one byte", vec![byte_by_byte(KOSME)], KOSME),
    ];
    (1..)
        .zip(tables)
        .map(|(number, (how, steps, whole))| {
            Case::new(
                &[6, 2, number],
                format!("Sends text with code points of several bytes in {how}."),
                COMES_BACK,
                Script::new(Closing::by_suite())
                    .steps(steps)
                    .step(Step::CloseAfter(SECOND))
                    .expect([Event::text(whole)]),
            )
        })
        .collect()
}

/// 6.3: a surrogate behind text, in one frame and in fragments of one byte.
fn cut_violations() -> Vec<Case> {
    let tables = [
        ("one frame", Step::message(Kind::Text, SURROGATE)),
        ("fragments of one byte", byte_by_byte(SURROGATE)),
    ];
    (1..)
        .zip(tables)
        .map(|(number, (how, step))| {
            Case::new(
                &[6, 3, number],
                format!("Sends text with an encoded surrogate in {how}."),
                REFUSED,
                refused().step(step).step(Step::Kill(SECOND)).expect([]),
            )
        })
        .collect()
}

/// 6.4: text that stops being UTF-8 while the rest of it is held back for a second.
fn failing_fast() -> Vec<Case> {
    /// The second byte, the thirteenth of the whole, makes a code point beyond the last.
    const TEXT: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited";
    let whole = Step::Begin(Frame::new(opcode::TEXT, TEXT).unfinished());
    let mut cases = Vec::new();
    for (number, in_frames, [first, second]) in [
        (1, true, [11, 15]),
        (2, true, [12, 13]),
        (3, false, [11, 15]),
        (4, false, [12, 13]),
    ] {
        let parts = [&TEXT[..first], &TEXT[first..second], &TEXT[second..]];
        let steps = if in_frames {
            let [first, second, third] = parts;
            [
                vec![Frame::new(opcode::TEXT, first).unfinished()],
                vec![Frame::new(opcode::CONTINUATION, second).unfinished()],
                vec![Frame::new(opcode::CONTINUATION, third)],
            ]
            .map(|frames| frames.into_iter().map(together).collect::<Vec<_>>())
        } else {
            let [first, second, third] = parts.map(|part| Step::Part(part.into()));
            let end = together(Frame::new(opcode::CONTINUATION, b""));
            [vec![whole.clone(), first], vec![second], vec![third, end]]
        };
        let [first, second, third] = steps;
        let unit = if in_frames {
            "frames"
        } else {
            "parts of a frame"
        };
        cases.push(Case::new(
            &[6, 4, number],
            format!("Sends text in three {unit}, a second apart; it is bad from the second on."),
            "The subject fails the connection at the second part, or at least at the third.",
            refused()
                .steps(first)
                .step(Step::Wait(SECOND))
                .step(Step::Mark("A"))
                .steps(second)
                .step(Step::Wait(SECOND))
                .step(Step::Mark("B"))
                .steps(third)
                .step(Step::Kill(SECOND))
                .expect([Event::Mark("A")])
                .tolerate([Event::Mark("A"), Event::Mark("B")]),
        ));
    }
    cases
}

fn together(frame: Frame) -> Step {
    Step::Frame(frame, Sending::Together)
}

fn byte_by_byte(text: &'static [u8]) -> Step {
    Step::Message {
        kind: Kind::Text,
        payload: text.into(),
        fragment: 1,
        sending: Sending::Together,
        compressed: false,
    }
}

/// The subject has to notice what is wrong: if the suite closes, the subject has failed.
fn refused() -> Script {
    Script::new(Closing::by_subject(&[1007]).blame(Blame::WrongSide))
}

/// 6.5 to 6.23.
fn in_one_frame(id: &[u16], topic: &str, valid: bool, payload: Vec<u8>) -> Case {
    let hexadecimal: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
    let description = format!("Sends {topic}: {hexadecimal}.");
    let payload = Payload::from(payload);
    let kill = Step::Kill(Duration::from_millis(500));
    let message = Step::message(Kind::Text, payload.clone());
    if valid {
        let script = Script::new(Closing::by_suite())
            .steps([message, kill])
            .expect([Event::text(payload)]);
        Case::new(id, description, COMES_BACK, script)
    } else {
        let script = refused().steps([message, kill]).expect([]);
        Case::new(id, description, REFUSED, script)
    }
}
