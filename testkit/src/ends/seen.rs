//! Events as values of their own, to be kept and compared.

use wsproto::{Closed, Error, Event, Kind};

/// A report of a connection: an event or the one error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A request.
    Request {
        /// Its method.
        method: String,
        /// Its target.
        target: String,
    },
    /// The response that opens a client's connection.
    Open {
        /// Its status.
        status: u16,
        /// The subprotocol that the server chose.
        subprotocol: Option<String>,
    },
    /// A response that refuses.
    Refused {
        /// Its status.
        status: u16,
        /// As much of its body as is kept.
        body: Vec<u8>,
    },
    /// A text message.
    Text(String),
    /// A binary message, or a text message whose UTF-8 is not checked.
    Binary(Kind, Vec<u8>),
    /// A part of a message.
    Chunk {
        /// The message's kind.
        kind: Kind,
        /// The part.
        data: Vec<u8>,
        /// True for the last part.
        last: bool,
    },
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The queue is no longer high.
    Drained,
    /// The end of the connection.
    Closed(Closed),
    /// The error that ended the connection.
    Failed(Error),
}

impl Seen {
    /// A text message.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A binary message.
    pub fn binary(data: &[u8]) -> Self {
        Self::Binary(Kind::Binary, data.to_vec())
    }

    /// True if nothing may be reported after it.
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Closed(_) | Self::Failed(_))
    }

    /// The outcome of the connection, if this is the last event.
    pub const fn closed(&self) -> Option<&Closed> {
        match self {
            Self::Closed(closed) => Some(closed),
            Self::Failed(error) => Some(&error.closed),
            Self::Request { .. }
            | Self::Open { .. }
            | Self::Refused { .. }
            | Self::Text(_)
            | Self::Binary(..)
            | Self::Chunk { .. }
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Drained => None,
        }
    }
}

impl From<&Event<'_>> for Seen {
    fn from(event: &Event<'_>) -> Self {
        match event {
            Event::Request(request) => Self::Request {
                method: request.method().to_owned(),
                target: request.target().to_owned(),
            },
            Event::Open(response) => Self::Open {
                status: response.status(),
                subprotocol: response.subprotocol().map(str::to_owned),
            },
            Event::Refused(response) => Self::Refused {
                status: response.status(),
                body: response.body().to_vec(),
            },
            Event::Text(text) => Self::text(text),
            Event::Binary(binary) => Self::Binary(binary.kind(), binary.to_vec()),
            Event::Chunk(chunk) => Self::Chunk {
                kind: chunk.kind,
                data: chunk.data.to_vec(),
                last: chunk.last,
            },
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Drained => Self::Drained,
            Event::Closed(closed) => Self::Closed(closed.clone()),
            _ => unreachable!("an event that the tests do not know: {event:?}"),
        }
    }
}

/// Joins adjacent chunks of a message.
pub fn joined(seen: &[Seen]) -> Vec<Seen> {
    let mut joined: Vec<Seen> = Vec::new();
    for next in seen {
        if let Some(Seen::Chunk {
            data,
            last: last @ false,
            ..
        }) = joined.last_mut()
            && let Seen::Chunk {
                data: more,
                last: ends,
                ..
            } = next
        {
            data.extend_from_slice(more);
            *last = *ends;
        } else {
            joined.push(next.clone());
        }
    }
    joined
}

/// Keeps everything but pings, pongs and `Drained`, with messages in chunks joined.
pub fn messages(seen: &[Seen]) -> Vec<Seen> {
    let is_message = |seen: &Seen| !matches!(seen, Seen::Ping(_) | Seen::Pong(_) | Seen::Drained);
    let seen: Vec<Seen> = seen
        .iter()
        .filter(|seen| is_message(seen))
        .cloned()
        .collect();
    let whole = |seen| match seen {
        Seen::Chunk {
            kind: Kind::Text,
            data,
            last: true,
        } => Seen::Text(String::from_utf8(data).expect("text is checked")),
        Seen::Chunk {
            kind,
            data,
            last: true,
        } => Seen::Binary(kind, data),
        other => other,
    };
    joined(&seen).into_iter().map(whole).collect()
}
