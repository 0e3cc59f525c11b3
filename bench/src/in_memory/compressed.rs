//! The core of this project with permessage-deflate: two ends agree on it in an opening handshake, and
//! one of them is timed.

use std::{hint::black_box, sync::Arc};

use wsproto::{
    Accept, ClientRequest, Codecs, Compression, Compressor, Config, Connection, Env, Event,
    Inflater, Input, Role, Time,
};

use super::{Source, Subject, ours::Seeded};
use crate::json::Corpus;

/// Length of a read buffer shared by all connections of a thread.
const BUFFER: usize = 256 << 10;

/// Creates the codecs of an environment.
pub type Backend = fn() -> Box<dyn Codecs>;

/// Codecs behind a pointer, where an environment takes a type.
struct Boxed(Box<dyn Codecs>);

impl Codecs for Boxed {
    fn compressor(&mut self, level: u8, window_bits: u8) -> Box<dyn Compressor> {
        self.0.compressor(level, window_bits)
    }

    fn inflater(&mut self) -> Box<dyn Inflater> {
        self.0.inflater()
    }
}

/// Creates an environment with the codecs of `backend`.
#[must_use]
pub fn env(backend: Backend) -> Env {
    Env::with_codecs(Seeded::new(), Boxed(backend()))
}

/// The configurations of two ends that use the same compression.
#[derive(Debug)]
pub struct Ends {
    role: Role,
    client: Arc<Config>,
    server: Arc<Config>,
}

impl Ends {
    /// Creates the end in that role with `compression`, and the other end with the directions swapped.
    #[must_use]
    pub fn new(role: Role, compression: Compression) -> Self {
        let mut mirrored = compression;
        mirrored.send_window_bits = compression.receive_window_bits;
        mirrored.receive_window_bits = compression.send_window_bits;
        mirrored.preferred_receive_window_bits = compression.send_window_bits;
        mirrored.send_takeover = compression.receive_takeover;
        mirrored.receive_takeover = compression.send_takeover;
        let config = |compression| {
            let mut config = Config::default();
            config.compression = Some(compression);
            Arc::new(config)
        };
        let (of_client, of_server) = match role {
            Role::Client => (compression, mirrored),
            Role::Server => (mirrored, compression),
        };
        Self {
            role,
            client: config(of_client),
            server: config(of_server),
        }
    }

    /// Swaps the two ends, so that the other one is opened.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            role: match self.role {
                Role::Client => Role::Server,
                Role::Server => Role::Client,
            },
            ..self
        }
    }

    /// Returns an open connection whose peer has been dropped.
    ///
    /// # Panics
    /// If the two ends do not agree.
    #[must_use]
    pub fn open(&self, env: &mut Env) -> Connection {
        let request = ClientRequest::new("localhost", "/");
        let mut client = Connection::connecting(self.client.clone(), &request, env).expect("valid");
        let mut server = Connection::accepting(self.server.clone(), env);
        let mut input = Input::new(vec![0; 4 << 10]);
        pass(env, &mut client, &mut input);
        let event = server.next_event(env, &mut input).expect("valid");
        assert!(matches!(event, Some(Event::Request(_))));
        server.accept(env, &Accept::new()).expect("acceptable");
        pass(env, &mut server, &mut input);
        let event = client.next_event(env, &mut input).expect("valid");
        assert!(matches!(event, Some(Event::Open(_))));
        match self.role {
            Role::Client => client,
            Role::Server => server,
        }
    }
}

/// Makes the outgoing bytes of `from` available as input.
fn pass(env: &mut Env, from: &mut Connection, input: &mut Input<Vec<u8>>) {
    let bytes = from.outgoing().collect::<Vec<_>>().concat();
    from.sent(env, bytes.len());
    input.spare()[..bytes.len()].copy_from_slice(&bytes);
    input.filled(bytes.len());
}

/// Records all frames of the corpus that one end sends, as a wire for others to receive from.
///
/// # Panics
/// If a message takes more than one write, which never happens.
#[must_use]
pub fn record(ends: &Ends, backend: Backend, corpus: &Corpus) -> Source {
    let mut env = env(backend);
    let mut connection = ends.open(&mut env);
    let mut bytes = Vec::new();
    for message in corpus.messages() {
        connection.send_text(&mut env, message).expect("room");
        let start = bytes.len();
        connection.outgoing().for_each(|part| bytes.extend(part));
        connection.sent(&mut env, bytes.len() - start);
    }
    Source::recorded(bytes, corpus.messages().len())
}

