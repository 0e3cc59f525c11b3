//! Messages are inflated on their way in (RFC 7692 7.2.2), within the limits while they are.
//!
//! Whatever comes out is looked at in the order in which it comes out, byte by byte as it were: thus
//! it does not depend on how the bytes were cut on their way which fault of a message is found first.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Deflate,
    codec::{Corrupt, Inflated, TAIL},
    pool::{Inflation, Pool},
};
use crate::{
    connection::Connection,
    env::{Env, Spare},
    error::{Cause, Limit, Violation},
    input::{Input, Last, Lent, Payload, Ready},
    mask,
    partial::Partial,
};

/// Bytes of a chunk of an inflated message at most.
const CHUNK: usize = 64 << 10;

/// What comes behind the bytes of a message: the end of the flush that the sender left out (7.2.2), and
/// a final block of nothing. A stream that is at the end of a block then ends right behind it, and any
/// other does not: a message that was cut off is told from a whole one.
const END: [u8; 9] = [
    TAIL[0], TAIL[1], TAIL[2], TAIL[3], 0x01, 0x00, 0x00, 0xff, 0xff,
];

/// What is kept of a compressed message that is not whole.
#[derive(Debug, Default)]
pub(crate) struct Inflating {
    /// Bytes as they came: at first, to see whether there will be enough of them to be worth an
    /// inflater; with chunk delivery also while they wait for their turn.
    compressed: Vec<u8>,
    /// How many of those are inflated.
    inflated: usize,
    /// What has come out so far.
    bytes: u64,
    /// There from when there was enough.
    inflation: Option<Box<Inflation>>,
    /// Chunk delivery: all bytes of the message are in.
    whole: bool,
    /// Chunk delivery: more can come out of what is there.
    pub(crate) pending: bool,
    /// Chunk delivery: what was found behind the last chunk.
    failure: Option<Cause>,
}

/// Something to inflate with, and what came of the message before.
type Begun = (Box<Inflation>, Vec<u8>);

/// What came of inflating a little.
struct Step {
    read: usize,
    written: usize,
    next: Next,
}

/// How it goes on after a step.
enum Next {
    /// There may be more to write.
    More,
    /// Everything is written that the input stands for.
    Done,
    /// The input is no deflate stream any more.
    Corrupt,
}

/// How far the bytes of a message that have come are inflated.
enum Progress {
    /// There is more in them than one chunk.
    More,
    /// All of them, and further ones are to come.
    Done,
    /// All of them, and they are the message.
    Whole,
}

