//! Group `closing`: all ways in which a connection can end (RFC 6455 5.5.1, 7): codes and reasons, what stands
//! before and behind a Close frame, and ends of the transport in all places.

use std::time::Duration;

use crate::{
    case::{Case, Closing, Event, Extent, Kind, Role, Script, Sending, Step},
    frame::{Frame, opcode},
    id::Id,
    payload::Payload,
};

/// How long a subject may take to notice what has happened.
const SOON: Duration = Duration::from_secs(1);

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(codes());
    cases.extend(reasons());
    cases.extend(before_close());
    cases.extend(behind_close());
    cases.extend(half_closed());
    cases.extend(without_close());
    cases.extend(resets());
    cases.extend(crossing());
    cases
}

/// The name of a case of the group.
fn named(name: impl AsRef<str>) -> Id {
    Id::slug("closing", name.as_ref())
}

/// A script whose steps send the Close frame.
fn closes(closing: Closing) -> Script {
    Script::new(closing)
        .without_close()
        .looks_behind_close()
        .step(Step::Kill(Duration::from_secs(5)))
}

/// The step that closes.
fn close(code: u16, reason: &[u8]) -> Step {
    Step::Close([&code.to_be_bytes(), reason].concat().into())
}

/// Closes normally.
fn close_normally() -> Step {
    close(1000, b"")
}

/// Cases `code-*` and `bad-code-*`: valid and invalid codes.
fn codes() -> Vec<Case> {
    let mut cases = Vec::new();
    let valid = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ];
    for code in valid {
        // 5.5.1: who answers typically echoes the code. 1012 to 1014 came after the RFC.
        let tolerated: &[u16] = match code {
            1012..=1014 => &[1000, 1002],
            _ => &[1000],
        };
        cases.push(Case::new(
            named(format!("code-{code}")),
            format!("Closes with the code {code}."),
            "The subject answers with the same code.",
            closes(Closing::answered(&[code]).tolerate(tolerated))
                .step(close(code, b""))
                .expect([]),
        ));
    }
    let invalid = [
        (0, "is none"),
        (1, "is none"),
        (999, "is none"),
        (1004, "is reserved"),
        (1005, "stands for no code, and is never sent"),
        (1006, "stands for no Close frame, and is never sent"),
        (1015, "stands for a failure of TLS, and is never sent"),
        (1016, "is not defined"),
        (2999, "is not defined"),
    ];
    for (code, why) in invalid {
        cases.push(Case::new(
            named(format!("bad-code-{code}")),
            format!("Closes with the code {code}, which {why}."),
            "The subject answers with 1002, or ends the transport.",
            closes(Closing::refused(&[1002]))
                .step(close(code, b"reason"))
                .expect([]),
        ));
    }
    cases
}

/// Cases `payload-*`: reasons, and Close frames that are too short or too long.
fn reasons() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add =
        |name: &str, what: &str, expectation: &'static str, payload: Vec<u8>, closing: Closing| {
            cases.push(Case::new(
                named(format!("payload-{name}")),
                format!("Closes {what}."),
                expectation,
                closes(closing).step(Step::Close(payload.into())).expect([]),
            ));
        };
    let with = |reason: &[u8]| [&b"\x03\xe8"[..], reason].concat();
    let answered = || Closing::answered(&[1000]);
    let answer = "The subject answers in the normal way.";
    let long = "é".repeat(61) + "x";
    for (name, what, payload) in [
        ("no-code", "without a code", Vec::new()),
        ("no-reason", "with a code and no reason", with(b"")),
        (
            "longest-reason",
            "with a reason of 123 bytes",
            with(&[b'*'; 123]),
        ),
        (
            "longest-reason-two-byte-characters",
            "with a reason of 123 bytes, most of them in characters of two,",
            with(long.as_bytes()),
        ),
        (
            "four-byte-characters-and-nul",
            "with a reason that has characters of four bytes and NUL",
            with("😀\0😀".as_bytes()),
        ),
    ] {
        add(name, what, answer, payload, answered());
    }
    let text = || Closing::refused(&[1007]).tolerate(&[1002]);
    let refuse = "The subject answers with 1007, or ends the transport.";
    for (name, what, reason) in [
        (
            "cut-reason",
            "with a reason that is cut inside a character",
            &b"caf\xc3"[..],
        ),
        (
            "reason-begins-inside",
            "with a reason that begins inside a character",
            b"\xa9",
        ),
        ("latin-1", "with a reason in Latin-1", b"caf\xe9 noir"),
        (
            "surrogate",
            "with a surrogate in its reason",
            b"\xed\xa0\x80",
        ),
        (
            "overlong-nul",
            "with an overlong NUL in its reason",
            b"\xc0\x80",
        ),
        (
            "beyond-last",
            "with a code point above 10FFFF in its reason",
            b"\xf4\x90\x80\x80",
        ),
    ] {
        add(name, what, refuse, with(reason), text());
    }
    let wrong = || Closing::refused(&[1002]);
    let refuse = "The subject answers with 1002, or ends the transport.";
    add(
        "half-code",
        "with half a code",
        refuse,
        vec![0x03],
        wrong().tolerate(&[1005]),
    );
    add(
        "reason-of-124-bytes",
        "with a reason of 124 bytes",
        refuse,
        with(&[b'*'; 124]),
        wrong(),
    );
    cases
}

