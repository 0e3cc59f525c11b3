//! Inflating one compressed message, piece by piece (RFC 7692 7.2.2).
//!
//! Output is checked in order, byte by byte: the fault of a message that is found first does not depend on
//! how its bytes were split on their way.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Deflate,
    codec::{Corrupt, Inflated, TAIL},
    pool::{Inflation, Pool},
};
use crate::{
    error::{Cause, Limit, Violation},
    spare::Spare,
};

/// Maximum length in bytes of a chunk of an inflated message.
pub(crate) const CHUNK: usize = 64 << 10;

/// Appended to the bytes of a message: the end of the flush that the sender removed (RFC 7692 7.2.2), and an
/// empty final block. A stream that is at the end of a block ends right behind it, and no other stream does,
/// which tells a complete message from a truncated one.
const END: [u8; 9] = [
    TAIL[0], TAIL[1], TAIL[2], TAIL[3], 0x01, 0x00, 0x00, 0xff, 0xff,
];

/// A compressed message that is not complete.
#[derive(Debug, Default)]
pub(crate) struct Inflating {
    /// Compressed bytes: those before the message is given an inflater, and with chunk delivery also those
    /// that wait to be inflated.
    compressed: Vec<u8>,
    /// Number of bytes of `compressed` that are inflated.
    inflated: usize,
    /// Number of bytes of output so far.
    output_len: u64,
    /// The inflater, lent by the thread once enough bytes have come.
    inflation: Option<Box<Inflation>>,
    /// Chunk delivery: true if all bytes of the message have come.
    whole: bool,
    /// Chunk delivery: true if `compressed` can yield more output.
    pending: bool,
    /// Chunk delivery: a fault behind the last chunk.
    failure: Option<Cause>,
}

/// An inflater, and the bytes that were kept until it was lent.
pub(crate) type Begun = (Box<Inflation>, Vec<u8>);

/// The result of one call of an inflater.
pub(crate) struct Step {
    pub(crate) read: usize,
    pub(crate) written: usize,
    pub(crate) next: Next,
}

/// The continuation after a [`Step`].
pub(crate) enum Next {
    /// There may be more output.
    More,
    /// The input has yielded all of its output.
    Done,
    /// The input is not a valid DEFLATE stream.
    Corrupt,
}

/// The state of a message after a chunk.
pub(crate) enum Progress {
    /// The bytes received so far have more output than one chunk.
    More,
    /// All bytes received so far are inflated, and the message has more to come.
    Done,
    /// The whole message is inflated.
    Whole,
}

impl Deflate {
    /// Inflates a part of `input` into the buffer of `inflation`.
    pub(crate) fn inflate(&mut self, inflation: &mut Inflation, input: &[u8]) -> Step {
        let Inflation {
            inflater,
            in_stream,
            history,
            out,
        } = inflation;
        let (history, bits) = if self.parameters.receive_takeover {
            let bits = self.parameters.receive_window_bits;
            (&mut self.context().received, bits)
        } else {
            (history, 15)
        };
        if !*in_stream {
            if input.is_empty() {
                return Step {
                    read: 0,
                    written: 0,
                    next: Next::Done,
                };
            }
            // 7.2.3.4: a final block may be followed by a new stream with the same window.
            inflater.begin(history.as_slices());
            *in_stream = true;
        }
        let (read, written, next) = match inflater.inflate(input, out) {
            Ok(Inflated {
                read,
                written,
                ended,
            }) => {
                *in_stream = !ended;
                let next = if written == out.len() || (ended && read < input.len()) {
                    Next::More
                } else if read == input.len() {
                    Next::Done
                } else {
                    // The inflater has room and input, and makes no progress.
                    Next::Corrupt
                };
                (read, written, next)
            }
            Err(Corrupt { written }) => (0, written, Next::Corrupt),
        };
        history.push(&out[..written], 1 << bits);
        Step {
            read,
            written,
            next,
        }
    }

    /// Checks, after the last byte of a message, that it is not truncated.
    pub(crate) fn finish_inflating(&mut self, inflation: &mut Inflation) -> Result<(), Violation> {
        if !inflation.in_stream {
            // The message ended in a final block. The empty block after it (7.2.3.4) is not required.
            return Ok(());
        }
        let Step { read, written, .. } = self.inflate(inflation, &END);
        if read == END.len() && written == 0 && !inflation.in_stream {
            Ok(())
        } else {
            Err(Violation::Corrupt)
        }
    }
}

