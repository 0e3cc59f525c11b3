//! A request that waits for an answer: at once, or later and from any thread.

use std::{fmt, io, mem, net::SocketAddr, sync::Arc};

use wsproto::{Accept, Connection, Env, Reject, SendError};

use crate::{
    command::{Answer, Command, Mailbox},
    connection::context::Wiring,
    event_loop::slab::Key,
};

/// A request that waits for an answer. Dropped without one, the request is answered 503.
#[derive(Debug)]
pub struct Upgrade<'a> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) env: &'a mut Env,
    pub(crate) wiring: Wiring<'a>,
    pub(crate) verdict: &'a mut Verdict,
}

/// What has become of a request so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    None,
    Answered,
    Later,
}

impl Upgrade<'_> {
    /// Accepts: [`on_open`](crate::Handler::on_open) follows.
    ///
    /// # Errors
    /// If the answer cannot be written as asked: then the request is answered 503.
    pub fn accept(self, with: &Accept<'_>) -> Result<(), SendError> {
        self.connection.accept(self.env, with)?;
        *self.verdict = Verdict::Answered;
        Ok(())
    }

    /// Answers without opening a connection: a refusal, a redirect, or the response to a plain HTTP
    /// request.
    ///
    /// # Errors
    /// If the answer cannot be written as asked: then the request is answered 503.
    pub fn reject(self, with: &Reject<'_>) -> Result<(), SendError> {
        self.connection.reject(self.env, with)?;
        *self.verdict = Verdict::Answered;
        Ok(())
    }

    /// Leaves the answer for later, and to any thread: an authorization that takes its time keeps
    /// nobody else waiting. After [`opening_timeout`](wsproto::Config::opening_timeout) the request is
    /// answered 503.
    #[must_use]
    pub fn later(self) -> LaterUpgrade {
        *self.verdict = Verdict::Later;
        LaterUpgrade {
            mailbox: Arc::clone(self.wiring.mailbox),
            key: self.wiring.key,
            answer: Some(Answer::unavailable()),
        }
    }

    /// Who is at the other end. Asks the system each time.
    ///
    /// # Errors
    /// What the system reports; [`Unsupported`](io::ErrorKind::Unsupported) unless it is an IP socket.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.wiring.peer_addr()
    }
}

/// A request to be answered from any thread. Dropped without an answer, it is answered 503.
pub struct LaterUpgrade {
    mailbox: Arc<Mailbox>,
    key: Key,
    /// What is answered when this is dropped.
    answer: Option<Box<Answer>>,
}

impl LaterUpgrade {
    /// Accepts: [`on_open`](crate::Handler::on_open) follows on the connection's loop, unless the client is
    /// gone. An answer that cannot be written as asked becomes a 503.
    pub fn accept(mut self, with: &Accept<'_>) {
        self.answer = Some(Box::new(Answer::Accept {
            subprotocol: with.subprotocol.map(str::to_owned),
            headers: owned(with.headers),
            compression: with.compression,
            config: with.config.cloned(),
        }));
    }

    /// Answers without opening a connection; see [`Upgrade::reject`]. An answer that cannot be written as
    /// asked becomes a 503.
    pub fn reject(mut self, with: &Reject<'_>) {
        self.answer = Some(Box::new(Answer::Reject {
            status: with.status,
            headers: owned(with.headers),
            body: with.body.to_vec(),
        }));
    }
}

impl Drop for LaterUpgrade {
    fn drop(&mut self) {
        if let Some(answer) = mem::take(&mut self.answer) {
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

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    headers.iter().map(owned).collect()
}

/// Answers a request that nobody has answered, or not in a way that can be written.
pub(crate) fn unavailable(connection: &mut Connection, env: &mut Env) {
    let unavailable = Reject::new(503).body(b"the request was not answered\n");
    // It fails only if there is no request that waits.
    let _ = connection.reject(env, &unavailable);
}

impl Answer {
    fn unavailable() -> Box<Self> {
        Box::new(Self::Reject {
            status: 503,
            headers: Vec::new(),
            body: b"the request was not answered\n".to_vec(),
        })
    }

    /// Gives the answer; whether it opened the connection.
    pub(crate) fn give(&self, connection: &mut Connection, env: &mut Env) {
        let given = match self {
            Self::Accept {
                subprotocol,
                headers,
                compression,
                config,
            } => {
                let headers = borrowed(headers);
                let mut accept = Accept::new()
                    .subprotocol(subprotocol.as_deref())
                    .headers(&headers)
                    .compression(*compression);
                accept.config = config.as_ref();
                connection.accept(env, &accept)
            }
            Self::Reject {
                status,
                headers,
                body,
            } => {
                let headers = borrowed(headers);
                let reject = Reject::new(*status).headers(&headers).body(body);
                connection.reject(env, &reject)
            }
        };
        match given {
            Ok(()) | Err(SendError::NoRequest) => {}
            Err(_) => unavailable(connection, env),
        }
    }
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
