//! Group 28: frames that come together with the head of the opening handshake, however it is cut (RFC 6455 4.1
//! and 4.2.2: behind its end, everything belongs to the connection).

use super::section::Section;
use crate::{
    case::{Case, Closing, Event, Kind, Script, Step},
    frame::{Frame, opcode},
    opening::{Half, Manner, Opening, Place},
    payload::Payload,
};

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let sections = [whole(), cut(), closing()];
    sections.into_iter().flat_map(Section::into_cases).collect()
}

/// A head with `early` behind it.
fn with(early: Vec<Step>, script: Script) -> Opening {
    Opening::early(Half::Proper, early, script.step(Step::Kill(TIMEOUT)))
}

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

fn script(events: impl IntoIterator<Item = Event>) -> Script {
    Script::new(Closing::by_suite()).expect(events)
}

/// Two short messages, the first in two fragments with a ping between them: 34 octets from a client, 22
/// from a server.
fn conversation() -> (Vec<Step>, Script) {
    let frames = [
        Frame::new(opcode::TEXT, "Hel").unfinished(),
        Frame::new(opcode::PING, "?"),
        Frame::new(opcode::CONTINUATION, "lo"),
        Frame::new(opcode::BINARY, [0x00, 0xff]),
    ];
    let early = frames.map(|frame| Step::Frame(frame, Default::default()));
    let events = [
        Event::pong("?"),
        Event::text("Hello"),
        Event::binary(&[0x00, 0xff]),
    ];
    (early.into(), script(events))
}

fn whole() -> Section {
    let mut section = Section::new(28, 1, None);
    let hello = || Step::message(Kind::Text, "Hello");
    section.add(
        "Sends a message together with the head.",
        "The message comes back.",
        with(vec![hello()], script([Event::text("Hello")])),
    );
    section.add(
        "Sends an empty message together with the head.",
        "The message comes back.",
        with(
            vec![Step::message(Kind::Binary, Payload::EMPTY)],
            script([Event::binary(b"")]),
        ),
    );
    section.add(
        "Sends ten messages together with the head.",
        "All come back, in order.",
        with(vec![hello(); 10], script(vec![Event::text("Hello"); 10])),
    );
    section.add(
        "Sends a ping together with the head.",
        "A pong comes back.",
        with(
            vec![Step::Frame(
                Frame::new(opcode::PING, "early"),
                Default::default(),
            )],
            script([Event::pong("early")]),
        ),
    );
    let large = Payload::repeated(b"early data ", 256 << 10);
    section.add(
        "Sends a message of 256 KiB together with the head.",
        "The message comes back.",
        with(
            vec![Step::message(Kind::Text, large.clone())],
            script([Event::text(large)]),
        ),
    );
    section.add(
        "Sends a message together with the head, and another when the first has come back.",
        "Both come back, in order.",
        with(
            vec![hello()],
            script([Event::text("Hello"), Event::text("again")])
                .step(Step::Await(1))
                .step(Step::message(Kind::Text, "again")),
        ),
    );
    section
}

fn cut() -> Section {
    let mut section = Section::new(28, 2, None);
    let what = "a fragmented message with a ping inside and a second message";
    let sizes = [1, 2, 3, 5, 7, 16, 64].map(Manner::Chopped);
    let places = (1..=4)
        .rev()
        .map(Place::BeforeEnd)
        .chain((0..=33).map(Place::BehindHead));
    for manner in sizes.into_iter().chain(places.map(Manner::Cut)) {
        let (early, script) = conversation();
        section.add(
            format!("Sends the head, {what} {manner}."),
            "Pong and messages come back, in order.",
            with(early, script).manner(manner),
        );
    }
    section
}

fn closing() -> Section {
    let mut section = Section::new(28, 3, None);
    let close = || Step::Close(vec![0x03, 0xe8].into());
    let closed = |events: Vec<Event>| Script::new(Closing::by_suite()).expect(events);
    section.add(
        "Sends a Close frame together with the head.",
        "The Close frame is answered with 1000.",
        with(vec![close()], closed(vec![])),
    );
    section.add(
        "Sends a message and a Close frame together with the head.",
        "The message comes back, then the Close frame is answered with 1000.",
        with(
            vec![Step::message(Kind::Text, "Hello"), close()],
            closed(vec![Event::text("Hello")]),
        ),
    );
    section.add(
        "Sends a message, a Close frame and the end of the stream together with the head.",
        "The message comes back, then the Close frame is answered with 1000: an end of the stream \
         takes nothing back that came before.",
        with(
            vec![Step::message(Kind::Text, "Hello"), close()],
            closed(vec![Event::text("Hello")]),
        )
        .finishes(),
    );
    section.add(
        "Sends a Close frame together with the head, cut behind its header.",
        "The Close frame is answered with 1000.",
        with(vec![close()], closed(vec![])).manner(Manner::Cut(Place::BehindHead(2))),
    );
    section.add(
        "Sends a frame with a reserved bit together with the head.",
        "The connection opens and is failed with 1002 (RFC 6455 5.2).",
        with(
            vec![Step::Frame(
                Frame::new(opcode::TEXT, "Hello").reserved(1),
                Default::default(),
            )],
            Script::new(Closing::by_subject(&[1002])).expect([]),
        ),
    );
    section
}
