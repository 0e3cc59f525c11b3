//! A frame codec to the letter of RFC 6455 5.2, slow and simple, that also writes what is illegal.

use wsproto::Role;

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

/// How the length of a payload is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// In the shortest form, as it must be.
    Shortest,
    /// In two further octets, whether it needs them or not.
    Two,
    /// In eight further octets, whether it needs them or not.
    Eight,
    /// A length that is not the payload's, in eight further octets.
    Declared(u64),
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
        let mut octets = vec![u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode];
        let mask = u8::from(self.mask.is_some()) << 7;
        let len = self.payload.len();
        match self.length {
            Length::Shortest if len < 126 => octets.push(mask | len as u8),
            Length::Two => two(&mut octets, mask, len),
            Length::Shortest if len < 1 << 16 => two(&mut octets, mask, len),
            Length::Shortest | Length::Eight => eight(&mut octets, mask, len as u64),
            Length::Declared(len) => eight(&mut octets, mask, len),
        }
        octets.extend(self.mask.into_iter().flatten());
        octets.extend(xor(&self.payload, self.mask));
        octets
    }
}

fn two(octets: &mut Vec<u8>, mask: u8, len: usize) {
    octets.push(mask | 126);
    octets.extend((len as u16).to_be_bytes());
}

fn eight(octets: &mut Vec<u8>, mask: u8, len: u64) {
    octets.push(mask | 127);
    octets.extend(len.to_be_bytes());
}

/// RFC 6455 5.3, octet by octet.
fn xor(octets: &[u8], mask: Option<[u8; 4]>) -> impl Iterator<Item = u8> {
    let key = mask.unwrap_or_default();
    octets
        .iter()
        .enumerate()
        .map(move |(i, octet)| octet ^ key[i % 4])
}

/// The frames that `octets` are; panics if they end within one.
pub(crate) fn decode(mut octets: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !octets.is_empty() {
        let (first, second) = (octets[0], octets[1]);
        octets = &octets[2..];
        let mut number = |size: usize| {
            let (number, rest) = octets.split_at(size);
            octets = rest;
            number
                .iter()
                .fold(0_u64, |number, octet| number << 8 | u64::from(*octet))
        };
        let (len, shortest) = match second & 0x7f {
            126 => (number(2), 126),
            127 => (number(8), 1 << 16),
            short => (u64::from(short), 0),
        };
        let mask = (second & 0x80 != 0).then(|| (number(4) as u32).to_be_bytes());
        let (payload, rest) = octets.split_at(len as usize);
        octets = rest;
        frames.push(Frame {
            fin: first & 0x80 != 0,
            reserved: first >> 4 & 7,
            opcode: first & 0xf,
            mask,
            length: match shortest {
                shortest if len >= shortest => Length::Shortest,
                126 => Length::Two,
                _ => Length::Eight,
            },
            payload: xor(payload, mask).collect(),
        });
    }
    frames
}

/// The other end.
pub(crate) const fn opposite(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}
