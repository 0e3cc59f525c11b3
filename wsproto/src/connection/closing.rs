//! How a connection ends (RFC 6455 7): by the application, the peer, or an error.

use alloc::string::ToString;

use super::{Backlog, Connection, Notice, Phase, Role, Writing, reassembly::Reassembly};
use crate::{
    env::Env,
    error::{Cause, Error},
    wire::{
        close::{CloseCode, ClosePayload, Closed, ClosedBy},
        frame::{FIN, Opcode},
    },
};

/// Whether both sides have sent a Close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handshake {
    Complete,
    Incomplete,
}

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
    pub(super) fn start_closing(
        &mut self,
        env: &mut Env,
        code: CloseCode,
        reason: &str,
        by: ClosedBy,
    ) {
        self.queue_close(env, code, reason);
        self.closed_by = Some(by);
        // Otherwise the peer's Close could not be seen.
        self.paused = false;
        self.enter(env, Phase::Closing);
    }

    /// The peer's Close frame is in: answers it if ours is not queued yet.
    pub(super) fn peer_closed(&mut self, env: &mut Env, code: CloseCode, reason: &str) -> Closed {
        if self.phase == Phase::Open {
            // 5.5.1: the answer typically echoes the code.
            self.queue_close(env, code, "");
        }
        let by = self.closed_by.unwrap_or(ClosedBy::Peer);
        self.release(env);
        self.enter_ending(env, Handshake::Complete);
        Closed {
            code,
            reason: reason.into(),
            clean: true,
            by,
        }
    }

    /// The peer broke the protocol or a limit: tells it so and ends (RFC 6455 7.1.7).
    #[cold]
    pub(super) fn fail(&mut self, env: &mut Env, cause: Cause) -> Error {
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
        self.enter_ending(env, Handshake::Incomplete);
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

    /// Ends the connection for a reason that no input brings, and has it reported.
    ///
    /// With [`Phase::Ending`] what is queued is still sent. With [`Phase::Over`] it is dropped: nothing more can
    /// be sent, or nobody listens.
    pub(super) fn end(&mut self, env: &mut Env, phase: Phase, by: ClosedBy, notice: Notice) {
        self.release(env);
        match phase {
            Phase::Over => self.enter(env, Phase::Over),
            Phase::Opening | Phase::Open | Phase::Closing | Phase::Ending => {
                self.enter_ending(env, Handshake::Incomplete);
            }
        }
        self.closed_by = Some(by);
        self.notice = Some(notice);
    }

    /// Stops receiving. The transport is ended in order, at the latest at a deadline.
    pub(super) fn enter_ending(&mut self, env: &mut Env, handshake: Handshake) {
        // 7.1.1: the server closes first; a client does so only if something went wrong.
        let shuts = self.role == Role::Server || handshake == Handshake::Incomplete;
        if shuts && self.transport.writing == Writing::Open {
            self.transport.writing = Writing::ShutWhenSent;
        }
        self.enter(env, Phase::Ending);
    }

    /// Frees what a connection that ends does not need any more: 7.1.1 has incomplete messages dropped.
    pub(super) fn release(&mut self, env: &mut Env) {
        if let Some(partial) = self.partial.take() {
            env.put_partial(partial);
        }
        self.opening = None;
        self.reassembly = Reassembly::default();
        self.deflate = None;
        self.outgoing_message = None;
    }

    /// Drops everything queued: nothing of it will be sent.
    pub(super) fn drop_queue(&mut self, env: &mut Env) {
        if let Some(mut queue) = self.queue.take() {
            queue.clear(&mut env.spare);
            env.put_queue(queue);
        }
        if self.backlog == Backlog::High {
            self.backlog = Backlog::Low;
        }
        self.timers.unsent_since = None;
    }

    /// Queues a Close frame behind everything queued before.
    pub(super) fn queue_close(&mut self, env: &mut Env, code: CloseCode, reason: &str) {
        let payload = ClosePayload::new(code, reason);
        self.queue_frame(env, FIN | Opcode::Close as u8, payload.as_slice());
    }
}
