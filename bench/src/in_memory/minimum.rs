//! The minimum: finding, unmasking and writing frames, without limits, header checks, state or errors.
//! Not a usable implementation, but the reference for all others.
//!
//! Text is checked with simdutf8, as in the core, so that the rows for text show the cost of everything
//! but the check.

use std::hint::black_box;

use super::{Role, Source, Subject};
use crate::payload::{Case, Content};

/// Finds and unmasks the frames of a batch in place.
#[derive(Debug)]
pub struct Receive {
    source: Source,
    buf: Vec<u8>,
    content: Content,
    role: Role,
}

impl Receive {
    /// Creates a receiver in that role, reading from `source` with a read buffer of 2 MiB, which must
    /// hold a whole batch.
    #[must_use]
    pub fn new(role: Role, content: Content, source: Source) -> Self {
        Self {
            source,
            buf: vec![0; 2 << 20],
            content,
            role,
        }
    }
}

impl Subject for Receive {
    fn turn(&mut self) -> usize {
        let end = self.source.read(&mut self.buf);
        let mut rest = &mut self.buf[..end];
        let mut bytes = 0;
        while let [_, second, tail @ ..] = rest {
            let (len, tail) = match *second & 0x7f {
                126 => {
                    let (len, tail) = tail.split_first_chunk_mut().expect("a whole frame");
                    (usize::from(u16::from_be_bytes(*len)), tail)
                }
                127 => {
                    let (len, tail) = tail.split_first_chunk_mut().expect("a whole frame");
                    (u64::from_be_bytes(*len) as usize, tail)
                }
                len => (usize::from(len), tail),
            };
            let (payload, tail) = match self.role {
                Role::Server => {
                    let (key, tail) = tail.split_first_chunk_mut().expect("a whole frame");
                    let (payload, tail) = tail.split_at_mut(len);
                    mask(payload, *key);
                    (payload, tail)
                }
                Role::Client => tail.split_at_mut(len),
            };
            if self.content.is_text() {
                bytes += black_box(check(payload)).len();
            } else {
                bytes += black_box(&*payload).len();
            }
            rest = tail;
        }
        bytes
    }
}

/// Writes the frames of a batch one after the other.
#[derive(Debug)]
pub struct Send {
    payload: Vec<u8>,
    messages: usize,
    out: Vec<u8>,
    role: Role,
    key: u32,
}

impl Send {
    /// Creates a sender in that role, with `messages` messages per turn.
    #[must_use]
    pub fn new(role: Role, case: Case, messages: usize) -> Self {
        Self {
            payload: case.payload(),
            messages,
            out: Vec::new(),
            role,
            key: 1,
        }
    }
}

impl Subject for Send {
    fn turn(&mut self) -> usize {
        let out = &mut self.out;
        out.clear();
        for _ in 0..self.messages {
            let payload = black_box(self.payload.as_slice());
            out.push(0x82);
            let mask_bit = match self.role {
                Role::Client => 0x80,
                Role::Server => 0,
            };
            match payload.len() {
                len @ 0..126 => out.push(mask_bit | len as u8),
                len @ 126..0x1_0000 => {
                    out.push(mask_bit | 126);
                    out.extend_from_slice(&(len as u16).to_be_bytes());
                }
                len => {
                    out.push(mask_bit | 127);
                    out.extend_from_slice(&(len as u64).to_be_bytes());
                }
            }
            match self.role {
                Role::Client => {
                    // A predictable key, which has the lowest possible cost.
                    self.key = self.key.wrapping_mul(0x9e37_79b1);
                    let key = self.key.to_ne_bytes();
                    out.extend_from_slice(&key);
                    let start = out.len();
                    out.extend_from_slice(payload);
                    mask(&mut out[start..], key);
                }
                Role::Server => out.extend_from_slice(payload),
            }
        }
        black_box(&*out).len()
    }
}

/// Eight bytes at a time; the compiler vectorises it.
pub(crate) fn mask(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let eight = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ eight).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(eight.to_ne_bytes()) {
        *byte ^= key;
    }
}

fn check(payload: &[u8]) -> &str {
    if payload.len() < 64 {
        str::from_utf8(payload).expect("text")
    } else {
        simdutf8::basic::from_utf8(payload).expect("text")
    }
}
