//! Incoming compressed messages (RFC 7692 7.2.2): connects the codec of [`deflate`](crate::deflate) with
//! limits, UTF-8 validation and reassembly.

use alloc::boxed::Box;

use super::Connection;
use crate::{
    deflate::{
        inflating::{CHUNK, Inflating, Next, Progress},
        pool::Inflation,
    },
    env::Env,
    error::{Cause, Limit, Violation},
    input::{ChunkPosition, EventBuffer, Input, Payload, Ready},
    wire::mask,
};

impl Connection {
    /// Consumes a piece of a compressed message that is delivered as a whole.
    pub(super) fn inflate_piece(
        &mut self,
        env: &mut Env,
        piece: &[u8],
        last: bool,
    ) -> Result<(), Cause> {
        let inflate_from = self.inflate_from();
        let partial = self.partial.get_or_insert_with(|| env.take_partial());
        let begun =
            (partial.inflating).begin(&mut env.spare, &mut env.pool, piece, last, inflate_from)?;
        let Some((mut inflation, before)) = begun else {
            return Ok(());
        };
        let inflated = self
            .inflate_all(env, &mut inflation, &before)
            .and_then(|()| self.inflate_all(env, &mut inflation, piece))
            .and_then(|()| match &mut self.deflate {
                Some(deflate) if last => Ok(deflate.finish_inflating(&mut inflation)?),
                Some(_) | None => Ok(()),
            });
        env.spare.put(before);
        self.inflating(env).put_back(inflation);
        if last {
            self.end_inflating(env);
        }
        inflated
    }

    /// The number of compressed bytes from which on an incomplete message is lent an inflater.
    fn inflate_from(&self) -> usize {
        let policy = self.config.compression.as_ref();
        policy.map_or(0, |policy| policy.inflate_from)
    }

    fn inflating(&mut self, env: &mut Env) -> &mut Inflating {
        let partial = self.partial.get_or_insert_with(|| env.take_partial());
        &mut partial.inflating
    }

    /// Inflates all of `source` and appends the output to the message under way.
    fn inflate_all(
        &mut self,
        env: &mut Env,
        inflation: &mut Box<Inflation>,
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
            let (allowed, room) = self.inflating(env).count(step.written, max);
            self.assemble(env, &mut inflation.out[..allowed], mask::NONE, room)?;
            if allowed < step.written {
                return Err(Cause::Limit(Limit::Message));
            }
            match step.next {
                Next::More => {}
                Next::Done => return Ok(()),
                Next::Corrupt => return Err(Violation::Corrupt.into()),
            }
        }
    }

    /// Consumes a piece of a compressed message that is delivered in chunks.
    pub(super) fn keep_to_inflate(&mut self, env: &mut Env, piece: &[u8], last: bool) {
        let inflate_from = self.inflate_from();
        let partial = self.partial.get_or_insert_with(|| env.take_partial());
        (partial.inflating).keep(&mut env.spare, piece, last, inflate_from);
    }

    /// Inflates the next chunk of a compressed message from the bytes received so far.
    pub(super) fn inflate_chunk<B>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Cause> {
        let Some(kind) = self.reassembly.message_kind() else {
            return Ok(None);
        };
        let mut chunk = env.spare.take(CHUNK);
        let max = self.config.max_message;
        let mut progress = match (self.partial.as_deref_mut(), &mut self.deflate) {
            (Some(partial), Some(deflate)) => {
                let (spare, pool) = (&mut env.spare, &mut env.pool);
                (partial.inflating).next_chunk(deflate, spare, pool, max, &mut chunk)
            }
            _ => Ok(Progress::Done),
        };
        // The valid part of a text is delivered first. The next call refuses what follows it.
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
            && !self.reassembly.ends_as_text()
        {
            progress = Err(Violation::TextNotUtf8.into());
        }
        let last = match progress {
            Ok(Progress::More) => ChunkPosition::NotLast,
            Ok(Progress::Done) => {
                self.inflating(env).caught_up();
                ChunkPosition::NotLast
            }
            Ok(Progress::Whole) => {
                self.end_inflating(env);
                self.reassembly.end_message();
                ChunkPosition::Last
            }
            Err(cause) if chunk.is_empty() => {
                env.spare.put(chunk);
                return Err(cause);
            }
            Err(cause) => {
                self.inflating(env).fail_later(cause);
                ChunkPosition::NotLast
            }
        };
        if chunk.is_empty() && last == ChunkPosition::NotLast {
            env.spare.put(chunk);
            return Ok(None);
        }
        self.timers.last_message_at = env.now();
        input.event_buffer = EventBuffer::Bytes(chunk);
        Ok(Some(Ready::Buffered(Payload::Chunk(kind, last))))
    }

    /// Returns the inflater and the buffers of the message to the pools.
    fn end_inflating(&mut self, env: &mut Env) {
        if let Some(partial) = self.partial.as_deref_mut() {
            partial.inflating.clear(&mut env.spare, &mut env.pool);
        }
    }
}
