//! Any chopping of the same bytes gives the same events and, drained at the same points, the same
//! output; and whatever comes, there is one end, after which nothing is reported.

use std::{fmt, num::NonZeroUsize, ops::Range, sync::Arc};

use crate::deflate::BACKENDS;
use proptest::{collection::vec, prelude::*, sample::Index};
use testkit::{
    config,
    ends::{
        Answer, End, Seen, cases,
        deflate::opened_plainly,
        env, joined,
        streams::{compressed_frames, frames, request_and_frames, response_and_frames},
    },
};
use wsproto::{
    Accept, Compression, Config, Connection, Delivery, Env, Event, Memory, Overflow, Role,
    SendError,
};

/// The state that a connection starts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Opening,
    Open,
    /// The same with compression.
    Compressed,
}

/// Everything that does not depend on how the bytes are chopped.
#[derive(Debug, Clone)]
struct Script {
    role: Role,
    from: From,
    config: Arc<Config>,
    bytes: Bytes,
    /// After how many bytes the output is drained, and how many bytes of it.
    drains: Vec<(usize, usize)>,
    answer: Answer,
}

/// Bytes that a report of a failure shows as a literal.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// A way to chop the bytes and to consume them.
#[derive(Debug, Clone)]
struct Chopping {
    cuts: Vec<usize>,
    buffer: usize,
    /// The turns after each read, repeated.
    turns: Vec<Turn>,
    /// The end of the stream is known before what came before it is consumed.
    early_eof: bool,
}

/// A turn after a read.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// The largest number of events to take.
    events: usize,
    /// `has_event` is asked first.
    ask: Ask,
    /// `next_message` is tried first.
    short: bool,
    then: Then,
}

/// How an event is announced before it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Not,
    /// By `has_event`.
    First,
    /// By `has_event`, and the announced event is set aside with the rest of the input.
    AndSetAside,
}

/// The fate of input that is left.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// The next read goes behind it.
    Keep,
    /// It is set aside.
    SetAside,
}

/// The visible behaviour of a connection.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    seen: Vec<Seen>,
    /// The results of the application's sends.
    sends: Vec<Result<(), SendError>>,
    /// The output at each drain point.
    output: Vec<Vec<u8>>,
}

impl Script {
    fn end(&self) -> End {
        let end = match (self.from, self.role) {
            (From::Open, role) => End::upgraded(role, self.config.clone()),
            (From::Compressed, role) => opened_plainly(role, env(5), self.config.clone()),
            (From::Opening, Role::Server) => End::accepting(self.config.clone()),
            (From::Opening, Role::Client) => End::connecting(self.config.clone()),
        };
        end.with_answer(self.answer)
    }

    fn in_one_piece(&self) -> Outcome {
        let turn = Turn {
            events: usize::MAX,
            ask: Ask::Not,
            short: false,
            then: Then::Keep,
        };
        self.run(&Chopping {
            cuts: Vec::new(),
            buffer: self.bytes.0.len() + 1,
            turns: vec![turn],
            early_eof: false,
        })
    }

    fn run(&self, chopping: &Chopping) -> Outcome {
        let mut run = Run {
            end: self.end().with_buffer(chopping.buffer),
            sends: Vec::new(),
        };
        let mut turns = chopping.turns.iter().copied().cycle();
        let mut output = Vec::new();
        let last = (self.bytes.0.len(), usize::MAX);
        let mut start = 0;
        for (i, (at, n)) in self.drains.iter().copied().chain([last]).enumerate() {
            for piece in pieces(start..at, &chopping.cuts) {
                run.read(&self.bytes.0[piece], &mut turns);
            }
            start = at;
            if i == self.drains.len() && chopping.early_eof {
                run.end.connection.handle_eof(&mut run.end.env);
            }
            run.take(usize::MAX, Ask::Not, false);
            if self.answer == Answer::Later {
                run.answer();
            }
            if i == self.drains.len() {
                run.end.connection.handle_eof(&mut run.end.env);
                run.take(usize::MAX, Ask::Not, false);
            }
            output.push(run.end.drain_some(n));
        }
        assert_over(&mut run.end);
        Outcome {
            seen: joined(&run.end.seen),
            sends: run.sends,
            output,
        }
    }
}

