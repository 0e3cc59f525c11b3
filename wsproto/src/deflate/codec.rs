//! What compresses and inflates: the interface to raw deflate (RFC 1951), for backends of any kind.

use alloc::{boxed::Box, vec::Vec};

/// The end of a sync flush (RFC 7692 7.2.1): an empty stored block without its header bits.
pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Removes [`TAIL`], which ends what a compressor appended: it is not sent (7.2.1). A message without bytes
/// is an empty block without its tail: one zero byte (7.2.3.6).
pub(crate) fn strip_tail(out: &mut Vec<u8>) {
    debug_assert!(out.is_empty() || out.ends_with(&TAIL));
    match out.len().checked_sub(TAIL.len()) {
        Some(len) if len > 0 => out.truncate(len),
        Some(_) | None => {
            out.clear();
            out.push(0);
        }
    }
}

/// Makes compressors and inflaters for an [`Env`](crate::Env), which keeps and lends them.
pub trait Codecs: Send {
    /// A compressor of raw deflate whose references reach back at most `2^window_bits` bytes.
    ///
    /// `level` is 0 to 9, from no compression to the best; `window_bits` is 8 to 15.
    fn compressor(&mut self, level: u8, window_bits: u8) -> Box<dyn Compressor>;

    /// An inflater of raw deflate with a window of 32 KiB.
    fn inflater(&mut self) -> Box<dyn Inflater>;
}

/// Compresses one stream of raw deflate at a time.
pub trait Compressor: Send {
    /// Compresses `input`, appends it to `out`, and sync-flushes: what was appended ends with the
    /// bytes `00 00 ff ff` and stands for all of `input`. Later input may refer back to it.
    ///
    /// That holds for no input, too: it is `00`, and those four (RFC 7692 7.2.3.6).
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>);

    /// Starts a new stream, which refers to nothing from before.
    fn reset(&mut self);

    /// Starts a new stream, which may refer back to `history`: two slices, the older one first.
    fn prime(&mut self, history: [&[u8]; 2]);
}

/// Inflates one stream of raw deflate at a time.
pub trait Inflater: Send {
    /// Starts a new stream, which may refer back to `history` (two slices, the older one first, at most
    /// 32 KiB in all) and to nothing else from before: a reference to what is not there is
    /// [`Corrupt`], and never shows bytes of another stream.
    fn begin(&mut self, history: [&[u8]; 2]);

    /// Inflates from `input` into `out`, until one of them is used up or the stream ends.
    ///
    /// It must be possible to get out everything that the input so far stands for: when
    /// `written < out.len()`, nothing is left behind. After the end of the stream, and after an
    /// error, [`begin`](Self::begin) is next.
    ///
    /// # Errors
    /// [`Corrupt`] if the input is no deflate stream. What it stands for before it goes wrong was
    /// written all the same, and is the same however the input is cut.
    fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> Result<Inflated, Corrupt>;
}

/// How far [`Inflater::inflate`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inflated {
    /// Bytes of the input that were used.
    pub read: usize,
    /// Bytes of the output that were written.
    pub written: usize,
    /// Whether the stream ended: a final block (BFINAL) is complete. What follows in the input starts
    /// at a byte boundary.
    pub ended: bool,
}

/// What was to be inflated is no deflate stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt {
    /// Bytes of the output that were written before it went wrong.
    pub written: usize,
}
