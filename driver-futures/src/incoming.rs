//! Owned events, and the queue of those that were read ahead.

use std::collections::VecDeque;

use wsproto::{Chunk, Event, Kind, Message};

/// An event that the application owns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incoming {
    /// A whole message.
    Message(Message),
    /// Part of a message, with [`Delivery::Chunks`](wsproto::Delivery::Chunks).
    Chunk {
        /// The type of the message.
        kind: Kind,
        /// The bytes; a chunk of text may end inside a code point.
        data: Vec<u8>,
        /// True for the last chunk of the message.
        last: bool,
    },
    /// A ping. Its pong is queued already, unless [`answer_pings`](wsproto::Config::answer_pings) is off.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
}

impl Incoming {
    /// Copies an event, if it is for the application.
    #[inline]
    pub(crate) fn from_event(event: Event<'_>) -> Option<Self> {
        Some(match event {
            Event::Text(text) => Self::Message(text.into()),
            Event::Binary(binary) => Self::Message(binary.into()),
            Event::Chunk(chunk) => Self::Chunk {
                kind: chunk.kind,
                data: chunk.data.to_vec(),
                last: chunk.last,
            },
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            // The handshake is over, the end is kept elsewhere, and senders look at the queue themselves.
            _ => return None,
        })
    }

    /// The message, or a chunk as a message of its own; `None` for pings and pongs.
    #[inline]
    pub(crate) fn into_message(self) -> Option<Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Chunk { data, .. } => Some(Message::Binary(data)),
            Self::Ping(_) | Self::Pong(_) => None,
        }
    }

    /// An event that borrows from this one.
    pub(crate) fn as_event(&self) -> Event<'_> {
        match self {
            Self::Message(Message::Text(text)) => Event::Text(text.as_str().into()),
            Self::Message(Message::Binary(bytes)) => Event::Binary(bytes.as_slice().into()),
            Self::Chunk { kind, data, last } => Event::Chunk(Chunk::new(*kind, data, *last)),
            Self::Ping(payload) => Event::Ping(payload),
            Self::Pong(payload) => Event::Pong(payload),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Message(message) => message.as_bytes().len(),
            Self::Chunk { data, .. } | Self::Ping(data) | Self::Pong(data) => data.len(),
        }
    }
}

/// The bytes that may be read ahead while nobody receives: 64 KiB less one, so that a connection counts them in
/// two bytes.
pub(crate) const READ_AHEAD: u16 = u16::MAX;

/// The cost of an event in the inbox beside its bytes.
const OVERHEAD: usize = 64;

/// Events that were read ahead while the application was sending: a peer's pings and its Close lie behind
/// messages that nobody has asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    events: VecDeque<Incoming>,
    bytes: usize,
    /// The event that was lent last.
    lent: Option<Incoming>,
}

impl Inbox {
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= usize::from(READ_AHEAD)
    }

    pub(crate) fn push(&mut self, incoming: Incoming) {
        self.bytes += incoming.len() + OVERHEAD;
        self.events.push_back(incoming);
    }

    pub(crate) fn pop(&mut self) -> Option<Incoming> {
        let incoming = self.events.pop_front()?;
        self.bytes -= incoming.len() + OVERHEAD;
        Some(incoming)
    }

    /// Takes the oldest event and lends it.
    pub(crate) fn lend(&mut self) -> Option<Event<'_>> {
        self.lent = self.pop();
        self.lent.as_ref().map(Incoming::as_event)
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }
}
