//! The protocol core without any I/O: an echo in memory, whose clock jumps to whatever happens next.

use std::{io, sync::Arc, time::Duration};

use wsproto::{
    Accept, ClientRequest, Config, Connection, Entropy, Env, Event, Input, SendError, Time,
};

use super::{Facts, Subject};
use crate::{
    case::{Case, Role},
    wire::{Received, Wire},
};

/// The core as a subject.
#[derive(Debug, Clone)]
pub struct Core {
    role: Role,
    config: Arc<Config>,
}

impl Core {
    /// An echo in that role.
    #[must_use]
    pub fn new(role: Role, config: Config) -> Self {
        Self {
            role,
            config: Arc::new(config),
        }
    }
}

impl From<&Config> for Facts {
    fn from(config: &Config) -> Self {
        Self {
            max_message: Some(config.max_message),
            max_frame: Some(config.max_frame),
            max_fragments: Some(config.max_fragments.into()),
            max_head: Some(config.max_head as u64),
            opening_timeout: config.opening_timeout,
            close_timeout: config.close_timeout,
            ping_interval: config.ping_interval,
            pong_timeout: config.pong_timeout,
            idle_timeout: config.idle_timeout,
            write_timeout: config.write_timeout,
        }
    }
}

impl Subject for Core {
    fn name(&self) -> &str {
        match self.role {
            Role::Client => "wsproto client",
            Role::Server => "wsproto server",
        }
    }

    fn role(&self) -> Role {
        self.role
    }

    fn facts(&self, _case: &Case) -> Facts {
        Facts::from(&*self.config)
    }

    fn open(&self, _case: &Case) -> io::Result<Box<dyn Wire>> {
        let mut env = Env::new(Random(fastrand::Rng::new()));
        env.set_now(Time::since_epoch(Duration::ZERO));
        let config = self.config.clone();
        let connection = match self.role {
            Role::Server => Connection::accepting(config, &mut env),
            Role::Client => {
                let request = ClientRequest::new("localhost", "/");
                Connection::connecting(config, &request, &mut env).map_err(io::Error::other)?
            }
        };
        Ok(Box::new(Memory {
            connection,
            env,
            input: Input::new(vec![0; 64 << 10]),
            now: Duration::ZERO,
            finished: false,
        }))
    }
}

/// Fast, and good enough for a peer in the same process.
struct Random(fastrand::Rng);

impl Entropy for Random {
    fn fill(&mut self, buf: &mut [u8]) {
        self.0.fill(buf);
    }
}

/// An echoing connection, seen from the other end of its transport.
struct Memory {
    connection: Connection,
    env: Env,
    input: Input<Vec<u8>>,
    now: Duration,
    /// Whether the connection has ended its direction.
    finished: bool,
}

impl Memory {
    /// Does everything that there is to do now.
    fn settle(&mut self) {
        let Self {
            connection,
            env,
            input,
            ..
        } = self;
        loop {
            match connection.next_event(env, input) {
                Ok(Some(event)) => {
                    let done = match &event {
                        Event::Request(_) => connection.accept(env, &Accept::new()),
                        Event::Text(text) => connection.send_text(env, text),
                        Event::Binary(octets) => connection.send_binary(env, octets),
                        _ => Ok(()),
                    };
                    debug_assert!(
                        matches!(done, Ok(()) | Err(SendError::Closed)),
                        "an echo is never refused: {done:?}"
                    );
                }
                Ok(None) => break,
                // It comes once, and the peer is told.
                Err(_) => {}
            }
        }
    }

    /// Lets time pass until then, or until the connection has something to say.
    fn pass(&mut self, until: Duration) {
        while self.now < until {
            let deadline = self.connection.wants().deadline;
            let deadline =
                deadline.map(|at| at.saturating_since(Time::since_epoch(Duration::ZERO)));
            self.now = deadline.map_or(until, |at| at.clamp(self.now, until));
            self.env.set_now(Time::since_epoch(self.now));
            if deadline.is_some_and(|at| at <= self.now) {
                self.connection.handle_timeout(&mut self.env);
                self.settle();
                if self.has_output() {
                    return;
                }
            }
        }
    }

    fn has_output(&self) -> bool {
        let wants = self.connection.wants();
        wants.write || wants.shutdown || wants.done
    }
}

impl Wire for Memory {
    fn now(&self) -> Duration {
        self.now
    }

    fn send(&mut self, octets: &[u8]) -> io::Result<usize> {
        let wants = self.connection.wants();
        if wants.done {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if !wants.read {
            return Ok(0);
        }
        let spare = self.input.spare();
        let len = spare.len().min(octets.len());
        spare[..len].copy_from_slice(&octets[..len]);
        self.input.filled(len);
        self.settle();
        Ok(len)
    }

    fn receive(&mut self, buf: &mut Vec<u8>, until: Duration) -> Received {
        loop {
            let before = buf.len();
            while let Some(octets) = self.connection.outgoing().next() {
                buf.extend_from_slice(octets);
                let len = octets.len();
                self.connection.sent(&mut self.env, len);
            }
            self.settle();
            let wants = self.connection.wants();
            if buf.len() > before {
                return Received::Octets(buf.len() - before);
            }
            if wants.write {
                continue;
            }
            if wants.shutdown {
                self.connection.handle_shutdown();
                self.finished = true;
            }
            if self.finished || wants.done {
                return Received::End;
            }
            if self.now >= until {
                return Received::Nothing;
            }
            self.pass(until);
        }
    }

    fn wait(&mut self, until: Duration) {
        while self.now < until && !self.connection.wants().done {
            // A deadline may pass, but nobody looks at what comes of it.
            let before = self.now;
            self.pass(until);
            if self.now == before {
                self.now = until;
                self.env.set_now(Time::since_epoch(until));
            }
        }
    }

    fn finish(&mut self) {
        self.connection.handle_eof(&mut self.env);
        self.settle();
    }

    fn abort(mut self: Box<Self>) {
        self.connection.handle_lost(&mut self.env);
        self.settle();
    }
}
