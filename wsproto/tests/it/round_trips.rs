//! Whatever one end sends, in whatever way, arrives at the other exactly, in both directions at once,
//! however the transport chops it; and a connection that is closed ends clean on both ends.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*};
use testkit::{
    Frame, Length, Opcode, config, decode,
    ends::{Pair, Seen, cases},
    opposite,
};
use wsproto::{
    CloseCode, Closed, ClosedBy, Config, Delivery, Kind, Message, Prepared, Role, SendError,
};

/// Something that happens at one end or between the two.
#[derive(Debug, Clone)]
enum Step {
    Send(Role, Way, Message),
    Start(Role, Kind),
    Part(Role, Vec<u8>),
    Finish(Role, Vec<u8>),
    Ping(Role, Vec<u8>),
    /// The transport takes that many bytes from an end.
    Write(Role, usize),
    /// That many bytes reach an end.
    Deliver(Role, usize),
    Wait(Duration),
}

/// The ways to send a message that is there as a whole.
#[derive(Debug, Clone, Copy)]
enum Way {
    Borrowed,
    Owned,
    Prepared,
    /// Past the queue; the transport takes that many bytes at once.
    Through(usize),
}

/// Which end closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    One(Role),
    Both,
}

/// Everything that one end has sent.
#[derive(Debug, Default)]
struct Sent {
    messages: Vec<Message>,
    pings: Vec<Vec<u8>>,
    /// The message that was started.
    started: Option<(Kind, Vec<u8>)>,
}

struct Run {
    pair: Pair,
    by_client: Sent,
    by_server: Sent,
}

impl Run {
    fn sent(&mut self, by: Role) -> &mut Sent {
        match by {
            Role::Client => &mut self.by_client,
            Role::Server => &mut self.by_server,
        }
    }

    /// The expected result of a send. Limits are out of reach here.
    fn verdict(&mut self, by: Role) -> Result<(), SendError> {
        if !self.pair.end(by).connection.is_open() {
            Err(SendError::NotOpen)
        } else if self.sent(by).started.is_some() {
            Err(SendError::MessageUnfinished)
        } else {
            Ok(())
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send(by, way, message) => self.send(by, way, message),
            Step::Start(by, kind) => {
                let verdict = self.verdict(by);
                let end = self.pair.end(by);
                assert_eq!(end.connection.start(&mut end.env, kind), verdict);
                if verdict.is_ok() {
                    self.sent(by).started = Some((kind, Vec::new()));
                }
            }
            Step::Part(by, data) => self.part(by, &data),
            Step::Finish(by, data) => self.finish(by, &data),
            Step::Ping(by, payload) => {
                let end = self.pair.end(by);
                if end.connection.send_ping(&mut end.env, &payload).is_ok() {
                    self.sent(by).pings.push(payload);
                }
            }
            Step::Write(from, n) => drop(self.pair.write(from, n)),
            Step::Deliver(to, n) => drop(self.pair.deliver(to, n)),
            Step::Wait(span) => self.pair.advance(span),
        }
    }

    fn send(&mut self, by: Role, way: Way, message: Message) {
        let verdict = self.verdict(by);
        let end = self.pair.end(by);
        let (connection, env) = (&mut end.connection, &mut end.env);
        let sent = match (way, &message) {
            (Way::Borrowed, Message::Text(text)) => connection.send_text(env, text),
            (Way::Borrowed, Message::Binary(data)) => connection.send_binary(env, data),
            (Way::Owned, message) => connection.send_message(env, message.clone()),
            (Way::Prepared, Message::Text(text)) => {
                connection.send_prepared(env, &Prepared::text(text))
            }
            (Way::Prepared, Message::Binary(data)) => {
                connection.send_prepared(env, &Prepared::binary(data))
            }
            (Way::Through(n), message) => {
                let mut taken = Vec::new();
                let write = |slices: &[&[u8]]| {
                    taken = slices.concat();
                    taken.truncate(n);
                    taken.len()
                };
                let sent = connection.send_through(env, message.kind(), message.as_bytes(), write);
                self.pair.carry(by, &taken);
                sent
            }
        };
        assert_eq!(sent, verdict);
        if sent.is_ok() {
            self.sent(by).messages.push(message);
        }
    }

    fn part(&mut self, by: Role, data: &[u8]) {
        let end = self.pair.end(by);
        let written = end.connection.write(&mut end.env, data);
        if let Some((_, started)) = &mut self.sent(by).started {
            assert_eq!(written, Ok(()));
            started.extend_from_slice(data);
        }
    }

    fn finish(&mut self, by: Role, data: &[u8]) {
        let end = self.pair.end(by);
        let finished = end.connection.finish(&mut end.env, data);
        let sent = self.sent(by);
        if let Some((kind, mut started)) = sent.started.take() {
            assert_eq!(finished, Ok(()));
            started.extend_from_slice(data);
            sent.messages.push(message(kind, started));
        }
    }

