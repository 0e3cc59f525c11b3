//! Compressed messages (RFC 1951, RFC 7692 7.2.1) put together block by block, legal or not.

use crate::inflate::{DISTANCES, LENGTHS};

/// An element of a block of fixed codes (RFC 1951 3.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// These bytes.
    Literals(&'a [u8]),
    /// Bytes that were there before.
    Reference {
        /// How many, 3 to 258.
        len: usize,
        /// How far back they begin, 1 to 32 768.
        distance: usize,
    },
    /// The symbol of that number for a literal or a length, and nothing behind it, whatever it needs.
    Symbol(u16),
    /// The symbol of that number for a distance.
    Distance(u8),
}

/// Writes blocks one behind the other.
///
/// ```
/// use reference::deflate::{Blocks, Token};
///
/// // RFC 7692 7.2.3.1
/// let hello = Blocks::new().fixed(&[Token::Literals(b"Hello")]).message();
/// assert_eq!(hello, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Blocks {
    bytes: Vec<u8>,
    /// How many bits of the last byte are not used yet.
    free: u32,
    /// True if the next block is marked as the last of its stream.
    last: bool,
}

impl Blocks {
    /// Begins a message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks the next block as the last of its stream: sets BFINAL (RFC 1951 3.2.3).
    #[must_use]
    pub fn last(mut self) -> Self {
        self.last = true;
        self
    }

    /// Writes a block of bytes as they are (RFC 1951 3.2.4).
    ///
    /// # Panics
    ///
    /// If there are more of them than 65 535.
    #[must_use]
    pub fn stored(self, data: &[u8]) -> Self {
        let len = u16::try_from(data.len()).expect("a stored block is short");
        let mut blocks = self.header(0).aligned();
        blocks.bytes.extend(len.to_le_bytes());
        blocks.bytes.extend((!len).to_le_bytes());
        blocks.bytes.extend_from_slice(data);
        blocks
    }

