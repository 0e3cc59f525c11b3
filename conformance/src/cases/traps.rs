//! Group `deflate`: permessage-deflate (RFC 7692) where implementations trip: what enters a history and what does
//! not, all forms that a compressed message may have, what is none, limits, windows and the negotiation.
//! The subject's messages are inflated by a judge who allows exactly what was agreed on.

use std::time::Duration;

use super::section::Section;
use crate::{
    case::{Case, Closing, Event, Kind, Script, Sending, Step},
    deflate::Codec,
    extension::{Agreed, Measure, Offers, Wish},
    frame::{Frame, opcode},
    payload::Payload,
};

mod bombs;
mod faults;
mod forms;
mod mixtures;
mod negotiation;
mod windows;

/// The name of the group.
const GROUP: &str = "deflate";

/// How long the suite waits for echoes.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let sections = [
        mixtures::messages(),
        mixtures::mixtures(),
        forms::forms(),
        forms::cuts(),
        faults::reserved_bits(),
        faults::streams(),
        faults::text(),
        bombs::bombs(),
        windows::servers_windows(),
        windows::clients_windows(),
        windows::takeover(),
        negotiation::offers(),
        negotiation::bad_offers(),
        negotiation::bad_answers(),
    ];
    sections.into_iter().flat_map(Section::into_cases).collect()
}

/// The plainest offer that leaves everything to the subject.
fn offers() -> Offers {
    let offer = "permessage-deflate; client_max_window_bits";
    Offers::new(&[offer], &[Wish::NOTHING]).to_the_letter()
}

/// Sends all this, and expects these events and nothing else.
fn echoes(
    steps: impl IntoIterator<Item = Step>,
    events: impl IntoIterator<Item = Event>,
) -> Script {
    Script::new(Closing::by_suite())
        .offers(offers())
        .step(Step::CloseAfter(TIMEOUT))
        .steps(steps)
        .expect(events)
}

/// Sends all this, for which the subject has to close with that code.
fn refused(steps: impl IntoIterator<Item = Step>, code: u16) -> Script {
    Script::new(Closing::by_subject(&[code]))
        .offers(offers())
        .step(Step::Kill(Duration::from_secs(1)))
        .steps(steps)
        .expect([])
}

/// The subject has taken something that it had better refused.
const OPEN: &str = "it is still open";

/// The subject has made some message of what is none.
const MADE_UP: &str = "some message came back";

/// Sends what is not quite a message: the subject closes with 1007. A subject that makes something of it is still
/// open after a moment.
fn doubtful(steps: impl IntoIterator<Item = Step>) -> Script {
    Script::new(Closing::by_either(&[1000, 1007]).tolerate(&[1002]))
        .offers(offers())
        .step(Step::Kill(TIMEOUT))
        .steps(steps)
        .step(Step::Within(Duration::from_millis(300), OPEN))
        .expect([])
}

/// A Close frame with 1000 and no reason.
fn close() -> Step {
    Step::Close(1000_u16.to_be_bytes().to_vec().into())
}

/// A message that the suite compresses, if that was agreed on, and that may refer to those before.
fn compressed(kind: Kind, payload: impl Into<Payload>, fragment: usize) -> Step {
    Step::Message {
        kind,
        payload: payload.into(),
        fragment,
        sending: Sending::Together,
        compressed: true,
    }
}

/// A plain message in fragments.
fn fragmented(kind: Kind, payload: impl Into<Payload>, fragment: usize) -> Step {
    Step::Message {
        kind,
        payload: payload.into(),
        fragment,
        sending: Sending::Together,
        compressed: false,
    }
}

/// A text that was compressed before, in one frame.
fn packed(message: impl Into<Vec<u8>>) -> Step {
    step(Frame::new(opcode::TEXT, message).reserved(4))
}

/// A text that was compressed before, in frames of those lengths, and the rest in a last one.
fn packed_in_frames(message: &[u8], lens: &[usize]) -> Vec<Step> {
    let mut rest = message;
    let mut frames = Vec::new();
    for len in lens {
        let (part, later) = rest.split_at(*len);
        frames.push(Frame::new(opcode::CONTINUATION, part).unfinished());
        rest = later;
    }
    frames.push(Frame::new(opcode::CONTINUATION, rest));
    frames[0].opcode = opcode::TEXT;
    frames[0].reserved = 4;
    frames.into_iter().map(step).collect()
}

fn step(frame: Frame) -> Step {
    Step::Frame(frame, Sending::Together)
}

/// Compresses a text with a library at a level. Each level gives blocks of other forms.
fn library(level: u32, text: &[u8]) -> Vec<u8> {
    let agreed = Agreed::DEFAULT;
    Codec::new(crate::Role::Client, agreed, level, Measure::Autobahn).compress(text)
}
