//! Raw deflate by `miniz_oxide`: safe code throughout, and no `std`.

use alloc::{boxed::Box, vec, vec::Vec};

use miniz_oxide::{
    DataFormat,
    deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output},
    inflate::{
        TINFLStatus,
        core::{
            DecompressorOxide, decompress_with_limit,
            inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF},
        },
    },
};

use super::codec::{Codecs, Compressor, Corrupt, Inflated, Inflater, TAIL};

/// The window of raw deflate, and the only one that `miniz_oxide` compresses with.
const WINDOW: usize = 32 << 10;

/// Compresses and inflates with `miniz_oxide`.
///
/// A compressor takes 319 KB whatever its window, an inflater 76 KB. Small messages are compressed into
/// static blocks, which makes those of 128 bytes smaller by a fifth and takes four tenths of the time;
/// at level 1 those of 512 bytes, too, which become a seventh larger in six tenths of the time.
///
/// For a window under 15 bits, the dictionary is cleared whenever the next message would make it
/// exceed the window, and within larger messages. That costs time and size: JSON-like messages of 512
/// bytes shrink to 0.26 of their size at level 6 and 15 bits, to 0.27 at 14, 0.29 at 12, 0.36 at 10
/// and 0.65 at 8. A [pooled](crate::Memory::Pooled) compressor that is told the history for each message has
/// more of it than one that goes on: 0.23 of those bytes are left at level 6 and 12 bits then, in three
/// times the time.
///
/// [Priming](Compressor::prime) compresses the history for nothing. At level 1 that takes as long as
/// two messages of 512 bytes for 4 KiB, and as long as twenty for 32 KiB; at level 6, it is half a
/// message and ten.
#[derive(Debug, Clone, Copy, Default)]
pub struct Miniz;

impl Codecs for Miniz {
    fn compressor(&mut self, level: u8, window_bits: u8) -> Box<dyn Compressor> {
        Box::new(Deflate::new(level.min(9), 1 << window_bits.clamp(8, 15)))
    }

    fn inflater(&mut self) -> Box<dyn Inflater> {
        Box::new(Inflate {
            oxide: Box::default(),
            output: vec![0; OUTPUT].into_boxed_slice(),
            end: 0,
        })
    }
}

/// A compressor.
///
/// A window that is smaller than its own it honours by clearing its dictionary before more than the
/// window would be in it.
struct Deflate {
    oxide: CompressorOxide,
    level: u8,
    coding: Coding,
    /// How far a reference may reach back.
    window: usize,
    /// Bytes in the dictionary: how far a reference could reach back.
    reach: usize,
}

/// How the blocks of a stream are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// With the codes that RFC 1951 3.2.6 gives: cheap to begin.
    Static,
    /// With codes of their own (3.2.7), unless they are tiny: small in the long run, but dear to
    /// begin.
    ///
    /// There is no way back to static blocks but a new stream.
    Dynamic {
        /// Small messages since the last large one.
        small: u32,
    },
}

/// Small messages in a row for which a stream is given up in order to go on with static blocks: many,
/// since it costs what the messages have in common, and a new compressor.
const SMALL_IN_A_ROW: u32 = 256;

/// Bytes up to which a block is smaller if it is static.
const SMALL: usize = 256;

/// Bytes up to which a block is static at level 1: it is larger by about a seventh then, but takes
/// hardly more than half the time.
const SMALL_AND_FAST: usize = 512;

impl Deflate {
    fn new(level: u8, window: usize) -> Self {
        let strategy = CompressionStrategy::Fixed;
        Self {
            // Its own notion of a small window is not to look for references, or not to care.
            oxide: CompressorOxide::with_params(DataFormat::Raw, level, strategy, 15),
            level,
            coding: Coding::Static,
            window,
            reach: 0,
        }
    }

    /// Settles how the blocks of a message are coded, the largest of which stands for `len` bytes.
    fn choose_coding(&mut self, len: usize) {
        let is_small = len
            <= if self.level == 1 {
                SMALL_AND_FAST
            } else {
                SMALL
            };
        match &mut self.coding {
            Coding::Static if is_small => {}
            Coding::Static => self.code_dynamically(self.level),
            Coding::Dynamic { small } if !is_small => *small = 0,
            Coding::Dynamic { small } if *small < SMALL_IN_A_ROW => *small += 1,
            Coding::Dynamic { .. } => *self = Self::new(self.level, self.window),
        }
    }

    /// Turns to dynamic blocks, found with the effort of `level`. What is in the dictionary stays.
    fn code_dynamically(&mut self, level: u8) {
        self.oxide.set_format_and_level(DataFormat::Raw, level);
        self.coding = Coding::Dynamic { small: 0 };
    }

    fn clear_dictionary(&mut self) {
        if self.reach == 0 {
            return;
        }
        // Either takes what the other spares: at level 1, a new stream is cheaper by up to a third of a
        // message; at others, a full flush.
        if self.level == 1 {
            // Every message ends at a byte boundary, and raw deflate has neither header nor checksum:
            // to the peer, the old stream goes on.
            self.oxide.reset();
        } else {
            // The empty block that a full flush is stands for nothing, so the peer can do without.
            compress_to_output(&mut self.oxide, &[], TDEFLFlush::Full, |_| true);
        }
        self.reach = 0;
    }

