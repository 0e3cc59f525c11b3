//! Raw deflate by `miniz_oxide`: safe code throughout, the backend of the default features.

use alloc::{boxed::Box, vec, vec::Vec};

use miniz_oxide::{
    DataFormat,
    deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output},
    inflate::{
        TINFLStatus,
        core::{DecompressorOxide, decompress_with_limit, inflate_flags},
    },
};

use super::codec::{Codecs, Compressor, Corrupt, Inflated, Inflater, TAIL};

/// The window of raw deflate, which `miniz_oxide` always compresses with.
const WINDOW: usize = 32 << 10;

/// Compresses and inflates with `miniz_oxide`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Miniz;

impl Codecs for Miniz {
    fn compressor(&mut self, level: u8, window_bits: u8) -> Box<dyn Compressor> {
        Box::new(Deflate::new(level.min(9), 1 << window_bits.clamp(8, 15)))
    }

    fn inflater(&mut self) -> Box<dyn Inflater> {
        Box::new(Inflate::new())
    }
}

/// How blocks are coded, for as long as a stream lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// With the codes of RFC 1951 3.2.6: cheap to begin, which is what counts in a small block.
    Static,
    /// With codes of their own (3.2.7): small, but dear to begin.
    ///
    /// There is no way back to static blocks but a new stream: it is gone after
    /// [`SMALL_IN_A_ROW`] small messages, which are counted here.
    Dynamic { small: u32 },
}

/// Small messages in a row for which a stream gives up its history to go on with static blocks.
const SMALL_IN_A_ROW: u32 = 64;

/// A compressor.
struct Deflate {
    oxide: CompressorOxide,
    level: u8,
    coding: Coding,
    /// How far a reference may reach back.
    window: usize,
    /// Octets that a reference can reach now: those since the dictionary was cleared.
    reach: usize,
}

impl Deflate {
    fn new(level: u8, window: usize) -> Self {
        Self {
            oxide: with_static_blocks(level),
            level,
            coding: Coding::Static,
            window,
            reach: 0,
        }
    }

    /// Whether the distances have to be kept short by clearing the dictionary in time.
    fn is_limited(&self) -> bool {
        self.window < WINDOW && self.level > 0
    }

    /// Up to how many octets a block is smaller, or at the lowest level only cheaper, if static.
    fn small(&self) -> usize {
        if self.level <= 1 { 512 } else { 256 }
    }

    /// Clears the dictionary, so that nothing refers to what came before.
    fn forget(&mut self) {
        if self.reach > 0 {
            // A full flush of nothing is an empty block at an octet boundary. The peer can do without.
            compress_to_output(&mut self.oxide, &[], TDEFLFlush::Full, |_| true);
            self.reach = 0;
        }
    }

    /// Settles how the blocks of a message are coded, the largest of which stands for `len` octets.
    fn choose_coding(&mut self, len: usize) {
        let is_small = len <= self.small();
        match &mut self.coding {
            Coding::Static if is_small => {}
            Coding::Static => {
                // Changes the flags and nothing else, as the level is the same.
                self.oxide.set_format_and_level(DataFormat::Raw, self.level);
                self.coding = Coding::Dynamic { small: 0 };
            }
            Coding::Dynamic { small } if !is_small => *small = 0,
            Coding::Dynamic { small } if *small < SMALL_IN_A_ROW => *small += 1,
            Coding::Dynamic { .. } => *self = Self::new(self.level, self.window),
        }
    }

    fn put(&mut self, piece: &[u8], flush: TDEFLFlush, out: &mut Vec<u8>) {
        compress_to_output(&mut self.oxide, piece, flush, |octets| {
            out.extend_from_slice(octets);
            true
        });
    }
}

fn with_static_blocks(level: u8) -> CompressorOxide {
    CompressorOxide::with_params(DataFormat::Raw, level, CompressionStrategy::Fixed, 15)
}

impl Compressor for Deflate {
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() {
            out.push(0x00);
            out.extend_from_slice(&TAIL);
            return;
        }
        let mut last = input;
        if self.is_limited() {
            self.choose_coding(input.len().min(self.window));
            if input.len() > self.window - self.reach {
                self.forget();
            }
            while last.len() > self.window {
                let (piece, rest) = last.split_at(self.window);
                self.put(piece, TDEFLFlush::Full, out);
                last = rest;
            }
        } else {
            self.choose_coding(input.len());
        }
        self.put(last, TDEFLFlush::Sync, out);
        self.reach = self.reach.saturating_add(last.len());
    }

    fn reset(&mut self) {
        self.forget();
    }

    fn prime(&mut self, history: [&[u8]; 2]) {
        self.forget();
        if self.level == 0 {
            return;
        }
        // With a limited window, what is primed leaves that much less for the message.
        let usable = if self.is_limited() {
            self.window / 2
        } else {
            WINDOW
        };
        let [older, newer] = history;
        let newer = &newer[newer.len().saturating_sub(usable)..];
        let older = &older[older.len().saturating_sub(usable - newer.len())..];
        for (part, flush) in [(older, TDEFLFlush::None), (newer, TDEFLFlush::Sync)] {
            compress_to_output(&mut self.oxide, part, flush, |_| true);
            self.reach += part.len();
        }
    }
}

/// What is left of the output in front of what is written next, and room for that.
const OUTPUT: usize = 2 * WINDOW;

/// An inflater.
struct Inflate {
    oxide: Box<DecompressorOxide>,
    /// The history of the stream and its output so far, from the front on. It does not wrap: thus a
    /// reference to before its start is noticed, and cannot show what an earlier stream left behind.
    output: Box<[u8]>,
    end: usize,
}

impl Inflate {
    fn new() -> Self {
        Self {
            oxide: Box::default(),
            output: vec![0; OUTPUT].into_boxed_slice(),
            end: 0,
        }
    }
}

impl Inflater for Inflate {
    fn begin(&mut self, history: [&[u8]; 2]) {
        self.oxide.init();
        self.end = 0;
        for part in history {
            self.output[self.end..][..part.len()].copy_from_slice(part);
            self.end += part.len();
        }
    }

    fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> Result<Inflated, Corrupt> {
        let (mut read, mut written) = (0, 0);
        loop {
            if self.end == OUTPUT {
                self.output.copy_within(OUTPUT - WINDOW.., 0);
                self.end = WINDOW;
            }
            let (status, n_read, n_written) = decompress_with_limit(
                &mut self.oxide,
                &input[read..],
                &mut self.output,
                self.end,
                out.len() - written,
                inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
                    | inflate_flags::TINFL_FLAG_HAS_MORE_INPUT,
            );
            let inflated = &self.output[self.end..][..n_written];
            out[written..][..n_written].copy_from_slice(inflated);
            self.end += n_written;
            read += n_read;
            written += n_written;
            let ended = match status {
                TINFLStatus::Done => true,
                TINFLStatus::NeedsMoreInput => false,
                TINFLStatus::HasMoreOutput if written == out.len() => false,
                TINFLStatus::HasMoreOutput => continue,
                _ => return Err(Corrupt),
            };
            return Ok(Inflated {
                read,
                written,
                ended,
            });
        }
    }
}
