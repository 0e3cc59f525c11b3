//! Group 7: Close frames, what comes behind them, and their codes (RFC 6455 5.5.1, 7).

use std::time::Duration;

use crate::{
    case::{Blame, Case, Closing, Event, Kind, Script, Sending, Step},
    frame::{Frame, opcode},
    payload::Payload,
};

const MESSAGE: &str = "Hello World!";

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = behind_the_close();
    cases.extend(payloads());
    cases.extend(codes());
    cases
}

/// 7.1: what comes before and behind a Close frame.
fn behind_the_close() -> Vec<Case> {
    const NOTHING: &str = "Nothing comes but the answer to the first Close frame, with 1000.";
    let after = |frame| Step::Frame(frame, Sending::Together);
    let text = || Step::message(Kind::Text, MESSAGE);
    let normal = || close(1000, b"");
    let echoed = Script::new(answered(&[1000])).step(text()).step(kill());
    let scripts = [
        vec![normal(), after(Frame::new(opcode::CLOSE, b""))],
        vec![normal(), after(Frame::new(opcode::PING, b""))],
        vec![normal(), text()],
        vec![
            after(Frame::new(opcode::TEXT, "fragment1").unfinished()),
            normal(),
            after(Frame::new(opcode::CONTINUATION, "fragment2")),
        ],
    ];
    let descriptions = [
        "Closes twice.",
        "Closes, then sends a ping.",
        "Closes, then sends text.",
        "Closes between two fragments.",
    ];
    let mut cases = vec![Case::new(
        &[7, 1, 1],
        "Sends text, and closes when it has come back.",
        "The message comes back, then the answer to the Close frame, with 1000.",
        echoed.expect([Event::text(MESSAGE)]),
    )];
    for (number, (steps, description)) in (2..).zip(scripts.into_iter().zip(descriptions)) {
        let script = Script::new(answered(&[1000])).steps(steps);
        cases.push(Case::new(
            &[7, 1, number],
            description,
            NOTHING,
            script.step(kill()).without_close().expect([]),
        ));
    }
    let long = Payload::repeated(b"BAsd7&jh23", 256 << 10);
    cases.push(
        Case::new(
            &[7, 1, 6],
            "Sends a long message and a short one, closes, and sends a ping.",
            "The messages come back, or the Close frame is answered before they are.",
            Script::new(Closing::by_suite())
                .steps([Step::message(Kind::Text, long), text(), normal()])
                .step(after(Frame::new(opcode::PING, b"")))
                .step(kill())
                .without_close()
                .expect([Event::text(MESSAGE)])
                .tolerate([]),
        )
        .informational(),
    );
    cases
}

/// 7.3 and 7.5: Close frames of all lengths, and one whose reason is not UTF-8.
fn payloads() -> Vec<Case> {
    let reason = |len| Payload::repeated(b"*", len).bytes().into_owned();
    let right = answered(&[1000]);
    let wrong = || refused(&[1002]);
    let surrogate = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
    let one_byte = Step::Close(b"a".into());
    vec![
        closing(
            &[7, 3, 1],
            "without a code",
            Step::Close(Payload::EMPTY),
            right.clone(),
        ),
        closing(&[7, 3, 2], "with one byte", one_byte, wrong()),
        closing(&[7, 3, 3], "with a code", close(1000, b""), right.clone()),
        closing(
            &[7, 3, 4],
            "with a reason",
            close(1000, MESSAGE.as_bytes()),
            right.clone(),
        ),
        closing(
            &[7, 3, 5],
            "with the longest reason",
            close(1000, &reason(123)),
            right,
        ),
        closing(
            &[7, 3, 6],
            "with a reason that is too long",
            close(1000, &reason(124)),
            wrong(),
        ),
        closing(
            &[7, 5, 1],
            "with a reason that is not UTF-8",
            close(1000, surrogate),
            refused(&[1002, 1007]),
        ),
    ]
}

/// 7.7, 7.9 and 7.13: codes that may be sent, codes that may not, and codes that nobody has spoken of.
fn codes() -> Vec<Case> {
    let mut cases = Vec::new();
    let valid = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ];
    for (number, code) in (1..).zip(valid) {
        let how = format!("with the code {code}");
        let right = answered(&[1000, code]);
        cases.push(closing(&[7, 7, number], &how, close(code, b""), right));
    }
    let invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    for (number, code) in (1..).zip(invalid) {
        let how = format!("with the code {code}");
        cases.push(closing(
            &[7, 9, number],
            &how,
            close(code, b""),
            refused(&[1002]),
        ));
    }
    for (number, code) in (1..).zip([5000, 65535]) {
        let how = format!("with the code {code}");
        let any = Closing::refused(&[1000, code, 1002]);
        cases.push(closing(&[7, 13, number], &how, close(code, b""), any).informational());
    }
    cases
}

/// A case that consists of one Close frame.
fn closing(id: &[u16], how: &str, close: Step, closing: Closing) -> Case {
    let codes: Vec<_> = closing.codes.iter().map(u16::to_string).collect();
    let codes = codes.join(" or ");
    let expectation = if closing.clean {
        format!("The subject answers with {codes}.")
    } else {
        format!("The subject answers with {codes} or drops the connection.")
    };
    let script = Script::new(closing).step(close).step(kill());
    Case::new(
        id,
        format!("Closes {how}."),
        expectation,
        script.without_close().expect([]),
    )
}

fn answered(codes: &[u16]) -> Closing {
    Closing::answered(codes).blame(Blame::WrongCode)
}

fn refused(codes: &[u16]) -> Closing {
    Closing::refused(codes).blame(Blame::WrongCode)
}

fn close(code: u16, reason: &[u8]) -> Step {
    Step::Close([&code.to_be_bytes(), reason].concat().into())
}

fn kill() -> Step {
    Step::Kill(Duration::from_secs(1))
}