    fn put(&mut self, piece: &[u8], flush: TDEFLFlush, out: &mut Vec<u8>) {
        compress_to_output(&mut self.oxide, piece, flush, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
    }
}

impl Compressor for Deflate {
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() {
            out.push(0x00);
            out.extend_from_slice(&TAIL);
            return;
        }
        if self.level == 0 {
            // Stored blocks refer to nothing.
            return self.put(input, TDEFLFlush::Sync, out);
        }
        self.choose_coding(input.len().min(self.window));
        let mut last = input;
        if self.window < WINDOW {
            if input.len() > self.window - self.reach {
                self.clear_dictionary();
            }
            while last.len() > self.window {
                let (piece, rest) = last.split_at(self.window);
                self.put(piece, TDEFLFlush::Full, out);
                last = rest;
            }
        }
        self.put(last, TDEFLFlush::Sync, out);
        self.reach = WINDOW.min(self.reach + last.len());
    }

    fn reset(&mut self) {
        self.clear_dictionary();
    }

    fn prime(&mut self, history: [&[u8]; 2]) {
        self.clear_dictionary();
        if self.level == 0 {
            return;
        }
        // What is in the dictionary of a small window leaves that much less for the message.
        let usable = if self.window < WINDOW {
            self.window / 2
        } else {
            WINDOW
        };
        let [older, newer] = history;
        let newer = &newer[newer.len().saturating_sub(usable)..];
        let older = &older[older.len().saturating_sub(usable - newer.len())..];

        // There is nothing that only fills the dictionary, so compress, without effort and for nobody.
        // Level 1 has a dictionary of its own kind; all others share one.
        if self.level > 2 {
            self.code_dynamically(2);
        }
        compress_to_output(&mut self.oxide, older, TDEFLFlush::None, |_| true);
        compress_to_output(&mut self.oxide, newer, TDEFLFlush::Sync, |_| true);
        if self.level > 2 {
            self.code_dynamically(self.level);
        }
        self.reach = older.len() + newer.len();
    }
}

/// Room for the window, and for as much output again.
const OUTPUT: usize = 2 * WINDOW;

/// An inflater.
struct Inflate {
    oxide: Box<DecompressorOxide>,
    /// The history of the stream and its output so far, or the last of it. It does not wrap: thus a
    /// reference to before its start is noticed, and never shows what another stream left here.
    output: Box<[u8]>,
    /// Where the output so far ends.
    end: usize,
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
            let (status, taken, given) = decompress_with_limit(
                &mut self.oxide,
                &input[read..],
                &mut self.output,
                self.end,
                out.len() - written,
                TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF | TINFL_FLAG_HAS_MORE_INPUT,
            );
            out[written..][..given].copy_from_slice(&self.output[self.end..][..given]);
            self.end += given;
            read += taken;
            written += given;

            let ended = match status {
                TINFLStatus::Done => true,
                TINFLStatus::NeedsMoreInput => false,
                TINFLStatus::HasMoreOutput if written == out.len() => false,
                // The end of our buffer, not of the caller's.
                TINFLStatus::HasMoreOutput => continue,
                _ => return Err(Corrupt { written }),
            };
            return Ok(Inflated {
                read,
                written,
                ended,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(compressor: &mut dyn Compressor, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        compressor.compress(message, &mut out);
        out
    }

    /// Whether the first block that stands for `message` is static (RFC 1951 3.2.3).
    fn is_static(compressor: &mut dyn Compressor, message: &[u8]) -> bool {
        compressed(compressor, message)[0] & 0b110 == 0b010
    }

    /// Text that compresses well with any code.
    fn text(len: usize) -> Vec<u8> {
        let mut x = 1_u32;
        let next = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'a' + (x >> 24) as u8 % 4
        };
        core::iter::repeat_with(next).take(len).collect()
    }

    #[test]
    fn small_messages_are_static_until_a_large_one_and_again_after_many() {
        let mut compressor = Miniz.compressor(6, 15);
        let (small, large) = (text(SMALL), text(SMALL + 1));
        assert!(is_static(&mut *compressor, &small));
        assert!(!is_static(&mut *compressor, &large));
        for _ in 0..SMALL_IN_A_ROW {
            compressor.compress(&small, &mut Vec::new());
        }
        assert!(is_static(&mut *compressor, &small));
    }

    #[test]
    fn priming_does_not_change_the_effort() {
        let text = text(20_000);
        for level in 1..=9 {
            let mut compressor = Miniz.compressor(level, 15);
            let plain = compressed(&mut *compressor, &text).len();
            compressor.prime([&text[..1], &text[1..2]]);
            let primed = compressed(&mut *compressor, &text).len();
            assert!(
                primed.abs_diff(plain) < 20,
                "level {level}: {plain}, {primed}"
            );
        }
    }
}
