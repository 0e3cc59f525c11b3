//! Group `early-data`: frames that come together with the head of the opening handshake, however it is cut. What is behind
//! the end of a head belongs to the connection: a server may begin with it (RFC 6455 4.2.2), and a client
//! that does not wait (4.1) may be refused, but nothing of an accepted stream may be lost.

use std::time::Duration;

use super::section::{Section, allowance};
use crate::{
    case::{Case, Closing, Event, Kind, Role, Script, Step},
    frame::{Frame, opcode},
    opening::{Grade, Half, Manner, Opening, Place},
    payload::Payload,
};

/// How long the subject may take for all of it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The cases of the group: the first sections for servers, the others for clients.
pub(super) fn cases() -> Vec<Case> {
    let sections = [Role::Server, Role::Client]
        .into_iter()
        .flat_map(|role| [whole, cut, closing].map(|make| (role, make)));
    let cases = sections.map(|(role, make)| {
        let prefix = match role {
            Role::Server => "request",
            Role::Client => "response",
        };
        let mut early = Early {
            section: Section::new("early-data", prefix, Some(role)),
            role,
        };
        make(&mut early);
        early.section.into_cases()
    });
    cases.flatten().collect()
}

/// A section for one role.
struct Early {
    section: Section,
    role: Role,
}

impl Early {
    /// Adds a case: a head with these steps behind it.
    fn add(&mut self, name: &str, what: &str, expectation: &str, steps: Vec<Step>, script: Script) {
        self.add_opening(name, what, expectation, early(steps, script));
    }

    fn add_opening(&mut self, name: &str, what: &str, expectation: &str, opening: Opening) {
        let (head, grade) = match self.role {
            Role::Server => ("request", Grade::Tolerated),
            Role::Client => ("response", Grade::Wrong),
        };
        let how = match opening.manner {
            Manner::Whole => String::new(),
            manner => format!(" {manner}"),
        };
        self.section.add(
            name,
            format!("Sends {what} together with its {head}{how}."),
            format!(
                "{expectation}{}",
                allowance(
                    "Refusing a client that has not waited (RFC 6455 4.1)",
                    grade
                )
            ),
            opening.otherwise(grade),
        );
    }
}

fn early(steps: Vec<Step>, script: Script) -> Opening {
    Opening::early(Half::Proper, steps, script.step(Step::Kill(TIMEOUT)))
}

fn script(events: impl IntoIterator<Item = Event>) -> Script {
    Script::new(Closing::by_suite()).expect(events)
}

fn frame(frame: Frame) -> Step {
    Step::Frame(frame, Default::default())
}

fn whole(section: &mut Early) {
    let hello = || Step::message(Kind::Text, "Hello");
    let back = "The message comes back.";
    let large = Payload::repeated(b"early data ", 256 << 10);
    section.add(
        "with-message",
        "a message",
        back,
        vec![hello()],
        script([Event::text("Hello")]),
    );
    section.add(
        "with-empty-message",
        "an empty message",
        back,
        vec![Step::message(Kind::Binary, Payload::EMPTY)],
        script([Event::binary(b"")]),
    );
    section.add(
        "with-ten-messages",
        "ten messages",
        "All come back, in order.",
        vec![hello(); 10],
        script(vec![Event::text("Hello"); 10]),
    );
    section.add(
        "with-ping",
        "a ping",
        "A pong comes back, behind the opening handshake.",
        vec![frame(Frame::new(opcode::PING, "early"))],
        script([Event::pong("early")]),
    );
    section.add(
        "with-long-message",
        "a message of 256 KiB",
        back,
        vec![Step::message(Kind::Text, large.clone())],
        script([Event::text(large)]),
    );
    section.add(
        "with-message-and-another",
        "a message (and another when it has come back)",
        "Both come back, in order.",
        vec![hello()],
        script([Event::text("Hello"), Event::text("again")])
            .step(Step::Await(1))
            .step(Step::message(Kind::Text, "again")),
    );
}

fn cut(section: &mut Early) {
    let frames = [
        Frame::new(opcode::TEXT, "Hel").unfinished(),
        Frame::new(opcode::PING, "?"),
        Frame::new(opcode::CONTINUATION, "lo"),
        Frame::new(opcode::BINARY, [0x00, 0xff]),
    ];
    let mask = match section.role {
        Role::Server => Some([0; 4]),
        Role::Client => None,
    };
    let len: usize = frames.iter().map(|frame| frame.encode(mask).len()).sum();
    let sizes = [1, 2, 3, 5, 7, 16, 64].map(Manner::Chopped);
    let places = (1..=4)
        .rev()
        .map(Place::BeforeEnd)
        .chain((0..len).map(Place::BehindHead));
    for manner in sizes.into_iter().chain(places.map(Manner::Cut)) {
        let events = [
            Event::pong("?"),
            Event::text("Hello"),
            Event::binary(&[0x00, 0xff]),
        ];
        let steps = frames.clone().map(frame).into();
        section.add_opening(
            &format!("cut-{}", manner.name()),
            "a text in two fragments around a ping, and a binary message,",
            "Pong and messages come back, in order.",
            early(steps, script(events)).manner(manner),
        );
    }
}

fn closing(section: &mut Early) {
    let close = || Step::Close(vec![0x03, 0xe8].into());
    let message = || Step::message(Kind::Text, "Hello");
    // After reading the Close frame, a subject may send its answer only (RFC 6455 5.5.1).
    let echo = || script([Event::text("Hello")]).tolerate([]);
    let answered = "The Close frame is answered with 1000.";
    let both = "The message comes back, then the Close frame is answered with 1000. An answer alone is \
        not against the RFC.";
    section.add(
        "ends-with-close",
        "a Close frame",
        answered,
        vec![close()],
        script([]),
    );
    section.add(
        "ends-with-message-and-close",
        "a message and a Close frame",
        both,
        vec![message(), close()],
        echo(),
    );
    section.add_opening(
        "ends-with-message-close-and-end",
        "a message, a Close frame and the end of the stream",
        both,
        early(vec![message(), close()], echo()).finishes(),
    );
    section.add_opening(
        "ends-with-cut-close",
        "a Close frame",
        answered,
        early(vec![close()], script([])).manner(Manner::Cut(Place::BehindHead(2))),
    );
    section.add(
        "ends-with-reserved-bit",
        "a frame with a reserved bit",
        "The connection opens and is failed with 1002 (RFC 6455 5.2).",
        vec![frame(Frame::new(opcode::TEXT, "Hello").reserved(1))],
        Script::new(Closing::by_subject(&[1002])).expect([]),
    );
}
