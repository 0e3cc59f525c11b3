//! Payloads, frames and events in words, for people: on a terminal, in reports.
//!
//! Input from peers is escaped: no output of this module has control characters, or characters
//! that turn the direction of what stands beside them.

use std::{fmt::Write, time::Duration};

use crate::{
    case::{Alternative, By, Closing, Event, Kind},
    frame::opcode,
    log::{Excerpt, Summary, What},
    outcome::Ending,
    payload::Payload,
};

/// Bytes of a payload that are shown.
const SHOWN: usize = 64;

/// The name of an opcode (RFC 6455 11.8), or its number.
#[must_use]
pub fn opcode_name(opcode: u8) -> String {
    match opcode {
        opcode::CONTINUATION => "continuation".to_owned(),
        opcode::TEXT => "text".to_owned(),
        opcode::BINARY => "binary".to_owned(),
        opcode::CLOSE => "close".to_owned(),
        opcode::PING => "ping".to_owned(),
        opcode::PONG => "pong".to_owned(),
        other => format!("opcode {other:#x}"),
    }
}

/// Bytes as pairs of hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (at, byte) in bytes.iter().enumerate() {
        let space = if at == 0 { "" } else { " " };
        // Writing to a string does not fail.
        let _ = write!(text, "{space}{byte:02x}");
    }
    text
}

/// The start of `bytes`, of which there were `len`: quoted if it is text that can be shown, else in hexadecimal.
#[must_use]
pub fn bytes(bytes: &[u8], len: usize) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let more = if len > shown.len() { " …" } else { "" };
    match text(shown, len > shown.len()) {
        Some(text) => format!("\"{}\"{more}", text.escape_debug()),
        None => format!("{}{more}", hex(shown)),
    }
}

/// The bytes as text, if most of it means something to a reader. A code point may be cut off at the end.
fn text(bytes: &[u8], cut: bool) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let unreadable = text.chars().filter(|c| c.is_control()).count();
    (unreadable * 4 <= text.chars().count()).then_some(text)
}

fn payload(payload: &Payload) -> String {
    match payload.len() {
        0 => "empty".to_owned(),
        len => format!("{}: {}", count(len, "byte"), bytes(&payload.bytes(), len)),
    }
}

/// A number and its noun.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// An event.
#[must_use]
pub fn event(event: &Event) -> String {
    match event {
        Event::Message(Kind::Text, message) => format!("text message, {}", payload(message)),
        Event::Message(Kind::Binary, message) => format!("binary message, {}", payload(message)),
        Event::Pong(bytes) => format!("pong, {}", payload(bytes)),
        Event::Ping => "ping".to_owned(),
        Event::Mark(name) => format!("mark {name:?}"),
        Event::Late => "a frame behind the subject's Close frame".to_owned(),
    }
}

/// Events in order, one a line; "nothing" if there are none.
#[must_use]
pub fn events(events: &[Event]) -> Vec<String> {
    if events.is_empty() {
        return vec!["nothing".to_owned()];
    }
    events.iter().map(event).collect()
}

/// The heading of the events of an alternative.
#[must_use]
pub const fn alternative_name(alternative: &Alternative) -> &'static str {
    if alternative.strict {
        "OK"
    } else {
        "NON-STRICT"
    }
}

