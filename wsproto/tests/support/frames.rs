//! Frames as tests speak of them: with the key that masks them, and by the role of who sends them.

use reference::frame::{self, Decoder, Part};
use wsproto::Role;

pub(crate) use reference::frame::Length;

/// Opcodes that the RFC defines (RFC 6455 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

/// A frame, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    /// RSV1, RSV2 and RSV3, as the bits 4, 2 and 1.
    pub(crate) reserved: u8,
    /// Any number below 16.
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) length: Length,
    /// Not masked here, whatever is on the wire.
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// A final frame without a mask.
    pub(crate) fn new(opcode: Opcode, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            fin: true,
            reserved: 0,
            opcode: opcode as u8,
            mask: None,
            length: Length::Shortest,
            payload: payload.into(),
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::new(Opcode::Text, text)
    }

    pub(crate) fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(Opcode::Binary, payload)
    }

    pub(crate) fn continuation(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(Opcode::Continuation, payload)
    }

    pub(crate) fn ping(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(Opcode::Ping, payload)
    }

    pub(crate) fn pong(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(Opcode::Pong, payload)
    }

    /// A Close frame with a code and a reason.
    pub(crate) fn close(code: u16, reason: &str) -> Self {
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        Self::new(Opcode::Close, payload)
    }

    /// Without FIN.
    pub(crate) fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// Masked with that key.
    pub(crate) fn masked(mut self, key: [u8; 4]) -> Self {
        self.mask = Some(key);
        self
    }

    /// Masked as that end must (RFC 6455 5.1): with a key if it is a client, else not.
    pub(crate) fn sent_by(mut self, role: Role) -> Self {
        self.mask = match role {
            Role::Client => Some([0x37, 0xfa, 0x21, 0x3d]),
            Role::Server => None,
        };
        self
    }

    /// With reserved bits set.
    pub(crate) fn reserved(mut self, bits: u8) -> Self {
        self.reserved = bits;
        self
    }

    /// With an opcode that may be undefined.
    pub(crate) fn opcode(mut self, opcode: u8) -> Self {
        self.opcode = opcode;
        self
    }

    /// With its length in another form.
    pub(crate) fn length(mut self, length: Length) -> Self {
        self.length = length;
        self
    }

    /// What is on the wire.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let frame = frame::Frame {
            fin: self.fin,
            reserved: self.reserved,
            opcode: self.opcode,
            length: self.length,
            payload: self.payload.clone(),
        };
        frame.encode(self.mask)
    }
}

/// The frames that `bytes` are; panics if they end within one.
pub(crate) fn decode(bytes: &[u8]) -> Vec<Frame> {
    let mut decoder = Decoder::default();
    decoder.push(bytes);
    let mut frames = Vec::new();
    while let Some(part) = decoder.part() {
        let Part::Frame(frame, mask) = part else {
            continue;
        };
        frames.push(Frame {
            fin: frame.fin,
            reserved: frame.reserved,
            opcode: frame.opcode,
            mask,
            length: frame.length,
            payload: frame.payload,
        });
    }
    assert_eq!(decoder.pending(), 0, "the last frame is whole");
    frames
}

/// The other end.
pub(crate) const fn opposite(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}
