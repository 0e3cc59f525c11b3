//! Events as values of their own, to be kept and compared.

use wsproto::{Closed, Error, Event, Kind};

/// What a connection reported: an event or the one error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Request {
        method: String,
        target: String,
    },
    Open {
        status: u16,
        subprotocol: Option<String>,
    },
    Refused {
        status: u16,
        body: Vec<u8>,
    },
    Text(String),
    /// A binary message, or text if it is not checked.
    Binary(Kind, Vec<u8>),
    Chunk {
        kind: Kind,
        data: Vec<u8>,
        last: bool,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Drained,
    Closed(Closed),
    Failed(Error),
}

impl Seen {
    /// A text message.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A binary message.
    pub(crate) fn binary(data: &[u8]) -> Self {
        Self::Binary(Kind::Binary, data.to_vec())
    }

    /// Whether nothing may be reported after it.
    pub(crate) const fn is_last(&self) -> bool {
        matches!(self, Self::Closed(_) | Self::Failed(_))
    }

    /// How the connection ended, if this is its end.
    pub(crate) const fn closed(&self) -> Option<&Closed> {
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

/// The same with chunks of one message, as far as nothing came in between, put together.
pub(crate) fn joined(seen: &[Seen]) -> Vec<Seen> {
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

/// The messages among what was reported, those in chunks put together.
pub(crate) fn messages(seen: &[Seen]) -> Vec<Seen> {
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