/// Codes of which each will do.
#[must_use]
pub fn codes(codes: &[u16]) -> String {
    let texts: Vec<_> = codes.iter().map(u16::to_string).collect();
    match texts.as_slice() {
        [] => "no code".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// How a connection has to end.
#[must_use]
pub fn closing(closing: &Closing) -> String {
    let codes = codes(&closing.codes);
    match (closing.by, closing.clean) {
        (By::Suite, true) => format!("the suite closes, and the subject answers with {codes}"),
        (By::Suite, false) => {
            format!("the suite closes, and the subject answers with {codes} or ends the transport")
        }
        (By::Subject, true) => format!("the subject closes with {codes}"),
        (By::Subject, false) => format!("the subject closes with {codes} or ends the transport"),
        (By::Either, _) => format!("either closes, the subject with {codes}"),
    }
}

/// How a connection ended.
#[must_use]
pub fn ending(ending: &Ending) -> String {
    if ending.never_open {
        return "the connection never opened".to_owned();
    }
    let frame = |close: &Option<(Option<u16>, String)>| match close {
        None => "no Close frame".to_owned(),
        Some((None, _)) => "a Close frame without a code".to_owned(),
        Some((Some(code), reason)) if reason.is_empty() => format!("{code}"),
        Some((Some(code), reason)) => format!("{code} \"{}\"", reason.escape_debug()),
    };
    let first = if ending.by_suite {
        "the suite closed first"
    } else {
        "the subject closed first"
    };
    let mut text = match (&ending.local, &ending.remote) {
        (None, None) => "nobody sent a Close frame".to_owned(),
        (local, remote) => format!(
            "{first}; the suite sent {}, the subject {}",
            frame(local),
            frame(remote)
        ),
    };
    if ending.dropped {
        text += "; the suite ended the transport";
    }
    text
}

/// A frame: its opcode, the flags that are out of the ordinary, and its payload.
#[must_use]
pub fn frame(frame: &Summary) -> String {
    let mut text = opcode_name(frame.opcode);
    if !frame.fin {
        text += ", not final";
    }
    if frame.reserved != 0 {
        let _ = write!(text, ", RSV {:03b}", frame.reserved);
    }
    match (frame.opcode, frame.payload.len) {
        (_, 0) => text += ", empty",
        (opcode::CLOSE, _) => {
            let _ = write!(text, ", {}", frame_payload(frame));
        }
        (_, len) => {
            let _ = write!(text, ", {}: {}", count(len, "byte"), frame_payload(frame));
        }
    }
    text
}

/// The payload of a frame: a Close frame's code and reason, or bytes.
#[must_use]
pub fn frame_payload(frame: &Summary) -> String {
    let Excerpt { len, head } = &frame.payload;
    match (frame.opcode, head.as_slice()) {
        (opcode::CLOSE, [high, low]) => u16::from_be_bytes([*high, *low]).to_string(),
        (opcode::CLOSE, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            format!("{code} {}", bytes(reason, len - 2))
        }
        (_, head) => bytes(head, *len),
    }
}

/// Bytes in lines of sixteen: where they stand, in hexadecimal, and as ASCII.
#[must_use]
pub fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, line) in bytes.chunks(16).enumerate() {
        let ascii: String = line
            .iter()
            .map(|byte| match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '·',
            })
            .collect();
        let _ = writeln!(text, "{:04x}  {:47}  {ascii}", at * 16, hex(line));
    }
    text
}

/// Text of several lines, in which only the ends of lines stay as they are.
#[must_use]
pub fn lines(text: &str) -> String {
    let lines: Vec<_> = text.split("\r\n").map(shown).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Text without characters that do something instead of being seen.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_seen(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_debug());
        }
    }
    shown
}

/// Returns true if a character is visible as it is and does not affect its neighbours.
pub(crate) fn is_seen(c: char) -> bool {
    matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1
}

/// A span of time, with three digits that mean something.
#[must_use]
pub fn duration(span: Duration) -> String {
    match span.as_secs_f64() {
        seconds if seconds < 0.1 => format!("{:.2} ms", seconds * 1e3),
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

/// The side of a wire on which something happened, as an arrow.
#[must_use]
pub const fn arrow(what: &What) -> &'static str {
    match what {
        What::SentBytes(_) | What::SentFrame(_) | What::Finished => "→",
        What::ReceivedBytes(_) | What::ReceivedFrame(_) | What::End | What::Reset => "←",
        What::Timer(_) | What::Note(_) => "·",
    }
}

/// Something that happened on a wire.
#[must_use]
pub fn what(what: &What) -> String {
    match what {
        What::SentBytes(sent) => format!(
            "{}: {}",
            count(sent.len, "byte"),
            bytes(&sent.head, sent.len)
        ),
        What::ReceivedBytes(received) => format!(
            "{}: {}",
            count(received.len, "byte"),
            bytes(&received.head, received.len)
        ),
        What::SentFrame(summary) | What::ReceivedFrame(summary) => frame(summary),
        What::Timer(name) => format!("timer: {name}"),
        What::Note(note) => shown(note),
        What::Finished => "the suite ends the transport".to_owned(),
        What::End => "the subject ends the transport".to_owned(),
        What::Reset => "the subject resets the transport".to_owned(),
    }
}