/// The parts of `range` between the cuts.
fn pieces(range: Range<usize>, cuts: &[usize]) -> Vec<Range<usize>> {
    let inner = cuts.iter().copied().filter(|cut| range.contains(cut));
    let mut ends: Vec<usize> = inner.chain([range.start, range.end]).collect();
    ends.sort_unstable();
    ends.windows(2).map(|ends| ends[0]..ends[1]).collect()
}

struct Run {
    end: End,
    sends: Vec<Result<(), SendError>>,
}

impl Run {
    fn read(&mut self, mut bytes: &[u8], turns: &mut impl Iterator<Item = Turn>) {
        while !bytes.is_empty() {
            if self.end.input.spare().is_empty() {
                self.take(usize::MAX, Ask::Not, false);
            }
            let spare = self.end.input.spare();
            let len = spare.len().min(bytes.len());
            spare[..len].copy_from_slice(&bytes[..len]);
            self.end.input.filled(len);
            bytes = &bytes[len..];
            let Some(turn) = turns.next() else { return };
            self.take(turn.events, turn.ask, turn.short);
            match turn.then {
                Then::Keep => {}
                Then::SetAside => {
                    let End {
                        connection,
                        env,
                        input,
                        ..
                    } = &mut self.end;
                    connection.set_aside(env, input);
                    assert!(input.is_empty());
                    // Another connection uses the buffer.
                    input.spare().fill(0xaa);
                }
            }
        }
    }

    /// Takes at most `n` events, and lets the application react to each.
    fn take(&mut self, n: usize, ask: Ask, short: bool) {
        let Self { end, sends } = self;
        for _ in 0..n {
            let End {
                connection,
                env,
                input,
                answer,
                seen,
                ..
            } = end;
            if ask != Ask::Not {
                match connection.has_event(env, input) {
                    Ok(true) if ask == Ask::AndSetAside => {
                        connection.set_aside(env, input);
                        assert!(input.is_empty());
                        assert!(connection.wants().event);
                    }
                    Ok(true) => {}
                    Ok(false) => return assert!(input.is_empty()),
                    Err(error) => {
                        assert!(input.is_empty());
                        return seen.push(Seen::Failed(error));
                    }
                }
            }
            if short && let Some(event) = connection.next_message(env, input) {
                assert!(matches!(event, Event::Text(_) | Event::Binary(_)));
                seen.push(Seen::from(&event));
                react(connection, env, &event, *answer, sends);
                continue;
            }
            match connection.next_event(env, input) {
                Ok(Some(event)) => {
                    seen.push(Seen::from(&event));
                    react(connection, env, &event, *answer, sends);
                }
                Ok(None) => {
                    assert!(ask == Ask::Not, "`has_event` promised one");
                    assert!(input.is_empty());
                    input.spare().fill(0xaa);
                    return;
                }
                Err(error) => {
                    assert!(input.is_empty());
                    return seen.push(Seen::Failed(error));
                }
            }
        }
    }

    /// Accepts the request, if there is one that waits.
    fn answer(&mut self) {
        let End {
            connection, env, ..
        } = &mut self.end;
        if connection.accept(env, &Accept::new()).is_ok() {
            self.take(usize::MAX, Ask::First, true);
        }
    }
}

/// An application that echoes messages and confirms chunked ones.
fn react(
    connection: &mut Connection,
    env: &mut Env,
    event: &Event<'_>,
    answer: Answer,
    sends: &mut Vec<Result<(), SendError>>,
) {
    match event {
        Event::Request(_) if answer == Answer::Accept => {
            sends.push(connection.accept(env, &Accept::new()));
        }
        Event::Text(text) => sends.push(connection.send_text(env, text)),
        Event::Binary(binary) => sends.push(connection.send_binary(env, binary)),
        Event::Chunk(chunk) if chunk.last => sends.push(connection.send_text(env, "thanks")),
        Event::Request(_)
        | Event::Open(_)
        | Event::Refused(_)
        | Event::Chunk(_)
        | Event::Ping(_)
        | Event::Pong(_)
        | Event::Drained
        | Event::Closed(_)
        | _ => {}
    }
}