/// Cases `before-*`: messages before a Close frame are not lost.
fn before_close() -> Vec<Case> {
    let large = || Payload::repeated(b"*", 1 << 20);
    let case = |name: &str, what, expectation, script: Script| {
        Case::new(named(name), what, expectation, script)
    };
    let texts = |count| (0..count).map(|number| format!("message {number}"));
    let numbered = |number: u8| Step::message(Kind::Binary, vec![number; 64 << 10]);
    vec![
        case(
            "before-message",
            "Sends a message and a Close frame in one write.",
            "The echo comes, then the answer to the Close frame.",
            closes(Closing::by_suite())
                .frame(Frame::text("last"))
                .step(close_normally())
                .expect([Event::text("last")]),
        ),
        case(
            "before-hundred-messages",
            "Sends a hundred messages and a Close frame in one write.",
            "All echoes come, then the answer to the Close frame.",
            closes(Closing::by_suite())
                .steps(texts(100).map(|text| Step::message(Kind::Text, text)))
                .step(close_normally())
                .expect(texts(100).map(Event::text)),
        ),
        case(
            "before-long-message",
            "Sends a message of 1 MiB and a Close frame.",
            "All of the echo comes, then the answer to the Close frame.",
            closes(Closing::by_suite())
                .step(Step::message(Kind::Text, large()))
                .step(close_normally())
                .expect([Event::text(large())]),
        ),
        case(
            "before-unread-messages",
            "Sends 16 messages of 64 KiB and a Close frame, and reads nothing for a while.",
            "All echoes come, then the answer to the Close frame.",
            closes(Closing::by_suite())
                .step(Step::Read(false))
                .steps((0..16).map(numbered))
                .step(Step::Wait(Duration::from_millis(300)))
                .step(Step::Read(true))
                .step(close_normally())
                .expect((0..16).map(|number| Event::binary(vec![number; 64 << 10]))),
        ),
        case(
            "before-ping",
            "Sends a ping and a Close frame in one write.",
            "The pong comes, unless the subject has seen the Close frame first, then the answer.",
            closes(Closing::by_suite())
                .frame(Frame::new(opcode::PING, "ping"))
                .step(close_normally())
                .expect([Event::pong("ping")])
                .tolerate([]),
        ),
        case(
            "before-fragment",
            "Sends the first fragment of a message, and a Close frame.",
            "The subject answers the Close frame, and there is no message.",
            closes(Closing::by_suite())
                .frame(Frame::text("half a mess").unfinished())
                .step(close_normally())
                .expect([]),
        ),
        case(
            "before-cut-character",
            "Sends the first fragments of a text that ends inside a character so far, and a Close frame.",
            "The subject answers the Close frame: the text may have become valid.",
            closes(Closing::by_suite())
                .frame(Frame::new(opcode::TEXT, b"caf\xc3").unfinished())
                .step(close_normally())
                .expect([]),
        ),
    ]
}

