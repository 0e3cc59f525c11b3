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
    /// In two further bytes, whether it needs them or not.
    Two,
    /// In eight further bytes, whether it needs them or not.
    Eight,
    /// A length that need not be the payload's, in eight further bytes.
    Declared(u64),
}

/// A frame, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// True if it is the last of its message.
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

    /// Makes a message of text in one frame.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::new(opcode::TEXT, text)
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

    /// Returns the bytes on the wire: the header, and the payload under `mask`.
    #[must_use]
    pub fn encode(&self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut bytes = self.header(mask);
        bytes.reserve(self.payload.len());
        bytes.extend_from_slice(&self.payload);
        let start = bytes.len() - self.payload.len();
        xor(&mut bytes[start..], mask, 0);
        bytes
    }

    /// The header alone, whose length is that of the payload unless [`length`](Self::length) says otherwise.
    #[must_use]
    pub fn header(&self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode];
        let masked = u8::from(mask.is_some()) << 7;
        let len = self.payload.len();
        match self.length {
            Length::Shortest if len < 126 => bytes.push(masked | len as u8),
            Length::Two => two(&mut bytes, masked, len),
            Length::Shortest if len < 1 << 16 => two(&mut bytes, masked, len),
            Length::Shortest | Length::Eight => eight(&mut bytes, masked, len as u64),
            Length::Declared(len) => eight(&mut bytes, masked, len),
        }
        bytes.extend(mask.into_iter().flatten());
        bytes
    }
}

fn two(bytes: &mut Vec<u8>, masked: u8, len: usize) {
    bytes.push(masked | 126);
    bytes.extend((len as u16).to_be_bytes());
}

fn eight(bytes: &mut Vec<u8>, masked: u8, len: u64) {
    bytes.push(masked | 127);
    bytes.extend(len.to_be_bytes());
}

/// Masks a payload (RFC 6455 5.3), of which `offset` bytes went before.
pub fn xor(bytes: &mut [u8], mask: Option<[u8; 4]>, offset: usize) {
    let Some(mut key) = mask else { return };
    key.rotate_left(offset % 4);
    for bytes in bytes.chunks_mut(4) {
        for (byte, key) in bytes.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
}

/// The header of a frame as it came, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// True if the frame is the last of its message.
    pub fin: bool,
    /// RSV1, RSV2 and RSV3, as the bits 4, 2 and 1.
    pub reserved: u8,
    /// The opcode, a number below 16.
    pub opcode: u8,
    /// The masking key, if the frame is masked.
    pub mask: Option<[u8; 4]>,
    /// Bytes of the payload.
    pub len: u64,
    /// How the length is written.
    pub length: Length,
}

/// A part that a [`Decoder`] finds: of each frame first the header, then the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A header.
    Header(Header),
    /// A frame, and the key under which it was masked.
    Frame(Frame, Option<[u8; 4]>),
}

/// Cuts a stream of bytes into frames, and leaves it to others to judge them.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    read: usize,
    /// The header of the frame whose payload comes next.
    header: Option<Header>,
}

impl Decoder {
    /// Takes what came next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes are not part of a whole frame yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.read
    }

    /// The next part, if all of it has come.
    pub fn part(&mut self) -> Option<Part> {
        let Some(header) = &self.header else {
            let header = self.header()?;
            self.header = Some(header.clone());
            return Some(Part::Header(header));
        };
        let len = usize::try_from(header.len).ok()?;
        let payload = self.bytes[self.read..].get(..len)?;
        let mut frame = Frame {
            fin: header.fin,
            reserved: header.reserved,
            opcode: header.opcode,
            length: header.length,
            payload: payload.to_vec(),
        };
        let mask = header.mask;
        xor(&mut frame.payload, mask, 0);
        self.read += len;
        self.header = None;
        Some(Part::Frame(frame, mask))
    }

    fn header(&mut self) -> Option<Header> {
        let [first, second, rest @ ..] = &self.bytes[self.read..] else {
            return None;
        };
        let (size, least, longer) = match second & 0x7f {
            126 => (2, 126, Length::Two),
            127 => (8, 1 << 16, Length::Eight),
            _ => (0, 0, Length::Shortest),
        };
        let (length, rest) = rest.split_at_checked(size)?;
        let len = match size {
            0 => u64::from(second & 0x7f),
            _ => length
                .iter()
                .fold(0, |len, byte| len << 8 | u64::from(*byte)),
        };
        let mask = match second & 0x80 {
            0 => None,
            _ => Some(*rest.first_chunk()?),
        };
        let header = Header {
            fin: first & 0x80 != 0,
            reserved: first >> 4 & 7,
            opcode: first & 0xf,
            mask,
            len,
            length: if len < least {
                longer
            } else {
                Length::Shortest
            },
        };
        self.read += 2 + size + if mask.is_some() { 4 } else { 0 };
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: Option<[u8; 4]> = Some([1, 2, 3, 4]);

    fn decode(bytes: &[u8]) -> Vec<Part> {
        let mut decoder = Decoder::default();
        let mut parts = Vec::new();
        for byte in bytes {
            decoder.push(&[*byte]);
            parts.extend(std::iter::from_fn(|| decoder.part()));
        }
        assert_eq!(decoder.pending(), 0);
        parts
    }

    #[test]
    fn frames_come_back_as_they_were_written() {
        for len in [0, 125, 126, 127, 65535, 65536] {
            for mask in [None, MASK] {
                let frame = Frame::new(opcode::BINARY, vec![7; len]).reserved(5);
                let parts = decode(&frame.encode(mask));
                let header = Header {
                    fin: true,
                    reserved: 5,
                    opcode: opcode::BINARY,
                    mask,
                    len: len as u64,
                    length: Length::Shortest,
                };
                assert_eq!(parts, [Part::Header(header), Part::Frame(frame, mask)]);
            }
        }
    }

    #[test]
    fn lengths_in_longer_forms_are_noticed() {
        for (written, len, read) in [
            (Length::Two, 125, Length::Two),
            (Length::Two, 126, Length::Shortest),
            (Length::Eight, 125, Length::Eight),
            (Length::Eight, 65535, Length::Eight),
            (Length::Eight, 65536, Length::Shortest),
        ] {
            let frame = Frame::new(opcode::TEXT, vec![b'a'; len]).length(written);
            let Some(Part::Header(header)) = decode(&frame.encode(MASK)).into_iter().next() else {
                panic!("no header of {written:?}");
            };
            assert_eq!((header.len, header.length), (len as u64, read));
        }
    }

    #[test]
    fn a_header_is_there_before_its_payload() {
        let frame = Frame::new(opcode::TEXT, b"a").length(Length::Declared(1 << 63));
        let mut decoder = Decoder::default();
        decoder.push(&frame.encode(None));
        let Some(Part::Header(header)) = decoder.part() else {
            panic!("no header");
        };
        assert_eq!(header.len, 1 << 63);
        assert_eq!(decoder.part(), None);
        assert_eq!(decoder.pending(), 1);
    }
}
