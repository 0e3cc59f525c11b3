//! A message that is encoded once and sent on many connections.

use alloc::{sync::Arc, vec::Vec};

use crate::{
    env::Env,
    event::Kind,
    message::Message,
    wire::frame::{Encoded, FIN, RSV1},
};

/// A message that is encoded once and sent on many connections without copies.
///
/// Servers send the same memory on every connection. Clients must mask each copy with a key of its own
/// (RFC 6455 5.3), so for them it saves compressing only.
///
/// ```
/// use wsproto::Prepared;
///
/// let news = Prepared::text("to everybody");
/// assert_eq!(news.payload(), b"to everybody");
/// ```
///
/// [`compressed`](Self::compressed) adds a form that is compressed once as well.
#[derive(Debug, Clone)]
pub struct Prepared {
    kind: Kind,
    plain: Form,
    /// The compressed form, and the smallest window in bits that a receiver needs for it.
    compressed: Option<(u8, Form)>,
}

/// A message as it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    /// The whole frame, unmasked, as a server sends it.
    pub(crate) frame: Arc<[u8]>,
    header: u8,
}

impl Form {
    fn new(first: u8, payload: &[u8]) -> Self {
        let header = Encoded::new(FIN | first, payload.len(), None);
        let mut frame = Vec::with_capacity(header.len() + payload.len());
        frame.extend_from_slice(header.as_slice());
        frame.extend_from_slice(payload);
        Self {
            frame: frame.into(),
            header: header.len() as u8,
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.frame[usize::from(self.header)..]
    }

    pub(crate) fn compressed(&self) -> bool {
        self.frame[0] & RSV1 != 0
    }
}

impl<M: Into<Message>> From<M> for Prepared {
    /// Prepares a message.
    fn from(message: M) -> Self {
        let message = message.into();
        Self::new(message.kind(), message.as_bytes())
    }
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
        Self {
            kind,
            plain: Form::new(kind.opcode() as u8, payload),
            compressed: None,
        }
    }

    /// Adds a compressed form, for connections that have negotiated a window of at least `window_bits` (8 to
    /// 15).
    ///
    /// `level` is 0 to 9. Values out of range count as the nearest. Other connections send the plain form.
    /// The compressed form refers to no earlier message, so it is valid under context takeover too (RFC 7692
    /// 7.1.1). It is left out if it is not smaller, or if the environment has no codecs.
    ///
    /// Use the smallest window of your connections: it costs hardly anything for messages of less than
    /// `2^window_bits` bytes.
    #[must_use]
    pub fn compressed(mut self, env: &mut Env, level: u8, window_bits: u8) -> Self {
        let window_bits = window_bits.clamp(8, 15);
        let mut out = Vec::new();
        let done = env
            .pool
            .compress_alone(level, window_bits, self.payload(), &mut out);
        self.compressed = (done && out.len() < self.payload().len()).then(|| {
            (
                window_bits,
                Form::new(self.kind.opcode() as u8 | RSV1, &out),
            )
        });
        self
    }

    /// Returns the type of the message.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the uncompressed payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.plain.payload()
    }

    /// Returns the form for a connection whose send window has `window_bits` bits, 0 if it does not compress.
    pub(crate) fn form(&self, window_bits: u8) -> &Form {
        match &self.compressed {
            Some((needed, form)) if *needed <= window_bits => form,
            Some(_) | None => &self.plain,
        }
    }
}