impl Deflate {
    /// Inflates some of `input` into the inflation's buffer.
    fn inflate(&mut self, inflation: &mut Inflation, input: &[u8]) -> Step {
        let Inflation {
            inflater,
            within,
            history,
            out,
        } = inflation;
        let (history, bits) = if self.parameters.receive_takeover {
            let bits = self.parameters.receive_window_bits;
            (&mut self.kept().received, bits)
        } else {
            (history, 15)
        };
        if !*within {
            if input.is_empty() {
                return Step {
                    read: 0,
                    written: 0,
                    next: Next::Done,
                };
            }
            // 7.2.3.4: behind a final block comes a new stream, with the same window.
            inflater.begin(history.as_slices());
            *within = true;
        }
        let (read, written, next) = match inflater.inflate(input, out) {
            Ok(Inflated {
                read,
                written,
                ended,
            }) => {
                *within = !ended;
                let next = if written == out.len() || (ended && read < input.len()) {
                    Next::More
                } else if read == input.len() {
                    Next::Done
                } else {
                    // It has room, and bytes, and does nothing about it.
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

    /// The message is through: checks that it was not cut off.
    fn finish(&mut self, inflation: &mut Inflation) -> Result<(), Violation> {
        if !inflation.within {
            // It ended in a final block, and not even the byte that should follow it is needed.
            return Ok(());
        }
        let Step { read, written, .. } = self.inflate(inflation, &END);
        if read == END.len() && written == 0 && !inflation.within {
            Ok(())
        } else {
            Err(Violation::Corrupt)
        }
    }
}

impl Connection {
    /// Takes a piece of a compressed message that is delivered as a whole.
    pub(crate) fn inflate_piece(
        &mut self,
        env: &mut Env,
        piece: &[u8],
        last: bool,
    ) -> Result<(), Cause> {
        let Some((mut inflation, before)) = self.enough_to_inflate(env, piece, last)? else {
            return Ok(());
        };
        let inflated = self
            .inflate_all(env, &mut inflation, &before)
            .and_then(|()| self.inflate_all(env, &mut inflation, piece))
            .and_then(|()| match &mut self.deflate {
                Some(deflate) if last => Ok(deflate.finish(&mut inflation)?),
                Some(_) | None => Ok(()),
            });
        env.spare.put(before);
        self.inflating(env).inflation = Some(inflation);
        if last {
            self.end_inflating(env);
        }
        inflated
    }

    /// Something to inflate with, and what came before the piece; `None` if the piece was kept, since a
    /// peer that stalls now has not earned an inflater yet.
    fn enough_to_inflate(
        &mut self,
        env: &mut Env,
        piece: &[u8],
        last: bool,
    ) -> Result<Option<Begun>, Cause> {
        let enough = self.inflate_from();
        let Inflating {
            compressed,
            inflation,
            ..
        } = self.inflating(env);
        if let Some(inflation) = inflation.take() {
            return Ok(Some((inflation, Vec::new())));
        }
        if !last && compressed.len() + piece.len() < enough {
            keep(compressed, &mut env.spare, piece);
            return Ok(None);
        }
        let before = core::mem::take(compressed);
        Ok(Some((begin(env)?, before)))
    }

    /// Bytes of a message from which on it gets an inflater before it is whole.
    fn inflate_from(&self) -> usize {
        let policy = self.config.compression.as_ref();
        policy.map_or(0, |policy| policy.inflate_from)
    }

    fn inflating(&mut self, env: &mut Env) -> &mut Inflating {
        let partial = self.partial.get_or_insert_with(|| env.spare.take_partial());
        &mut partial.inflating
    }

    /// Inflates all of `source` into the message under way.
    fn inflate_all(
        &mut self,
        env: &mut Env,
        inflation: &mut Inflation,
        source: &[u8],
    ) -> Result<(), Cause> {
        let max = self.config.max_message;
        let mut rest = source;
        loop {
            let Some(deflate) = &mut self.deflate else {
                return Ok(());
            };
            let step = deflate.inflate(inflation, rest);
            rest = &rest[step.read..];
            let inflating = self.inflating(env);
            let room = max - inflating.bytes;
            let (allowed, within_limit) = within(room, step.written);
            inflating.bytes += allowed as u64;
            self.assemble(env, &mut inflation.out[..allowed], mask::NONE, room)?;
            if !within_limit {
                return Err(Cause::Limit(Limit::Message));
            }
            match step.next {
                Next::More => {}
                Next::Done => return Ok(()),
                Next::Corrupt => return Err(Violation::Corrupt.into()),
            }
        }
    }

    /// Takes a piece of a compressed message that is delivered in chunks.
    pub(crate) fn keep_to_inflate(&mut self, env: &mut Env, piece: &[u8], last: bool) {
        let enough = self.inflate_from();
        let partial = self.partial.get_or_insert_with(|| env.spare.take_partial());
        let Inflating {
            compressed,
            inflation,
            whole,
            pending,
            ..
        } = &mut partial.inflating;
        keep(compressed, &mut env.spare, piece);
        *whole = last;
        *pending = last || inflation.is_some() || compressed.len() >= enough;
    }

    /// The next chunk of a compressed message, of what is there of it.
    pub(crate) fn inflate_chunk<B>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Cause> {
        let Some(kind) = self.receiver.message_kind() else {
            return Ok(None);
        };
        let mut chunk = env.spare.take(CHUNK);
        let mut progress = self.inflate_into(env, &mut chunk);
        // Delivered as far as it is text; what follows is refused in the next call.
        match self.check_chunk(&chunk, false) {
            Ok(valid) if valid == chunk.len() => {}
            Ok(valid) => {
                chunk.truncate(valid);
                progress = Err(Violation::TextNotUtf8.into());
            }
            Err(cause) => {
                chunk.clear();
                progress = Err(cause);
            }
        }
        if let Ok(Progress::Whole) = progress
            && !self.receiver.ends_as_text()
        {
            progress = Err(Violation::TextNotUtf8.into());
        }
        let inflating = self.inflating(env);
        let last = match progress {
            Ok(Progress::More) => Last::No,
            Ok(Progress::Done) => {
                inflating.pending = false;
                Last::No
            }
            Ok(Progress::Whole) => {
                self.end_inflating(env);
                self.receiver.end_message();
                Last::Yes
            }
            Err(cause) if chunk.is_empty() => {
                env.spare.put(chunk);
                return Err(cause);
            }
            Err(cause) => {
                inflating.failure = Some(cause);
                Last::No
            }
        };
        if chunk.is_empty() && last == Last::No {
            env.spare.put(chunk);
            return Ok(None);
        }
        self.timers.active = env.now();
        input.lent = Lent::Bytes(chunk);
        Ok(Some(Ready::Lent(Payload::Chunk(kind, last))))
    }

    /// Inflates what is there, up to the size of a chunk. What comes out before an error belongs to the
    /// chunk all the same.
    fn inflate_into(&mut self, env: &mut Env, chunk: &mut Vec<u8>) -> Result<Progress, Cause> {
        let max = self.config.max_message;
        let (Some(Partial { inflating, .. }), Some(deflate)) =
            (self.partial.as_deref_mut(), &mut self.deflate)
        else {
            return Ok(Progress::Done);
        };
        if let Some(failure) = inflating.failure.take() {
            return Err(failure);
        }
        let inflation = match &mut inflating.inflation {
            Some(inflation) => inflation,
            none => none.insert(begin(env)?),
        };
        loop {
            if chunk.len() + inflation.out.len() > CHUNK {
                return Ok(Progress::More);
            }
            let rest = &inflating.compressed[inflating.inflated..];
            let step = deflate.inflate(inflation, rest);
            inflating.inflated += step.read;
            let (allowed, within_limit) = within(max - inflating.bytes, step.written);
            inflating.bytes += allowed as u64;
            // Doubled, it could become a large buffer, which is not what is taken for the next.
            chunk.reserve_exact(allowed);
            chunk.extend_from_slice(&inflation.out[..allowed]);
            if !within_limit {
                return Err(Cause::Limit(Limit::Message));
            }
            match step.next {
                Next::More => {}
                Next::Done => break,
                Next::Corrupt => return Err(Violation::Corrupt.into()),
            }
        }
        env.spare.put(core::mem::take(&mut inflating.compressed));
        inflating.inflated = 0;
        if inflating.whole {
            deflate.finish(inflation)?;
            Ok(Progress::Whole)
        } else {
            Ok(Progress::Done)
        }
    }

    /// The message is through: gives back what it was inflated with.
    fn end_inflating(&mut self, env: &mut Env) {
        if let Some(partial) = self.partial.as_deref_mut() {
            partial.inflating.clear(&mut env.spare, &mut env.pool);
        }
    }
}

/// Something to inflate a message with. What was negotiated can be inflated; only a connection that has
/// moved to an environment without codecs cannot.
fn begin(env: &mut Env) -> Result<Box<Inflation>, Violation> {
    env.pool.take_inflation().ok_or(Violation::Corrupt)
}

fn keep(compressed: &mut Vec<u8>, spare: &mut Spare, piece: &[u8]) {
    if compressed.capacity() == 0 {
        *compressed = spare.take(piece.len());
    }
    compressed.extend_from_slice(piece);
}

/// How many of `written` bytes there is room for, and whether that is all of them.
fn within(room: u64, written: usize) -> (usize, bool) {
    let allowed = usize::try_from(room).map_or(written, |room| room.min(written));
    (allowed, allowed == written)
}

impl Inflating {
    /// Whether nothing is kept of a message: what is pending was taken before.
    pub(crate) fn is_empty(&self) -> bool {
        self.compressed.is_empty() && self.inflation.is_none()
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
