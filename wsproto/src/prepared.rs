//! A message that is encoded once and sent on many connections.

use alloc::{sync::Arc, vec::Vec};

use crate::{
    event::Kind,
    frame::{Encoded, FIN},
};

/// A message that is encoded once and sent to many by reference count.
///
/// Servers send the very same memory on every connection. Clients have to mask each copy with a key
/// of its own (RFC 6455 5.3), so for them it is only a convenience.
///
/// ```
/// use wsproto::Prepared;
///
/// let news = Prepared::text("to everybody");
/// assert_eq!(news.payload(), b"to everybody");
/// ```
#[derive(Debug, Clone)]
pub struct Prepared {
    kind: Kind,
    /// The frame as a server sends it.
    frame: Arc<[u8]>,
    header: u8,
}

impl Prepared {
    /// Prepares a text message.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::new(Kind::Text, text.as_bytes())
    }

    /// Prepares a binary message.
    #[must_use]
    pub fn binary(data: &[u8]) -> Self {
        Self::new(Kind::Binary, data)
    }

    fn new(kind: Kind, payload: &[u8]) -> Self {
        let header = Encoded::new(FIN | kind.opcode() as u8, payload.len(), None);
        let mut frame = Vec::with_capacity(header.len() + payload.len());
        frame.extend_from_slice(header.as_slice());
        frame.extend_from_slice(payload);
        Self {
            kind,
            frame: frame.into(),
            header: header.len() as u8,
        }
    }

    /// The type of the message.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The message as it was given.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.frame[usize::from(self.header)..]
    }

    pub(crate) const fn frame(&self) -> &Arc<[u8]> {
        &self.frame
    }
}
