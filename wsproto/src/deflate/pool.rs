//! The pool of compressors and inflaters of a thread.

use alloc::{boxed::Box, vec, vec::Vec};

use super::{
    codec::{Codecs, Compressor, Inflater, strip_tail},
    history::History,
};

/// Number of bytes that are inflated at a time: the size of the window. With half of it, `zlib-rs` takes a
/// sixth longer for 64 KiB, since fewer references are to bytes in its output. A larger buffer would be
/// pinned by each message that stalls.
const OUT: usize = 32 << 10;

/// Maximum number of inflaters, and of compressors, kept for reuse. One of each serves a thread, unless
/// messages are under way on several connections at a time.
const MAX_KEPT: usize = 4;

/// The inflater of a message, lent by the thread.
pub(crate) struct Inflation {
    pub(crate) inflater: Box<dyn Inflater>,
    /// True if the inflater has begun a stream and not ended it.
    pub(crate) in_stream: bool,
    /// The output of this message, as far as later bytes of it may refer back.
    pub(crate) history: History,
    /// The output buffer.
    pub(crate) out: Box<[u8]>,
}

impl core::fmt::Debug for Inflation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inflation").finish_non_exhaustive()
    }
}

/// A compressor, lent by the thread or owned by a connection.
pub(crate) struct Deflation {
    compressor: Box<dyn Compressor>,
    level: u8,
    window_bits: u8,
    /// The last bytes that the compressor was given, if [`tracked`](Self::tracked). It may refer back to no
    /// others, and may have dropped some of these.
    history: History,
    /// True if `history` is kept. A compressor that one connection owns, or one that refers to no earlier
    /// message, does not need it.
    tracked: bool,
}

impl Deflation {
    /// Compresses `data` and appends the result to `out`, including the flush and its tail.
    pub(crate) fn compress(&mut self, data: &[u8], out: &mut Vec<u8>) {
        self.compressor.compress(data, out);
        if self.tracked {
            self.history.push(data, 1 << self.window_bits);
        }
    }

    /// Starts a new stream.
    pub(crate) fn reset(&mut self) {
        self.compressor.reset();
        self.tracked = false;
    }

    fn fits(&self, level: u8, window_bits: u8) -> bool {
        (self.level, self.window_bits) == (level, window_bits)
    }

    /// Returns true if the compressor's stream ends where `history` ends, and the compressor has at least the
    /// last `at_least` bytes of it. The bytes are compared, not the connections that they came from.
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

/// The compressors and inflaters of a thread. Bounded.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "the boxes themselves are what is lent")]
pub(crate) struct Pool {
    codecs: Option<Box<dyn Codecs>>,
    inflations: Vec<Box<Inflation>>,
    /// In the order in which they were returned, the most recent last.
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

    /// Returns true if there are codecs to compress and inflate with.
    pub(crate) const fn has_codecs(&self) -> bool {
        self.codecs.is_some()
    }

    /// Takes an inflater for a new message, without a history.
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

    /// Takes a compressor that refers to no earlier bytes.
    pub(crate) fn take_deflation(&mut self, level: u8, window_bits: u8) -> Option<Box<Deflation>> {
        let mut deflation = self.take_least_recently_used(level, window_bits)?;
        deflation.reset();
        Some(deflation)
    }

    /// Takes a compressor that continues where `history` ends, and has at least the last `at_least` bytes of
    /// it.
    ///
    /// A compressor that stopped there, such as the one that compressed the connection's previous message, is
    /// not primed again.
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

    /// Takes the least recently used compressor of the pool, in any state, or a new one if the pool has none
    /// that fits.
    ///
    /// The connection that used it last is the least likely to return before it is lent again.
    fn take_least_recently_used(&mut self, level: u8, window_bits: u8) -> Option<Box<Deflation>> {
        let mut kept = self.deflations.iter();
        match kept.position(|kept| kept.fits(level, window_bits)) {
            Some(index) => Some(self.deflations.remove(index)),
            None => self.new_deflation(level, window_bits),
        }
    }

    /// Creates a compressor.
    pub(crate) fn new_deflation(&mut self, level: u8, window_bits: u8) -> Option<Box<Deflation>> {
        Some(Box::new(Deflation {
            compressor: self.codecs.as_mut()?.compressor(level.min(9), window_bits),
            level,
            window_bits,
            history: History::default(),
            tracked: false,
        }))
    }

    /// Compresses a message that refers to no earlier bytes. Returns false if there are no codecs.
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
            // The least recently used one.
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
