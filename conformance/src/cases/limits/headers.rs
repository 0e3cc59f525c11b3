//! Cases `length-*` to `later-byte-*`: frame headers, which must be judged by what has come of them, before the bytes
//! that they announce (RFC 6455 5.2).

use std::time::Duration;

use super::{HEADER, SOON, named};
use crate::{
    case::{Case, Closing, Event, Extent, Kind, Role, Script, Sending, Step},
    frame::{Frame, Length, opcode},
    payload::Payload,
};

/// The cases about headers.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(declared());
    cases.extend(not_shortest());
    cases.extend(first_byte());
    cases.extend(second_byte());
    cases.extend(later_bytes());
    cases
}

/// Cases `length-*`: absurd lengths.
fn declared() -> Vec<Case> {
    let mut cases = Vec::new();
    let lengths = [
        (1 << 32, "2-32", "2^32"),
        (1 << 62, "2-62", "2^62"),
        ((1 << 63) - 1, "2-63-minus-1", "2^63 - 1"),
        (1 << 63, "2-63", "2^63"),
        (u64::MAX, "2-64-minus-1", "2^64 - 1"),
    ];
    for (len, slug, name) in lengths {
        for (sort, kind, before, opcode) in [
            ("text", "a text", None, opcode::TEXT),
            ("binary", "a binary message", None, opcode::BINARY),
            (
                "continuation",
                "the second frame of a message",
                Some(Frame::new(opcode::BINARY, "begun").unfinished()),
                opcode::CONTINUATION,
            ),
        ] {
            let legal = len >> 63 == 0;
            let closing = if legal {
                Closing::by_either(&[1009]).tolerate(&[1000, 1002, 1008, 1011])
            } else {
                // 5.2: the most significant bit MUST be 0.
                Closing::by_either(&[1002]).tolerate(&[1009])
            };
            let mut script = Script::new(closing);
            if let Some(frame) = before {
                script = script.frame(frame);
            }
            script = script
                .step(Step::Start(
                    Frame::new(opcode, "").length(Length::Declared(len)),
                    Extent::All,
                ))
                .step(Step::Within(SOON, WAITS))
                .step(Step::Abort)
                .expect([]);
            if legal {
                script = script.tolerate([Event::Mark(WAITS)]);
            }
            cases.push(Case::new(
                named(format!("length-{slug}-{sort}")),
                format!("Sends the header of {kind} of {name} bytes, and nothing else."),
                if legal {
                    "The subject closes, best with 1009, without waiting for the payload."
                } else {
                    "The subject closes with 1002: the top bit of a length is always 0."
                },
                script,
            ));
        }
    }
    cases
}

/// The subject has not judged the header.
const WAITS: &str = "it waits for the payload";

/// The subject has taken something that it had better refused.
const OPEN: &str = "it is still open";

/// Cases `long-form-*`: lengths in more bytes than they need. A sender must not do this; few receivers look.
fn not_shortest() -> Vec<Case> {
    let mut cases = Vec::new();
    let forms = [
        (Length::Two, 0),
        (Length::Two, 1),
        (Length::Two, 125),
        (Length::Eight, 0),
        (Length::Eight, 125),
        (Length::Eight, 126),
        (Length::Eight, 65_535),
    ];
    for (sort, kind) in [("text", Kind::Text), ("binary", Kind::Binary)] {
        for (form, len) in &forms {
            let payload = Payload::repeated(b"*", *len);
            let opcode = match kind {
                Kind::Text => opcode::TEXT,
                Kind::Binary => opcode::BINARY,
            };
            cases.push(long_form(
                sort,
                &format!("a {kind:?} message"),
                Frame::new(opcode, payload.bytes()).length(*form),
                None,
                Event::Message(kind, payload),
            ));
        }
    }
    for (form, len) in &forms {
        let payload = Payload::repeated(b"*", *len);
        cases.push(long_form(
            "last-frame",
            "the last frame of a message",
            Frame::new(opcode::CONTINUATION, payload.bytes()).length(*form),
            Some(Frame::text("").unfinished()),
            Event::text(payload),
        ));
    }
    for form in [Length::Two, Length::Eight] {
        cases.push(long_form(
            "ping",
            "a ping",
            Frame::new(opcode::PING, "ping").length(form),
            None,
            Event::pong("ping"),
        ));
    }
    cases
}

