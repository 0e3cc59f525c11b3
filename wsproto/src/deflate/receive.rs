//! Messages are inflated on their way in (RFC 7692 7.2.2), within the limits while they are.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Deflate,
    codec::TAIL,
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

/// Octets of a chunk of an inflated message, about.
const CHUNK: usize = 64 << 10;

/// What is kept of a compressed message that is not whole.
#[derive(Debug, Default)]
pub(crate) struct Inflating {
    /// Octets as they came: at first, to see whether there will be enough of them to be worth an
    /// inflater; with chunk delivery also while they wait for their turn.
    compressed: Vec<u8>,
    /// How many of those are inflated.
    inflated: usize,
    /// What has come out so far.
    octets: u64,
    /// There from when there was enough.
    inflation: Option<Box<Inflation>>,
    /// Chunk delivery: all octets of the message are in.
    whole: bool,
    /// Chunk delivery: more chunks can be made of what is there.
    pub(crate) pending: bool,
    /// What was found behind the last chunk.
    failure: Option<Cause>,
}

/// Something to inflate with, and what came of the message before.
type Begun = (Box<Inflation>, Vec<u8>);

impl Deflate {
    /// Something to inflate a new message with.
    fn begin_inflation(&self, pool: &mut Pool) -> Option<Box<Inflation>> {
        let mut inflation = pool.take_inflation()?;
        inflation.inflater.begin(match &self.kept {
            Some(kept) if self.parameters.receive_takeover => kept.received.as_slices(),
            Some(_) | None => [&[], &[]],
        });
        Some(inflation)
    }

    /// Inflates some of `input` into the inflation's buffer; returns how much was read and written, and
    /// whether there may be more to write.
    fn inflate(
        &mut self,
        inflation: &mut Inflation,
        input: &[u8],
    ) -> Result<(usize, usize, bool), Violation> {
        let Inflation {
            inflater,
            history,
            out,
        } = inflation;
        let step = inflater
            .inflate(input, out)
            .map_err(|_| Violation::Corrupt)?;
        let (history, bits) = if self.parameters.receive_takeover {
            let bits = self.parameters.receive_window_bits;
            (&mut self.kept().received, bits)
        } else {
            (history, 15)
        };
        history.push(&out[..step.written], 1 << bits);
        if step.ended {
            // 7.2.3.4: behind a final block comes a new stream, with the same window.
            inflater.begin(history.as_slices());
        }
        let stuck = step.read == 0 && step.written == 0 && !step.ended;
        let more = !stuck && (step.written == out.len() || step.read < input.len());
        if stuck && !input.is_empty() {
            return Err(Violation::Corrupt);
        }
        Ok((step.read, step.written, more))
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
        for source in [&before[..], piece, if last { &TAIL } else { &[] }] {
            self.inflate_all(env, &mut inflation, source)?;
        }
        env.spare.put(before);
        self.inflating(env).inflation = Some(inflation);
        if last {
            self.end_inflating(env);
        }
        Ok(())
    }

