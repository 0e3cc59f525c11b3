//! Groups 5 and 10: messages in several frames (RFC 6455 5.4).

use std::time::Duration;

use crate::{
    case::{Case, Closing, Event, Kind, Script, Sending, Step},
    frame::{Frame, opcode},
    payload::Payload,
};

/// How the frames go in cases that exist three times.
const SENDINGS: [Sending; 3] = [Sending::Together, Sending::Alone, Sending::Chopped(1)];

const VIOLATION: &str = "The subject closes with 1002 or drops the connection.";

const SECOND: Duration = Duration::from_secs(1);

/// The cases of group 5.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, opcode, name) in [(1, opcode::PING, "ping"), (2, opcode::PONG, "pong")] {
        let frames = [
            Frame::new(opcode, "fragment1").unfinished(),
            continuation("fragment2"),
        ];
        let description = format!("Sends a {name} in two fragments.");
        cases.push(violation(number, description, Sending::Together, frames));
    }
    for (number, sending) in (3..).zip(SENDINGS) {
        let frames = [text("fragment1").unfinished(), continuation("fragment2")];
        cases.push(Case::new(
            &[5, number],
            format!("Sends text in two fragments, {sending}."),
            "The message comes back.",
            Script::new(Closing::by_suite())
                .frames(sending, frames)
                .step(Step::CloseAfter(SECOND))
                .expect([Event::text("fragment1fragment2")]),
        ));
    }
    for (number, sending) in (6..).zip(SENDINGS) {
        let frames = [
            text("fragment1").unfinished(),
            Frame::new(opcode::PING, "ping payload"),
            continuation("fragment2"),
        ];
        cases.push(Case::new(
            &[5, number],
            format!("Sends text in two fragments with a ping between, {sending}."),
            "A pong comes back, then the message.",
            Script::new(Closing::by_suite())
                .frames(sending, frames)
                .step(Step::CloseAfter(SECOND))
                .expect([
                    Event::pong("ping payload"),
                    Event::text("fragment1fragment2"),
                ]),
        ));
    }
    for (number, sending) in (9..).zip(SENDINGS) {
        let frames = [
            continuation("non-continuation payload"),
            text("Hello, world!"),
        ];
        let description =
            format!("Sends a last fragment where no message was begun, then a message, {sending}.");
        cases.push(violation(number, description, sending, frames));
    }
    for (number, sending) in (12..).zip(SENDINGS) {
        let frames = [
            continuation("non-continuation payload").unfinished(),
            text("Hello, world!"),
        ];
        let description = format!(
            "Sends a fragment that is not the last where no message was begun, then a message, {sending}."
        );
        cases.push(violation(number, description, sending, frames));
    }
    cases.extend([after_a_message(), repeated(16, false), repeated(17, true)]);
    cases.push(violation(
        18,
        "Sends text in two fragments that both say they are the first.".to_owned(),
        Sending::Together,
        [text("fragment1").unfinished(), text("fragment2")],
    ));
    cases.extend([
        interrupted(19, Sending::Together),
        interrupted(20, Sending::Alone),
    ]);
    cases
}

/// The one case of group 10.
pub(super) fn automatic() -> Vec<Case> {
    let payload = Payload::repeated(b"*", 65536);
    vec![Case::new(
        &[10, 1, 1],
        "Sends text of 65536 bytes in fragments of 1300.",
        "The message comes back.",
        Script::new(Closing::by_suite())
            .step(Step::Message {
                kind: Kind::Text,
                payload: payload.clone(),
                fragment: 1300,
                sending: Sending::Together,
                compressed: false,
            })
            .step(Step::Kill(Duration::from_secs(10)))
            .expect([Event::text(payload)]),
    )]
}

fn text(payload: &str) -> Frame {
    Frame::new(opcode::TEXT, payload)
}

fn continuation(payload: &str) -> Frame {
    Frame::new(opcode::CONTINUATION, payload)
}

/// Frames of which the subject must not make a message.
fn violation(
    number: u16,
    description: String,
    sending: Sending,
    frames: impl IntoIterator<Item = Frame>,
) -> Case {
    let script = Script::new(Closing::by_subject(&[1002]))
        .frames(sending, frames)
        .step(Step::Kill(SECOND))
        .expect([]);
    Case::new(&[5, number], description, VIOLATION, script)
}

fn after_a_message() -> Case {
    let frames = [
        text("fragment1").unfinished(),
        continuation("fragment2"),
        continuation("fragment3").unfinished(),
        text("fragment4"),
    ];
    Case::new(
        &[5, 15],
        "Sends text in two fragments, then a fragment where no message was begun.",
        "The message comes back at best; then the subject closes with 1002 or drops the connection.",
        Script::new(Closing::by_subject(&[1002]))
            .frames(Sending::Together, frames)
            .step(Step::Kill(SECOND))
            .expect([Event::text("fragment1fragment2")])
            .tolerate([]),
    )
}

/// Text in two fragments behind a fragment of nothing, twice.
fn repeated(number: u16, fin: bool) -> Case {
    let mut stray = continuation("fragment1");
    stray.fin = fin;
    let frames = [
        stray,
        text("fragment2").unfinished(),
        continuation("fragment3"),
    ];
    let description = format!(
        "Twice sends a fragment of no message, its FIN being {}, then text in two fragments.",
        u8::from(fin)
    );
    let frames = frames.clone().into_iter().chain(frames);
    violation(number, description, Sending::Together, frames)
}

/// Text in five fragments with two pings and a second between.
fn interrupted(number: u16, sending: Sending) -> Case {
    let before = [
        text("fragment1").unfinished(),
        continuation("fragment2").unfinished(),
        Frame::new(opcode::PING, "pongme 1!"),
    ];
    let after = [
        continuation("fragment3").unfinished(),
        continuation("fragment4").unfinished(),
        Frame::new(opcode::PING, "pongme 2!"),
        continuation("fragment5"),
    ];
    Case::new(
        &[5, number],
        format!("Sends text in five fragments, two pings and a second between them, {sending}."),
        "Each ping is answered at once, and the message comes back when it is whole.",
        Script::new(Closing::by_suite())
            .frames(sending, before)
            .step(Step::Wait(SECOND))
            .frames(sending, after)
            .step(Step::CloseAfter(SECOND))
            .expect([
                Event::pong("pongme 1!"),
                Event::pong("pongme 2!"),
                Event::text("fragment1fragment2fragment3fragment4fragment5"),
            ]),
    )
}
