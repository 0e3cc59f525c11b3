//! One end of a connection, with all that a driver would hold for it, and a log of what it reported.

use std::{sync::Arc, time::Duration};

use wsproto::{Accept, Agreed, ClientRequest, Config, Connection, Env, Event, Input, Reject, Role};

use super::{Frame, Seen, decode, env, frames::opposite};

/// What a server's application does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Accepts it at once.
    Accept,
    /// Rejects it at once, with that status.
    Reject(u16),
    /// Leaves it to the test.
    Later,
}

/// One end of a connection.
pub(crate) struct End {
    pub(crate) connection: Connection,
    pub(crate) env: Env,
    pub(crate) input: Input<Vec<u8>>,
    pub(crate) answer: Answer,
    /// Everything that was reported, in order.
    pub(crate) seen: Vec<Seen>,
}

impl End {
    /// Wraps a connection that was made in `env`.
    pub(crate) fn new(connection: Connection, env: Env) -> Self {
        Self {
            connection,
            env,
            input: Input::new(vec![0; 64 << 10]),
            answer: Answer::Accept,
            seen: Vec::new(),
        }
    }

    /// A server before the request.
    pub(crate) fn accepting(config: Arc<Config>) -> Self {
        Self::accepting_in(env(1), config)
    }

    /// The same in an environment of the test's.
    pub(crate) fn accepting_in(mut env: Env, config: Arc<Config>) -> Self {
        Self::new(Connection::accepting(config, &mut env), env)
    }

    /// A client whose request is queued.
    pub(crate) fn connecting(config: Arc<Config>) -> Self {
        Self::connecting_in(env(2), config)
    }

    /// The same in an environment of the test's.
    pub(crate) fn connecting_in(mut env: Env, config: Arc<Config>) -> Self {
        let request = ClientRequest::new("localhost", "/");
        let connection = Connection::connecting(config, &request, &mut env);
        Self::new(connection.expect("the request is valid"), env)
    }

    /// Either end of a connection that is open already.
    pub(crate) fn upgraded(role: Role, config: Arc<Config>) -> Self {
        let mut env = env(3);
        Self::new(
            Connection::upgraded(role, config, &Agreed::default(), &mut env),
            env,
        )
    }

    /// With a read buffer of that many bytes.
    pub(crate) fn with_buffer(mut self, len: usize) -> Self {
        self.input = Input::new(vec![0; len]);
        self
    }

    /// With an application that answers requests that way.
    pub(crate) fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// Reads `bytes`, in as many reads as the buffer needs, and takes the events of each.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        self.read_with(bytes, |_, _, _| {});
    }

    /// Reads `bytes`; `on` is the application.
    pub(crate) fn read_with(
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

    /// Reads frames as the peer would send them, masked or not as it must.
    pub(crate) fn read_frames(&mut self, frames: &[Frame]) {
        let peer = opposite(self.connection.role());
        for frame in frames {
            self.read(&frame.clone().sent_by(peer).encode());
        }
    }

    /// Takes all events that there are.
    pub(crate) fn take_events(&mut self) {
        self.take_events_with(|_, _, _| {});
    }

    /// Takes all events that there are; `on` is the application.
    pub(crate) fn take_events_with(
        &mut self,
        mut on: impl FnMut(&mut Connection, &mut Env, &Event<'_>),
    ) {
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

    /// The end of the stream, and what is reported then.
    pub(crate) fn eof(&mut self) {
        self.connection.handle_eof(&mut self.env);
        self.take_events();
    }

    /// Everything that is to be sent; it is sent now.
    pub(crate) fn drain(&mut self) -> Vec<u8> {
        self.drain_some(usize::MAX)
    }

    /// The first `n` bytes that are to be sent; they are sent now.
    pub(crate) fn drain_some(&mut self, n: usize) -> Vec<u8> {
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

    /// Everything that is to be sent, as frames; it is sent now.
    pub(crate) fn drain_frames(&mut self) -> Vec<Frame> {
        decode(&self.drain())
    }

    /// Lets time pass, and tells the connection if a deadline of its own has come.
    pub(crate) fn advance(&mut self, span: Duration) {
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

    /// Lets time pass until the next deadline; tells how long that took, if there is one.
    pub(crate) fn advance_to_deadline(&mut self) -> Option<Duration> {
        let deadline = self.connection.wants().deadline?;
        let span = deadline.saturating_since(self.env.now());
        self.advance(span);
        Some(span)
    }

    /// The connection alone: what a driver would hold for it is gone.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Forgets what was reported and returns it.
    pub(crate) fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }
}