/// The number of connections that take turns at sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// One connection, whose pooled compressor is always the one that it used before.
    Alone,
    /// Two connections that send in turn, so that the pooled compressor is always primed.
    InTurns,
}

/// One connection, or two that send in turn.
#[derive(Debug)]
struct Senders {
    connections: Vec<Connection>,
    next: usize,
}

impl Senders {
    fn open(ends: &Ends, env: &mut Env, company: Company) -> Self {
        let connections = match company {
            Company::Alone => vec![ends.open(env)],
            Company::InTurns => vec![ends.open(env), ends.open(env)],
        };
        Self {
            connections,
            next: 0,
        }
    }

    fn send(&mut self, env: &mut Env, text: &str) {
        self.connections[self.next]
            .send_text(env, text)
            .expect("room");
        self.next = (self.next + 1) % self.connections.len();
    }

    /// The transports accept all queued bytes.
    fn write(&mut self, env: &mut Env) -> usize {
        let connections = self.connections.iter_mut();
        connections.map(|connection| write(connection, env)).sum()
    }
}

/// Sends the whole corpus in each turn.
#[derive(Debug)]
pub struct Send {
    corpus: Corpus,
    senders: Senders,
    env: Env,
    written: usize,
    turns: u64,
}

impl Send {
    /// Creates a sender in that role.
    #[must_use]
    pub fn new(
        role: Role,
        backend: Backend,
        compression: Compression,
        company: Company,
        corpus: &Corpus,
    ) -> Self {
        let mut env = env(backend);
        Self {
            corpus: corpus.clone(),
            senders: Senders::open(&Ends::new(role, compression), &mut env, company),
            env,
            written: 0,
            turns: 0,
        }
    }
}

impl Subject for Send {
    fn turn(&mut self) -> usize {
        let mut bytes = 0;
        for batch in self.corpus.batches() {
            self.turns += 1;
            self.env.set_now(Time::from_nanos(self.turns));
            for message in batch {
                let message = black_box(message);
                self.senders.send(&mut self.env, message);
                bytes += message.len();
            }
            self.written += self.senders.write(&mut self.env);
        }
        bytes
    }

    fn compressed_to(&self) -> Option<usize> {
        Some(self.written)
    }
}

/// The transport accepts all queued bytes.
fn write(connection: &mut Connection, env: &mut Env) -> usize {
    let outgoing = connection.outgoing();
    let n = outgoing.map(|bytes| black_box(bytes).len()).sum();
    connection.sent(env, n);
    black_box(connection.wants());
    n
}

/// The action for each received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Drop,
    /// Send it; with connections in turn, every other one to another peer.
    Echo(Company),
}

/// Receives the whole corpus in each turn.
#[derive(Debug)]
pub struct Receive {
    source: Source,
    then: Then,
    /// The first of these is the receiver.
    connections: Senders,
    env: Env,
    input: Input<Box<[u8]>>,
    turns: u64,
}

impl Receive {
    /// Creates a receiver in that role, reading from `source`.
    #[must_use]
    pub fn new(
        role: Role,
        backend: Backend,
        compression: Compression,
        source: Source,
        then: Then,
    ) -> Self {
        let mut env = env(backend);
        let company = match then {
            Then::Drop => Company::Alone,
            Then::Echo(company) => company,
        };
        Self {
            source,
            then,
            connections: Senders::open(&Ends::new(role, compression), &mut env, company),
            env,
            input: Input::new(vec![0; BUFFER].into_boxed_slice()),
            turns: 0,
        }
    }
}

impl Subject for Receive {
    fn turn(&mut self) -> usize {
        let (mut bytes, mut messages) = (0, 0);
        while messages < self.source.messages {
            self.turns += 1;
            self.env.set_now(Time::from_nanos(self.turns));
            let n = self.source.read(self.input.spare());
            self.input.filled(n);
            while let Some(event) = self.connections.connections[0]
                .next_event(&mut self.env, &mut self.input)
                .expect("the frames are legal")
            {
                let text = match event {
                    Event::Text(text) => text,
                    // The queue was high for a moment.
                    Event::Drained => continue,
                    other => panic!("{other:?} was not sent"),
                };
                bytes += black_box(&*text).len();
                messages += 1;
                if let Then::Echo(_) = self.then {
                    self.connections.send(&mut self.env, &text);
                }
            }
            black_box(self.connections.write(&mut self.env));
        }
        bytes
    }
}
