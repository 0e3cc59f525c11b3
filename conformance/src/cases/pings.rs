//! Group 2: pings and pongs (RFC 6455 5.5.2, 5.5.3).

use std::time::Duration;

use crate::{
    case::{Case, Closing, Event, Script, Sending, Step},
    frame::{Frame, opcode},
};

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        answered(1, b"", Sending::Together),
        answered(2, b"Hello, world!", Sending::Together),
        answered(3, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", Sending::Together),
        answered(4, &[0xfe; 125], Sending::Together),
        Case::new(
            &[2, 5],
            "Sends a ping of 126 bytes.",
            "The subject closes with 1002 or drops the connection: a control frame has 125 bytes at most.",
            Script::new(Closing::by_subject(&[1002]))
                .frame(Frame::new(opcode::PING, [0xfe; 126]))
                .step(Step::Kill(Duration::from_secs(1)))
                .expect([]),
        ),
        answered(6, &[0xfe; 125], Sending::Chopped(1)),
        unasked(7, ""),
        unasked(8, "unsolicited pong payload"),
        Case::new(
            &[2, 9],
            "Sends a pong that nobody asked for, then a ping.",
            "A pong with the payload of the ping comes back, and nothing else.",
            Script::new(Closing::by_suite())
                .frame(Frame::new(opcode::PONG, "unsolicited pong payload"))
                .frame(Frame::new(opcode::PING, "ping payload"))
                .step(Step::CloseAfter(Duration::from_secs(1)))
                .expect([Event::pong("ping payload")]),
        ),
    ];
    for (number, sending) in [(10, Sending::Together), (11, Sending::Chopped(1))] {
        let payloads = (0..10).map(|n| format!("payload-{n}"));
        let pings = payloads
            .clone()
            .map(|payload| Frame::new(opcode::PING, payload));
        cases.push(Case::new(
            &[2, number],
            format!("Sends ten pings with different payloads, {sending}."),
            "Ten pongs come back, in the order of the pings.",
            Script::new(Closing::by_suite())
                .frames(sending, pings)
                .step(Step::CloseAfter(Duration::from_secs(3)))
                .expect(payloads.map(Event::pong)),
        ));
    }
    cases
}

/// A ping that has to be answered.
fn answered(number: u16, payload: &'static [u8], sending: Sending) -> Case {
    let patience = if sending == Sending::Together { 1 } else { 2 };
    Case::new(
        &[2, number],
        format!("Sends a ping of {} bytes, {sending}.", payload.len()),
        "A pong with the payload of the ping comes back.",
        Script::new(Closing::by_suite())
            .frames(sending, [Frame::new(opcode::PING, payload)])
            .step(Step::CloseAfter(Duration::from_secs(patience)))
            .expect([Event::pong(payload)]),
    )
}

/// An unsolicited pong, and the end.
fn unasked(number: u16, payload: &'static str) -> Case {
    Case::new(
        &[2, number],
        format!(
            "Sends a pong of {} bytes that nobody asked for, and closes.",
            payload.len()
        ),
        "Nothing but the answer to the Close frame comes back.",
        Script::new(Closing::by_suite())
            .frame(Frame::new(opcode::PONG, payload))
            .step(Step::Close(1000_u16.to_be_bytes().to_vec().into()))
            .step(Step::CloseAfter(Duration::from_secs(1)))
            .expect([]),
    )
}