    /// Everything that was sent has arrived.
    fn assert_arrived(&mut self) {
        for from in [Role::Client, Role::Server] {
            let to = opposite(from);
            assert_eq!(messages(&self.pair.end(to).seen), self.sent(from).messages);
            let pings = self.sent(from).pings.clone();
            assert_eq!(
                payloads(&self.pair.end(to).seen, |seen| matches!(
                    seen,
                    Seen::Ping(_)
                )),
                pings
            );
            assert_eq!(
                payloads(&self.pair.end(from).seen, |seen| matches!(
                    seen,
                    Seen::Pong(_)
                )),
                pings
            );
        }
    }

    fn assert_closes_clean(&mut self, closing: Closing) {
        self.pair.client.seen.clear();
        self.pair.server.seen.clear();
        for by in [Role::Client, Role::Server] {
            if closing == Closing::Both || closing == Closing::One(by) {
                let end = self.pair.end(by);
                end.connection
                    .close(&mut end.env, CloseCode::GOING_AWAY, "that was all");
            }
        }
        self.pair.settle();
        for role in [Role::Client, Role::Server] {
            let end = self.pair.end(role);
            let [
                Seen::Closed(Closed {
                    code,
                    reason,
                    clean,
                    by,
                    ..
                }),
            ] = &end.seen[..]
            else {
                panic!("{:?}", end.seen)
            };
            assert_eq!((*code, *clean), (CloseCode::GOING_AWAY, true));
            let (expected_by, expected_reason) = match closing {
                Closing::Both => (ClosedBy::Application, "that was all"),
                // The peer repeats the code, not the reason.
                Closing::One(closer) if closer == role => (ClosedBy::Application, ""),
                Closing::One(_) => (ClosedBy::Peer, "that was all"),
            };
            assert_eq!((*by, &**reason), (expected_by, expected_reason));
            assert!(end.connection.wants().done);
        }
    }
}

fn message(kind: Kind, data: Vec<u8>) -> Message {
    match kind {
        Kind::Text => Message::Text(String::from_utf8(data).expect("all parts are text")),
        Kind::Binary => Message::Binary(data),
    }
}

/// The messages among what an end has seen, whole or in chunks.
fn messages(seen: &[Seen]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut chunks = Vec::new();
    for seen in seen {
        match seen {
            Seen::Text(text) => messages.push(Message::Text(text.clone())),
            Seen::Binary(kind, data) => messages.push(message(*kind, data.clone())),
            Seen::Chunk { kind, data, last } => {
                chunks.extend_from_slice(data);
                if *last {
                    messages.push(message(*kind, std::mem::take(&mut chunks)));
                }
            }
            Seen::Closed(_) | Seen::Failed(_) | Seen::Refused { .. } => panic!("{seen:?}"),
            Seen::Request { .. }
            | Seen::Open { .. }
            | Seen::Ping(_)
            | Seen::Pong(_)
            | Seen::Drained => {}
        }
    }
    assert!(chunks.is_empty());
    messages
}

/// The payloads of control frames of one sort, without the empty ones, which a deadline sends.
fn payloads(seen: &[Seen], sort: fn(&Seen) -> bool) -> Vec<Vec<u8>> {
    let of_sort = seen.iter().filter(|seen| sort(seen));
    let payloads = of_sort.filter_map(|seen| match seen {
        Seen::Ping(payload) | Seen::Pong(payload) => Some(payload.clone()),
        Seen::Request { .. }
        | Seen::Open { .. }
        | Seen::Refused { .. }
        | Seen::Text(_)
        | Seen::Binary(..)
        | Seen::Chunk { .. }
        | Seen::Drained
        | Seen::Closed(_)
        | Seen::Failed(_) => None,
    });
    payloads.filter(|payload| !payload.is_empty()).collect()
}

/// Checks the frames of an end against RFC 6455 5, by the tests' own reading of it.
fn assert_legal(from: Role, log: &[u8]) {
    let head = log.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let start = if log.starts_with(b"GET ") || log.starts_with(b"HTTP/") {
        head.map_or(log.len(), |head| head + 4)
    } else {
        0
    };
    let (mut in_message, mut closed) = (false, false);
    for Frame {
        fin,
        reserved,
        opcode,
        mask,
        length,
        payload,
    } in decode(&log[start..])
    {
        assert_eq!(mask.is_some(), from == Role::Client);
        assert_eq!((reserved, length), (0, Length::Shortest));
        assert!(!closed, "nothing follows a Close frame");
        closed = opcode == Opcode::Close as u8;
        if opcode >= Opcode::Close as u8 {
            assert!(fin && payload.len() <= 125);
        } else {
            assert_eq!(opcode == Opcode::Continuation as u8, in_message);
            in_message = !fin;
        }
    }
    assert!(!in_message);
}

