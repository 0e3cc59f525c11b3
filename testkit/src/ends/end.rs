//! One end of a connection with everything a driver holds for it, and a log of what it reported.

use std::{sync::Arc, time::Duration};

use wsproto::{Accept, Agreed, ClientRequest, Config, Connection, Env, Event, Input, Reject, Role};

use super::{Seen, env};
use crate::{Frame, decode, opposite};

/// A server's answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Accept at once.
    Accept,
    /// Reject at once, with that status.
    Reject(u16),
    /// Leave it to the test.
    Later,
}

/// One end of a connection.
#[derive(Debug)]
pub struct End {
    /// The connection.
    pub connection: Connection,
    /// The environment with the virtual clock.
    pub env: Env,
    /// The read buffer, 64 KiB at first.
    pub input: Input<Vec<u8>>,
    /// The answer to requests.
    pub answer: Answer,
    /// Everything that was reported, in order.
    pub seen: Vec<Seen>,
}

impl End {
    /// Wraps a connection that was made in `env`.
    pub fn new(connection: Connection, env: Env) -> Self {
        Self {
            connection,
            env,
            input: Input::new(vec![0; 64 << 10]),
            answer: Answer::Accept,
            seen: Vec::new(),
        }
    }

    /// A server before the request.
    pub fn accepting(config: Arc<Config>) -> Self {
        Self::accepting_in(env(1), config)
    }

    /// The same in an environment of the caller's.
    pub fn accepting_in(mut env: Env, config: Arc<Config>) -> Self {
        Self::new(Connection::accepting(config, &mut env), env)
    }

    /// A client whose request is queued.
    pub fn connecting(config: Arc<Config>) -> Self {
        Self::connecting_in(env(2), config)
    }

    /// The same in an environment of the caller's.
    pub fn connecting_in(mut env: Env, config: Arc<Config>) -> Self {
        let request = ClientRequest::new("localhost", "/");
        let connection = Connection::connecting(config, &request, &mut env);
        Self::new(connection.expect("the request is valid"), env)
    }

    /// Either end of a connection that is open already.
    pub fn upgraded(role: Role, config: Arc<Config>) -> Self {
        let mut env = env(3);
        Self::new(
            Connection::upgraded(role, config, &Agreed::default(), &mut env),
            env,
        )
    }

    /// Replaces the read buffer by one of `len` bytes.
    pub fn with_buffer(mut self, len: usize) -> Self {
        self.input = Input::new(vec![0; len]);
        self
    }

    /// Sets how requests are answered.
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// Reads `bytes`, in as many reads as the buffer needs, and takes the events after each.
    pub fn read(&mut self, bytes: &[u8]) {
        self.read_with(bytes, |_, _, _| {});
    }

    /// [`read`](Self::read) that calls `on` for each event.
    pub fn read_with(
        &mut self,
        mut bytes: &[u8],
        mut on: impl FnMut(&mut Connection, &mut Env, &Event<'_>),
    ) {
        while !bytes.is_empty() {
            let spare = self.input.spare();
            let len = spare.len().min(bytes.len());
            assert!(len > 0, "the input is used up after each turn");
            spare[..len].copy_from_slice(&bytes[..len]);
            self.input.filled(len);
            bytes = &bytes[len..];
            self.take_events_with(&mut on);
        }
    }

    /// Reads frames, masked if the peer is a client.
    pub fn read_frames(&mut self, frames: &[Frame]) {
        let peer = opposite(self.connection.role());
        for frame in frames {
            self.read(&frame.clone().sent_by(peer).encode());
        }
    }

    /// Takes all available events.
    pub fn take_events(&mut self) {
        self.take_events_with(|_, _, _| {});
    }

    /// [`take_events`](Self::take_events) that calls `on` for each event.
    pub fn take_events_with(&mut self, mut on: impl FnMut(&mut Connection, &mut Env, &Event<'_>)) {
        let Self {
            connection,
            env,
            input,
            answer,
            seen,
        } = self;
        loop {
            match connection.next_event(env, input) {
                Ok(Some(event)) => {
                    seen.push(Seen::from(&event));
                    if let Event::Request(_) = event {
                        let answered = match answer {
                            Answer::Accept => connection.accept(env, &Accept::new()),
                            Answer::Reject(status) => connection.reject(env, &Reject::new(*status)),
                            Answer::Later => Ok(()),
                        };
                        assert_eq!(answered, Ok(()));
                    }
                    on(connection, env, &event);
                }
                Ok(None) => return,
                Err(error) => {
                    seen.push(Seen::Failed(error));
                    return;
                }
            }
        }
    }

    /// Reports the end of the stream and takes all events.
    pub fn eof(&mut self) {
        self.connection.handle_eof(&mut self.env);
        self.take_events();
    }

    /// Takes the whole output.
    pub fn drain(&mut self) -> Vec<u8> {
        self.drain_some(usize::MAX)
    }

    /// Takes the first `n` bytes of the output.
    pub fn drain_some(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for slice in self.connection.outgoing() {
            assert!(!slice.is_empty(), "no slice of the output is empty");
            bytes.extend_from_slice(slice);
        }
        assert_eq!(bytes.len(), self.connection.queued());
        bytes.truncate(n);
        self.connection.sent(&mut self.env, bytes.len());
        bytes
    }

    /// Takes the whole output as frames.
    pub fn drain_frames(&mut self) -> Vec<Frame> {
        decode(&self.drain())
    }

    /// Moves the clock, and calls `handle_timeout` if the deadline has passed.
    pub fn advance(&mut self, span: Duration) {
        self.env.set_now(self.env.now() + span);
        if self
            .connection
            .wants()
            .deadline
            .is_some_and(|at| at <= self.env.now())
        {
            self.connection.handle_timeout(&mut self.env);
            self.take_events();
        }
    }

    /// Moves the clock to the next deadline, and returns how far, if there is one.
    pub fn advance_to_deadline(&mut self) -> Option<Duration> {
        let deadline = self.connection.wants().deadline?;
        let span = deadline.saturating_since(self.env.now());
        self.advance(span);
        Some(span)
    }

    /// Keeps the connection and drops what a driver holds for it.
    pub fn into_connection(self) -> Connection {
        self.connection
    }

    /// Takes the log.
    pub fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }
}