    /// Writes a block of fixed codes (RFC 1951 3.2.6) with its end.
    ///
    /// # Panics
    ///
    /// If a reference has no code.
    #[must_use]
    pub fn fixed(self, tokens: &[Token<'_>]) -> Self {
        let mut blocks = self.header(1);
        for token in tokens {
            match *token {
                Token::Literals(bytes) => {
                    for byte in bytes {
                        blocks.symbol(u16::from(*byte));
                    }
                }
                Token::Reference { len, distance } => blocks.reference(len, distance),
                Token::Symbol(symbol) => blocks.symbol(symbol),
                Token::Distance(symbol) => blocks.code(u16::from(symbol), 5),
            }
        }
        blocks.symbol(256);
        blocks
    }

    /// Writes the header of a block of that type (RFC 1951 3.2.3), and nothing of what it needs.
    #[must_use]
    pub fn header(mut self, block_type: u8) -> Self {
        let last = u8::from(std::mem::take(&mut self.last));
        self.number(u16::from(last | block_type << 1), 3);
        self
    }

    /// Writes the lowest `count` bits of a number, the least significant one first (RFC 1951 3.1.1).
    #[must_use]
    pub fn bits(mut self, number: u16, count: u32) -> Self {
        self.number(number, count);
        self
    }

    /// Goes on at the next byte; the bits before it are zero. A [last](Self::last) block needs that behind it
    /// (RFC 7692 7.2.3.4).
    #[must_use]
    pub fn aligned(mut self) -> Self {
        self.free = 0;
        self
    }

    /// The message: with an empty stored block at its end, whose last four bytes do not travel (RFC 7692 7.2.1).
    #[must_use]
    pub fn message(self) -> Vec<u8> {
        self.header(0).bytes
    }

    /// Returns the bytes written so far, without an end.
    #[must_use]
    pub fn unfinished(self) -> Vec<u8> {
        self.bytes
    }

    fn reference(&mut self, len: usize, distance: usize) {
        let find = |table: &[(usize, u32)], number: usize| {
            let symbol = table.iter().rposition(|(base, _)| *base <= number);
            let symbol = symbol.expect("every reference has a code");
            let (base, extra) = table[symbol];
            assert!((number - base) >> extra == 0, "a reference is not too long");
            (symbol as u16, (number - base) as u16, extra)
        };
        let (symbol, rest, extra) = find(&LENGTHS, len);
        self.symbol(257 + symbol);
        self.number(rest, extra);
        let (symbol, rest, extra) = find(&DISTANCES, distance);
        self.code(symbol, 5);
        self.number(rest, extra);
    }

    /// 3.2.6: a literal or a length in the fixed code.
    fn symbol(&mut self, symbol: u16) {
        match symbol {
            0..144 => self.code(0x30 + symbol, 8),
            144..256 => self.code(0x190 + symbol - 144, 9),
            256..280 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }

    /// 3.1.1: Huffman codes go from their most significant bit on.
    fn code(&mut self, code: u16, len: u32) {
        for place in (0..len).rev() {
            self.bit(code >> place & 1);
        }
    }

    fn number(&mut self, number: u16, count: u32) {
        for place in 0..count {
            self.bit(number >> place & 1);
        }
    }

    fn bit(&mut self, bit: u16) {
        if self.free == 0 {
            self.bytes.push(0);
            self.free = 8;
        }
        let byte = self.bytes.last_mut().expect("there is a byte with room");
        *byte |= (bit as u8) << (8 - self.free);
        self.free -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inflate::{Fault, Judge};

    fn inflated(message: &[u8]) -> Result<Vec<u8>, Fault> {
        Judge::new(15).message(&[message, &[0, 0, 0xff, 0xff]].concat())
    }

    #[test]
    fn the_examples_of_the_rfc_are_written_as_they_stand_there() {
        const HELLO: Token<'_> = Token::Literals(b"Hello");
        let first = Token::Literals(b"H");
        let again = Token::Reference {
            len: 4,
            distance: 5,
        };
        let blocks = Blocks::new;
        for (section, message, expected) in [
            ("7.2.3.1", blocks().fixed(&[HELLO]), "f248cdc9c90700"),
            ("7.2.3.2", blocks().fixed(&[first, again]), "f200110000"),
            (
                "7.2.3.3",
                blocks().stored(b"Hello"),
                "000500faff48656c6c6f00",
            ),
            (
                "7.2.3.4",
                blocks().last().fixed(&[HELLO]).aligned(),
                "f348cdc9c9070000",
            ),
            (
                "7.2.3.5",
                blocks()
                    .fixed(&[Token::Literals(b"He")])
                    .stored(b"")
                    .fixed(&[Token::Literals(b"llo")]),
                "f248050000 00ffff cac9c90700",
            ),
            ("7.2.3.6", blocks(), "00"),
        ] {
            let message: String = message
                .message()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(message, expected.replace(' ', ""), "{section}");
        }
    }

    #[test]
    fn the_judge_understands_every_byte_and_every_reference() {
        let bytes: Vec<u8> = (0..=255).collect();
        let plain = inflated(&Blocks::new().fixed(&[Token::Literals(&bytes)]).message());
        assert_eq!(plain, Ok(bytes.clone()));

        let window = bytes.repeat(128);
        let stored = Blocks::new().stored(&window);
        let lens = (3..=258).map(|len| (len, 256));
        let distances = [
            1, 2, 4, 5, 24, 25, 192, 193, 8192, 8193, 24_577, 32_767, 32_768,
        ];
        for (len, distance) in lens.chain(distances.map(|distance| (3, distance))) {
            let message = stored.clone().fixed(&[Token::Reference { len, distance }]);
            let mut expected = window.clone();
            for _ in 0..len {
                expected.push(expected[expected.len() - distance]);
            }
            let plain = inflated(&message.message()).unwrap();
            assert!(plain == expected, "{len} {distance}");
        }
    }
}
