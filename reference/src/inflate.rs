//! A judge of compressed messages: an inflater (RFC 1951) that is slow and simple, and that knows how
//! far back a stream refers.
//!
//! It shares nothing with the code under test. Production inflaters do not do for this: within one
//! buffer of output they follow references beyond the window that was agreed.

use std::fmt;

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It ends inside a block.
    Truncated,
    /// A block of the type that is reserved.
    ReservedBlock,
    /// The length of a stored block does not match its complement.
    StoredLength,
    /// Code lengths that make no Huffman code, or a repetition that has nothing to repeat.
    CodeLengths,
    /// Bits, or a symbol, that stand for nothing.
    NoSuchSymbol,
    /// A reference that reaches further back than the window.
    BeyondWindow {
        /// How far it reaches.
        distance: usize,
    },
    /// A reference to before the first byte.
    BeforeStart {
        /// How far it reaches.
        distance: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it ends inside a block"),
            Self::ReservedBlock => f.write_str("a block of the type that is reserved"),
            Self::StoredLength => {
                f.write_str("a stored block whose length does not match its complement")
            }
            Self::CodeLengths => f.write_str("code lengths that make no Huffman code"),
            Self::NoSuchSymbol => f.write_str("bits that stand for nothing"),
            Self::BeyondWindow { distance } => {
                write!(f, "a reference {distance} bytes back, beyond the window")
            }
            Self::BeforeStart { distance } => {
                write!(
                    f,
                    "a reference {distance} bytes back, to before the first byte"
                )
            }
        }
    }
}

impl std::error::Error for Fault {}

/// Inflates message after message, under context takeover or without, and enforces a window.
#[derive(Debug)]
pub struct Judge {
    window: usize,
    history: Vec<u8>,
    farthest: usize,
}

impl Judge {
    /// Makes a judge who allows references of at most `2^window_bits` bytes.
    #[must_use]
    pub fn new(window_bits: u8) -> Self {
        Self {
            window: 1 << window_bits,
            history: Vec::new(),
            farthest: 0,
        }
    }

    /// Forgets all messages so far, as without context takeover.
    pub fn forget(&mut self) {
        self.history.clear();
    }

    /// Takes `bytes` for the end of what came before, as if they had been inflated.
    pub fn remember(&mut self, bytes: &[u8]) {
        self.history.extend_from_slice(bytes);
    }

    /// The longest distance of any reference so far, in bytes.
    #[must_use]
    pub fn farthest(&self) -> usize {
        self.farthest
    }

    /// Inflates `message`, whose tail `00 00 ff ff` (RFC 7692 7.2.2) is in place, up to its very end.
    ///
    /// After a final block, a further stream begins at the next byte, with the same window.
    ///
    /// # Errors
    ///
    /// If the message is not what RFC 1951 describes, or refers back further than it may.
    pub fn message(&mut self, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let start = self.history.len();
        let mut bits = Bits { message, at: 0 };
        while bits.at < message.len() * 8 {
            let last = bits.take(1)? == 1;
            match bits.take(2)? {
                0 => self.stored(&mut bits)?,
                1 => self.compressed(&mut bits, &fixed_literals(), &Code::new(&[5; 30]))?,
                2 => {
                    let (literals, distances) = codes(&mut bits)?;
                    self.compressed(&mut bits, &literals, &distances)?;
                }
                _ => return Err(Fault::ReservedBlock),
            }
            if last {
                bits.align();
            }
        }
        Ok(self.history[start..].to_vec())
    }

    /// 3.2.4: a block of bytes as they are.
    fn stored(&mut self, bits: &mut Bits<'_>) -> Result<(), Fault> {
        bits.align();
        let len = bits.take(16)?;
        if bits.take(16)? != !len & 0xffff {
            return Err(Fault::StoredLength);
        }
        let start = bits.at / 8;
        let bytes = bits.message.get(start..start + len);
        self.history.extend(bytes.ok_or(Fault::Truncated)?);
        bits.at += len * 8;
        Ok(())
    }

