//! The core of this project, called as a driver calls it: the time is set, a batch is read or queued,
//! and `wants` is called at the end of a turn. Default limits, UTF-8 checks and deadlines are on.

use std::{hint::black_box, sync::Arc};

use rand_chacha::{
    ChaCha12Rng,
    rand_core::{Rng, SeedableRng},
};
use wsproto::{Agreed, Config, Connection, Entropy, Env, Event, Input, Message, Role, Time};

use super::{Source, Subject};
use crate::payload::Case;

/// The generator that the drivers use, with a fixed seed for reproducible runs.
pub(crate) struct Seeded(ChaCha12Rng);

impl Seeded {
    pub(crate) fn new() -> Self {
        Self(ChaCha12Rng::from_seed([7; 32]))
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, buf: &mut [u8]) {
        self.0.fill_bytes(buf);
    }
}

fn env() -> Env {
    Env::new(Seeded::new())
}

fn open(role: Role, env: &mut Env) -> Connection {
    Connection::upgraded(role, Arc::new(Config::default()), &Agreed::default(), env)
}

/// Receives whole messages through [`Connection::next_event`].
#[derive(Debug)]
pub struct Receive {
    source: Source,
    connection: Connection,
    env: Env,
    input: Input<Box<[u8]>>,
    turns: u64,
}

impl Receive {
    /// Creates a receiver in that role, reading from `source` with a read buffer of that many bytes.
    #[must_use]
    pub fn new(role: Role, source: Source, buffer: usize) -> Self {
        let mut env = env();
        Self {
            source,
            connection: open(role, &mut env),
            env,
            input: Input::new(vec![0; buffer].into_boxed_slice()),
            turns: 0,
        }
    }
}

impl Subject for Receive {
    fn turn(&mut self) -> usize {
        self.turns += 1;
        self.env.set_now(Time::from_nanos(self.turns));
        let (mut bytes, mut messages) = (0, 0);
        while messages < self.source.messages {
            let n = self.source.read(self.input.spare());
            self.input.filled(n);
            while let Some(event) = self
                .connection
                .next_event(&mut self.env, &mut self.input)
                .expect("the frames are legal")
            {
                bytes += match event {
                    Event::Text(text) => black_box(&*text).len(),
                    Event::Binary(data) => black_box(&*data).len(),
                    other => panic!("{other:?} was not sent"),
                };
                messages += 1;
            }
        }
        black_box(self.connection.wants());
        bytes
    }
}

/// The path of a message to the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Copied into the queue, which is written as a whole.
    Copied,
    /// Passed to the transport with its header, as a vectored write (server only).
    Through,
}

/// Sends messages to a transport that accepts everything at once.
#[derive(Debug)]
pub struct Send {
    payload: Message,
    messages: usize,
    connection: Connection,
    env: Env,
    way: Way,
    turns: u64,
}

impl Send {
    /// Creates a sender in that role, with `messages` messages per turn.
    #[must_use]
    pub fn new(role: Role, case: Case, messages: usize, way: Way) -> Self {
        let mut env = env();
        let bytes = case.payload();
        let payload = if case.content.is_text() {
            Message::Text(String::from_utf8(bytes).expect("text"))
        } else {
            Message::Binary(bytes)
        };
        Self {
            payload,
            messages,
            connection: open(role, &mut env),
            env,
            way,
            turns: 0,
        }
    }

    fn queue(&mut self) {
        for _ in 0..self.messages {
            let sent = match black_box(&self.payload) {
                Message::Text(text) => self.connection.send_text(&mut self.env, text),
                Message::Binary(data) => self.connection.send_binary(&mut self.env, data),
            };
            sent.expect("the queue has room");
        }
    }

    fn send_through(&mut self) -> usize {
        let mut bytes = 0;
        for _ in 0..self.messages {
            let payload = black_box(&self.payload);
            let write = |slices: &[&[u8]]| {
                let n = black_box(slices).iter().map(|slice| slice.len()).sum();
                bytes += n;
                n
            };
            self.connection
                .send_through(&mut self.env, payload.kind(), payload.as_bytes(), write)
                .expect("the queue has room");
        }
        bytes
    }
}

impl Subject for Send {
    fn turn(&mut self) -> usize {
        self.turns += 1;
        self.env.set_now(Time::from_nanos(self.turns));
        let bytes = match self.way {
            Way::Copied => {
                self.queue();
                let n = self
                    .connection
                    .outgoing()
                    .map(|bytes| black_box(bytes).len())
                    .sum();
                self.connection.sent(&mut self.env, n);
                n
            }
            Way::Through => self.send_through(),
        };
        black_box(self.connection.wants());
        bytes
    }
}