    /// Something to inflate with, and what came before the piece; `None` if the piece was kept, since a
    /// peer that stalls now has not earned an inflater yet.
    fn enough_to_inflate(
        &mut self,
        env: &mut Env,
        piece: &[u8],
        last: bool,
    ) -> Result<Option<Begun>, Cause> {
        let enough = self
            .config
            .compression
            .as_ref()
            .map_or(0, |policy| policy.inflate_from);
        let partial = self.partial.get_or_insert_with(|| env.spare.take_partial());
        let Inflating {
            compressed,
            inflation,
            ..
        } = &mut partial.inflating;
        if let Some(inflation) = inflation.take() {
            return Ok(Some((inflation, Vec::new())));
        }
        if !last && compressed.len() + piece.len() < enough {
            if compressed.capacity() == 0 {
                *compressed = env.spare.take(piece.len());
            }
            compressed.extend_from_slice(piece);
            return Ok(None);
        }
        let before = core::mem::take(compressed);
        let inflation = self
            .deflate
            .as_ref()
            .and_then(|deflate| deflate.begin_inflation(&mut env.pool));
        // What was negotiated can be inflated; only an environment that knows no codecs cannot.
        let inflation = inflation.ok_or(Violation::Corrupt)?;
        Ok(Some((inflation, before)))
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
        let mut rest = source;
        loop {
            let Some(deflate) = &mut self.deflate else {
                return Ok(());
            };
            let (read, written, more) = deflate.inflate(inflation, rest)?;
            rest = &rest[read..];
            self.count_inflated(env, written)?;
            self.assemble(env, &mut inflation.out[..written], mask::NONE, u64::MAX)?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Counts what has come out against the limit.
    fn count_inflated(&mut self, env: &mut Env, written: usize) -> Result<(), Cause> {
        let max = self.config.max_message;
        let inflating = self.inflating(env);
        inflating.octets += written as u64;
        if inflating.octets > max {
            Err(Cause::Limit(Limit::Message))
        } else {
            Ok(())
        }
    }

    /// Takes a piece of a compressed message that is delivered in chunks.
    pub(crate) fn keep_to_inflate(&mut self, env: &mut Env, piece: &[u8], last: bool) {
        let enough = self
            .config
            .compression
            .as_ref()
            .map_or(0, |policy| policy.inflate_from);
        let partial = self.partial.get_or_insert_with(|| env.spare.take_partial());
        let Inflating {
            compressed,
            inflation,
            whole,
            pending,
            ..
        } = &mut partial.inflating;
        if compressed.capacity() == 0 {
            *compressed = env.spare.take(piece.len());
        }
        compressed.extend_from_slice(piece);
        if last {
            compressed.extend_from_slice(&TAIL);
        }
        *whole = last;
        *pending = last || inflation.is_some() || compressed.len() >= enough;
    }

    /// The next chunk of a compressed message, of what is there of it.
    pub(crate) fn inflate_chunk<B>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Cause> {
        let mut chunk = env.spare.take(CHUNK);
        let inflated = self.inflate_into(env, &mut chunk);
        let Some(partial) = self.partial.as_deref_mut() else {
            return inflated.map(|()| None);
        };
        let inflating = &mut partial.inflating;
        if let Err(cause) = inflated {
            inflating.failure = Some(cause);
            inflating.pending = true;
        }
        let mut last = inflating.whole && !inflating.pending;
        let checked = self.check_chunk(&chunk, last);
        let Some(partial) = self.partial.as_deref_mut() else {
            return Ok(None);
        };
        let inflating = &mut partial.inflating;
        match checked {
            Ok(valid) if valid == chunk.len() => {}
            Ok(valid) => {
                // Delivered as far as it is text; the rest is refused next.
                chunk.truncate(valid);
                last = false;
                inflating.pending = true;
                inflating.failure = Some(Violation::TextNotUtf8.into());
            }
            Err(cause) => return Err(cause),
        }
        if chunk.is_empty() && !last {
            env.spare.put(chunk);
            return inflating.failure.take().map_or(Ok(None), Err);
        }
        let Some(kind) = self.receiver.message_kind() else {
            return Ok(None);
        };
        if last {
            self.end_inflating(env);
            self.receiver.end_message();
        }
        self.timers.active = env.now();
        input.lent = Lent::Octets(chunk);
        Ok(Some(Ready::Lent(Payload::Chunk(
            kind,
            if last { Last::Yes } else { Last::No },
        ))))
    }

    /// Inflates what is there, up to the size of a chunk.
    fn inflate_into(&mut self, env: &mut Env, chunk: &mut Vec<u8>) -> Result<(), Cause> {
        let max = self.config.max_message;
        let (Some(Partial { inflating, .. }), Some(deflate)) =
            (self.partial.as_deref_mut(), &mut self.deflate)
        else {
            return Ok(());
        };
        if let Some(failure) = inflating.failure.take() {
            return Err(failure);
        }
        let mut inflation = match inflating.inflation.take() {
            Some(inflation) => inflation,
            None => deflate
                .begin_inflation(&mut env.pool)
                .ok_or(Violation::Corrupt)?,
        };
        let mut more = true;
        while more && chunk.len() < CHUNK {
            let (read, written, again) =
                deflate.inflate(&mut inflation, &inflating.compressed[inflating.inflated..])?;
            inflating.inflated += read;
            more = again;
            let room = usize::try_from(max - inflating.octets).unwrap_or(usize::MAX);
            chunk.extend_from_slice(&inflation.out[..written.min(room)]);
            inflating.octets += written.min(room) as u64;
            if written > room {
                return Err(Cause::Limit(Limit::Message));
            }
        }
        inflating.pending = more;
        if !more {
            inflating.compressed.clear();
            inflating.inflated = 0;
        }
        inflating.inflation = Some(inflation);
        Ok(())
    }

    /// The message is through: gives back what it was inflated with.
    pub(crate) fn end_inflating(&mut self, env: &mut Env) {
        if let Some(partial) = self.partial.as_deref_mut() {
            partial.inflating.clear(&mut env.spare, &mut env.pool);
        }
    }
}

impl Inflating {
    /// Whether a message is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.compressed.is_empty() && self.inflation.is_none() && !self.pending
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
