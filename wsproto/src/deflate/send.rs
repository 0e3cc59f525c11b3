//! Messages are compressed on their way out (RFC 7692 7.2.1).

use alloc::{boxed::Box, vec::Vec};

use super::{
    Deflate, Kept,
    codec::TAIL,
    negotiation::Parameters,
    policy::{Compress, Compression, Memory},
    pool::{Deflation, Pool},
};
use crate::{connection::Connection, env::Env};

impl Connection {
    /// The compressed form of a message, if it was negotiated, is wanted and helps. The peer will have
    /// inflated it: it must be sent.
    pub(crate) fn compress(
        &mut self,
        env: &mut Env,
        data: &[u8],
        compress: Compress,
    ) -> Option<Vec<u8>> {
        let deflate = self.deflate.as_mut()?;
        let policy = self.config.compression.as_ref()?;
        let wanted = match compress {
            Compress::Auto => data.len() >= policy.threshold.max(1),
            Compress::Always => true,
            Compress::Never => false,
        };
        if !wanted {
            return None;
        }
        let mut out = env.spare.take(data.len());
        deflate.compress(policy, &mut env.pool, data, &mut out)?;
        // An equal length does not help either: inflating costs the peer time.
        if out.len() < data.len() || compress == Compress::Always {
            deflate.compressed(policy, data);
            return Some(out);
        }
        env.spare.put(out);
        // A compressor of its own has seen what the peer never will.
        deflate.forget();
        None
    }

    /// Prepares for a message in parts. Tells whether it will be compressed.
    pub(crate) fn start_compressing(&mut self, env: &mut Env, compress: Compress) -> bool {
        let (Some(deflate), Some(policy)) = (&mut self.deflate, &self.config.compression) else {
            return false;
        };
        if compress == Compress::Never {
            return false;
        }
        // How long it will be is not known: long, if it is worth streaming.
        let Some(deflation) = deflate.take_deflation(policy, &mut env.pool, usize::MAX) else {
            return false;
        };
        deflate.kept().streaming = Some(deflation);
        true
    }

    /// Compresses a part of a message. A part that is not the last ends in a flush, so that the peer can
    /// inflate all of it at once.
    pub(crate) fn compress_part(&mut self, env: &mut Env, data: &[u8], last: bool) -> Vec<u8> {
        let mut out = env.spare.take(data.len());
        let (Some(deflate), Some(policy)) = (&mut self.deflate, &self.config.compression) else {
            return out;
        };
        let Some(mut deflation) = deflate.kept().streaming.take() else {
            return out;
        };
        if !data.is_empty() {
            deflation.compress(data, &mut out);
            deflate.compressed(policy, data);
        }
        if last {
            strip_tail(&mut out);
            deflate.put_deflation(policy, &mut env.pool, deflation);
            if !deflate.parameters.send_takeover && !deflate.parameters.receive_takeover {
                deflate.kept = None;
            }
        } else {
            deflate.kept().streaming = Some(deflation);
        }
        out
    }

    /// A message that was compressed elsewhere was sent: the peer's window moves on.
    pub(crate) fn compressed_elsewhere(&mut self, data: &[u8]) {
        if let (Some(deflate), Some(policy)) = (&mut self.deflate, &self.config.compression) {
            deflate.compressed(policy, data);
            // Our own compressor does not know that message, and would count distances without it.
            deflate.forget();
        }
    }
}

impl Deflate {
    fn compress(
        &mut self,
        policy: &Compression,
        pool: &mut Pool,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let mut deflation = self.take_deflation(policy, pool, data.len())?;
        if !data.is_empty() {
            deflation.compress(data, out);
        }
        strip_tail(out);
        self.put_deflation(policy, pool, deflation);
        Some(())
    }

    /// What compresses a message of `len` bytes, and knows of what the peer may be referred back to.
    fn take_deflation(
        &mut self,
        policy: &Compression,
        pool: &mut Pool,
        len: usize,
    ) -> Option<Box<Deflation>> {
        let (level, bits) = (policy.level, self.parameters.send_window_bits);
        if !self.parameters.send_takeover {
            return pool.take_deflation(level, bits);
        }
        let Kept {
            sent, dedicated, ..
        } = self.kept();
        match policy.memory {
            Memory::Dedicated => dedicated.take().or_else(|| pool.new_deflation(level, bits)),
            Memory::Pooled => {
                pool.take_deflation_after(sent, worth_knowing(level, len), level, bits)
            }
        }
    }

    fn put_deflation(&mut self, policy: &Compression, pool: &mut Pool, deflation: Box<Deflation>) {
        if self.parameters.send_takeover && policy.memory == Memory::Dedicated {
            self.kept().dedicated = Some(deflation);
        } else {
            pool.put_deflation(deflation);
        }
    }

    /// The compressed form of `data` is sent: it may be referred back to.
    fn compressed(&mut self, policy: &Compression, data: &[u8]) {
        let Parameters {
            send_window_bits,
            send_takeover,
            ..
        } = self.parameters;
        if send_takeover && policy.memory == Memory::Pooled {
            self.kept().sent.push(data, 1 << send_window_bits);
        }
    }

    /// A compressor of the connection's own starts anew.
    fn forget(&mut self) {
        if let Some(Kept {
            dedicated: Some(dedicated),
            ..
        }) = self.kept.as_deref_mut()
        {
            dedicated.reset();
        }
    }
}

/// How many bytes of what was sent before a lent compressor should know for a message of `len` bytes: one
/// that knows less is told as many.
///
/// At level 1 a message is compressed faster than its history is told, so short ones make do with less: of
/// 512 bytes of JSON, 1 KiB of history leaves 0.333 instead of the 0.320 that 4 KiB do, in three fifths
/// of the time (`zlib-rs`).
fn worth_knowing(level: u8, len: usize) -> usize {
    match level {
        // Stored blocks refer to nothing.
        0 => 0,
        1 => len.saturating_mul(2).max(1 << 10),
        2.. => usize::MAX,
    }
}

/// 7.2.1: the last four bytes of the flush are not sent. What has no bytes is an empty block without
/// them: one zero byte (7.2.3.6).
pub(super) fn strip_tail(out: &mut Vec<u8>) {
    debug_assert!(out.is_empty() || out.ends_with(&TAIL));
    match out.len().checked_sub(TAIL.len()) {
        Some(len) if len > 0 => out.truncate(len),
        Some(_) | None => {
            out.clear();
            out.push(0);
        }
    }
}
