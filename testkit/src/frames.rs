//! Frames, legal or not, with a masking key or the role of their sender, over the codec of `reference`.

use reference::frame::{self, Decoder, Part};
use wsproto::Role;

pub use reference::frame::Length;

/// Opcodes that the RFC defines (RFC 6455 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// A further fragment.
    Continuation = 0x0,
    /// Text, or its first fragment.
    Text = 0x1,
    /// Binary data, or their first fragment.
    Binary = 0x2,
    /// The closing handshake.
    Close = 0x8,
    /// A ping.
    Ping = 0x9,
    /// A pong.
    Pong = 0xa,
}

/// A frame, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// FIN.
    pub fin: bool,
    /// RSV1, RSV2 and RSV3, as the bits 4, 2 and 1.
    pub reserved: u8,
    /// Any number below 16.
    pub opcode: u8,
    /// The masking key, if the frame is masked.
    pub mask: Option<[u8; 4]>,
    /// The form of the payload length.
    pub length: Length,
    /// The payload before masking.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A final frame without a mask.
    pub fn new(opcode: Opcode, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            fin: true,
            reserved: 0,
            opcode: opcode as u8,
            mask: None,
            length: Length::Shortest,
            payload: payload.into(),
        }
    }

    /// A final text frame without a mask.
    pub fn text(text: &str) -> Self {
        Self::new(Opcode::Text, text)
    }

    /// A final binary frame without a mask.
    pub fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(Opcode::Binary, payload)
    }

    /// A final continuation frame without a mask.
    pub fn continuation(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(Opcode::Continuation, payload)
    }

    /// A ping without a mask.
    pub fn ping(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(Opcode::Ping, payload)
    }

    /// A pong without a mask.
    pub fn pong(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(Opcode::Pong, payload)
    }

    /// A Close frame with a code and a reason.
    pub fn close(code: u16, reason: &str) -> Self {
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        Self::new(Opcode::Close, payload)
    }

    /// Clears FIN.
    pub fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// Masks with that key.
    pub fn masked(mut self, key: [u8; 4]) -> Self {
        self.mask = Some(key);
        self
    }

    /// Masks as that role must (RFC 6455 5.1): a client does, a server does not.
    pub fn sent_by(mut self, role: Role) -> Self {
        self.mask = match role {
            Role::Client => Some([0x37, 0xfa, 0x21, 0x3d]),
            Role::Server => None,
        };
        self
    }

    /// Sets the reserved bits.
    pub fn reserved(mut self, bits: u8) -> Self {
        self.reserved = bits;
        self
    }

    /// Sets the opcode, which may be undefined.
    pub fn opcode(mut self, opcode: u8) -> Self {
        self.opcode = opcode;
        self
    }

    /// Sets the form of the payload length.
    pub fn length(mut self, length: Length) -> Self {
        self.length = length;
        self
    }

    /// Encodes the frame.
    pub fn encode(&self) -> Vec<u8> {
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

/// Decodes the frames that `bytes` consist of.
///
/// # Panics
/// If the last frame is cut.
pub fn decode(bytes: &[u8]) -> Vec<Frame> {
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

/// The other role.
pub const fn opposite(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}
