//! Test data: messages of several styles, and a block that is put together by hand.

use std::{format, vec, vec::Vec};

use proptest::prelude::*;

use crate::deflate::codec::TAIL;

/// A message to compress: its style, its length, and a seed that makes it unique.
#[derive(Debug, Clone)]
pub(super) struct Message {
    style: Style,
    len: usize,
    seed: u64,
}

#[derive(Debug, Clone, Copy)]
enum Style {
    /// Random bytes, which do not compress.
    Noise,
    /// Runs of the same byte.
    Runs,
    /// A few words, repeated at short and long distances.
    Words,
    /// Records of the same shape.
    Json,
}

impl Message {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut random = Random(self.seed | 1);
        let mut bytes = Vec::new();
        while bytes.len() < self.len {
            let x = random.next();
            match self.style {
                Style::Noise => bytes.extend(x.to_le_bytes()),
                Style::Runs => bytes.extend(vec![x as u8; (x >> 8) as usize % 1000]),
                Style::Words => bytes.extend(format!("word-{} ", x % 300).bytes()),
                Style::Json => {
                    let (id, user, value) = (x % 10_000, x >> 20 & 63, x >> 30 & 511);
                    let record =
                        format!("{{\"id\":{id},\"user\":\"user-{user}\",\"value\":{value}}},");
                    bytes.extend(record.bytes());
                }
            }
        }
        bytes.truncate(self.len);
        bytes
    }
}

/// A pseudo-random generator: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

pub(super) fn json(len: usize) -> Vec<u8> {
    let (style, seed) = (Style::Json, 42);
    Message { style, len, seed }.bytes()
}

pub(super) fn noise(len: usize) -> Vec<u8> {
    let (style, seed) = (Style::Noise, 42);
    Message { style, len, seed }.bytes()
}

pub(super) fn messages() -> impl Strategy<Value = Message> {
    let style = prop_oneof![
        Just(Style::Noise),
        Just(Style::Runs),
        Just(Style::Words),
        Just(Style::Json),
    ];
    let len = prop_oneof![
        2 => Just(0),
        10 => 1..2_000_usize,
        6 => 2_000..20_000_usize,
        1 => 20_000..200_000_usize,
    ];
    (style, len, any::<u64>()).prop_map(|(style, len, seed)| Message { style, len, seed })
}

/// RFC 1951 3.2.6: the codes of the symbols 256 and 257 in a static block.
const END_OF_BLOCK: usize = 0;
const LENGTH_OF_THREE: usize = 1;

/// Encodes a reference to three bytes `distance` back in a static block, followed by a flush.
pub(super) fn reference(distance: usize) -> Vec<u8> {
    // RFC 1951 3.2.5: the symbol, its extra bits, and their number.
    let (symbol, extra, extra_bits) = match distance {
        1 => (0, 0, 0),
        257 => (16, 0, 7),
        16_385 => (28, 0, 13),
        32_768 => (29, (1 << 13) - 1, 13),
        _ => unreachable!("no test asks for {distance}"),
    };
    let mut bits = Bits::default();
    bits.put(0b010, 3);
    bits.put_code(LENGTH_OF_THREE, 7);
    bits.put_code(symbol, 5);
    bits.put(extra, extra_bits);
    bits.put_code(END_OF_BLOCK, 7);
    bits.put(0b000, 3);
    bits.bytes.extend(TAIL);
    bits.bytes
}

/// Packs bits into bytes (RFC 1951 3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn put(&mut self, number: usize, n: usize) {
        for place in 0..n {
            let bit = (number >> place & 1) as u8;
            match self.used % 8 {
                0 => self.bytes.push(bit),
                used => *self.bytes.last_mut().unwrap() |= bit << used,
            }
            self.used += 1;
        }
    }

    /// Huffman codes begin with their most significant bit.
    fn put_code(&mut self, code: usize, n: usize) {
        for place in (0..n).rev() {
            self.put(code >> place, 1);
        }
    }
}