/// Cases `after-*`: frames after a Close frame are ignored.
fn behind_close() -> Vec<Case> {
    let behind = |name: &str, what: &str, before: Vec<Step>, behind: Vec<Step>| {
        Case::new(
            named(format!("after-{name}")),
            format!("Sends a Close frame, and behind it {what}."),
            "The subject answers the Close frame, once, and ignores the rest.",
            closes(Closing::by_suite())
                .steps(before)
                .step(close_normally())
                .steps(behind)
                .expect([]),
        )
    };
    let frame = |frame| vec![Step::Frame(frame, Sending::Alone)];
    let garbage = Step::Bytes(vec![0xff; 1000].into(), Sending::Alone);
    let large = Frame::new(opcode::BINARY, vec![0xfe; 1 << 20]);
    let wrong_text = Frame::new(opcode::TEXT, b"\xff");
    let rest = Frame::new(opcode::CONTINUATION, "age");
    let mut cases = vec![
        behind(
            "message",
            "a message",
            vec![],
            frame(Frame::text("too late")),
        ),
        behind("long-message", "a message of 1 MiB", vec![], frame(large)),
        behind(
            "second-close",
            "a second Close frame",
            vec![],
            frame(Frame::close(1001, "again")),
        ),
        behind(
            "reserved-opcode",
            "a frame with a reserved opcode",
            vec![],
            frame(Frame::new(0x3, "")),
        ),
        behind(
            "bad-text",
            "a text that is not UTF-8",
            vec![],
            frame(wrong_text),
        ),
        behind("garbage", "bytes that are no frame", vec![], vec![garbage]),
        behind(
            "rest-of-message",
            "the rest of a message, whose beginning came before",
            frame(Frame::text("half a mess").unfinished()),
            frame(rest),
        ),
    ];
    cases.push(Case::new(
        named("after-ping"),
        "Sends a Close frame, and behind it a ping.",
        "The subject answers the Close frame. There need not be a pong (5.5.2).",
        closes(Closing::by_suite())
            .step(close_normally())
            .frame(Frame::new(opcode::PING, "late"))
            .expect([])
            .tolerate([Event::pong("late")]),
    ));
    cases
}

/// Cases `finish-after-*`: the transport is ended right after a Close frame.
fn half_closed() -> Vec<Case> {
    let case = |name: &str, what, before: Vec<Step>, events: Vec<Event>| {
        Case::new(
            named(format!("finish-after-{name}")),
            what,
            "Everything is answered, then the Close frame: an end of the transport overtakes nothing.",
            closes(Closing::by_suite())
                .steps(before)
                .step(close_normally())
                .step(Step::Finish)
                .expect(events),
        )
    };
    let text = |text: &'static str| Step::Frame(Frame::text(text), Sending::Together);
    let large = || Payload::repeated(b"\xfe", 1 << 20);
    vec![
        case(
            "close",
            "Sends a Close frame and ends its direction of the transport.",
            vec![],
            vec![],
        ),
        case(
            "message",
            "Sends a message and a Close frame in one write, and ends its direction of the transport.",
            vec![text("last")],
            vec![Event::text("last")],
        ),
        case(
            "two-messages",
            "Sends two messages and a Close frame in one write, and ends its direction of the transport.",
            vec![text("last"), text("but one")],
            vec![Event::text("last"), Event::text("but one")],
        ),
        case(
            "long-message",
            "Sends a message of 1 MiB and a Close frame, and ends its direction of the transport.",
            vec![Step::message(Kind::Binary, large())],
            vec![Event::binary(large())],
        ),
    ]
}

/// The subject kept a transport that the suite had ended.
const KEPT: &str = "the transport is still there";

/// Cases `end-*`: the transport is ended without a Close frame.
fn without_close() -> Vec<Case> {
    let codes = [1000, 1001, 1002, 1007, 1008, 1011];
    let case = |name: &str, what: &str, before: Vec<Step>| {
        Case::new(
            named(format!("end-{name}")),
            format!("Ends its direction of the transport {what}."),
            "The subject ends the transport too.",
            Script::new(Closing::by_either(&codes))
                .without_close()
                .steps(before)
                .step(Step::Finish)
                .step(Step::Gone(SOON, KEPT))
                .step(Step::Abort)
                .expect([]),
        )
    };
    let start = |frame, bytes| vec![Step::Start(frame, Extent::Bytes(bytes))];
    let hello = || Frame::text("Hello, world!");
    let first = || Step::Frame(hello().unfinished(), Sending::Alone);
    let with_message = |name: &str, what: &str, size| {
        let message = || Payload::repeated(b"*", size);
        Case::new(
            named(format!("end-{name}")),
            format!("Sends {what} and ends its direction of the transport at once."),
            "The message comes back, and the subject ends the transport too.",
            Script::new(Closing::by_either(&codes))
                .without_close()
                .step(Step::message(Kind::Text, message()))
                .step(Step::Finish)
                .step(Step::Gone(SOON, KEPT))
                .step(Step::Abort)
                .expect([Event::text(message())])
                .tolerate([]),
        )
    };
    vec![
        case("at-once", "as soon as the connection is open", vec![]),
        case(
            "in-first-byte",
            "behind the first byte of a frame",
            start(hello(), 1),
        ),
        case(
            "in-header",
            "inside the header of a frame",
            start(hello(), 2),
        ),
        case(
            "in-payload",
            "inside the payload of a frame",
            start(hello(), 11),
        ),
        case(
            "in-length",
            "inside the length of a frame",
            start(Frame::text(&"*".repeat(1 << 16)), 5),
        ),
        case("between-fragments", "between two fragments", vec![first()]),
        case(
            "in-ping",
            "inside a ping",
            start(Frame::new(opcode::PING, "Hello, world!"), 10),
        ),
        case(
            "in-ping-between-fragments",
            "inside a ping between two fragments",
            vec![
                first(),
                Step::Start(Frame::new(opcode::PING, "Hello, world!"), Extent::Bytes(10)),
            ],
        ),
        case(
            "in-close",
            "inside a Close frame",
            start(Frame::close(1000, "Hello, world!"), 10),
        ),
        with_message("after-message", "a message", 10),
        with_message("after-long-message", "a message of 1 MiB", 1 << 20),
    ]
}

