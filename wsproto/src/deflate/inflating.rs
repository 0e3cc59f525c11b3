//! Inflating one compressed message, piece by piece.
//!
//! Output is judged in the order in which it comes out, byte by byte: which fault of a message is found
//! first does not depend on how its bytes were cut on their way.

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

/// Most bytes of one chunk of an inflated message.
pub(crate) const CHUNK: usize = 64 << 10;

/// Appended to the bytes of a message: the end of the flush that the sender left out (7.2.2), and an empty
/// final block. A stream that is at the end of a block ends right behind it, any other does not: so a
/// message that was cut off is told from a whole one.
const END: [u8; 9] = [
    TAIL[0], TAIL[1], TAIL[2], TAIL[3], 0x01, 0x00, 0x00, 0xff, 0xff,
];

/// State of a compressed message whose bytes are not all in.
#[derive(Debug, Default)]
pub(crate) struct Inflating {
    /// Bytes as they came: at first, until there are enough of them to be worth an inflater; with chunk
    /// delivery also while they wait to be inflated.
    compressed: Vec<u8>,
    /// How many bytes of `compressed` are inflated.
    inflated: usize,
    /// Bytes that were inflated so far.
    output_len: u64,
    /// Lent by the thread once enough bytes had come.
    inflation: Option<Box<Inflation>>,
    /// Chunk delivery: all bytes of the message are in.
    whole: bool,
    /// Chunk delivery: `compressed` can yield more output.
    pending: bool,
    /// Chunk delivery: the fault that was found behind the last chunk.
    failure: Option<Cause>,
}

/// An inflater, and the bytes that were kept until it was worth lending.
pub(crate) type Begun = (Box<Inflation>, Vec<u8>);

/// One call of an inflater.
pub(crate) struct Step {
    pub(crate) read: usize,
    pub(crate) written: usize,
    pub(crate) next: Next,
}

/// How inflating continues after a [`Step`].
pub(crate) enum Next {
    /// There may be more output.
    More,
    /// The input has yielded all of its output.
    Done,
    /// The input is not a deflate stream.
    Corrupt,
}

/// How far the bytes of a message that have come are inflated.
pub(crate) enum Progress {
    /// They have more output than one chunk.
    More,
    /// All of them, and the message has more to come.
    Done,
    /// All of them, and they are the whole message.
    Whole,
}

impl Deflate {
    /// Inflates some of `input` into the buffer of `inflation`.
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
            // 7.2.3.4: behind a final block comes a new stream, with the same window.
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
                    // It has room and input, and makes no progress.
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

    /// Checks, after the last byte of a message, that the message was not cut off.
    pub(crate) fn finish_inflating(&mut self, inflation: &mut Inflation) -> Result<(), Violation> {
        if !inflation.in_stream {
            // The message ended in a final block. The byte that should follow it is not needed.
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
    /// Returns true if nothing of a message is kept. (Everything pending has been taken by then.)
    pub(crate) fn is_empty(&self) -> bool {
        self.compressed.is_empty() && self.inflation.is_none()
    }

    /// Returns true if [`next_chunk`](Self::next_chunk) has output without further input.
    pub(crate) const fn is_pending(&self) -> bool {
        self.pending
    }

    /// Takes the inflater for the next piece of a message that is delivered as a whole.
    ///
    /// Returns `None` if the piece was kept instead: before `enough` bytes have come, a peer that stalls
    /// has not earned an inflater.
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

    /// Keeps the inflater for the next piece of the message.
    pub(crate) fn put_back(&mut self, inflation: Box<Inflation>) {
        self.inflation = Some(inflation);
    }

    /// Counts `written` bytes of output. Returns how many of them the message may have, of `max` bytes in all,
    /// and how many more it might have had before them.
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

    /// Inflates what is there into `chunk`, up to [`CHUNK`] bytes. Output that comes before an error belongs to
    /// the chunk nevertheless.
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
            // Doubling could make this a large buffer, which the next chunk would not be given.
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

    /// Records that all bytes that have come are inflated.
    pub(crate) fn caught_up(&mut self) {
        self.pending = false;
    }

    /// Keeps a fault until the chunk before it is delivered.
    pub(crate) fn fail_later(&mut self, cause: Cause) {
        self.failure = Some(cause);
    }

    /// Gives everything back.
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

/// Lends an inflater. What was negotiated can be inflated: only a connection that has moved to an environment
/// without codecs fails here.
fn lend(pool: &mut Pool) -> Result<Box<Inflation>, Violation> {
    pool.take_inflation().ok_or(Violation::Corrupt)
}

fn keep(compressed: &mut Vec<u8>, spare: &mut Spare, piece: &[u8]) {
    if compressed.capacity() == 0 {
        *compressed = spare.take(piece.len());
    }
    compressed.extend_from_slice(piece);
}
