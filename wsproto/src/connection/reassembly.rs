//! The position in the stream of incoming frames (RFC 6455 5.4): the frame whose payload comes in, and the
//! message that it belongs to. The bytes themselves are in a [`Partial`](crate::partial::Partial).

use crate::{
    event::Kind,
    wire::{
        frame::{Header, MAX_HEADER, Opcode},
        mask,
        utf8::Carry,
    },
};

/// Position in the stream of incoming frames.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    pub(super) expect: Expect,
    /// The message whose last frame is not complete.
    pub(super) message: Option<IncomingMessage>,
}

/// The element that the next byte belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expect {
    /// A frame header, of which `len` bytes have been received.
    Header { bytes: [u8; MAX_HEADER], len: u8 },
    /// A payload that is not complete.
    Payload(FramePayload),
}

/// A frame whose header is complete and whose payload is not.
#[derive(Debug, Clone, Copy)]
pub(super) struct FramePayload {
    /// Number of bytes still to come.
    pub(super) missing: u64,
    /// The masking key, rotated to the next byte.
    pub(super) key: [u8; 4],
    pub(super) opcode: Opcode,
    pub(super) fin: bool,
}

/// A message whose last frame is not complete.
#[derive(Debug, Clone, Copy)]
pub(super) struct IncomingMessage {
    /// Sum of the payload lengths of all frames so far, including the part of the present one still to come.
    pub(super) len: u64,
    pub(super) fragments: u32,
    pub(super) kind: Kind,
    pub(super) compressed: bool,
    pub(super) utf8: Carry,
}

impl Default for Expect {
    fn default() -> Self {
        Self::Header {
            bytes: [0; MAX_HEADER],
            len: 0,
        }
    }
}

impl FramePayload {
    /// Returns the number of bytes at the front of `available` bytes that belong to this payload.
    pub(super) fn len_in(&self, available: usize) -> usize {
        usize::try_from(self.missing).map_or(available, |missing| missing.min(available))
    }

    /// Returns true if the next `len` bytes end the payload.
    pub(super) const fn ends_after(&self, len: usize) -> bool {
        self.missing == len as u64
    }

    /// Returns true if the next `len` bytes end the payload and, with it, the message.
    pub(super) const fn ends_message_after(&self, len: usize) -> bool {
        self.fin && self.ends_after(len)
    }
}

impl Reassembly {
    /// Returns true if the next byte starts a frame and no message is under way.
    #[inline]
    pub(super) fn is_between_messages(&self) -> bool {
        self.message.is_none() && matches!(self.expect, Expect::Header { len: 0, .. })
    }

    /// The type of the message under way.
    pub(super) fn message_kind(&self) -> Option<Kind> {
        self.message.map(|message| message.kind)
    }

    /// Returns true if the message under way is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        self.message
            .as_ref()
            .is_some_and(|message| message.compressed)
    }

    /// Returns true if the text received so far does not end inside a code point.
    pub(super) fn ends_as_text(&self) -> bool {
        self.message
            .is_none_or(|mut message| message.utf8.finish().is_ok())
    }

    /// Ends the message under way.
    pub(super) fn end_message(&mut self) {
        self.message = None;
    }

    /// Begins a frame whose payload is incomplete, or that is not delivered as a message of its own.
    pub(super) fn begin_frame(&mut self, header: Header) {
        let Header {
            fin,
            compressed,
            opcode,
            len,
            key,
            ..
        } = header;
        if let Some(kind) = opcode.kind() {
            self.message = Some(IncomingMessage {
                len,
                fragments: 1,
                kind,
                compressed,
                utf8: Carry::default(),
            });
        } else if opcode == Opcode::Continuation
            && let Some(message) = &mut self.message
        {
            message.fragments += 1;
            message.len += len;
        }
        self.expect = Expect::Payload(FramePayload {
            missing: len,
            key,
            opcode,
            fin,
        });
    }

    /// Records that the next `len` bytes of `payload` were consumed.
    pub(super) fn advance(&mut self, payload: FramePayload, len: usize) {
        self.expect = if payload.ends_after(len) {
            Expect::default()
        } else {
            Expect::Payload(FramePayload {
                missing: payload.missing - len as u64,
                key: mask::rotated(payload.key, len),
                ..payload
            })
        };
    }
}
