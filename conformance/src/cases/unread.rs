//! Group `backpressure`: peers that send and do not read, that send too much or too little at a time, and whether
//! others suffer from it. None of it is against the RFC, but it must not cost a subject its memory (10.4).

use std::time::Duration;

use crate::{
    case::{Case, Closing, Event, Extent, Kind, Role, Script, Sending, Step},
    frame::{Frame, opcode},
    id::Id,
    payload::Payload,
};

/// The name of the group.
const GROUP: &str = "backpressure";

/// Bytes that a subject may hold for a peer that does not read.
const HOLDS: usize = 512 << 10;

/// The subject holds more.
const HOARDS: &str = "it holds more than 512 KiB for who does not read";

/// The subject has taken everything, so that it must hold the answers somewhere.
const EVERYTHING: &str = "it took everything while nobody read";

/// Not every ping has a pong.
const FEWER: &str = "some pings were passed over";

/// The last answer is missing.
const NOT_THE_NEWEST: &str = "the newest was not answered";

/// Answers are missing or in disorder.
const DISORDER: &str = "answers are missing or in disorder";

/// Another connection was served.
const SERVED: &str = "another connection is served";

/// Bytes of a large message.
const LARGE: usize = 64 << 10;

/// Pings of a flood.
const PINGS: usize = 100_000;

/// Messages of a flood.
const MESSAGES: usize = 1024;

/// The last of what is sent.
const NEWEST: &str = "the newest";

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(pings());
    cases.extend(messages());
    cases.extend(trickles());
    cases.extend(others());
    cases
}

/// A payload that begins with a number.
fn numbered(number: usize, len: usize) -> Vec<u8> {
    let mut payload = (number as u64).to_be_bytes().to_vec();
    payload.resize(len, b'*');
    payload
}

/// The number that a payload begins with.
fn number(payload: &Payload) -> Option<u64> {
    let bytes = payload.bytes();
    bytes
        .first_chunk::<8>()
        .map(|number| u64::from_be_bytes(*number))
}

fn ping(number: usize) -> Frame {
    Frame::new(opcode::PING, numbered(number, 125))
}

fn large(number: usize) -> Frame {
    Frame::new(opcode::BINARY, numbered(number, LARGE))
}

/// Judges the pongs for numbered pings, the last of which was called the newest.
fn sum_up_pongs(events: &[Event], sent: usize) -> Vec<Event> {
    let newest = Event::pong(NEWEST);
    let mut marks = Vec::new();
    let mut numbers = Vec::new();
    for event in events {
        match event {
            Event::Pong(payload) if *event != newest => numbers.push(number(payload)),
            Event::Pong(_) => {}
            Event::Message(..) | Event::Ping | Event::Mark(_) | Event::Late => {
                marks.push(event.clone());
            }
        }
    }
    if !numbers.is_sorted_by(|before, after| before < after) || numbers.contains(&None) {
        marks.push(Event::Mark(DISORDER));
    }
    if events.iter().rfind(|event| matches!(event, Event::Pong(_))) != Some(&newest) {
        marks.push(Event::Mark(NOT_THE_NEWEST));
    }
    if numbers.len() < sent {
        marks.push(Event::Mark(FEWER));
    } else if sent == PINGS {
        marks.push(Event::Mark(EVERYTHING));
    }
    marks
}

/// Judges the echoes of numbered messages, the last of which was called the newest.
fn sum_up_echoes(events: &[Event], sent: usize) -> Vec<Event> {
    let newest = Event::text(NEWEST);
    let mut marks = Vec::new();
    let mut next = 0;
    for event in events {
        match event {
            Event::Message(Kind::Binary, payload) => {
                if number(payload) != Some(next) {
                    marks.push(Event::Mark(DISORDER));
                }
                next = number(payload).unwrap_or(next) + 1;
            }
            _ if *event == newest => {}
            Event::Message(..) | Event::Pong(_) | Event::Ping | Event::Mark(_) | Event::Late => {
                marks.push(event.clone());
            }
        }
    }
    if events.last() != Some(&newest) {
        marks.push(Event::Mark(NOT_THE_NEWEST));
    } else if next != sent as u64 {
        marks.push(Event::Mark(DISORDER));
    }
    if sent == MESSAGES {
        marks.push(Event::Mark(EVERYTHING));
    }
    marks
}

