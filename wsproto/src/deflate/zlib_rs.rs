//! Raw deflate by `zlib-rs`: the fastest, with windows as small as asked for.

use alloc::{boxed::Box, vec::Vec};

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status, Strategy};

use super::codec::{Codecs, Compressor, Corrupt, Inflated, Inflater, TAIL};

/// Compresses and inflates with `zlib-rs`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ZlibRs;

impl Codecs for ZlibRs {
    fn compressor(&mut self, level: u8, window_bits: u8) -> Box<dyn Compressor> {
        // It refuses a raw window of 8 bits, but one of 9 honours it: zlib keeps 262 octets of a
        // window for itself, so that its references reach back 250 octets of 512 at most.
        let window_bits = window_bits.clamp(9, 15);
        Box::new(Stream(Deflate::new_with_config(DeflateConfig {
            level: level.min(9).into(),
            window_bits: -i32::from(window_bits),
            mem_level: 8,
            strategy: Strategy::Default,
            ..DeflateConfig::default()
        })))
    }

    fn inflater(&mut self) -> Box<dyn Inflater> {
        Box::new(Inflating(Inflate::new(false, 15)))
    }
}

/// A compressor.
struct Stream(Deflate);

impl Compressor for Stream {
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() {
            // zlib adds nothing to a flush but input.
            out.push(0x00);
            out.extend_from_slice(&TAIL);
            return;
        }
        let mut input = input;
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
            input = &input[read..];
            out.truncate(start + written);
            // A flush is through when it leaves room.
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
                .expect("a stream that has not begun takes a dictionary");
        }
    }
}

/// An inflater.
struct Inflating(Inflate);

impl Inflater for Inflating {
    fn begin(&mut self, history: [&[u8]; 2]) {
        self.0.reset(false);
        for part in history {
            self.0
                .set_dictionary(part)
                .expect("raw deflate takes any dictionary");
        }
    }

    fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> Result<Inflated, Corrupt> {
        let (read, written) = (self.0.total_in(), self.0.total_out());
        let status = self
            .0
            .decompress(input, out, InflateFlush::SyncFlush)
            .map_err(|_| Corrupt)?;
        Ok(Inflated {
            read: (self.0.total_in() - read) as usize,
            written: (self.0.total_out() - written) as usize,
            ended: status == Status::StreamEnd,
        })
    }
}
