//! Groups 3 and 4: reserved bits and reserved opcodes (RFC 6455 5.2).

use std::time::Duration;

use crate::{
    case::{Case, Closing, Event, Script, Sending, Step},
    frame::{Frame, opcode},
};

const TEXT: &str = "Hello, world!";
const EXPECTATION: &str = "The subject closes with 1002 or drops the connection.";

/// The cases of group 3.
pub(super) fn bits() -> Vec<Case> {
    let bits = [
        alone(Frame::new(opcode::TEXT, TEXT).reserved(1)),
        second(
            Frame::new(opcode::TEXT, TEXT).reserved(2),
            Sending::Together,
        ),
        second(Frame::new(opcode::TEXT, TEXT).reserved(3), Sending::Alone),
        second(
            Frame::new(opcode::TEXT, TEXT).reserved(4),
            Sending::Chopped(1),
        ),
        alone(Frame::new(opcode::BINARY, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff").reserved(5)),
        alone(Frame::new(opcode::BINARY, TEXT).reserved(6)),
        alone(Frame::new(opcode::CLOSE, b"").reserved(7)),
    ];
    (1..)
        .zip(bits)
        .map(|(number, script)| {
            let description =
                format!("Sends a frame with reserved bits, of RSV1, RSV2 and RSV3: {number:03b}.");
            Case::new(&[3, number], description, EXPECTATION, script)
        })
        .collect()
}

/// The cases of group 4.
pub(super) fn opcodes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (section, first) in [(1, 0x3), (2, 0xb)] {
        let scripts = [
            alone(Frame::new(first, b"")),
            alone(Frame::new(first + 1, "reserved opcode payload")),
            second(Frame::new(first + 2, b""), Sending::Together),
            second(Frame::new(first + 3, TEXT), Sending::Together),
            second(Frame::new(first + 4, TEXT), Sending::Chopped(1)),
        ];
        for (number, script) in (1..).zip(scripts) {
            let opcode = u16::from(first) + number - 1;
            cases.push(Case::new(
                &[4, section, number],
                format!("Sends a frame with the reserved opcode {opcode:#x}."),
                EXPECTATION,
                script,
            ));
        }
    }
    cases
}

/// The bad frame comes first.
fn alone(bad: Frame) -> Script {
    Script::new(Closing::by_subject(&[1002]))
        .frame(bad)
        .step(Step::Kill(Duration::from_secs(1)))
        .expect([])
}

/// The bad frame comes behind a message and before a ping: it is best if the message still comes
/// back, and right if it does not. The ping has to be ignored.
fn second(bad: Frame, sending: Sending) -> Script {
    let message = Frame::new(opcode::TEXT, TEXT);
    let ping = Frame::new(opcode::PING, b"");
    Script::new(Closing::by_subject(&[1002]))
        .frames(sending, [message, bad, ping])
        .step(Step::Kill(Duration::from_secs(1)))
        .expect([Event::text(TEXT)])
        .tolerate([])
}