fn roles() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..40),
        2 => vec(any::<u8>(), 120..300),
        1 => (any::<u8>(), 65_000_usize..140_000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z é€😀]{0,30}",
        1 => ("[aé€😀]{1,9}", 20_usize..10_000).prop_map(|(text, times)| text.repeat(times)),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let sizes = || prop_oneof![0_usize..40, 100_usize..100_000, Just(usize::MAX)];
    let ways = prop_oneof![
        Just(Way::Borrowed),
        Just(Way::Owned),
        Just(Way::Prepared),
        sizes().prop_map(Way::Through),
    ];
    let whole = prop_oneof![
        texts().prop_map(Message::Text),
        data().prop_map(Message::Binary),
    ];
    // A message in parts may be a text, so the parts are ASCII.
    let part = || data().prop_map(|data| data.iter().map(|byte| byte & 0x7f).collect());
    prop_oneof![
        6 => (roles(), ways, whole).prop_map(|(by, way, message)| Step::Send(by, way, message)),
        1 => (roles(), any::<bool>()).prop_map(|(by, text)| {
            Step::Start(by, if text { Kind::Text } else { Kind::Binary })
        }),
        2 => (roles(), part()).prop_map(|(by, data)| Step::Part(by, data)),
        2 => (roles(), part()).prop_map(|(by, data)| Step::Finish(by, data)),
        2 => (roles(), vec(any::<u8>(), 1..126)).prop_map(|(by, payload)| Step::Ping(by, payload)),
        6 => (roles(), sizes()).prop_map(|(from, n)| Step::Write(from, n)),
        6 => (roles(), sizes()).prop_map(|(to, n)| Step::Deliver(to, n)),
        1 => (0_u64..2000).prop_map(|millis| Step::Wait(Duration::from_millis(millis))),
    ]
}

/// Configurations under which everything arrives.
fn configs() -> impl Strategy<Value = Arc<Config>> {
    let fragments = prop_oneof![
        2 => Just(None),
        1 => (50_usize..100_000).prop_map(NonZeroUsize::new),
    ];
    (fragments, any::<bool>(), any::<bool>()).prop_map(|(fragment_size, chunks, pings)| {
        config(|config| {
            config.fragment_size = fragment_size;
            if chunks {
                config.delivery = Delivery::Chunks;
            }
            config.ping_interval = pings.then_some(Duration::from_secs(1));
            config.pong_timeout = None;
            config.write_timeout = None;
            config.max_pong_queue = usize::MAX;
            config.opening_timeout = None;
        })
    })
}

fn closings() -> impl Strategy<Value = Closing> {
    prop_oneof![roles().prop_map(Closing::One), Just(Closing::Both)]
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn everything_arrives_and_the_end_is_clean(
        (client, server) in (configs(), configs()),
        upgraded: bool,
        steps in vec(steps(), 0..60),
        closing in closings(),
    ) {
        let pair = if upgraded {
            Pair::upgraded(client, server)
        } else {
            Pair::connecting(client, server)
        };
        let mut run = Run { pair, by_client: Sent::default(), by_server: Sent::default() };
        for step in steps {
            run.step(step);
        }
        run.pair.settle();
        for by in [Role::Client, Role::Server] {
            if run.sent(by).started.is_some() {
                run.finish(by, b"the end");
            }
        }
        run.pair.settle();
        run.assert_arrived();
        run.assert_closes_clean(closing);
        for role in [Role::Client, Role::Server] {
            assert_legal(role, run.pair.log(role));
        }
    }
}

#[test]
fn a_close_goes_behind_everything_that_was_queued_before() {
    for (closer, other) in [(Role::Client, Role::Server), (Role::Server, Role::Client)] {
        let mut pair = Pair::opened(config(|_| {}), config(|_| {}));
        let end = pair.end(closer);
        end.connection.send_text(&mut end.env, "one").unwrap();
        end.connection
            .send_binary(&mut end.env, &[2; 100_000])
            .unwrap();
        end.connection.close(&mut end.env, CloseCode::NORMAL, "");
        let late = end.connection.send_text(&mut end.env, "late");
        assert_eq!(late, Err(SendError::Closed));

        pair.settle();
        let seen = pair.end(other).take_seen();
        assert_eq!(seen[..2], [Seen::text("one"), Seen::binary(&[2; 100_000])]);
        assert!(seen[2].closed().is_some_and(|closed| closed.clean));
        assert_eq!(seen.len(), 3);
    }
}

#[test]
fn messages_that_cross_a_close_arrive_too() {
    for (closer, other) in [(Role::Client, Role::Server), (Role::Server, Role::Client)] {
        let mut pair = Pair::opened(config(|_| {}), config(|_| {}));
        let end = pair.end(closer);
        end.connection.close(&mut end.env, CloseCode::NORMAL, "");
        let end = pair.end(other);
        end.connection
            .send_text(&mut end.env, "on the way")
            .unwrap();

        pair.settle();
        let seen = pair.end(closer).take_seen();
        assert_eq!(seen[0], Seen::text("on the way"));
        assert!(seen[1].closed().is_some_and(|closed| closed.clean));
        assert_eq!(seen.len(), 2);
        assert!(pair.client.connection.wants().done && pair.server.connection.wants().done);
    }
}
