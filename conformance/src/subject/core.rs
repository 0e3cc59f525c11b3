//! The protocol core without any I/O: an echo in memory.

use std::{io, time::Duration};

use wsproto::{
    Accept, ClientRequest, Config, Connection, Entropy, Env, Event, Input, SendError, Time,
};

use super::{
    Facts, Subject,
    memory::{Endpoint, Memory, State},
};
use crate::{
    case::{Case, Need, Role},
    wire::Wire,
};

/// The core as a subject.
#[derive(Debug, Clone)]
pub struct Core {
    role: Role,
    config: fn(Option<Need>) -> Config,
}

impl Core {
    /// An echo in that role, configured by the facts that a case needs.
    #[must_use]
    pub const fn new(role: Role, config: fn(Option<Need>) -> Config) -> Self {
        Self { role, config }
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

    fn facts(&self, case: &Case) -> Facts {
        Facts::from(&(self.config)(case.needs))
    }

    fn open(&self, case: &Case) -> io::Result<Box<dyn Wire>> {
        let mut env = Env::new(Random(fastrand::Rng::new()));
        env.set_now(Time::since_epoch(Duration::ZERO));
        let mut config = (self.config)(case.needs);
        // The echo stops taking messages while its echoes are not read, so that it does not grow.
        config.pause_when_high = true;
        let config = config.into();
        let connection = match self.role {
            Role::Server => Connection::accepting(config, &mut env),
            Role::Client => {
                let request = ClientRequest::new("localhost", "/");
                Connection::connecting(config, &request, &mut env).map_err(io::Error::other)?
            }
        };
        Ok(Box::new(Memory::new(Echo {
            connection,
            env,
            input: Input::new(vec![0; 64 << 10]),
            finished: false,
        })))
    }
}

/// Fast, and good enough for a peer in the same process.
struct Random(fastrand::Rng);

impl Entropy for Random {
    fn fill(&mut self, buf: &mut [u8]) {
        self.0.fill(buf);
    }
}

/// An echoing connection.
struct Echo {
    connection: Connection,
    env: Env,
    input: Input<Vec<u8>>,
    /// True if the connection has ended its direction.
    finished: bool,
}

impl Echo {
    /// Processes everything that is pending.
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
                        Event::Binary(bytes) => connection.send_binary(env, bytes),
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
}

impl Endpoint for Echo {
    fn take(&mut self, bytes: &[u8]) -> usize {
        if !self.connection.wants().read {
            return 0;
        }
        let spare = self.input.spare();
        let len = spare.len().min(bytes.len());
        spare[..len].copy_from_slice(&bytes[..len]);
        self.input.filled(len);
        self.settle();
        len
    }

    fn give(&mut self, transport: &mut Vec<u8>, mut room: usize) {
        while room > 0
            && let Some(bytes) = self.connection.outgoing().next()
        {
            let len = bytes.len().min(room);
            transport.extend_from_slice(&bytes[..len]);
            room -= len;
            self.connection.sent(&mut self.env, len);
            if self.connection.wants().event {
                self.settle();
            }
        }
    }

    fn held(&self) -> usize {
        self.connection.queued()
    }

    fn state(&mut self) -> State {
        let wants = self.connection.wants();
        if wants.shutdown {
            self.connection.handle_shutdown();
            self.finished = true;
        }
        match (wants.done, self.finished) {
            (true, _) => State::Gone,
            (false, true) => State::Finished,
            (false, false) => State::Open,
        }
    }

    fn deadline(&self) -> Option<Duration> {
        let deadline = self.connection.wants().deadline?;
        Some(deadline.saturating_since(Time::since_epoch(Duration::ZERO)))
    }

    fn handle_time(&mut self, now: Duration) {
        self.env.set_now(Time::since_epoch(now));
        self.connection.handle_timeout(&mut self.env);
        self.settle();
    }

    fn handle_end(&mut self) {
        self.connection.handle_eof(&mut self.env);
        self.settle();
    }

    fn handle_lost(&mut self) {
        self.connection.handle_lost(&mut self.env);
        self.connection.handle_eof(&mut self.env);
        self.settle();
    }
}
