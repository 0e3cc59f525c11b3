//! Group `chopping`: the same conversations, cut where a transport may cut them. A stream has no borders but
//! those of its frames (RFC 6455 5.2, 5.4), so nothing may depend on where a read ends.

use std::time::Duration;

use crate::{
    case::{Case, Closing, Cuts, Event, Script, Step},
    frame::{Frame, opcode},
    id::Id,
};

/// How long the subject may take to read a piece before the next one goes.
const PAUSE: Duration = Duration::from_millis(2);

/// Bytes of a masking key, which the frames of a client have.
const KEY: usize = 4;

/// Frames, and the events that must come back.
struct Conversation {
    name: &'static str,
    what: &'static str,
    frames: Vec<Frame>,
    events: Vec<Event>,
}

impl Conversation {
    /// An upper bound for its length on the wire.
    fn len(&self) -> usize {
        let len = |frame: &Frame| frame.encode(None).len() + KEY;
        self.frames.iter().map(len).sum()
    }

    /// Repeats the conversation on one connection, cut in one way after another.
    fn script(&self, ways: impl IntoIterator<Item = Cuts>) -> Script {
        let mut script = Script::new(Closing::by_suite()).step(Step::Kill(Duration::from_secs(10)));
        let mut events = Vec::new();
        for cuts in ways {
            events.extend_from_slice(&self.events);
            script = script
                .step(Step::Pieces {
                    frames: self.frames.clone(),
                    cuts,
                    pause: PAUSE,
                })
                .step(Step::Await(events.len()));
        }
        script.expect(events)
    }
}

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let same = "Everything comes back as if it had not been cut.";
    for short in conversations() {
        let Conversation { name, what, .. } = short;
        cases.push(Case::new(
            named(format!("in-two-{name}")),
            format!("Sends {what} again and again, each time cut in two at the next place."),
            same,
            short.script((1..short.len()).map(|at| Cuts::Behind(vec![at]))),
        ));
        cases.push(Case::new(
            named(format!("in-pieces-{name}")),
            format!("Sends {what} a byte at a time, then two, three and so on up to seven."),
            same,
            short.script((1..8).map(Cuts::Every)),
        ));
    }
    let word = Conversation {
        name: "word",
        what: "",
        frames: vec![Frame::text("añb")],
        events: vec![Event::text("añb")],
    };
    let pairs = (1..word.len()).flat_map(|first| {
        (first + 1..word.len()).map(move |second| Cuts::Behind(vec![first, second]))
    });
    cases.push(Case::new(
        named("in-three-word"),
        "Sends a short text again and again, each time cut in three at another two places.",
        same,
        word.script(pairs),
    ));
    for long in long_ones() {
        let Conversation { name, what, .. } = long;
        cases.push(Case::new(
            named(format!("at-edges-{name}")),
            format!("Sends {what}, cut around its header and around the last byte."),
            same,
            long.script(
                (1..=16)
                    .chain([long.len() - KEY - 1])
                    .map(|at| Cuts::Behind(vec![at])),
            ),
        ));
    }
    cases.extend(together());
    cases.extend(closes());
    cases
}

/// Short ones, that are cut everywhere.
fn conversations() -> Vec<Conversation> {
    let hello = "Hello-µ@ß€😀!";
    let first = |opcode, payload: &str| Frame::new(opcode, payload).unfinished();
    let rest = |payload: &str| Frame::new(opcode::CONTINUATION, payload);
    vec![
        Conversation {
            name: "text",
            what: "a text with characters of one to four bytes",
            frames: vec![Frame::text(hello)],
            events: vec![Event::text(hello)],
        },
        Conversation {
            name: "binary",
            what: "a binary message",
            frames: vec![Frame::new(opcode::BINARY, b"\x00\xff\x80\x7f\x01")],
            events: vec![Event::binary(b"\x00\xff\x80\x7f\x01")],
        },
        Conversation {
            name: "empty",
            what: "an empty text and an empty binary message",
            frames: vec![Frame::text(""), Frame::new(opcode::BINARY, "")],
            events: vec![Event::text(""), Event::binary(b"")],
        },
        Conversation {
            name: "ping",
            what: "a ping with a payload",
            frames: vec![Frame::new(opcode::PING, "ping")],
            events: vec![Event::pong("ping")],
        },
        Conversation {
            name: "empty-fragment",
            what: "a text in three frames, the second of which is empty,",
            frames: vec![
                first(opcode::TEXT, "one"),
                rest("").unfinished(),
                rest("three"),
            ],
            events: vec![Event::text("onethree")],
        },
        Conversation {
            name: "ping-between",
            what: "a text in two frames with a ping between them",
            frames: vec![
                first(opcode::TEXT, "one"),
                Frame::new(opcode::PING, "?"),
                rest("two"),
            ],
            events: vec![Event::pong("?"), Event::text("onetwo")],
        },
        Conversation {
            name: "pong-between",
            what: "a text in two frames with a pong that nobody asked for between them",
            frames: vec![
                first(opcode::TEXT, "one"),
                Frame::new(opcode::PONG, "!"),
                rest("two"),
            ],
            events: vec![Event::text("onetwo")],
        },
        Conversation {
            name: "two-messages",
            what: "two messages, text and binary,",
            frames: vec![Frame::text("text"), Frame::new(opcode::BINARY, "binary")],
            events: vec![Event::text("text"), Event::binary(b"binary")],
        },
        Conversation {
            name: "two-fragmented",
            what: "two messages in fragments, one behind the other,",
            frames: vec![
                first(opcode::TEXT, "a"),
                rest("b"),
                first(opcode::BINARY, "c"),
                rest("d"),
            ],
            events: vec![Event::text("ab"), Event::binary(b"cd")],
        },
    ]
}

