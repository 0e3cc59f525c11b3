//! Raw DEFLATE by `zlib-rs`: fast, and with less memory for a smaller window.

use alloc::{boxed::Box, vec::Vec};

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status};

use super::codec::{Codecs, Compressor, Corrupt, Inflated, Inflater, TAIL};

/// The codecs of `zlib-rs`.
///
/// For JSON-like messages of 512 bytes it takes about half the time of `miniz_oxide` at level 1, two
/// thirds at level 6, and a third for inflating.
///
/// A compressor takes 294 KB for a window of 15 bits, 179 KB for 12 and 165 KB for 9 or 8. 28 KB of these are
/// the buffers that the [memory level](Self::with_memory_level) determines. An inflater takes 48 KB.
///
/// [Priming](Compressor::prime) takes as long at level 1 as three messages of 512 bytes for 4 KiB, and as
/// twenty to thirty for 32 KiB; at level 6, as a quarter of a message, and two.
#[derive(Debug, Clone, Copy)]
pub struct ZlibRs {
    memory_level: u8,
}

impl ZlibRs {
    /// Creates codecs whose blocks hold at most `2^(memory_level + 6)` symbols, with buffers of seven bytes
    /// per symbol.
    ///
    /// `memory_level` is 1 to 9; other values count as the nearest of these. The default is 6. More makes
    /// nothing smaller; less makes long messages larger at levels above 1: by 1 % at 5, 2 % at 4, 15 % at 1.
    pub const fn with_memory_level(memory_level: u8) -> Self {
        let memory_level = match memory_level {
            0 => 1,
            1..=9 => memory_level,
            10.. => 9,
        };
        Self { memory_level }
    }
}

impl Default for ZlibRs {
    /// A memory level of 6.
    fn default() -> Self {
        Self::with_memory_level(6)
    }
}

impl Codecs for ZlibRs {
    fn compressor(&mut self, level: u8, window_bits: u8) -> Box<dyn Compressor> {
        // zlib refuses a raw window of 8 bits. One of 9 bits fits into it, since zlib reserves 262 bytes of
        // any window: of 512 bytes, references reach back at most 250.
        let window_bits = window_bits.clamp(9, 15);
        Box::new(Compressing(Deflate::new_with_config(DeflateConfig {
            level: level.min(9).into(),
            // Negative: raw, that is, neither header nor checksum.
            window_bits: -i32::from(window_bits),
            mem_level: self.memory_level.into(),
            ..DeflateConfig::default()
        })))
    }

    fn inflater(&mut self) -> Box<dyn Inflater> {
        Box::new(Inflating(Inflate::new(false, 15)))
    }
}

/// A compressor of `zlib-rs`.
struct Compressing(Deflate);

impl Compressor for Compressing {
    fn compress(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() {
            // zlib does not flush twice without input in between.
            out.push(0x00);
            out.extend_from_slice(&TAIL);
            return;
        }
        loop {
            let start = out.len();
            let room = (input.len() / 2).clamp(256, 32 << 10);
            out.resize(start + room, 0);
            let (read, written) = (self.0.total_in(), self.0.total_out());
            self.0
                .compress(input, &mut out[start..], DeflateFlush::SyncFlush)
                .expect("a stream that is never finished takes any input");
            let read = (self.0.total_in() - read) as usize;
            let written = (self.0.total_out() - written) as usize;
            out.truncate(start + written);
            input = &input[read..];
            if input.is_empty() && written < room {
                return;
            }
        }
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn prime(&mut self, history: [&[u8]; 2]) {
        self.0.reset();
        for part in history {
            self.0
                .set_dictionary(part)
                .expect("a raw stream that has not begun takes any dictionary");
        }
    }
}

/// An inflater of `zlib-rs`.
struct Inflating(Inflate);

impl Inflater for Inflating {
    fn begin(&mut self, history: [&[u8]; 2]) {
        self.0.reset(false);
        for part in history {
            self.0
                .set_dictionary(part)
                .expect("a raw stream takes any dictionary");
        }
    }

    fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> Result<Inflated, Corrupt> {
        let (read, written) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, out, InflateFlush::SyncFlush);
        let written = (self.0.total_out() - written) as usize;
        match status {
            Ok(status) => Ok(Inflated {
                read: (self.0.total_in() - read) as usize,
                written,
                ended: status == Status::StreamEnd,
            }),
            Err(_) => Err(Corrupt { written }),
        }
    }
}
