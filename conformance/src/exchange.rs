//! Runs an exchange: messages one at a time, each sent when the echo of the one before has come.

use crate::{
    case::{Check, Closing, Event, Exchange, Kind, Messages},
    data::Set,
    judging::judge_closing,
    outcome::Ending,
    script::send_message,
    session::Session,
    verdict::{Behavior, Verdict},
};

/// Sends all messages and tells what is thought of the echoes.
pub(crate) fn run(exchange: &Exchange, session: &mut Session) -> (Behavior, Vec<String>) {
    session.close_after(exchange.timeout);
    let count = exchange.count.min(session.settings.max_messages);
    let mut source = exchange.messages.source(session.settings.max_payload);
    let mut behavior = Behavior::Failed;
    let mut reasons = Vec::new();
    let mut sent = 1;
    send(exchange, &source, session);
    while !session.is_over() {
        session.turn(None);
        for event in std::mem::take(&mut session.events) {
            match complaint(&event, source.message(), exchange.check) {
                None if sent == count => {
                    behavior = Behavior::Ok;
                    reasons.clear();
                    close(session);
                }
                None if session.close.sent => {}
                None => {
                    source.advance();
                    send(exchange, &source, session);
                    sent += 1;
                }
                Some(complaint) => {
                    // As in Autobahn: an event that is no message only ends the exchange, and if there is
                    // one message only, it may still come.
                    if matches!(event, Event::Message(..)) && count > 1 {
                        behavior = Behavior::Failed;
                    }
                    if behavior == Behavior::Failed {
                        reasons.push(format!("message {sent} of {count}: {complaint}"));
                    }
                    close(session);
                }
            }
        }
    }
    if behavior == Behavior::Failed && reasons.is_empty() {
        reasons.push(format!("message {sent} of {count} did not come back"));
    }
    (behavior, reasons)
}

fn send(exchange: &Exchange, source: &Source, session: &mut Session) {
    let (kind, payload) = source.message();
    send_message(
        kind,
        payload,
        exchange.fragment,
        exchange.sending,
        exchange.offers.is_some(),
        session,
    );
}

fn close(session: &mut Session) {
    session.begin_close(1000_u16.to_be_bytes().to_vec());
}

/// Why an event is not the echo of a message.
fn complaint(event: &Event, (kind, payload): (Kind, &[u8]), check: Check) -> Option<String> {
    let Event::Message(other, echo) = event else {
        return Some("something came that nobody asked for".to_owned());
    };
    if kind != *other || payload.len() != echo.len() {
        return Some(format!(
            "{kind:?} of {} bytes came back as {other:?} of {}",
            payload.len(),
            echo.len()
        ));
    }
    let right = match check {
        Check::Length => true,
        Check::Content => *payload == *echo.bytes(),
    };
    (!right).then(|| format!("other bytes came back, though {} as well", echo.len()))
}

/// Judges the outcome of an exchange.
pub(crate) fn judge(
    (behavior, reasons): (Behavior, Vec<String>),
    ending: &Ending,
) -> (Verdict, Vec<String>) {
    judge_closing(behavior, &Closing::by_suite(), ending, reasons)
}

/// Where the messages of an exchange come from.
enum Source {
    Same(Kind, Vec<u8>),
    Windows {
        set: &'static Set,
        len: usize,
        at: usize,
    },
}

impl Messages {
    fn source(&self, max_payload: usize) -> Source {
        match self {
            Self::Same(kind, payload) => {
                let mut payload = payload.bytes().into_owned();
                payload.truncate(max_payload);
                Source::Same(*kind, payload)
            }
            Self::Windows(set, len) => Source::Windows {
                set,
                len: (*len).min(max_payload),
                at: 0,
            },
        }
    }
}

impl Source {
    fn message(&self) -> (Kind, &[u8]) {
        match self {
            Self::Same(kind, payload) => (*kind, payload),
            Self::Windows { set, len, at } => (set.kind, set.window(*at, *len)),
        }
    }

    fn advance(&mut self) {
        match self {
            Self::Same(..) => {}
            Self::Windows { set, len, at } => *at = (*at + *len) % set.len(),
        }
    }
}
