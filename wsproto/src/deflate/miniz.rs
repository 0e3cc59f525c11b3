//! Raw DEFLATE by `miniz_oxide`: safe code throughout, and no `std`.

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

/// The window of raw DEFLATE in bytes, and the only one that `miniz_oxide` compresses with.
const WINDOW: usize = 32 << 10;

/// The codecs of `miniz_oxide`.
///
/// A compressor takes 319 KB whatever its window, an inflater 76 KB. Small messages are compressed into
/// static blocks: those of 128 bytes become a fifth smaller and take four tenths of the time. At level 1,
/// those of 512 bytes become a seventh larger and take six tenths of the time.
///
/// For a window under 15 bits, the dictionary is cleared whenever the next message would make it exceed the
/// window, and within larger messages. That costs time and size: JSON-like messages of 512 bytes shrink to
/// 0.26 of their size at level 6 and 15 bits, to 0.27 at 14, 0.29 at 12, 0.36 at 10 and 0.65 at 8. A
/// [pooled](crate::Memory::Pooled) compressor that is primed for each message has more history than one that
/// continues its stream: 0.23 of those bytes are left at level 6 and 12 bits then, in three times the time.
///
/// [Priming](Compressor::prime) compresses the history and discards the output. At level 1 that takes as long
/// as two messages of 512 bytes for 4 KiB, and as long as twenty for 32 KiB; at level 6, half a message and
/// ten.
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

/// A compressor of `miniz_oxide`.
///
/// It honours a window smaller than 32 KiB by clearing its dictionary before that holds more than the window.
struct Deflate {
    oxide: CompressorOxide,
    level: u8,
    coding: Coding,
    /// Maximum distance of a reference in bytes.
    window: usize,
    /// Number of bytes in the dictionary: the distance that a reference could have.
    reach: usize,
}

/// The coding of the blocks of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// Static codes (RFC 1951 3.2.6), which cost little at the start of a block.
    Static,
    /// Dynamic codes (RFC 1951 3.2.7), except in tiny blocks: small in long blocks, but costly at the start
    /// of each.
    ///
    /// Only a new stream returns to static blocks.
    Dynamic {
        /// Number of small messages since the last large one.
        small: u32,
    },
}

/// Number of small messages in a row after which a new stream with static blocks is started. It is large,
/// since a new stream costs the common history of the messages and a new compressor.
const SMALL_IN_A_ROW: u32 = 256;

/// Maximum length in bytes of a block that is smaller if it is static.
const SMALL: usize = 256;

/// Maximum length in bytes of a block that is static at level 1: about a seventh larger, but in hardly more
/// than half the time.
const SMALL_AND_FAST: usize = 512;

impl Deflate {
    fn new(level: u8, window: usize) -> Self {
        let strategy = CompressionStrategy::Fixed;
        Self {
            // `miniz_oxide` treats a small window as a request to look for no references, or ignores it.
            oxide: CompressorOxide::with_params(DataFormat::Raw, level, strategy, 15),
            level,
            coding: Coding::Static,
            window,
            reach: 0,
        }
    }

    /// Chooses the coding of the blocks of a message, the largest of which holds `len` bytes.
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

    /// Switches to dynamic blocks, with the effort of `level`. The dictionary is kept.
    fn code_dynamically(&mut self, level: u8) {
        self.oxide.set_format_and_level(DataFormat::Raw, level);
        self.coding = Coding::Dynamic { small: 0 };
    }

    fn clear_dictionary(&mut self) {
        if self.reach == 0 {
            return;
        }
        // Each is cheaper where it is used: at level 1 a new stream, by up to a third of a message; at the
        // others a full flush.
        if self.level == 1 {
            // Every message ends at a byte boundary, and raw DEFLATE has neither header nor checksum: to the
            // peer, the old stream continues.
            self.oxide.reset();
        } else {
            // The empty block of a full flush has no content, so it need not be sent.
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
            // Stored blocks have no references.
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
        // The history in the dictionary of a small window leaves that much less for the message.
        let usable = if self.window < WINDOW {
            self.window / 2
        } else {
            WINDOW
        };
        let [older, newer] = history;
        let newer = &newer[newer.len().saturating_sub(usable)..];
        let older = &older[older.len().saturating_sub(usable - newer.len())..];

        // `miniz_oxide` has no call that only fills the dictionary, so the history is compressed with little
        // effort, and the output discarded. Level 1 has a dictionary of its own format; all others share one.
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

/// Size in bytes of the output buffer: the window, and as much output again.
const OUTPUT: usize = 2 * WINDOW;

/// An inflater of `miniz_oxide`.
struct Inflate {
    oxide: Box<DecompressorOxide>,
    /// The last bytes of the history and output of the stream. The buffer does not wrap, so a reference to
    /// before its start is detected, and never yields bytes of another stream.
    output: Box<[u8]>,
    /// End of the output so far.
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
                // Our buffer is full, but the caller's is not.
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

    /// Returns true if the first block of `message` is static (RFC 1951 3.2.3).
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
