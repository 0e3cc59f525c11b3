//! A request that waits for an answer, which is given at once, or later and from any thread.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use wsproto::{Accept, Connection, Env, Reject, SendError};

use super::answer::Answer;
use crate::{
    command::{Command, LoopMailbox},
    connection::context::Attachments,
    event_loop::slab::Key,
};

/// A request that waits for an answer. If this is dropped without one, the request is answered 503.
#[derive(Debug)]
pub struct Upgrade<'a> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) env: &'a mut Env,
    pub(crate) attachments: Attachments<'a>,
    pub(crate) verdict: &'a mut Verdict,
}

/// The handler's answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// None so far, or none that can be written.
    None,
    Answered,
    /// It comes later, from any thread.
    Later,
}

impl Upgrade<'_> {
    /// Accepts the request. [`on_open`](crate::Handler::on_open) follows.
    ///
    /// # Errors
    /// If the answer cannot be written as asked. The request is answered 503 then.
    pub fn accept(self, with: &Accept<'_>) -> Result<(), SendError> {
        self.connection.accept(self.env, with)?;
        *self.verdict = Verdict::Answered;
        Ok(())
    }

    /// Answers without opening a connection: with a refusal, a redirect, or the response to a plain HTTP
    /// request.
    ///
    /// # Errors
    /// If the answer cannot be written as asked. The request is answered 503 then.
    pub fn reject(self, with: &Reject<'_>) -> Result<(), SendError> {
        self.connection.reject(self.env, with)?;
        *self.verdict = Verdict::Answered;
        Ok(())
    }

    /// Leaves the answer for later, and to any thread, so that an authorization that takes its time keeps
    /// no other connection waiting. A request that has no answer after
    /// [`opening_timeout`](wsproto::Config::opening_timeout) is answered 503.
    #[must_use]
    pub fn later(self) -> LaterUpgrade {
        *self.verdict = Verdict::Later;
        LaterUpgrade {
            mailbox: Arc::clone(self.attachments.mailbox),
            key: self.attachments.key,
            answer: Some(Box::new(Answer::unavailable())),
        }
    }

    /// Returns the address of the peer. Each call is a system call.
    ///
    /// # Errors
    /// The system's error; [`Unsupported`](io::ErrorKind::Unsupported) unless the transport is an IP socket.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.attachments.peer_addr()
    }
}

/// A request to be answered from any thread. If this is dropped without an answer, the request is answered 503.
pub struct LaterUpgrade {
    mailbox: Arc<LoopMailbox>,
    key: Key,
    /// The answer that is sent when this is dropped.
    answer: Option<Box<Answer>>,
}

impl LaterUpgrade {
    /// Accepts the request. [`on_open`](crate::Handler::on_open) follows on the connection's loop, unless the client is
    /// gone. An answer that cannot be written as asked becomes a 503.
    pub fn accept(mut self, with: &Accept<'_>) {
        self.answer = Some(Box::new(Answer::accept(with)));
    }

    /// Answers without opening a connection; see [`Upgrade::reject`]. An answer that cannot be written as
    /// asked becomes a 503.
    pub fn reject(mut self, with: &Reject<'_>) {
        self.answer = Some(Box::new(Answer::reject(with)));
    }
}

impl Drop for LaterUpgrade {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            // A loop that has ended has nobody to answer.
            let _ = self.mailbox.push(Command::Answer(self.key, answer));
        }
    }
}

impl fmt::Debug for LaterUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaterUpgrade").finish_non_exhaustive()
    }
}
