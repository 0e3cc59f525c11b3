//! All forms that a compressed message may have (RFC 1951 3.2; RFC 7692 7.2.3), whole and cut anywhere.

use reference::deflate::{Blocks, Token};

use super::{GROUP, OPEN, close, doubtful, echoes, library, packed, packed_in_frames, step};
use crate::{
    case::{Event, Sending, Step},
    cases::section::Section,
    data::RECORDS,
    frame::{Frame, opcode},
};

/// A message, and the text that it stands for.
struct Form {
    name: &'static str,
    what: &'static str,
    message: Vec<u8>,
    text: Vec<u8>,
}

fn every_form() -> Vec<Form> {
    let blocks = Blocks::new;
    let literals = Token::Literals;
    let verse = b"Over and over and over and over again. ".repeat(8);
    let long = RECORDS.window(0, 2000);
    let form = |name, what, message, text: &[u8]| Form {
        name,
        what,
        message,
        text: text.to_vec(),
    };
    vec![
        form(
            "fixed",
            "a block of fixed codes",
            blocks().fixed(&[literals(b"Hello")]).message(),
            b"Hello",
        ),
        form(
            "stored",
            "a stored block",
            blocks().stored(b"Hello").message(),
            b"Hello",
        ),
        form(
            "empty-stored-between",
            "two blocks with an empty stored one between them",
            blocks()
                .fixed(&[literals(b"He")])
                .stored(b"")
                .fixed(&[literals(b"llo")])
                .message(),
            b"Hello",
        ),
        form(
            "unaligned",
            "blocks of fixed codes that do not end at bytes",
            blocks()
                .fixed(&[literals(b"H")])
                .fixed(&[literals(b"e")])
                .fixed(&[])
                .fixed(&[literals(b"llo")])
                .message(),
            b"Hello",
        ),
        form(
            "final",
            "a final block and the rest of a byte",
            blocks()
                .last()
                .fixed(&[literals(b"Hello")])
                .aligned()
                .message(),
            b"Hello",
        ),
        form(
            "final-stored",
            "a final stored block",
            blocks().last().stored(b"Hello").message(),
            b"Hello",
        ),
        form(
            "block-after-final",
            "a final block and another block behind it",
            blocks()
                .last()
                .fixed(&[literals(b"He")])
                .aligned()
                .fixed(&[literals(b"llo")])
                .message(),
            b"Hello",
        ),
        form(
            "reference-past-final",
            "a block that refers to what is before a final block",
            blocks()
                .last()
                .fixed(&[literals(b"Hello")])
                .aligned()
                .fixed(&[Token::Reference {
                    len: 5,
                    distance: 5,
                }])
                .message(),
            b"HelloHello",
        ),
        form(
            "three-finals",
            "three final blocks",
            blocks()
                .last()
                .fixed(&[literals(b"He")])
                .aligned()
                .last()
                .stored(b"l")
                .last()
                .fixed(&[literals(b"lo")])
                .aligned()
                .message(),
            b"Hello",
        ),
        form(
            "explicit-empty-block",
            "a block, and an explicit empty block that need not be there",
            blocks().fixed(&[literals(b"Hello")]).stored(b"").message(),
            b"Hello",
        ),
        form(
            "ten-empty-stored",
            "ten empty stored blocks in front of a block",
            (0..10)
                .fold(blocks(), |blocks, _| blocks.stored(b""))
                .fixed(&[literals(b"Hello")])
                .message(),
            b"Hello",
        ),
        form(
            "empty-fixed",
            "nothing but an empty block of fixed codes",
            blocks().fixed(&[]).message(),
            b"",
        ),
        form(
            "empty-stored",
            "nothing but an empty stored block",
            blocks().message(),
            b"",
        ),
        form(
            "two-empty-stored",
            "nothing but two empty stored blocks",
            blocks().stored(b"").message(),
            b"",
        ),
        form(
            "empty-final",
            "a final block of nothing",
            blocks().last().fixed(&[]).aligned().message(),
            b"",
        ),
        form(
            "repeated-byte",
            "one byte, 258 times over",
            blocks()
                .fixed(&[
                    literals(b"a"),
                    Token::Reference {
                        len: 257,
                        distance: 1,
                    },
                ])
                .message(),
            &[b'a'; 258],
        ),
        form(
            "longest-reference",
            "a reference as long as there is",
            blocks()
                .fixed(&[
                    literals(b"ab"),
                    Token::Reference {
                        len: 258,
                        distance: 2,
                    },
                ])
                .message(),
            &b"ab".repeat(130),
        ),
        form(
            "library-level-0",
            "what a library makes of it at level 0",
            library(0, &verse),
            &verse,
        ),
        form(
            "library-level-1",
            "what a library makes of it at level 1",
            library(1, &verse),
            &verse,
        ),
        form("dynamic", "blocks of dynamic codes", library(9, long), long),
    ]
}