/// Another connection was served.
const SERVED: &str = "another connection is served";

/// A connection on which nothing special happens.
fn ordinary() -> Script {
    Script::new(Closing::by_suite())
        .step(Step::Kill(Duration::from_secs(5)))
        .frame(Frame::text("Hello"))
        .expect([Event::text("Hello")])
}

/// Cases `reset-*`: the transport is reset.
fn resets() -> Vec<Case> {
    let case = |name: &str, place: &str, before: Vec<Step>| {
        let case = Case::new(
            named(format!("reset-{name}")),
            format!("Resets the transport {place}."),
            "The subject serves the next connection.",
            Script::new(Closing::by_either(&[1000]))
                .without_close()
                .steps(before)
                .step(Step::Abort)
                .step(Step::SumUp(|_, _| Vec::new()))
                .step(Step::Another(ordinary(), SERVED))
                .expect([Event::Mark(SERVED)]),
        );
        case.only(Role::Server)
    };
    let hello = || Frame::text("Hello, world!");
    let flood = Step::Flood(64, |_| Frame::new(opcode::BINARY, vec![0; 64 << 10]));
    vec![
        case("at-once", "as soon as the connection is open", vec![]),
        case(
            "in-header",
            "inside the header of a frame",
            vec![Step::Start(hello(), Extent::Bytes(2))],
        ),
        case(
            "in-payload",
            "inside the payload of a frame",
            vec![Step::Start(hello(), Extent::Bytes(11))],
        ),
        case(
            "between-fragments",
            "between two fragments",
            vec![Step::Frame(hello().unfinished(), Sending::Alone)],
        ),
        case(
            "after-message",
            "right behind a message, whose echo finds nobody",
            vec![Step::Frame(hello(), Sending::Alone)],
        ),
        case(
            "amid-messages",
            "with a thousand messages on their way",
            (0..1000)
                .map(|_| Step::Frame(hello(), Sending::Together))
                .collect(),
        ),
        case(
            "unread",
            "with 4 MiB of messages on their way, having read nothing",
            vec![Step::Read(false), flood],
        ),
        case(
            "after-close",
            "right behind a Close frame",
            vec![close_normally()],
        ),
        case(
            "after-violation",
            "right behind a frame that is wrong",
            vec![Step::Frame(Frame::new(0x3, ""), Sending::Alone)],
        ),
    ]
}

/// Cases `crossing-*`: both sides close at the same time.
fn crossing() -> Vec<Case> {
    let case = |name: &str, what: &str, code, wrong: Frame| {
        Case::new(
            named(format!("crossing-{name}")),
            format!("Sends {what}, and in the same write a Close frame: two of them cross."),
            format!("The subject closes with {code}, and does not answer the Close frame too."),
            closes(Closing::refused(&[code]))
                .frame(wrong)
                .step(close_normally())
                .expect([]),
        )
    };
    vec![
        case(
            "reserved-opcode",
            "a frame with a reserved opcode",
            1002,
            Frame::new(0x3, ""),
        ),
        case(
            "bad-text",
            "a text that is not UTF-8",
            1007,
            Frame::new(opcode::TEXT, b"\xff"),
        ),
        case(
            "long-ping",
            "a ping that is too long",
            1002,
            Frame::new(opcode::PING, vec![0; 126]),
        ),
    ]
}
