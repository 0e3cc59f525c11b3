//! What compresses and inflates for all connections of a thread.

use alloc::{boxed::Box, vec, vec::Vec};

use super::{
    codec::{Codecs, Compressor, Inflater},
    history::History,
    send::strip_tail,
};

/// Octets that are inflated at a time: the window that references reach back over. In pieces of half
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
    pub(crate) within: bool,
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

/// A thread's compressors and inflaters. Bounded.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "the boxes themselves are what is lent")]
pub(crate) struct Pool {
    codecs: Option<Box<dyn Codecs>>,
    inflations: Vec<Box<Inflation>>,
    /// With the level and the window bits of each.
    compressors: Vec<(u8, u8, Box<dyn Compressor>)>,
}

impl Pool {
    pub(crate) const fn new(codecs: Option<Box<dyn Codecs>>) -> Self {
        Self {
            codecs,
            inflations: Vec::new(),
            compressors: Vec::new(),
        }
    }

    /// Whether there is anything to compress with.
    pub(crate) const fn is_able(&self) -> bool {
        self.codecs.is_some()
    }

    /// Something to inflate a message with, which remembers nothing.
    pub(crate) fn take_inflation(&mut self) -> Option<Box<Inflation>> {
        if let Some(mut inflation) = self.inflations.pop() {
            inflation.within = false;
            inflation.history.clear();
            return Some(inflation);
        }
        let inflater = self.codecs.as_mut()?.inflater();
        let out = vec![0; OUT].into_boxed_slice();
        Some(Box::new(Inflation {
            inflater,
            within: false,
            history: History::default(),
            out,
        }))
    }

    pub(crate) fn put_inflation(&mut self, inflation: Box<Inflation>) {
        if self.inflations.len() < MAX_KEPT {
            self.inflations.push(inflation);
        }
    }

    /// A compressor in whatever state: to be reset or primed.
    pub(crate) fn take_compressor(
        &mut self,
        level: u8,
        window_bits: u8,
    ) -> Option<Box<dyn Compressor>> {
        let fits = |(l, w, _): &(u8, u8, _)| (*l, *w) == (level, window_bits);
        match self.compressors.iter().position(fits) {
            Some(index) => Some(self.compressors.swap_remove(index).2),
            None => self.new_compressor(level, window_bits),
        }
    }

    /// A compressor for one connection alone.
    pub(crate) fn new_compressor(
        &mut self,
        level: u8,
        window_bits: u8,
    ) -> Option<Box<dyn Compressor>> {
        Some(self.codecs.as_mut()?.compressor(level.min(9), window_bits))
    }

    /// Compresses a message that refers to nothing before it; `false` if there is nothing to do it with.
    pub(crate) fn compress_alone(
        &mut self,
        level: u8,
        window_bits: u8,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(mut compressor) = self.take_compressor(level, window_bits) else {
            return false;
        };
        compressor.reset();
        if !data.is_empty() {
            compressor.compress(data, out);
        }
        strip_tail(out);
        self.put_compressor(level, window_bits, compressor);
        true
    }

    pub(crate) fn put_compressor(
        &mut self,
        level: u8,
        window_bits: u8,
        compressor: Box<dyn Compressor>,
    ) {
        if self.compressors.len() == MAX_KEPT {
            // Connections with other parameters have their turn.
            self.compressors.remove(0);
        }
        self.compressors.push((level, window_bits, compressor));
    }
}

impl core::fmt::Debug for Pool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pool")
            .field("inflaters", &self.inflations.len())
            .field("compressors", &self.compressors.len())
            .finish_non_exhaustive()
    }
}
