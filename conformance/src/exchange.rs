//! Runs an exchange: messages one at a time, each sent when the echo of the one before has come.

use crate::{
    case::{Check, Closing, Event, Exchange, Kind, Messages},
    data::Set,
    outcome::Ending,
    script::{judge_closing, send_message},
    session::Session,
    verdict::{Behavior, Verdict},
};

/// Sends all messages and tells what is thought of the echoes.
pub(crate) fn run(exchange: &Exchange, session: &mut Session) -> (Behavior, Vec<String>) {
    session.close_after(exchange.timeout);
    let (behavior, reasons) = messages(exchange, session);
    session.begin_close(1000_u16.to_be_bytes().to_vec());
    session.run_out();
    (behavior, reasons)
}

fn messages(exchange: &Exchange, session: &mut Session) -> (Behavior, Vec<String>) {
    if exchange.offers.is_some() && !session.has_compression() {
        let reason = "permessage-deflate was not agreed on".to_owned();
        return (Behavior::Unimplemented, vec![reason]);
    }
    let count = exchange.count.min(session.settings.max_messages);
    let mut source = exchange.messages.source(session.settings.max_payload);
    for at in 1..=count {
        let (kind, payload) = source.next();
        let compressed = exchange.offers.is_some();
        send_message(
            kind,
            payload,
            exchange.fragment,
            exchange.sending,
            compressed,
            session,
        );
        while session.events.is_empty() && !session.is_over() && !session.close.sent {
            session.turn(None);
        }
        let echo = session.events.drain(..).next();
        let right = match &echo {
            Some(Event::Message(other, echo)) => {
                kind == *other
                    && match exchange.check {
                        Check::Length => payload.len() == echo.len(),
                        Check::Content => *payload == *echo.octets(),
                    }
            }
            Some(Event::Pong(_) | Event::Ping | Event::Mark(_) | Event::Late) | None => false,
        };
        if !right {
            let reason = match echo {
                Some(Event::Message(other, echo)) => format!(
                    "message {at} of {count}, {kind:?} of {} octets, came back as {other:?} of {}",
                    payload.len(),
                    echo.len()
                ),
                Some(Event::Pong(_) | Event::Ping | Event::Mark(_) | Event::Late) => {
                    format!("a pong that nobody asked for came instead of the echo of message {at}")
                }
                None => format!("message {at} of {count} did not come back"),
            };
            return (Behavior::Failed, vec![reason]);
        }
    }
    (Behavior::Ok, Vec::new())
}

/// Judges what came of an exchange.
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
                let mut payload = payload.octets().into_owned();
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
    fn next(&mut self) -> (Kind, &[u8]) {
        match self {
            Self::Same(kind, payload) => (*kind, payload),
            Self::Windows { set, len, at } => {
                let window = set.window(*at, *len);
                *at = (*at + *len) % set.len();
                (set.kind, window)
            }
        }
    }
}
