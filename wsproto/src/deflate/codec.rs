//! The interface to raw DEFLATE (RFC 1951) that backends implement.

use alloc::{boxed::Box, vec::Vec};

/// The end of a sync flush (RFC 7692 7.2.1): an empty stored block without its header bits.
pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Removes [`TAIL`] from the end of a compressed message, since it is not sent (RFC 7692 7.2.1). An empty
/// message becomes an empty block without its tail: one zero byte (7.2.3.6).
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

/// A factory of compressors and inflaters for an [`Env`](crate::Env), which pools and lends them.
pub trait Codecs: Send {
    /// Creates a compressor of raw DEFLATE whose references reach back at most `2^window_bits` bytes.
    ///
    /// `level` is 0 to 9, from no compression to the best. `window_bits` is 8 to 15.
    fn compressor(&mut self, level: u8, window_bits: u8) -> Box<dyn Compressor>;

    /// Creates an inflater of raw DEFLATE with a window of 32 KiB.
    fn inflater(&mut self) -> Box<dyn Inflater>;
}

/// A compressor of raw DEFLATE, for one stream at a time.
pub trait Compressor: Send {
    /// Compresses `input`, appends the result to `out`, and sync-flushes.
    ///
    /// The appended bytes end with `00 00 ff ff` and yield all of `input`. Later input may refer back to it.
    /// An empty `input` yields `00` and those four bytes (RFC 7692 7.2.3.6).
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>);

    /// Starts a new stream, which refers to no earlier bytes.
    fn reset(&mut self);

    /// Starts a new stream, which may refer back to `history`. Of the two slices the first is the older.
    fn prime(&mut self, history: [&[u8]; 2]);
}

/// An inflater of raw DEFLATE, for one stream at a time.
pub trait Inflater: Send {
    /// Starts a new stream, which may refer back to `history`.
    ///
    /// Of the two slices the first is the older; they have at most 32 KiB in all. A reference to earlier
    /// bytes than these is [`Corrupt`]: it must never yield bytes of another stream.
    fn begin(&mut self, history: [&[u8]; 2]);

    /// Inflates `input` into `out`, until one of them is used up or the stream ends.
    ///
    /// If `written < out.len()`, all output of the input so far has been written. After the end of the
    /// stream, and after an error, the next call must be [`begin`](Self::begin).
    ///
    /// # Errors
    /// [`Corrupt`] if the input is not a valid DEFLATE stream. The output of the valid part was written, and
    /// is the same however the input is split into calls.
    fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> Result<Inflated, Corrupt>;
}

/// The progress of one call of [`Inflater::inflate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inflated {
    /// Number of input bytes consumed.
    pub read: usize,
    /// Number of output bytes written.
    pub written: usize,
    /// True if the stream ended: a final block (BFINAL) is complete. The bytes after `read` begin at a byte
    /// boundary.
    pub ended: bool,
}

/// The error for input that is not a valid DEFLATE stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt {
    /// Number of output bytes written before the error.
    pub written: usize,
}
