//! What compresses and inflates for all connections of a thread.

use alloc::{boxed::Box, vec, vec::Vec};

use super::{
    codec::{Codecs, Compressor, Inflater, strip_tail},
    history::History,
};

/// Bytes that are inflated at a time: the window that references reach back over. In pieces of half
/// of it, 64 KiB take a sixth more of the time of `zlib-rs`, which finds less of what they refer to in its
/// output; more than this would be pinned by each message that stalls.
const OUT: usize = 32 << 10;

/// Inflaters, and compressors, that are kept at most. One of each kind serves a thread, unless messages
/// are under way on several connections at a time.
const MAX_KEPT: usize = 4;

/// What is inflating a message, lent by the thread.
pub(crate) struct Inflation {
    pub(crate) inflater: Box<dyn Inflater>,
    /// Whether the inflater has begun a stream and not ended it.
    pub(crate) in_stream: bool,
    /// What has come out of this message, for as far as it may be referred back to.
    pub(crate) history: History,
    /// Where it comes out.
    pub(crate) out: Box<[u8]>,
}

impl core::fmt::Debug for Inflation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inflation").finish_non_exhaustive()
    }
}

/// What compresses messages, lent by the thread or a connection's own.
pub(crate) struct Deflation {
    compressor: Box<dyn Compressor>,
    level: u8,
    window_bits: u8,
    /// If [`tracked`](Self::tracked): the last bytes that the compressor was given, the only ones that it may
    /// refer back to. It may have forgotten some of them.
    history: History,
    /// True if `history` is kept. A compressor of one connection alone, or one that refers to nothing, has no need
    /// of it.
    tracked: bool,
}

impl Deflation {
    /// Compresses what comes next, and appends it to `out` with the whole of the flush.
    pub(crate) fn compress(&mut self, data: &[u8], out: &mut Vec<u8>) {
        self.compressor.compress(data, out);
        if self.tracked {
            self.history.push(data, 1 << self.window_bits);
        }
    }

    /// Starts anew.
    pub(crate) fn reset(&mut self) {
        self.compressor.reset();
        self.tracked = false;
    }

    fn fits(&self, level: u8, window_bits: u8) -> bool {
        (self.level, self.window_bits) == (level, window_bits)
    }

    /// Returns true if the compressor stopped right where `history` ends and was given at least the last
    /// `at_least` bytes of it. The bytes are compared, not the connections that they came from.
    fn matches(&self, history: &History, at_least: usize) -> bool {
        self.tracked
            && self.history.len() >= at_least.min(history.len())
            && history.ends_with(&self.history)
    }

    /// Starts a new stream that may refer back to the last `at_least` bytes of `history`.
    fn prime_with(&mut self, history: &History, at_least: usize) {
        let last = history.last(at_least);
        self.compressor.prime(last);
        self.tracked = true;
        self.history.clear();
        for part in last {
            self.history.push(part, 1 << self.window_bits);
        }
    }
}

impl core::fmt::Debug for Deflation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Deflation").finish_non_exhaustive()
    }
}

/// A thread's compressors and inflaters. Bounded.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "the boxes themselves are what is lent")]
pub(crate) struct Pool {
    codecs: Option<Box<dyn Codecs>>,
    inflations: Vec<Box<Inflation>>,
    /// The one that was lent last is the last.
    deflations: Vec<Box<Deflation>>,
}

impl Pool {
    pub(crate) const fn new(codecs: Option<Box<dyn Codecs>>) -> Self {
        Self {
            codecs,
            inflations: Vec::new(),
            deflations: Vec::new(),
        }
    }

    /// Whether there is anything to compress with.
    pub(crate) const fn has_codecs(&self) -> bool {
        self.codecs.is_some()
    }

    /// Something to inflate a message with, which remembers nothing.
    pub(crate) fn take_inflation(&mut self) -> Option<Box<Inflation>> {
        if let Some(mut inflation) = self.inflations.pop() {
            inflation.in_stream = false;
            inflation.history.clear();
            return Some(inflation);
        }
        let inflater = self.codecs.as_mut()?.inflater();
        let out = vec![0; OUT].into_boxed_slice();
        Some(Box::new(Inflation {
            inflater,
            in_stream: false,
            history: History::default(),
            out,
        }))
    }

    pub(crate) fn put_inflation(&mut self, inflation: Box<Inflation>) {
        if self.inflations.len() < MAX_KEPT {
            self.inflations.push(inflation);
        }
    }

    /// Something to compress with that refers to nothing before.
    pub(crate) fn take_deflation(&mut self, level: u8, window_bits: u8) -> Option<Box<Deflation>> {
        let mut deflation = self.take_least_recently_used(level, window_bits)?;
        deflation.reset();
        Some(deflation)
    }

    /// Something to compress with that goes on where `history` ends, and knows at least the last `at_least`
    /// bytes of it. If there is one that stopped there, as the one does that compressed the connection's
    /// message before, it is not told again.
    pub(crate) fn take_deflation_after(
        &mut self,
        history: &History,
        at_least: usize,
        level: u8,
        window_bits: u8,
    ) -> Option<Box<Deflation>> {
        let mut kept = self.deflations.iter();
        if let Some(index) =
            kept.position(|kept| kept.fits(level, window_bits) && kept.matches(history, at_least))
        {
            return Some(self.deflations.remove(index));
        }
        let mut deflation = self.take_least_recently_used(level, window_bits)?;
        deflation.prime_with(history, at_least);
        Some(deflation)
    }

    /// In whatever state, the one that has not been lent for longest: whoever had it last is the least likely
    /// to be back before it is lent again. If none is kept, a new one.
    fn take_least_recently_used(&mut self, level: u8, window_bits: u8) -> Option<Box<Deflation>> {
        let mut kept = self.deflations.iter();
        match kept.position(|kept| kept.fits(level, window_bits)) {
            Some(index) => Some(self.deflations.remove(index)),
            None => self.new_deflation(level, window_bits),
        }
    }

    /// Something that compresses for one connection alone.
    pub(crate) fn new_deflation(&mut self, level: u8, window_bits: u8) -> Option<Box<Deflation>> {
        Some(Box::new(Deflation {
            compressor: self.codecs.as_mut()?.compressor(level.min(9), window_bits),
            level,
            window_bits,
            history: History::default(),
            tracked: false,
        }))
    }

    /// Compresses a message that refers to nothing before it; `false` if there is nothing to do it with.
    pub(crate) fn compress_alone(
        &mut self,
        level: u8,
        window_bits: u8,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(mut deflation) = self.take_deflation(level, window_bits) else {
            return false;
        };
        if !data.is_empty() {
            deflation.compress(data, out);
        }
        strip_tail(out);
        self.put_deflation(deflation);
        true
    }

    pub(crate) fn put_deflation(&mut self, deflation: Box<Deflation>) {
        if self.deflations.len() == MAX_KEPT {
            // The one that has not been lent for longest.
            self.deflations.remove(0);
        }
        self.deflations.push(deflation);
    }
}

impl core::fmt::Debug for Pool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pool")
            .field("inflaters", &self.inflations.len())
            .field("compressors", &self.deflations.len())
            .finish_non_exhaustive()
    }
}