/// The connection has reported its end once, reports nothing more, and is over in finite time.
fn assert_over(end: &mut End) {
    let ends: Vec<bool> = end.seen.iter().map(Seen::is_last).collect();
    assert_eq!(
        ends.iter().filter(|is_last| **is_last).count(),
        1,
        "{:?}",
        end.seen
    );
    assert_eq!(ends.last(), Some(&true), "{:?}", end.seen);

    let before = end.seen.len();
    end.read(b"\x81\x00\x88\x00GET / HTTP/1.1\r\n\r\n");
    end.connection.handle_eof(&mut end.env);
    end.take_events();
    assert_eq!(end.seen.len(), before, "nothing is reported after the end");
    let has_event = end.connection.has_event(&mut end.env, &mut end.input);
    assert_eq!(has_event, Ok(false));

    end.drain();
    if end.connection.wants().shutdown {
        end.connection.handle_shutdown();
    }
    assert!(end.connection.wants().done, "{:?}", end.connection.wants());
    assert_eq!(end.seen.len(), before);
}

fn configs() -> impl Strategy<Value = Arc<Config>> {
    let limits = prop_oneof![
        2 => Just((16 << 20, 16 << 20, 1 << 17)),
        1 => (0_u64..1000, 0_u64..1000, 0_u32..5),
        1 => Just((u64::MAX, u64::MAX, u32::MAX)),
    ];
    let sending = (
        prop_oneof![Just(None), (1_usize..100).prop_map(NonZeroUsize::new)],
        prop_oneof![Just(4096_usize), 0_usize..300],
        prop_oneof![Just(64_usize << 10), 1_usize..1000],
        prop_oneof![Just(16_usize << 20), 0_usize..1000],
        prop_oneof![
            Just(Overflow::Refuse),
            Just(Overflow::DropNewest),
            Just(Overflow::DropOldest),
            Just(Overflow::Close),
        ],
    );
    let flags = (
        any::<bool>(),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.8),
    );
    (
        limits,
        sending,
        flags,
        prop_oneof![Just(16_usize << 10), 0_usize..300],
    )
        .prop_map(|(limits, sending, flags, max_head)| {
            config(|config| {
                (config.max_message, config.max_frame, config.max_fragments) = limits;
                (
                    config.fragment_size,
                    config.max_pong_queue,
                    config.queue_high,
                    config.queue_limit,
                    config.overflow,
                ) = sending;
                config.queue_low = config.queue_high / 2;
                let (chunks, check_utf8, answer_pings) = flags;
                config.delivery = if chunks {
                    Delivery::Chunks
                } else {
                    Delivery::Messages
                };
                config.check_utf8 = check_utf8;
                config.answer_pings = answer_pings;
                config.max_head = max_head;
            })
        })
}

fn policies() -> impl Strategy<Value = Compression> {
    let inflate_from = prop_oneof![Just(0_usize), 1_usize..100, Just(16 << 10)];
    (any::<[bool; 2]>(), 8_u8..=15, inflate_from).prop_map(
        |([takeover, dedicated], window_bits, inflate_from)| {
            let mut policy = Compression::default();
            policy.send_takeover = takeover;
            policy.send_window_bits = window_bits;
            policy.inflate_from = inflate_from;
            if dedicated {
                policy.memory = Memory::Dedicated;
            }
            policy
        },
    )
}

/// The server's agreement to what [`End::connecting`] asks for.
fn agreement() -> Vec<u8> {
    let mut client = End::connecting(config(|_| {}));
    let mut server = End::accepting(config(|_| {}));
    server.read(&client.drain());
    server.drain()
}

