//! The answer to a request, with memory of its own.

use std::sync::Arc;

use wsproto::{Accept, Config, Connection, Env, Reject, SendError};

/// The body of a 503 that is sent for want of another answer.
const UNAVAILABLE: &[u8] = b"the request was not answered\n";

/// The answer to a request, with memory of its own.
#[derive(Debug)]
pub(crate) enum Answer {
    Accept {
        subprotocol: Option<String>,
        headers: Vec<(String, String)>,
        compression: bool,
        config: Option<Arc<Config>>,
    },
    Reject {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
}

/// Answers 503 to a request that nobody has answered, or whose answer cannot be written.
pub(crate) fn unavailable(connection: &mut Connection, env: &mut Env) {
    // It fails only if no request waits.
    let _ = connection.reject(env, &Reject::new(503).body(UNAVAILABLE));
}

impl Answer {
    pub(crate) fn accept(with: &Accept<'_>) -> Self {
        Self::Accept {
            subprotocol: with.subprotocol.map(str::to_owned),
            headers: owned(with.headers),
            compression: with.compression,
            config: with.config.cloned(),
        }
    }

    pub(crate) fn reject(with: &Reject<'_>) -> Self {
        Self::Reject {
            status: with.status,
            headers: owned(with.headers),
            body: with.body.to_vec(),
        }
    }

    pub(crate) fn unavailable() -> Self {
        Self::Reject {
            status: 503,
            headers: Vec::new(),
            body: UNAVAILABLE.to_vec(),
        }
    }

    /// Sends the answer, or a 503 if it cannot be written.
    pub(crate) fn send(&self, connection: &mut Connection, env: &mut Env) {
        let sent = match self {
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
        match sent {
            Ok(()) | Err(SendError::NoRequest) => {}
            Err(_) => unavailable(connection, env),
        }
    }
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    headers.iter().map(owned).collect()
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
