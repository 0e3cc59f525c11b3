//! How a connection ends (RFC 6455 7): by the application, the peer, or an error.

use alloc::string::ToString;

use crate::{
    close::{CloseCode, ClosePayload, Closed, ClosedBy},
    connection::{Connection, Phase, Role},
    env::Env,
    error::{Cause, Error},
    frame::{FIN, Opcode},
    receive::Receiver,
};

impl Connection {
    /// Starts the closing handshake (RFC 6455 7.1.2): queues a Close frame behind everything queued
    /// before. The peer's Close, or a deadline, brings
    /// [`Event::Closed`](crate::Event::Closed).
    ///
    /// [`CloseCode::NO_STATUS`] sends no code. A reason longer than 123 bytes is cut at a character
    /// boundary. A message that was [started](Self::start) and not finished is left unfinished, and a
    /// [pause](Self::pause) ends. Before the handshake is complete, this gives the connection up; a
    /// request that waits for its answer is answered 503. A second call does nothing.
    pub fn close(&mut self, env: &mut Env, code: CloseCode, reason: &str) {
        match self.phase {
            Phase::Open => self.start_closing(env, code, reason, ClosedBy::Application),
            Phase::Opening => self.give_up(env),
            Phase::Closing | Phase::Ending | Phase::Over => {}
        }
    }

    /// Queues the first Close frame and waits for the peer's.
    pub(crate) fn start_closing(
        &mut self,
        env: &mut Env,
        code: CloseCode,
        reason: &str,
        by: ClosedBy,
    ) {
        self.queue_close(env, code, reason);
        self.closed_by = Some(by);
        self.phase = Phase::Closing;
        // Else the peer's Close could not be seen.
        self.paused = false;
        self.timers.run(env.now(), self.config.close_timeout);
    }

    /// The peer's Close frame is in: answers it if ours is not queued yet.
    pub(crate) fn peer_closed(&mut self, env: &mut Env, code: CloseCode, reason: &str) -> Closed {
        if self.phase == Phase::Open {
            // 5.5.1: the answer typically echoes the code.
            self.queue_close(env, code, "");
        }
        let by = self.closed_by.unwrap_or(ClosedBy::Peer);
        self.release(env);
        self.enter_ending(env, true);
        Closed {
            code,
            reason: reason.into(),
            clean: true,
            by,
        }
    }

    /// The peer broke the protocol or a limit: tells it so and ends (RFC 6455 7.1.7).
    #[cold]
    pub(crate) fn fail(&mut self, env: &mut Env, cause: Cause) -> Error {
        let (code, reason) = match &cause {
            Cause::Violation(violation) => (violation.close_code(), violation.to_string()),
            Cause::Limit(limit) => (CloseCode::TOO_BIG, limit.to_string()),
            Cause::Deadline(_) | Cause::Refused(_) | Cause::Response(_) => {
                (CloseCode::ABNORMAL, Default::default())
            }
        };
        if self.phase == Phase::Open {
            self.queue_close(env, code, &reason);
        }
        self.release(env);
        self.enter_ending(env, false);
        Error {
            cause,
            closed: Closed {
                code,
                reason: reason.into(),
                clean: false,
                by: ClosedBy::Error,
            },
        }
    }

    /// Nothing further is received. The transport is ended in order, at the latest at a deadline.
    pub(crate) fn enter_ending(&mut self, env: &mut Env, clean: bool) {
        self.phase = if self.transport.lost {
            self.drop_queue(env);
            Phase::Over
        } else {
            Phase::Ending
        };
        // 7.1.1: the server closes first; a client does so only if something went wrong.
        self.transport.shut_when_sent = self.role == Role::Server || !clean;
        self.timers.run(env.now(), self.config.close_timeout);
    }

    /// 7.1.1: what has come of a message is worth nothing once the connection ends.
    pub(crate) fn release(&mut self, env: &mut Env) {
        if let Some(partial) = self.partial.take() {
            env.put_partial(partial);
        }
        self.opening = None;
        self.receiver = Receiver::default();
        self.deflate = None;
        self.outgoing_message = None;
    }

    pub(crate) fn drop_queue(&mut self, env: &mut Env) {
        if let Some(mut queue) = self.queue.take() {
            queue.clear(&mut env.spare);
            env.spare.put_queue(queue);
        }
        self.queue_high = false;
        self.timers.unsent_since = None;
    }

    pub(crate) fn queue_close(&mut self, env: &mut Env, code: CloseCode, reason: &str) {
        let payload = ClosePayload::new(code, reason);
        self.queue_frame(env, FIN | Opcode::Close as u8, payload.as_slice());
    }
}
