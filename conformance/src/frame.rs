//! A frame codec to the letter of RFC 6455 5.2, slow and simple, that also writes what is illegal.

/// The numbers of RFC 6455 5.2, as they stand on the wire.
pub mod opcode {
    /// A further fragment of a message.
    pub const CONTINUATION: u8 = 0x0;
    /// A message of text, or its first fragment.
    pub const TEXT: u8 = 0x1;
    /// A binary message, or its first fragment.
    pub const BINARY: u8 = 0x2;
    /// The closing handshake.
    pub const CLOSE: u8 = 0x8;
    /// Asks for a pong.
    pub const PING: u8 = 0x9;
    /// Answers a ping.
    pub const PONG: u8 = 0xa;
}

/// How the length of a payload is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Length {
    /// In the shortest form, as it must be.
    #[default]
    Shortest,
    /// In two further octets, whether it needs them or not.
    Two,
    /// In eight further octets, whether it needs them or not.
    Eight,
    /// A length that need not be the payload's, in eight further octets.
    Declared(u64),
}

/// A frame, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whether it is the last of its message.
    pub fin: bool,
    /// RSV1, RSV2 and RSV3, as the bits 4, 2 and 1.
    pub reserved: u8,
    /// Any number below 16; [`opcode`] names those that mean something.
    pub opcode: u8,
    /// How the length is written.
    pub length: Length,
    /// Not masked here, whatever is on the wire.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Makes a final frame.
    #[must_use]
    pub fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            fin: true,
            reserved: 0,
            opcode,
            length: Length::Shortest,
            payload: payload.into(),
        }
    }

    /// Makes a Close frame with a code and a reason.
    #[must_use]
    pub fn close(code: u16, reason: &str) -> Self {
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        Self::new(opcode::CLOSE, payload)
    }

    /// Clears FIN.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// Sets reserved bits: RSV1, RSV2 and RSV3 are 4, 2 and 1.
    #[must_use]
    pub fn reserved(mut self, bits: u8) -> Self {
        self.reserved = bits;
        self
    }

    /// Writes the length in another form.
    #[must_use]
    pub fn length(mut self, length: Length) -> Self {
        self.length = length;
        self
    }

    /// What is on the wire: the header, and the payload under `mask`.
    #[must_use]
    pub fn encode(&self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut octets = self.header(mask);
        octets.reserve(self.payload.len());
        octets.extend_from_slice(&self.payload);
        let start = octets.len() - self.payload.len();
        xor(&mut octets[start..], mask, 0);
        octets
    }

    /// The header alone, whose length is that of the payload unless [`length`](Self::length) says otherwise.
    #[must_use]
    pub fn header(&self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut octets = vec![u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode];
        let masked = u8::from(mask.is_some()) << 7;
        let len = self.payload.len();
        match self.length {
            Length::Shortest if len < 126 => octets.push(masked | len as u8),
            Length::Two => two(&mut octets, masked, len),
            Length::Shortest if len < 1 << 16 => two(&mut octets, masked, len),
            Length::Shortest | Length::Eight => eight(&mut octets, masked, len as u64),
            Length::Declared(len) => eight(&mut octets, masked, len),
        }
        octets.extend(mask.into_iter().flatten());
        octets
    }
}

fn two(octets: &mut Vec<u8>, masked: u8, len: usize) {
    octets.push(masked | 126);
    octets.extend((len as u16).to_be_bytes());
}

fn eight(octets: &mut Vec<u8>, masked: u8, len: u64) {
    octets.push(masked | 127);
    octets.extend(len.to_be_bytes());
}

/// RFC 6455 5.3, octet by octet; `offset` octets of the payload went before.
pub fn xor(octets: &mut [u8], mask: Option<[u8; 4]>, offset: usize) {
    let Some(mut key) = mask else { return };
    key.rotate_left(offset % 4);
    for (octet, key) in octets.iter_mut().zip(key.into_iter().cycle()) {
        *octet ^= key;
    }
}

/// What a decoder finds wrong with a frame header (RFC 6455 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// A client's frame without a mask, or a server's with one (5.1).
    Mask,
    /// A length that is not written in the shortest form, or that has its top bit set.
    Length,
}

/// Cuts a stream of octets into frames.
#[derive(Debug, Default)]
pub struct Decoder {
    octets: Vec<u8>,
    read: usize,
}

impl Decoder {
    /// Takes what came next.
    pub fn push(&mut self, octets: &[u8]) {
        self.octets.drain(..self.read);
        self.read = 0;
        self.octets.extend_from_slice(octets);
    }

    /// How many octets are not part of a whole frame yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.octets.len() - self.read
    }

    /// The next frame that is whole, and whether it was masked.
    ///
    /// # Errors
    ///
    /// If the header cannot be obeyed. What comes behind it cannot be either.
    pub fn frame(&mut self, masked: bool) -> Result<Option<Frame>, Malformed> {
        let octets = &self.octets[self.read..];
        let [first, second, rest @ ..] = octets else {
            return Ok(None);
        };
        let (size, shortest) = match second & 0x7f {
            126 => (2, 126),
            127 => (8, 1 << 16),
            _ => (0, 0),
        };
        let key_len = if masked { 4 } else { 0 };
        if (second & 0x80 != 0) != masked {
            return Err(Malformed::Mask);
        }
        if rest.len() < size + key_len {
            return Ok(None);
        }
        let len = match size {
            0 => u64::from(second & 0x7f),
            _ => rest[..size]
                .iter()
                .fold(0, |len, octet| len << 8 | u64::from(*octet)),
        };
        if len < shortest || len >> 63 != 0 {
            return Err(Malformed::Length);
        }
        let key = masked.then(|| std::array::from_fn(|i| rest[size + i]));
        let start = 2 + size + key_len;
        let Some(payload) = octets
            .get(start..)
            .and_then(|rest| rest.get(..len as usize))
        else {
            return Ok(None);
        };
        let mut frame = Frame {
            fin: first & 0x80 != 0,
            reserved: first >> 4 & 7,
            opcode: first & 0xf,
            length: Length::Shortest,
            payload: payload.to_vec(),
        };
        self.read += start + payload.len();
        xor(&mut frame.payload, key, 0);
        Ok(Some(frame))
    }
}
