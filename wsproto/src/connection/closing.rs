//! The end of a connection (RFC 6455 7): by the application, the peer, a deadline or an error.

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

/// State of the closing handshake: complete if both sides have sent a Close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handshake {
    Complete,
    Incomplete,
}

impl Connection {
    /// Starts the closing handshake (RFC 6455 7.1.2): queues a Close frame behind everything queued before.
    ///
    /// [`Event::Closed`](crate::Event::Closed) follows when the peer's Close comes or a deadline passes.
    ///
    /// [`CloseCode::NO_STATUS`] and the other codes that are never on the wire send a Close frame without a
    /// code and reason. A reason longer than 123 bytes is truncated at a character boundary. A message that
    /// was [started](Self::start) and not finished stays unfinished, and a [pause](Self::pause) ends.
    ///
    /// Before the opening handshake is complete, the connection ends at once; a request that awaits its
    /// answer is answered with 503. A second call does nothing.
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
        // A paused connection would not read the peer's Close.
        self.paused = false;
        self.enter(env, Phase::Closing);
    }

    /// Handles the peer's Close frame, and answers it unless ours is queued or sent already.
    pub(super) fn peer_closed(&mut self, env: &mut Env, code: CloseCode, reason: &str) -> Closed {
        if self.phase == Phase::Open {
            // 5.5.1: an answer typically echoes the status code.
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

    /// Fails the WebSocket connection (RFC 6455 7.1.7) after a violation or an exceeded limit. The peer is
    /// told by a Close frame, unless one is queued or sent already.
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

    /// Ends the connection for a reason other than input, and has it reported.
    ///
    /// With [`Phase::Ending`] the queue is still sent. With [`Phase::Over`] it is dropped: either nothing can
    /// be sent any more, or the peer does not read.
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

    /// Stops receiving. The transport is ended in order, or dropped at the close timeout.
    pub(super) fn enter_ending(&mut self, env: &mut Env, handshake: Handshake) {
        // 7.1.1: the server closes the transport first. A client does so only in abnormal cases.
        let shuts = self.role == Role::Server || handshake == Handshake::Incomplete;
        if shuts && self.transport.writing == Writing::Open {
            self.transport.writing = Writing::ShutWhenSent;
        }
        self.enter(env, Phase::Ending);
    }

    /// Frees everything that an ending connection does not need. Incomplete messages are dropped (7.1.1).
    pub(super) fn release(&mut self, env: &mut Env) {
        if let Some(partial) = self.partial.take() {
            env.put_partial(partial);
        }
        self.opening = None;
        self.reassembly = Reassembly::default();
        self.deflate = None;
        self.outgoing_message = None;
    }

    /// Drops the queue unsent.
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
