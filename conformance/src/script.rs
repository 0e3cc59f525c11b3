//! Runs a script on an open connection.

use std::time::Duration;

use crate::{
    case::{Alternative, By, Cuts, Event, Kind, Script, Sending, Step},
    frame::{Frame, opcode},
    session::Session,
};

/// Runs a script on another connection to the same subject. Returns true if it passed.
pub(crate) type Another<'a> = &'a dyn Fn(&Script) -> bool;

/// Takes all steps of the script, then waits for the end.
pub(crate) fn run(script: &Script, session: &mut Session, another: Option<Another<'_>>) {
    let expected = script
        .alternatives
        .iter()
        .flat_map(|alternative| &alternative.events);
    session.notes_pings = expected.into_iter().any(|event| *event == Event::Ping);
    session.looks_behind_close = script.looks_behind_close;
    for step in &script.steps {
        match (step, another) {
            (Step::Another(script, mark), Some(another)) => {
                if another(script) {
                    session.events.push(Event::Mark(mark));
                }
            }
            // The following steps need an open connection.
            (Step::Mark(_), _) if session.close.sent => break,
            (Step::SumUp(sum_up), _) => {
                session.events = sum_up(&session.events, session.flooded);
            }
            _ => take(step, script, session),
        }
    }
    while !session.is_over() {
        close_if_complete(script, session);
        session.turn(None);
    }
}

/// Takes one step.
pub(crate) fn take(step: &Step, script: &Script, session: &mut Session) {
    if session.is_over() {
        return;
    }
    match step {
        Step::Frame(frame, sending) => send_frame(frame, *sending, session),
        Step::Message {
            kind,
            payload,
            fragment,
            sending,
            compressed,
        } => send_message(
            *kind,
            &payload.bytes(),
            *fragment,
            *sending,
            *compressed,
            session,
        ),
        Step::Pieces {
            frames,
            cuts,
            pause,
        } => {
            session.flush();
            for frame in frames {
                session.queue(frame);
            }
            let bytes = session.take_output();
            let pieces = pieces(&bytes, cuts);
            for (at, piece) in pieces.iter().enumerate() {
                if let Some(frame) = frames.last()
                    && at + 1 == pieces.len()
                    && frame.opcode == opcode::CLOSE
                {
                    session.count_as_close(&frame.payload);
                }
                session.send(piece);
                wait(*pause, script, session);
            }
        }
        Step::Start(frame, extent) => session.start(frame, *extent),
        Step::Next(extent) => session.send_next(*extent),
        Step::Holds(most, mark) => {
            if session.held().is_some_and(|held| held > *most) {
                session.events.push(Event::Mark(mark));
            }
        }
        Step::Begin(frame) => session.begin(frame),
        Step::Part(payload) => session.part(&payload.bytes()),
        Step::Bytes(bytes, sending) => {
            session.flush();
            let bytes = bytes.bytes();
            let size = match sending {
                Sending::Together | Sending::Alone => bytes.len(),
                Sending::Chopped(size) => *size,
            };
            for piece in bytes.chunks(size.max(1)) {
                session.send(piece);
            }
        }
        Step::Close(payload) => session.begin_close(payload.bytes().into_owned()),
        Step::Wait(span) => wait(*span, script, session),
        Step::Await(count) => {
            while !session.is_over() && session.events.len() < *count {
                session.turn(None);
            }
        }
        Step::AwaitLast(event) => {
            while !session.is_over() && session.events.last() != Some(event) {
                session.turn(None);
            }
        }
        Step::Within(span, name) => {
            let closed = |session: &Session| session.is_over() || session.close.remote.is_some();
            expect_soon(*span, closed, name, session);
        }
        Step::Gone(span, name) => expect_soon(*span, Session::is_over, name, session),
        Step::Mark(name) => session.events.push(Event::Mark(name)),
        Step::Kill(span) => session.kill_after(*span),
        Step::CloseAfter(span) => session.close_after(*span),
        Step::Finish => session.finish(),
        Step::Abort => session.drop_wire(true),
        Step::Read(reading) => {
            session.flush();
            session.set_reading(*reading);
        }
        Step::Answer(answering) => session.answering = *answering,
        Step::Flood(count, make) => {
            for number in 0..*count {
                session.queue(&make(number));
                session.flooded += 1;
                if session.is_output_long() && !session.flush() {
                    break;
                }
            }
            session.flush();
        }
        // Neither needs this connection; and only a suite that dials can open another one.
        Step::SumUp(_) | Step::Another(..) => {}
    }
}