fn long_form(sort: &str, what: &str, frame: Frame, before: Option<Frame>, echo: Event) -> Case {
    let bytes = match frame.length {
        Length::Two => "two",
        Length::Shortest | Length::Eight | Length::Declared(_) => "eight",
    };
    let len = frame.payload.len();
    let mut script = Script::new(Closing::by_either(&[1000, 1002]));
    if let Some(before) = before {
        script = script.frame(before);
    }
    Case::new(
        named(format!("long-form-{sort}-{len}-in-{bytes}")),
        format!("Sends {what} of {len} bytes, with the length in {bytes} further bytes."),
        "The subject closes with 1002. To take it as if it were right is not the best.",
        script
            .frame(frame)
            .step(Step::Within(SOON, OPEN))
            .step(Step::Close(Frame::close(1000, "").payload.into()))
            .expect([])
            .tolerate([echo, Event::Mark(OPEN)]),
    )
}

/// The subject did not act on the first byte.
const ONE: &str = "one byte is not enough";

/// The subject did not act on the first two bytes.
const TWO: &str = "two bytes are not enough";

/// Cases `first-byte-*`: the first byte is wrong, whatever follows.
fn first_byte() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, what: &str, before: &[Frame], frame: Frame| {
        cases.push(Case::new(
            named(format!("first-byte-{name}")),
            format!("Sends {what}, first its first byte alone, then the header, then the rest."),
            "The subject closes with 1002, best after the first byte, which proves the mistake.",
            early(before, frame, Extent::Bytes(1), ONE),
        ));
    };
    for bits in 1..8 {
        let what = format!("a text whose reserved bits are {bits:03b}");
        add(
            &format!("text-rsv-{bits:03b}"),
            &what,
            &[],
            Frame::text("payload").reserved(bits),
        );
    }
    for (bits, name) in [(4, "rsv1"), (2, "rsv2"), (1, "rsv3")] {
        let what = format!("a ping with {}", name.to_uppercase());
        let ping = Frame::new(opcode::PING, "payload");
        add(&format!("ping-{name}"), &what, &[], ping.reserved(bits));
    }
    let begun = [Frame::text("begun").unfinished()];
    add(
        "continuation-rsv1",
        "a continuation with RSV1",
        &begun,
        Frame::new(opcode::CONTINUATION, "payload").reserved(4),
    );
    for reserved in (0x3..=0x7).chain(0xb..=0xf) {
        let what = format!("a frame with the opcode {reserved:x}");
        add(
            &format!("opcode-{reserved:x}"),
            &what,
            &[],
            Frame::new(reserved, "payload"),
        );
    }
    for (opcode, slug, name) in [
        (opcode::CLOSE, "close", "Close frame"),
        (opcode::PING, "ping", "ping"),
        (opcode::PONG, "pong", "pong"),
    ] {
        let what = format!("a {name} without FIN");
        add(
            &format!("{slug}-without-fin"),
            &what,
            &[],
            Frame::new(opcode, "").unfinished(),
        );
    }
    let continuation = || Frame::new(opcode::CONTINUATION, "payload");
    add(
        "stray-continuation",
        "a continuation of nothing",
        &[],
        continuation(),
    );
    add(
        "stray-continuation-without-fin",
        "a continuation of nothing, without FIN,",
        &[],
        continuation().unfinished(),
    );
    add(
        "text-in-message",
        "a text inside another message",
        &begun,
        Frame::text("payload"),
    );
    add(
        "binary-in-message",
        "a binary message inside another message",
        &begun,
        Frame::new(opcode::BINARY, "payload"),
    );
    cases
}