/// Steps that flood a subject without reading, and then read everything.
fn unread(flood: Step, newest: Frame, answer: Event) -> Script {
    Script::new(Closing::by_either(&[1000]).tolerate(&[1001, 1008, 1009, 1011]))
        .without_close()
        .step(Step::Read(false))
        .step(flood)
        .step(Step::Wait(Duration::from_millis(100)))
        .step(Step::Holds(HOLDS, HOARDS))
        .step(Step::Read(true))
        .step(Step::Kill(Duration::from_secs(20)))
        .frame(newest)
        .step(Step::AwaitLast(answer))
        .step(Step::Close(Frame::close(1000, "").payload.into()))
}

fn marks(names: &[&'static str]) -> Vec<Event> {
    names.iter().copied().map(Event::Mark).collect()
}

/// Cases `ping-*`: pings and pongs.
fn pings() -> Vec<Case> {
    let hundred = || (0..100).map(|number| Event::pong(numbered(number, 8)));
    vec![
        Case::new(
            Id::slug(GROUP, "ping-flood"),
            format!(
                "Sends up to {PINGS} pings of 125 bytes and reads nothing, then one more and reads."
            ),
            "The subject holds back few pongs or reads no further; the newest ping is answered. \
             To hold back all of them, or to close, is not the best.",
            unread(
                Step::Flood(PINGS, ping),
                Frame::new(opcode::PING, NEWEST),
                Event::pong(NEWEST),
            )
            .step(Step::SumUp(sum_up_pongs))
            // It read no further, and has answered all that it had read; or it has passed over some.
            .expect([])
            .expect(marks(&[FEWER]))
            .tolerate(marks(&[EVERYTHING]))
            .tolerate(marks(&[NOT_THE_NEWEST]))
            .tolerate(marks(&[NOT_THE_NEWEST, FEWER])),
        ),
        Case::new(
            Id::slug(GROUP, "ping-burst"),
            "Sends a thousand pings in one go, and reads.",
            "The pongs come in order, at last the newest; some pings may be passed over (5.5.3).",
            Script::new(Closing::by_suite())
                .without_close()
                .step(Step::Kill(Duration::from_secs(10)))
                .step(Step::Flood(1000, ping))
                .frame(Frame::new(opcode::PING, NEWEST))
                .step(Step::AwaitLast(Event::pong(NEWEST)))
                .step(Step::Close(Frame::close(1000, "").payload.into()))
                .step(Step::SumUp(sum_up_pongs))
                .expect([])
                .expect(marks(&[FEWER])),
        ),
        Case::new(
            Id::slug(GROUP, "ping-unsolicited-pongs"),
            "Sends 100 000 pongs that nobody asked for, and a message.",
            "The message comes back, and no pong is answered (5.5.3).",
            Script::new(Closing::by_suite())
                .step(Step::Kill(Duration::from_secs(10)))
                .step(Step::Flood(100_000, |number| {
                    Frame::new(opcode::PONG, numbered(number, 125))
                }))
                .frame(Frame::text(NEWEST))
                .expect([Event::text(NEWEST)]),
        ),
        Case::new(
            Id::slug(GROUP, "ping-between-fragments"),
            "Sends a message in 101 fragments, with a ping behind each but the last.",
            "Every ping has its pong before the message comes back.",
            Script::new(Closing::by_suite())
                .step(Step::Kill(Duration::from_secs(10)))
                .step(Step::Flood(201, |number| match (number, number % 2) {
                    (0, _) => Frame::new(opcode::BINARY, "*").unfinished(),
                    (200, _) => Frame::new(opcode::CONTINUATION, "*"),
                    (_, 0) => Frame::new(opcode::CONTINUATION, "*").unfinished(),
                    (_, _) => Frame::new(opcode::PING, numbered(number / 2, 8)),
                }))
                .expect(hundred().chain([Event::binary(vec![b'*'; 101])])),
        ),
    ]
}

/// Cases `message-*`: messages.
fn messages() -> Vec<Case> {
    let numbers = |count, len| (0..count).map(move |number| Event::binary(numbered(number, len)));
    vec![
        Case::new(
            Id::slug(GROUP, "message-flood"),
            format!(
                "Sends up to {MESSAGES} messages of 64 KiB and reads nothing, then one more and reads."
            ),
            "The subject reads no further while its echoes are not taken, and goes on when they are: all \
             that it has taken comes back. To take everything, or to close, is not the best.",
            unread(
                Step::Flood(MESSAGES, large),
                Frame::text(NEWEST),
                Event::text(NEWEST),
            )
            .step(Step::SumUp(sum_up_echoes))
            .expect([])
            .tolerate(marks(&[EVERYTHING]))
            .tolerate(marks(&[HOARDS, EVERYTHING]))
            .tolerate(marks(&[NOT_THE_NEWEST])),
        ),
        Case::new(
            Id::slug(GROUP, "message-large-pipelined"),
            "Sends 256 messages of 64 KiB without waiting for echoes, which it reads as they come.",
            "All of them come back: that both sides send much at once is no reason to stop.",
            Script::new(Closing::by_suite())
                .step(Step::Kill(Duration::from_secs(20)))
                .step(Step::Flood(256, large))
                .expect(numbers(256, LARGE)),
        ),
        Case::new(
            Id::slug(GROUP, "message-small-pipelined"),
            "Sends ten thousand messages of 8 bytes without waiting for echoes.",
            "All of them come back, in order.",
            Script::new(Closing::by_suite())
                .step(Step::Kill(Duration::from_secs(20)))
                .step(Step::Flood(10_000, |number| {
                    Frame::new(opcode::BINARY, numbered(number, 8))
                }))
                .expect(numbers(10_000, 8)),
        ),
        Case::new(
            Id::slug(GROUP, "message-empty-pipelined"),
            "Sends ten thousand empty messages without waiting for echoes.",
            "All of them come back.",
            Script::new(Closing::by_suite())
                .step(Step::Kill(Duration::from_secs(20)))
                .step(Step::Flood(10_000, |_| Frame::new(opcode::TEXT, "")))
                .expect(vec![Event::text(""); 10_000]),
        ),
    ]
}

/// Cases `trickle-*`: much in many small pieces.
fn trickles() -> Vec<Case> {
    let trickle = |name, what, len, fragment, sending| {
        let payload = Payload::repeated("añ€😀".as_bytes(), len);
        Case::new(
            Id::slug(GROUP, name),
            what,
            "The message comes back, soon enough.",
            Script::new(Closing::by_suite())
                .step(Step::Kill(Duration::from_secs(10)))
                .step(Step::Message {
                    kind: Kind::Text,
                    payload: payload.clone(),
                    fragment,
                    sending,
                    compressed: false,
                })
                .expect([Event::text(payload)]),
        )
    };
    vec![
        trickle(
            "trickle-frame-bytewise",
            "Sends a text of 10 000 bytes in one frame, a byte at a time.",
            10_000,
            0,
            Sending::Chopped(1),
        ),
        trickle(
            "trickle-fragments-bytewise",
            "Sends a text of 1 000 bytes in fragments of one byte, a byte at a time.",
            1_000,
            1,
            Sending::Chopped(1),
        ),
        trickle(
            "trickle-4-mb",
            "Sends a text of 4 MB in one frame, 1 000 bytes at a time.",
            4_000_000,
            0,
            Sending::Chopped(1000),
        ),
        trickle(
            "trickle-ten-byte-fragments",
            "Sends a text of 1 MB in fragments of ten bytes.",
            1_000_000,
            10,
            Sending::Together,
        ),
    ]
}

/// Cases `neighbour-*`: one connection must not affect another.
fn others() -> Vec<Case> {
    let ordinary = Script::new(Closing::by_suite())
        .step(Step::Kill(Duration::from_secs(5)))
        .frame(Frame::text("Hello"))
        .expect([Event::text("Hello")]);
    let beside = |name: &str, what: &str, steps: Vec<Step>| {
        let case = Case::new(
            Id::slug(GROUP, name),
            format!("{what}, and opens another connection."),
            "The other connection is served.",
            Script::new(Closing::by_either(&[1000, 1002]))
                .without_close()
                .steps(steps)
                .step(Step::Another(ordinary.clone(), SERVED))
                .step(Step::Abort)
                .expect([Event::Mark(SERVED)]),
        );
        case.only(Role::Server)
    };
    vec![
        beside("neighbour-silent", "Says nothing on a connection", vec![]),
        beside(
            "neighbour-half-frame",
            "Sends half of a frame",
            vec![Step::Start(Frame::text("Hello"), Extent::Bytes(9))],
        ),
        beside(
            "neighbour-half-message",
            "Sends half of a message",
            vec![Step::Frame(
                Frame::text("Hello").unfinished(),
                Sending::Alone,
            )],
        ),
        beside(
            "neighbour-stuck",
            "Sends messages and reads nothing until the subject is stuck",
            vec![Step::Read(false), Step::Flood(MESSAGES, large)],
        ),
        beside(
            "neighbour-failed",
            "Sends a frame that is wrong, and does not end the transport",
            vec![
                Step::Answer(false),
                Step::Frame(Frame::new(0x3, ""), Sending::Alone),
            ],
        ),
    ]
}
