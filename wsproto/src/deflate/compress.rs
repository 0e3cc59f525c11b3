//! Compressing messages (RFC 7692 7.2.1).

use alloc::{boxed::Box, vec::Vec};

use super::{
    Context, Deflate,
    codec::strip_tail,
    negotiation::Parameters,
    policy::{Compress, Compression, Memory},
    pool::{Deflation, Pool},
};
use crate::spare::Spare;

impl Deflate {
    /// Compresses a message, if that is wanted and helps. The result must be sent: from now on the peer's
    /// window is assumed to contain the message.
    pub(crate) fn compress(
        &mut self,
        policy: &Compression,
        spare: &mut Spare,
        pool: &mut Pool,
        data: &[u8],
        compress: Compress,
    ) -> Option<Vec<u8>> {
        let wanted = match compress {
            Compress::Auto => data.len() >= policy.threshold.max(1),
            Compress::Always => true,
            Compress::Never => false,
        };
        if !wanted {
            return None;
        }
        let mut deflation = self.take_deflation(policy, pool, data.len())?;
        let mut out = spare.take(data.len());
        if !data.is_empty() {
            deflation.compress(data, &mut out);
        }
        strip_tail(&mut out);
        self.put_deflation(policy, pool, deflation);
        // An equal length does not help: inflating costs the peer time.
        if out.len() < data.len() || compress == Compress::Always {
            self.record_sent(policy, data);
            return Some(out);
        }
        spare.put(out);
        // A dedicated compressor has seen a message that the peer never will.
        self.reset_dedicated();
        None
    }

    /// Takes a compressor for a message in parts. Returns true if the message will be compressed.
    pub(crate) fn start(
        &mut self,
        policy: &Compression,
        pool: &mut Pool,
        compress: Compress,
    ) -> bool {
        if compress == Compress::Never {
            return false;
        }
        // The length is unknown; a message that is streamed is assumed to be long.
        let Some(deflation) = self.take_deflation(policy, pool, usize::MAX) else {
            return false;
        };
        self.context().streaming = Some(deflation);
        true
    }

    /// Compresses a part of a message. A part that is not the last ends with a flush, so that the peer can
    /// inflate all of it at once.
    pub(crate) fn compress_part(
        &mut self,
        policy: &Compression,
        spare: &mut Spare,
        pool: &mut Pool,
        data: &[u8],
        last: bool,
    ) -> Vec<u8> {
        let mut out = spare.take(data.len());
        let Some(mut deflation) = self.context().streaming.take() else {
            return out;
        };
        if !data.is_empty() {
            deflation.compress(data, &mut out);
            self.record_sent(policy, data);
        }
        if last {
            strip_tail(&mut out);
            self.put_deflation(policy, pool, deflation);
            if !self.parameters.send_takeover && !self.parameters.receive_takeover {
                self.context = None;
            }
        } else {
            self.context().streaming = Some(deflation);
        }
        out
    }

    /// Records that a message compressed elsewhere is sent, so that the peer's window contains it.
    pub(crate) fn compressed_elsewhere(&mut self, policy: &Compression, data: &[u8]) {
        self.record_sent(policy, data);
        // A dedicated compressor has not seen that message, and would count distances without it.
        self.reset_dedicated();
    }

    /// Takes a compressor for a message of `len` bytes, which may refer back to as much of the peer's window
    /// as pays off.
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
        let Context {
            sent, dedicated, ..
        } = self.context();
        match policy.memory {
            Memory::Dedicated => dedicated.take().or_else(|| pool.new_deflation(level, bits)),
            Memory::Pooled => pool.take_deflation_after(sent, min_history(level, len), level, bits),
        }
    }

    fn put_deflation(&mut self, policy: &Compression, pool: &mut Pool, deflation: Box<Deflation>) {
        if self.parameters.send_takeover && policy.memory == Memory::Dedicated {
            self.context().dedicated = Some(deflation);
        } else {
            pool.put_deflation(deflation);
        }
    }

    /// Adds `data`, whose compressed form is sent, to the history that later messages may refer back to.
    fn record_sent(&mut self, policy: &Compression, data: &[u8]) {
        let Parameters {
            send_window_bits,
            send_takeover,
            ..
        } = self.parameters;
        if send_takeover && policy.memory == Memory::Pooled {
            self.context().sent.push(data, 1 << send_window_bits);
        }
    }

    /// Resets the dedicated compressor, if there is one.
    fn reset_dedicated(&mut self) {
        if let Some(Context {
            dedicated: Some(dedicated),
            ..
        }) = self.context.as_deref_mut()
        {
            dedicated.reset();
        }
    }
}

/// Returns the number of bytes of history that a pooled compressor should have for a message of `len` bytes.
/// One that has less is primed with as many.
///
/// At level 1 compressing a message takes less time than priming with all of its history, so short messages
/// make do with less: of 512 bytes of JSON, 1 KiB of history leaves 0.333 instead of the 0.320 that 4 KiB
/// leave, in three fifths of the time (`zlib-rs`).
fn min_history(level: u8, len: usize) -> usize {
    match level {
        // Stored blocks have no references.
        0 => 0,
        1 => len.saturating_mul(2).max(1 << 10),
        2.. => usize::MAX,
    }
}
