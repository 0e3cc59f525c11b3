//! Conversations with a subject that says what it has to say by the clock, and the verdicts on them.

use std::{collections::VecDeque, io, sync::mpsc, time::Duration};

use super::{Session, Settings};
use crate::{
    case::{Blame, Check, Closing, Event, Exchange, Kind, Messages, Role, Script, Sending, Step},
    exchange,
    frame::{Decoder, Frame, Part, opcode},
    judging, script,
    wire::{Received, Wire},
};

/// An action of the subject.
enum Does {
    Sends(Frame),
    /// With a mask where there must be none, or without one where there must be one.
    Missends(Frame),
    Ends,
    Resets,
}

use Does::{Ends, Missends, Resets, Sends};

/// A subject that does things at certain moments, in milliseconds, and takes everything.
struct Clockwork {
    now: Duration,
    does: VecDeque<(Duration, Does)>,
    /// The role of the subject.
    role: Role,
    sent: mpsc::Sender<Vec<u8>>,
}

impl Wire for Clockwork {
    fn now(&self) -> Duration {
        self.now
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The test may have seen enough.
        let _ = self.sent.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn receive(&mut self, buf: &mut Vec<u8>, until: Duration) -> Received {
        let Some((at, does)) = self.does.pop_front_if(|(at, _)| *at <= until) else {
            self.now = self.now.max(until);
            return Received::Nothing;
        };
        self.now = self.now.max(at);
        let mask = Some([9, 8, 7, 6]);
        let bytes = match (does, self.role) {
            (Sends(frame), Role::Server) | (Missends(frame), Role::Client) => frame.encode(None),
            (Sends(frame), Role::Client) | (Missends(frame), Role::Server) => frame.encode(mask),
            (Ends, _) => return Received::End,
            (Resets, _) => return Received::Reset,
        };
        buf.extend(&bytes);
        Received::Bytes(bytes.len())
    }

    fn wait(&mut self, until: Duration) {
        self.now = self.now.max(until);
    }

    fn finish(&mut self) {}

    fn abort(self: Box<Self>) {}
}

/// A session with a subject that does these things, and what the suite writes.
fn session(subject: Role, does: Vec<(u64, Does)>) -> (Session, mpsc::Receiver<Vec<u8>>) {
    let (sent, sink) = mpsc::channel();
    let wire = Clockwork {
        now: Duration::ZERO,
        does: does
            .into_iter()
            .map(|(at, does)| (Duration::from_millis(at), does))
            .collect(),
        role: subject,
        sent,
    };
    let mut session = Session::new(Box::new(wire), subject.other(), Settings::default());
    session.enter_open();
    (session, sink)
}

/// The outcome of a conversation: the verdict, and the frames of the suite.
fn converse(subject: Role, script: &Script, does: Vec<(u64, Does)>) -> (String, Vec<Frame>) {
    let (mut session, sink) = session(subject, does);
    script::run(script, &mut session, None);
    let (verdict, _) = judging::judge(script, &session.events, &session.ending());
    let mut decoder = Decoder::default();
    let frames = sink.try_iter().flat_map(|bytes| {
        decoder.push(&bytes);
        std::iter::from_fn(|| decoder.part()).collect::<Vec<_>>()
    });
    let frames = frames.filter_map(|part| match part {
        Part::Frame(frame, _) => Some(frame),
        Part::Header(_) => None,
    });
    (verdict.to_string(), frames.collect())
}

fn text(text: &str) -> Frame {
    Frame::new(opcode::TEXT, text)
}

fn close(code: u16) -> Frame {
    Frame::close(code, "")
}

/// The suite sends text, wants it back, and closes.
fn echo() -> Script {
    Script::new(Closing::by_suite())
        .step(Step::message(Kind::Text, "text"))
        .step(Step::Kill(Duration::from_secs(10)))
        .expect([Event::text("text")])
}

/// The suite sends what has to be refused.
fn refusal() -> Script {
    Script::new(Closing::by_subject(&[1007]).blame(Blame::WrongSide))
        .frame(Frame::new(opcode::TEXT, b"\xff"))
        .step(Step::Kill(Duration::from_secs(1)))
        .expect([])
}

#[test]
fn echoes_and_closings_of_servers_are_judged() {
    let table = [
        (
            "all is well",
            vec![(0, Sends(text("text"))), (1, Sends(close(1000))), (2, Ends)],
            "OK / OK",
        ),
        (
            "an echo in fragments, and an answer without a code",
            vec![
                (0, Sends(text("te").unfinished())),
                (1, Sends(Frame::new(opcode::CONTINUATION, "xt"))),
                (2, Sends(Frame::new(opcode::CLOSE, ""))),
                (3, Ends),
            ],
            "OK / OK",
        ),
        (
            "the transport is not ended",
            vec![(0, Sends(text("text"))), (1, Sends(close(1000)))],
            "OK / UNCLEAN",
        ),
        (
            "the transport is not ended, and the case has no patience left",
            vec![(9500, Sends(text("text"))), (9501, Sends(close(1000)))],
            "OK / FAILED BY CLIENT",
        ),
        ("no answer", vec![(0, Sends(text("text")))], "OK / UNCLEAN"),
        (
            "an answer that is too late",
            vec![
                (0, Sends(text("text"))),
                (1001, Sends(close(1000))),
                (1002, Ends),
            ],
            "OK / UNCLEAN",
        ),
        (
            "no answer but the end",
            vec![(0, Sends(text("text"))), (1, Ends)],
            "OK / UNCLEAN",
        ),
        (
            "no answer but a reset",
            vec![(0, Sends(text("text"))), (1, Resets)],
            "OK / UNCLEAN",
        ),
        (
            "another code",
            vec![(0, Sends(text("text"))), (1, Sends(close(1001))), (2, Ends)],
            "OK / WRONG CODE",
        ),
        (
            "a code that must not be sent is a violation, and drops a connection that is closing",
            vec![(0, Sends(text("text"))), (1, Sends(close(1005))), (2, Ends)],
            "OK / UNCLEAN",
        ),
        (
            "a bad Close frame takes back the good one before",
            vec![
                (0, Sends(text("text"))),
                (1, Sends(close(1000))),
                (2, Sends(close(1005))),
                (3, Ends),
            ],
            "OK / UNCLEAN",
        ),
        (
            "a code that must not be sent comes first: the suite closes, and that was the answer",
            vec![(0, Sends(close(1005))), (1, Ends)],
            "FAILED / WRONG CODE",
        ),
        (
            "a violation, and a proper closing",
            vec![
                (0, Sends(text("text").reserved(1))),
                (1, Sends(close(1000))),
                (2, Ends),
            ],
            "FAILED / OK",
        ),
        (
            "masks: the answer is the second violation",
            vec![
                (0, Missends(text("text"))),
                (1, Missends(close(1000))),
                (2, Ends),
            ],
            "FAILED / UNCLEAN",
        ),
        (
            "text that is broken is broken at its end as well",
            vec![
                (0, Sends(Frame::new(opcode::TEXT, b"\xff"))),
                (1, Sends(close(1000))),
                (2, Ends),
            ],
            "FAILED / UNCLEAN",
        ),
        (
            "text that is cut off is wrong once",
            vec![
                (0, Sends(Frame::new(opcode::TEXT, b"\xc3"))),
                (1, Sends(close(1000))),
                (2, Ends),
            ],
            "FAILED / OK",
        ),
        (
            "no echo in time",
            vec![
                (10_001, Sends(text("text"))),
                (10_002, Sends(close(1000))),
                (10_003, Ends),
            ],
            "FAILED / OK",
        ),
        (
            "the subject closes first",
            vec![(0, Sends(close(1000))), (1, Sends(text("text"))), (2, Ends)],
            "OK / FAILED",
        ),
        (
            "a pong that nobody asked for",
            vec![
                (0, Sends(Frame::new(opcode::PONG, ""))),
                (1, Sends(text("text"))),
                (10_002, Sends(close(1000))),
                (10_003, Ends),
            ],
            "FAILED / OK",
        ),
        (
            "an echo twice",
            vec![
                (0, Sends(text("text"))),
                (1, Sends(text("text"))),
                (2, Sends(close(1000))),
                (3, Ends),
            ],
            "FAILED / OK",
        ),
    ];
    for (what, does, expected) in table {
        let (verdict, _) = converse(Role::Server, &echo(), does);
        assert_eq!(verdict, expected, "{what}");
    }
}

#[test]
fn a_client_that_has_answered_need_not_end_the_transport() {
    let does = || vec![(0, Sends(text("text"))), (1, Sends(close(1000)))];
    for (subject, expected) in [(Role::Client, "OK / OK"), (Role::Server, "OK / UNCLEAN")] {
        let (verdict, _) = converse(subject, &echo(), does());
        assert_eq!(verdict, expected, "{subject:?}");
    }
}

#[test]
fn refusals_are_judged() {
    for (what, does, expected) in [
        (
            "a refusal",
            vec![(0, Sends(close(1007))), (1, Ends)],
            "OK / OK",
        ),
        ("the end alone", vec![(0, Ends)], "OK / OK"),
        ("a reset alone", vec![(0, Resets)], "OK / OK"),
        (
            "another code",
            vec![(0, Sends(close(1002))), (1, Ends)],
            "OK / WRONG CODE",
        ),
        (
            "an echo",
            vec![(0, Sends(text("?"))), (1, Sends(close(1007))), (2, Ends)],
            "FAILED / OK",
        ),
        ("nothing", vec![], "FAILED / FAILED"),
        (
            "too late",
            vec![(1001, Sends(close(1007))), (1002, Ends)],
            "FAILED / FAILED",
        ),
        (
            "a violation",
            vec![(0, Sends(Frame::new(0x3, "")))],
            "FAILED / FAILED",
        ),
        (
            "a refusal without the end",
            vec![(0, Sends(close(1007)))],
            "OK / FAILED BY CLIENT",
        ),
    ] {
        let (verdict, _) = converse(Role::Server, &refusal(), does);
        assert_eq!(verdict, expected, "{what}");
    }
}

#[test]
fn marks_are_for_open_connections() {
    let second = Duration::from_secs(1);
    let script = Script::new(Closing::by_subject(&[1007]))
        .step(Step::Wait(second))
        .step(Step::Mark("A"))
        .step(Step::Wait(second))
        .step(Step::Mark("B"))
        .step(Step::Kill(2 * second))
        .expect([Event::Mark("A")])
        .tolerate([Event::Mark("A"), Event::Mark("B")]);
    for (at, expected) in [
        (500, "FAILED / OK"),
        (1500, "OK / OK"),
        (2500, "NON-STRICT / OK"),
        (4500, "NON-STRICT / FAILED"),
    ] {
        for subject in [Role::Client, Role::Server] {
            let does = vec![(at, Sends(close(1007))), (at + 600, Ends)];
            let (verdict, _) = converse(subject, &script, does);
            assert_eq!(verdict, expected, "{subject:?} closed after {at} ms");
        }
    }
}

#[test]
fn pings_are_answered_until_the_suite_closes() {
    let ping = |payload: &str| Frame::new(opcode::PING, payload);
    let does = vec![
        (0, Sends(ping("one"))),
        (1, Sends(text("text"))),
        (2, Sends(ping("two"))),
        (3, Sends(close(1000))),
        (4, Ends),
    ];
    let (verdict, frames) = converse(Role::Server, &echo(), does);
    assert_eq!(verdict, "OK / OK");
    let pong = Frame::new(opcode::PONG, "one");
    assert_eq!(frames, [text("text"), pong, close(1000)]);
}

#[test]
fn a_subject_that_closes_is_answered_with_1000() {
    let does = vec![(0, Sends(close(1001))), (1, Ends)];
    let (verdict, frames) = converse(Role::Server, &echo(), does);
    assert_eq!(verdict, "FAILED / FAILED");
    assert_eq!(frames, [text("text"), close(1000)]);
}

#[test]
fn timers_close_first_and_drop_then() {
    let (_, frames) = converse(Role::Server, &echo(), vec![]);
    assert_eq!(frames, [text("text"), Frame::close(1001, "Going Away")]);
    let patient = Script::new(Closing::by_suite())
        .step(Step::CloseAfter(Duration::from_secs(1)))
        .expect([Event::text("text")]);
    let (_, frames) = converse(Role::Server, &patient, vec![]);
    assert_eq!(frames, [Frame::new(opcode::CLOSE, "")]);
}

#[test]
fn echoes_of_exchanges_are_judged() {
    let pong = || Sends(Frame::new(opcode::PONG, ""));
    let echo = || Sends(text("text"));
    let other = || Sends(text("longer"));
    let end = || [(8, Sends(close(1000))), (9, Ends)];
    for (what, count, does, expected) in [
        ("one echo", 1, vec![(0, echo())], "OK / OK"),
        (
            "all echoes",
            3,
            vec![(0, echo()), (1, echo()), (2, echo())],
            "OK / OK",
        ),
        (
            "too few",
            3,
            vec![(0, echo()), (1, echo())],
            "FAILED / FAILED",
        ),
        (
            "another type",
            1,
            vec![(0, Sends(Frame::new(opcode::BINARY, "text")))],
            "FAILED / OK",
        ),
        (
            "another message",
            2,
            vec![(0, echo()), (1, other())],
            "FAILED / OK",
        ),
        (
            "another message behind the last",
            2,
            vec![(0, echo()), (1, echo()), (2, other())],
            "FAILED / OK",
        ),
        (
            "another message before the only one",
            1,
            vec![(0, other()), (1, echo())],
            "OK / OK",
        ),
        (
            "another message behind the only one",
            1,
            vec![(0, echo()), (1, other())],
            "OK / OK",
        ),
        (
            "a pong before the last echo",
            1,
            vec![(0, pong()), (1, echo())],
            "OK / OK",
        ),
        (
            "a pong behind the last echo",
            2,
            vec![(0, echo()), (1, echo()), (2, pong())],
            "OK / OK",
        ),
        (
            "a pong between",
            3,
            vec![(0, echo()), (1, pong()), (2, echo()), (3, echo())],
            "FAILED / OK",
        ),
    ] {
        let exchange = Exchange {
            offers: None,
            count,
            messages: Messages::Same(Kind::Text, "text".into()),
            fragment: 0,
            sending: Sending::Together,
            timeout: Duration::from_secs(10),
            check: Check::Length,
        };
        let (mut session, _sink) = session(Role::Server, does.into_iter().chain(end()).collect());
        let behavior = exchange::run(&exchange, &mut session);
        let (verdict, reasons) = exchange::judge(behavior, &session.ending());
        assert_eq!(verdict.to_string(), expected, "{what}");
        assert_eq!(reasons.is_empty(), verdict.passes(), "{what}: {reasons:?}");
    }
}
