//! Messages are compressed on their way out (RFC 7692 7.2.1).

use alloc::{boxed::Box, vec::Vec};

use super::{
    Deflate, Kept,
    codec::{Compressor, TAIL},
    negotiation::Parameters,
    policy::{Compress, Compression, Memory},
    pool::Pool,
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
        let Some(compressor) = deflate.take_compressor(policy, &mut env.pool) else {
            return false;
        };
        deflate.kept().streaming = Some(compressor);
        true
    }

    /// Compresses a part of a message. A part that is not the last ends in a flush, so that the peer can
    /// inflate all of it at once.
    pub(crate) fn compress_part(&mut self, env: &mut Env, data: &[u8], last: bool) -> Vec<u8> {
        let mut out = env.spare.take(data.len());
        let (Some(deflate), Some(policy)) = (&mut self.deflate, &self.config.compression) else {
            return out;
        };
        let Some(mut compressor) = deflate.kept().streaming.take() else {
            return out;
        };
        if !data.is_empty() {
            compressor.compress(data, &mut out);
            deflate.compressed(policy, data);
        }
        if last {
            strip_tail(&mut out);
            deflate.put_compressor(policy, &mut env.pool, compressor);
            if !deflate.parameters.send_takeover && !deflate.parameters.receive_takeover {
                deflate.kept = None;
            }
        } else {
            deflate.kept().streaming = Some(compressor);
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
        let mut compressor = self.take_compressor(policy, pool)?;
        if !data.is_empty() {
            compressor.compress(data, out);
        }
        strip_tail(out);
        self.put_compressor(policy, pool, compressor);
        Some(())
    }

    /// A compressor that knows exactly what the peer may be referred back to.
    fn take_compressor(
        &mut self,
        policy: &Compression,
        pool: &mut Pool,
    ) -> Option<Box<dyn Compressor>> {
        let (level, bits) = (policy.level, self.parameters.send_window_bits);
        if !self.parameters.send_takeover {
            let mut compressor = pool.take_compressor(level, bits)?;
            compressor.reset();
            return Some(compressor);
        }
        let Kept {
            sent, dedicated, ..
        } = self.kept();
        match policy.memory {
            Memory::Dedicated => dedicated
                .take()
                .or_else(|| pool.new_compressor(level, bits)),
            Memory::Pooled => {
                let mut compressor = pool.take_compressor(level, bits)?;
                compressor.prime(sent.as_slices());
                Some(compressor)
            }
        }
    }

    fn put_compressor(
        &mut self,
        policy: &Compression,
        pool: &mut Pool,
        compressor: Box<dyn Compressor>,
    ) {
        if self.parameters.send_takeover && policy.memory == Memory::Dedicated {
            self.kept().dedicated = Some(compressor);
        } else {
            pool.put_compressor(policy.level, self.parameters.send_window_bits, compressor);
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

/// 7.2.1: the last four octets of the flush are not sent. What has no octets is an empty block without
/// them: one zero octet (7.2.3.6).
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