    /// 3.2.3: a block of literals and references.
    fn compressed(
        &mut self,
        bits: &mut Bits<'_>,
        literals: &Code,
        distances: &Code,
    ) -> Result<(), Fault> {
        loop {
            let symbol = literals.decode(bits)?;
            if symbol < 256 {
                self.history.push(symbol as u8);
                continue;
            }
            if symbol == 256 {
                return Ok(());
            }
            let &(base, extra) = LENGTHS.get(symbol - 257).ok_or(Fault::NoSuchSymbol)?;
            let len = base + bits.take(extra)?;
            let symbol = distances.decode(bits)?;
            let &(base, extra) = DISTANCES.get(symbol).ok_or(Fault::NoSuchSymbol)?;
            let distance = base + bits.take(extra)?;

            self.farthest = self.farthest.max(distance);
            if distance > self.window {
                return Err(Fault::BeyondWindow { distance });
            }
            if distance > self.history.len() {
                return Err(Fault::BeforeStart { distance });
            }
            for _ in 0..len {
                let byte = self.history[self.history.len() - distance];
                self.history.push(byte);
            }
        }
    }
}

/// 3.2.5: what the symbols from 257 on stand for: the shortest length, and how many bits add to it.
pub(crate) const LENGTHS: [(usize, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// 3.2.5: the shortest distance of each symbol, and how many bits add to it.
pub(crate) const DISTANCES: [(usize, u32); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

/// 3.2.7: the order in which the lengths of the code for code lengths are sent.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// 3.2.6: the code for literals of a static block.
fn fixed_literals() -> Code {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    Code::new(&lengths)
}

/// 3.2.7: the codes for literals and distances that head a dynamic block.
fn codes(bits: &mut Bits<'_>) -> Result<(Code, Code), Fault> {
    let literals = 257 + bits.take(5)?;
    let distances = 1 + bits.take(5)?;
    let sent = 4 + bits.take(4)?;

    let mut lengths = [0; 19];
    for &symbol in &ORDER[..sent] {
        lengths[symbol] = bits.take(3)? as u8;
    }
    let code = Code::complete(&lengths)?;

    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match code.decode(bits)? {
            16 => {
                let &previous = lengths.last().ok_or(Fault::CodeLengths)?;
                (previous, 3 + bits.take(2)?)
            }
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        lengths.extend(vec![length; times]);
    }
    if lengths.len() > literals + distances || literals > 286 || distances > 30 {
        return Err(Fault::CodeLengths);
    }
    let (literals, distances) = lengths.split_at(literals);
    if literals[256] == 0 {
        return Err(Fault::CodeLengths);
    }
    Ok((
        Code::complete_or_single(literals)?,
        Code::complete_or_single(distances)?,
    ))
}

/// A Huffman code (3.2.2): codes of one length are consecutive, in the order of their symbols, and
/// follow the shorter ones.
struct Code {
    /// The symbols, from the shortest code to the longest.
    symbols: Vec<usize>,
    /// How many codes there are of each length.
    counts: [usize; 16],
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut code = Self {
            symbols: Vec::new(),
            counts: [0; 16],
        };
        for length in 1..16 {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == length) {
                code.symbols.push(symbol);
                code.counts[usize::from(length)] += 1;
            }
        }
        code
    }

    /// A code in which all bits stand for some symbol, and none for two.
    fn complete(lengths: &[u8]) -> Result<Self, Fault> {
        let code = Self::new(lengths);
        let taken: usize = (1..16).map(|len| code.counts[len] << (15 - len)).sum();
        if taken == 1 << 15 {
            Ok(code)
        } else {
            Err(Fault::CodeLengths)
        }
    }

    /// 3.2.7: a complete code, or one bit for the only symbol, or no symbol at all.
    fn complete_or_single(lengths: &[u8]) -> Result<Self, Fault> {
        let code = Self::new(lengths);
        if code.symbols.len() < 2 && code.counts[1] == code.symbols.len() {
            Ok(code)
        } else {
            Self::complete(lengths)
        }
    }

    fn decode(&self, bits: &mut Bits<'_>) -> Result<usize, Fault> {
        let (mut read, mut first, mut before) = (0, 0, 0);
        for count in &self.counts[1..] {
            // Huffman codes are packed from their most significant bit on (3.1.1).
            read = read << 1 | bits.take(1)?;
            first <<= 1;
            if read < first + count {
                return Ok(self.symbols[before + read - first]);
            }
            first += count;
            before += count;
        }
        Err(Fault::NoSuchSymbol)
    }
}

/// 3.1.1: the bits of a message, from the least significant one of each byte on.
struct Bits<'a> {
    message: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next `n` bits as a number, the first one the least significant.
    fn take(&mut self, n: u32) -> Result<usize, Fault> {
        let mut number = 0;
        for place in 0..n {
            let &byte = self.message.get(self.at / 8).ok_or(Fault::Truncated)?;
            number |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(number)
    }

    /// Skips to the next byte.
    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}