impl Inflating {
    /// Returns true if nothing of a message is kept. Must not be called while output is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.compressed.is_empty() && self.inflation.is_none()
    }

    /// Returns true if [`next_chunk`](Self::next_chunk) has output without further input.
    pub(crate) const fn is_pending(&self) -> bool {
        self.pending
    }

    /// Takes the inflater for the next piece of a message that is delivered as a whole, and the bytes kept
    /// before it.
    ///
    /// Returns `None` if the piece was kept instead: a peer that stalls before `inflate_from` bytes occupies
    /// no inflater.
    pub(crate) fn begin(
        &mut self,
        spare: &mut Spare,
        pool: &mut Pool,
        piece: &[u8],
        last: bool,
        inflate_from: usize,
    ) -> Result<Option<Begun>, Violation> {
        if let Some(inflation) = self.inflation.take() {
            return Ok(Some((inflation, Vec::new())));
        }
        if !last && self.compressed.len() + piece.len() < inflate_from {
            keep(&mut self.compressed, spare, piece);
            return Ok(None);
        }
        let before = core::mem::take(&mut self.compressed);
        Ok(Some((lend(pool)?, before)))
    }

    /// Returns the inflater, for the next piece of the message.
    pub(crate) fn put_back(&mut self, inflation: Box<Inflation>) {
        self.inflation = Some(inflation);
    }

    /// Counts `written` bytes of output of a message that may have `max` bytes in all.
    ///
    /// Returns how many of them are allowed, and how many were allowed before they were counted.
    pub(crate) fn count(&mut self, written: usize, max: u64) -> (usize, u64) {
        let room = max - self.output_len;
        let allowed = usize::try_from(room).map_or(written, |room| room.min(written));
        self.output_len += allowed as u64;
        (allowed, room)
    }

    /// Keeps a piece of a message that is delivered in chunks, for [`next_chunk`](Self::next_chunk).
    pub(crate) fn keep(
        &mut self,
        spare: &mut Spare,
        piece: &[u8],
        last: bool,
        inflate_from: usize,
    ) {
        keep(&mut self.compressed, spare, piece);
        self.whole = last;
        self.pending = last || self.inflation.is_some() || self.compressed.len() >= inflate_from;
    }

    /// Inflates the kept bytes into `chunk`, up to [`CHUNK`] bytes. Output before an error is in the chunk
    /// nevertheless.
    pub(crate) fn next_chunk(
        &mut self,
        deflate: &mut Deflate,
        spare: &mut Spare,
        pool: &mut Pool,
        max: u64,
        chunk: &mut Vec<u8>,
    ) -> Result<Progress, Cause> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut inflation = match self.inflation.take() {
            Some(inflation) => inflation,
            None => lend(pool)?,
        };
        let progress = self.fill_chunk(deflate, &mut inflation, spare, max, chunk);
        self.inflation = Some(inflation);
        progress
    }

    fn fill_chunk(
        &mut self,
        deflate: &mut Deflate,
        inflation: &mut Inflation,
        spare: &mut Spare,
        max: u64,
        chunk: &mut Vec<u8>,
    ) -> Result<Progress, Cause> {
        loop {
            if chunk.len() + inflation.out.len() > CHUNK {
                return Ok(Progress::More);
            }
            let step = deflate.inflate(inflation, &self.compressed[self.inflated..]);
            self.inflated += step.read;
            let (allowed, _) = self.count(step.written, max);
            // Doubling could make this a large buffer, which the pool would not give to the next chunk.
            chunk.reserve_exact(allowed);
            chunk.extend_from_slice(&inflation.out[..allowed]);
            if allowed < step.written {
                return Err(Cause::Limit(Limit::Message));
            }
            match step.next {
                Next::More => {}
                Next::Done => break,
                Next::Corrupt => return Err(Violation::Corrupt.into()),
            }
        }
        spare.put(core::mem::take(&mut self.compressed));
        self.inflated = 0;
        if self.whole {
            deflate.finish_inflating(inflation)?;
            Ok(Progress::Whole)
        } else {
            Ok(Progress::Done)
        }
    }

    /// Records that all bytes received so far are inflated.
    pub(crate) fn caught_up(&mut self) {
        self.pending = false;
    }

    /// Keeps a fault until the chunk before it is delivered.
    pub(crate) fn fail_later(&mut self, cause: Cause) {
        self.failure = Some(cause);
    }

    /// Returns the buffers and the inflater to the pools.
    pub(crate) fn clear(&mut self, spare: &mut Spare, pool: &mut Pool) {
        let Self {
            compressed,
            inflation,
            ..
        } = core::mem::take(self);
        spare.put(compressed);
        if let Some(inflation) = inflation {
            pool.put_inflation(inflation);
        }
    }
}

/// Lends an inflater. It fails only if a connection with compression has moved to an environment without
/// codecs.
fn lend(pool: &mut Pool) -> Result<Box<Inflation>, Violation> {
    pool.take_inflation().ok_or(Violation::Corrupt)
}

fn keep(compressed: &mut Vec<u8>, spare: &mut Spare, piece: &[u8]) {
    if compressed.capacity() == 0 {
        *compressed = spare.take(piece.len());
    }
    compressed.extend_from_slice(piece);
}