/// Cases `form-*`: each form in one frame, twice, and once byte by byte.
pub(super) fn forms() -> Section {
    let mut section = Section::new(GROUP, "form", None);
    for Form {
        name,
        what,
        message,
        text,
    } in every_form()
    {
        let slowly = Step::Frame(
            Frame::new(opcode::TEXT, message.clone()).reserved(4),
            Sending::Chopped(if message.len() < 40 { 1 } else { 40 }),
        );
        section.add(
            name,
            format!(
                "Sends a text that consists of {what}, whole, once more, and a few bytes at a time."
            ),
            "It comes back each time.",
            echoes(
                [packed(message.clone()), packed(message), slowly],
                std::array::from_fn::<_, 3, _>(|_| Event::text(text.clone())),
            ),
        );
    }
    for (name, what, message) in [
        ("empty-frame", "an empty frame", Vec::new()),
        (
            "unfilled-final",
            "a final block that ends in the middle of a byte, and nothing to fill it",
            Blocks::new()
                .last()
                .fixed(&[Token::Literals(b"Hello")])
                .unfinished(),
        ),
    ] {
        let text = if message.is_empty() { "" } else { "Hello" };
        section.add(
            name,
            format!("Sends {what} as a compressed text, and then a proper one: the first lacks a byte that RFC 7692 7.2.3.4 and 7.2.3.6 ask for."),
            "The subject closes with 1007, or takes it for what it was meant to be and goes on properly.",
            doubtful([packed(message), packed(Blocks::new().stored(b"again").message())])
                .step(close())
                .expect([Event::text(text), Event::text("again"), Event::Mark(OPEN)])
                .tolerate([Event::text(text)]),
        );
    }
    section
}

/// Cases `cut-*`: each short form, cut into two frames behind each byte, and into frames of one byte.
pub(super) fn cuts() -> Section {
    let mut section = Section::new(GROUP, "cut", None);
    let short = every_form()
        .into_iter()
        .filter(|form| form.message.len() < 64);
    for Form {
        name,
        what,
        message,
        text,
    } in short
    {
        let in_two = (0..=message.len()).flat_map(|cut| packed_in_frames(&message, &[cut]));
        let steps: Vec<_> = in_two
            .chain(packed_in_frames(&message, &vec![1; message.len()]))
            .collect();
        let count = message.len() + 2;
        section.add(
            name,
            format!("Sends a text that consists of {what}, cut into two frames behind each byte in turn, and into frames of one."),
            "It comes back each time.",
            echoes(steps, (0..count).map(|_| Event::text(text.clone()))),
        );
    }
    let long = library(9, RECORDS.window(0, 2000));
    for (name, sending) in [
        ("dynamic-bytewise", Sending::Alone),
        ("dynamic-bytewise-chopped", Sending::Chopped(1)),
    ] {
        let lens = vec![1; long.len()];
        let steps = packed_in_frames(&long, &lens)
            .into_iter()
            .map(|step| match step {
                Step::Frame(frame, _) => Step::Frame(frame, sending),
                other => other,
            });
        section.add(
            name,
            format!("Sends blocks of dynamic codes in frames of one byte, {sending}."),
            "The text comes back.",
            echoes(steps, [Event::text(RECORDS.window(0, 2000))]),
        );
    }
    section.add(
        "pings-between",
        "Sends a compressed text in frames of one byte with a ping before each.",
        "Every ping is answered, and the text comes back.",
        {
            let message = library(1, b"Hello, hello, hello");
            let lens = vec![1; message.len() - 1];
            let mut steps = Vec::new();
            let mut events = Vec::new();
            for (number, frame) in packed_in_frames(&message, &lens).into_iter().enumerate() {
                let payload = vec![number as u8; 3];
                steps.push(step(Frame::new(opcode::PING, payload.clone())));
                steps.push(frame);
                events.push(Event::pong(payload));
            }
            events.push(Event::text("Hello, hello, hello"));
            echoes(steps, events)
        },
    );
    section
}