/// Cases `second-byte-*`: the second byte is wrong.
fn second_byte() -> Vec<Case> {
    let mut cases = Vec::new();
    for (opcode, slug, name) in [
        (opcode::CLOSE, "close", "Close frame"),
        (opcode::PING, "ping", "ping"),
        (opcode::PONG, "pong", "pong"),
    ] {
        for len in [126, 65_535, 65_536] {
            cases.push(Case::new(
                named(format!("second-byte-{slug}-of-{len}")),
                format!("Sends a {name} of {len} bytes: two bytes, then the header, then the rest."),
                "The subject closes with 1002, best after two bytes: control frames have 125 at most.",
                early(&[], Frame::new(opcode, vec![b'*'; len]), Extent::Bytes(2), TWO),
            ));
        }
    }
    // The mask bit is set by the suite's role, so these are written out.
    for (role, name, what, start, rest) in [
        (
            Role::Server,
            "text-without-mask",
            "a text without a mask",
            &b"\x81\x07"[..],
            &b"payload"[..],
        ),
        (
            Role::Client,
            "text-with-mask",
            "a text with a mask",
            b"\x81\x87",
            b"\x00\x00\x00\x00payload",
        ),
        (
            Role::Server,
            "ping-without-mask",
            "a ping without a mask",
            b"\x89\x00",
            b"",
        ),
        (
            Role::Client,
            "ping-with-mask",
            "a ping with a mask",
            b"\x89\x80",
            b"\x00\x00\x00\x00",
        ),
        (
            Role::Server,
            "close-without-mask",
            "a Close frame without a mask",
            b"\x88\x02",
            b"\x03\xe8",
        ),
        (
            Role::Client,
            "close-with-mask",
            "a Close frame with a mask",
            b"\x88\x82",
            b"\x00\x00\x00\x00\x03\xe8",
        ),
    ] {
        let mut script = Script::new(Closing::by_subject(&[1002]))
            .without_close()
            .step(Step::Bytes(start.into(), Sending::Alone))
            .step(Step::Within(SOON, TWO))
            .step(Step::Kill(Duration::from_secs(1)))
            .expect([])
            .tolerate([Event::Mark(TWO)]);
        if !rest.is_empty() {
            script = script.step(Step::Bytes(rest.into(), Sending::Alone));
        }
        cases.push(
            Case::new(
                named(format!("second-byte-{name}")),
                format!("Sends the first two bytes of {what}, and then the rest."),
                "The subject closes, best after two bytes, which prove the mistake (5.1).",
                script,
            )
            .only(role),
        );
    }
    cases
}

/// Cases `later-byte-*`: lengths that their first bytes prove to be wrong.
fn later_bytes() -> Vec<Case> {
    let prove = |name: &str, what: &str, bytes, frame: Frame, closing: Closing| {
        Case::new(
            named(format!("later-byte-{name}")),
            format!("Sends the first {bytes} bytes of {what}, and nothing else."),
            "The subject closes without waiting for more, which could not change anything.",
            Script::new(closing)
                .step(Step::Start(frame, Extent::Bytes(bytes)))
                .step(Step::Within(SOON, WAITS))
                .step(Step::Abort)
                .expect([])
                .tolerate([Event::Mark(WAITS)]),
        )
    };
    let wrong = || Closing::by_either(&[1002]).tolerate(&[1009]);
    let binary = |length| Frame::new(opcode::BINARY, vec![0; 100]).length(length);
    vec![
        prove(
            "top-bit",
            "a length with its top bit set",
            3,
            binary(Length::Declared(1 << 63)),
            wrong(),
        ),
        prove(
            "100-in-two",
            "a length of 100 in two bytes",
            4,
            binary(Length::Two),
            wrong(),
        ),
        prove(
            "100-in-eight",
            "a length of 100 in eight bytes",
            10,
            binary(Length::Eight),
            wrong(),
        ),
        prove(
            "2-62",
            "a length of 2^62",
            3,
            binary(Length::Declared(1 << 62)),
            Closing::by_either(&[1009]).tolerate(&[1000, 1002, 1008, 1011]),
        ),
    ]
}

/// Sends a wrong frame in three parts, and looks after which of them the subject closes.
fn early(before: &[Frame], frame: Frame, proof: Extent, late: &'static str) -> Script {
    Script::new(Closing::by_subject(&[1002]))
        .without_close()
        .steps(
            before
                .iter()
                .map(|frame| Step::Frame(frame.clone(), Sending::Alone)),
        )
        .step(Step::Start(frame, proof))
        .step(Step::Within(SOON, late))
        .step(Step::Next(Extent::Header))
        .step(Step::Within(SOON, HEADER))
        .step(Step::Next(Extent::All))
        .step(Step::Kill(Duration::from_secs(1)))
        .expect([])
        .tolerate([Event::Mark(late)])
        .tolerate([Event::Mark(late), Event::Mark(HEADER)])
}