/// Long ones, that are cut where it matters.
fn long_ones() -> Vec<Conversation> {
    let text = |name, what, len| Conversation {
        name,
        what,
        frames: vec![Frame::text(&"*".repeat(len))],
        events: vec![Event::text("*".repeat(len))],
    };
    vec![
        text("125-bytes", "a text of 125 bytes", 125),
        text("126-bytes", "a text of 126 bytes", 126),
        text("65535-bytes", "a text of 65 535 bytes", 65_535),
        text("65536-bytes", "a text of 65 536 bytes", 65_536),
    ]
}

/// Many frames in one write, and in writes that know nothing of frames.
fn together() -> Vec<Case> {
    let mut cases = Vec::new();
    let texts = || (0..100).map(|number| format!("message {number}"));
    let alone = Conversation {
        name: "messages",
        what: "a hundred messages",
        frames: texts().map(|text| Frame::text(&text)).collect(),
        events: texts().map(Event::text).collect(),
    };
    let fragments = |text: &str| {
        let (start, end) = text.split_at(text.len() / 2);
        [
            Frame::text(start).unfinished(),
            Frame::new(opcode::PING, "ping"),
            Frame::new(opcode::CONTINUATION, end),
        ]
    };
    let mixed = Conversation {
        name: "fragments",
        what: "a hundred messages in two fragments each, with a ping between them,",
        frames: texts().flat_map(|text| fragments(&text)).collect(),
        events: pongs_first(
            &texts()
                .flat_map(|text| [Event::pong("ping"), Event::text(text)])
                .collect::<Vec<_>>(),
            0,
        ),
    };
    let ways = [
        ("one-write", "one write", Cuts::Every(usize::MAX)),
        ("97-bytes", "writes of 97 bytes", Cuts::Every(97)),
        ("1000-bytes", "writes of 1000 bytes", Cuts::Every(1000)),
    ];
    for conversation in [alone, mixed] {
        for (size, way, cuts) in &ways {
            cases.push(Case::new(
                named(format!("many-{}-in-{size}", conversation.name)),
                format!("Sends {} in {way}.", conversation.what),
                "Every message comes back, in order, without further bytes to push it out.",
                conversation
                    .script([cuts.clone()])
                    .step(Step::SumUp(pongs_first)),
            ));
        }
    }
    cases
}

/// The name of a case of the group.
fn named(name: impl AsRef<str>) -> Id {
    Id::slug("chopping", name.as_ref())
}

/// A pong may overtake messages that wait to be sent; the sender decides.
fn pongs_first(events: &[Event], _: usize) -> Vec<Event> {
    let is_pong = |event: &Event| matches!(event, Event::Pong(_));
    let (mut pongs, others): (Vec<_>, Vec<_>) = events.iter().cloned().partition(is_pong);
    pongs.extend(others);
    pongs
}

/// A Close frame can be cut only once on a connection.
fn closes() -> Vec<Case> {
    let frames = vec![Frame::text("last"), Frame::close(1000, "bye")];
    let len: usize = frames
        .iter()
        .map(|frame| frame.encode(None).len() + KEY)
        .sum();
    let case = |name: String, how: String, cuts| {
        Case::new(
            named(name),
            format!("Sends a text and a Close frame in one run, {how}."),
            "The text comes back, and then the answer to the Close frame.",
            Script::new(Closing::by_suite())
                .looks_behind_close()
                .without_close()
                .step(Step::Kill(Duration::from_secs(2)))
                .step(Step::Pieces {
                    frames: frames.clone(),
                    cuts,
                    pause: PAUSE,
                })
                .expect([Event::text("last")]),
        )
    };
    let cut = (1..len).map(|at| {
        let how = format!("cut behind {at} bytes");
        case(format!("close-after-{at}"), how, Cuts::Behind(vec![at]))
    });
    let bytes = case(
        "close-bytewise".to_owned(),
        "a byte at a time".to_owned(),
        Cuts::Every(1),
    );
    cut.chain([bytes]).collect()
}