/// Waits until a condition holds, and notes the mark if it does not hold in time.
fn expect_soon(
    span: Duration,
    is_so: impl Fn(&Session) -> bool,
    mark: &'static str,
    session: &mut Session,
) {
    let until = session.now() + span * session.settings.patience;
    while !is_so(session) {
        if session.turn(Some(until)) && !is_so(session) {
            session.events.push(Event::Mark(mark));
            return;
        }
    }
}

/// Lets time pass and processes input, or goes on at once if the connection ends.
fn wait(span: Duration, script: &Script, session: &mut Session) {
    let until = session.now() + span;
    while !session.is_over() && !session.turn(Some(until)) {
        close_if_complete(script, session);
    }
}

/// Cuts bytes into pieces.
pub(crate) fn pieces<'a>(bytes: &'a [u8], cuts: &Cuts) -> Vec<&'a [u8]> {
    match cuts {
        Cuts::Every(size) => bytes.chunks((*size).max(1)).collect(),
        Cuts::Behind(places) => {
            let mut from = 0;
            let places = places.iter().copied().filter(|at| *at < bytes.len());
            places
                .chain([bytes.len()])
                .map(|to| &bytes[std::mem::replace(&mut from, to)..to])
                .collect()
        }
    }
}

fn send_frame(frame: &Frame, sending: Sending, session: &mut Session) {
    match sending {
        Sending::Together => session.queue(frame),
        Sending::Alone => {
            session.flush();
            session.queue(frame);
            session.flush();
            session.pause();
        }
        Sending::Chopped(size) => session.send_chopped(frame, size),
    }
}

/// Sends a message in frames of `fragment` bytes, or in one.
pub(crate) fn send_message(
    kind: Kind,
    payload: &[u8],
    fragment: usize,
    sending: Sending,
    compressed: bool,
    session: &mut Session,
) {
    session.log.sent.messages += payload.len();
    let packed = compressed.then(|| session.compress(payload)).flatten();
    let reserved = if packed.is_some() { 4 } else { 0 };
    let bytes = packed.as_deref().unwrap_or(payload);
    let opcode = match kind {
        Kind::Text => opcode::TEXT,
        Kind::Binary => opcode::BINARY,
    };
    if fragment == 0 || bytes.len() <= fragment {
        return send_frame(
            &Frame::new(opcode, bytes).reserved(reserved),
            sending,
            session,
        );
    }
    let mut pieces: Vec<_> = bytes.chunks(fragment).collect();
    if bytes.len() % fragment == 0 {
        // A sender that does not know yet that the message ends writes its last full frame without FIN.
        pieces.push(&[]);
    }
    for (at, piece) in pieces.iter().enumerate() {
        let mut frame = match at {
            0 => Frame::new(opcode, *piece).reserved(reserved),
            _ => Frame::new(opcode::CONTINUATION, *piece),
        };
        frame.fin = at + 1 == pieces.len();
        send_frame(&frame, sending, session);
    }
}

/// Closes with 1000 once all events of an alternative have occurred.
fn close_if_complete(script: &Script, session: &mut Session) {
    let complete = |alternative: &Alternative| alternative.events == session.events;
    if script.closes_itself
        && script.closing.by == By::Suite
        && script.alternatives.iter().all(complete)
    {
        session.begin_close(1000_u16.to_be_bytes().to_vec());
    }
}