fn scripts() -> impl Strategy<Value = Script> {
    let stream = prop_oneof![
        3 => frames(Role::Client).prop_map(|bytes| (Role::Server, From::Open, bytes)),
        3 => frames(Role::Server).prop_map(|bytes| (Role::Client, From::Open, bytes)),
        2 => request_and_frames().prop_map(|bytes| (Role::Server, From::Opening, bytes)),
        2 => response_and_frames(agreement())
            .prop_map(|bytes| (Role::Client, From::Opening, bytes)),
    ];
    let stream = if BACKENDS.is_empty() {
        stream.boxed()
    } else {
        let compressed = prop_oneof![
            compressed_frames(Role::Client).prop_map(|bytes| (
                Role::Server,
                From::Compressed,
                bytes
            )),
            compressed_frames(Role::Server).prop_map(|bytes| (
                Role::Client,
                From::Compressed,
                bytes
            )),
        ];
        prop_oneof![2 => stream, 1 => compressed].boxed()
    };
    let sizes = prop_oneof![Just(usize::MAX), 0_usize..200];
    let drains = vec((any::<Index>(), sizes), 0..4);
    let answers = prop_oneof![Just(Answer::Accept), Just(Answer::Later)];
    (stream, configs(), policies(), drains, answers).prop_map(
        |((role, from, bytes), mut config, policy, drains, answer)| {
            if from == From::Compressed {
                let config = Arc::make_mut(&mut config);
                config.compression = Some(policy);
                // The handshake is not what this is about.
                config.max_head = 1 << 10;
            }
            let at = |(at, n): (Index, usize)| (at.index(bytes.len() + 1), n);
            let mut drains: Vec<_> = drains.into_iter().map(at).collect();
            drains.sort_unstable();
            Script {
                role,
                from,
                config,
                bytes: Bytes(bytes),
                drains,
                answer,
            }
        },
    )
}

fn turns() -> impl Strategy<Value = Turn> {
    let events = prop_oneof![2 => Just(usize::MAX), 2 => 0_usize..3];
    let then = prop_oneof![Just(Then::Keep), Just(Then::SetAside)];
    let ask = prop_oneof![Just(Ask::Not), Just(Ask::First), Just(Ask::AndSetAside)];
    (events, ask, any::<bool>(), then).prop_map(|(events, ask, short, then)| Turn {
        events,
        ask,
        short,
        then,
    })
}

fn scripts_and_choppings() -> impl Strategy<Value = (Script, Chopping)> {
    let cuts = prop_oneof![
        3 => vec(any::<Index>(), 0..8).prop_map(Some),
        1 => Just(None),
    ];
    let buffer = prop_oneof![1_usize..20, 100_usize..300, Just(70_000)];
    (scripts(), cuts, buffer, vec(turns(), 1..5), any::<bool>()).prop_map(
        |(script, cuts, buffer, turns, early_eof)| {
            let len = script.bytes.0.len();
            // Byte by byte, but not through all of a long stream.
            let cuts = match cuts {
                Some(cuts) => cuts.into_iter().map(|cut| cut.index(len + 1)).collect(),
                None => (0..len.min(3000)).collect(),
            };
            let chopping = Chopping {
                cuts,
                buffer,
                turns,
                early_eof,
            };
            (script, chopping)
        },
    )
}

#[test]
fn what_is_set_aside_stays_in_order_however_often_more_is() {
    let mut end = End::upgraded(Role::Client, config(|_| {}));
    for bytes in [&b"\x81\x01a\x81"[..], b"\x01b", b"\x81\x01c"] {
        end.input.spare()[..bytes.len()].copy_from_slice(bytes);
        end.input.filled(bytes.len());
        end.connection.set_aside(&mut end.env, &mut end.input);
    }
    assert!(end.connection.wants().event);
    end.read(b"\x81\x01d");
    assert_eq!(end.seen, ["a", "b", "c", "d"].map(Seen::text));
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn any_chopping_gives_the_same((script, chopping) in scripts_and_choppings()) {
        prop_assert_eq!(script.run(&chopping), script.in_one_piece());
    }

    #[test]
    fn a_late_answer_loses_nothing_of_what_came_meanwhile(
        bytes in request_and_frames(),
        config in configs(),
    ) {
        let seen = [Answer::Accept, Answer::Later].map(|answer| {
            let script = Script {
                role: Role::Server,
                from: From::Opening,
                config: config.clone(),
                bytes: Bytes(bytes.clone()),
                drains: Vec::new(),
                answer,
            };
            script.in_one_piece().seen
        });
        prop_assert_eq!(&seen[0], &seen[1]);
    }
}
