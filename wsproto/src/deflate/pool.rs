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

/// What compresses messages, lent by the thread or a connection's own.
pub(crate) struct Deflation {
    compressor: Box<dyn Compressor>,
    level: u8,
    window_bits: u8,
    /// All that the compressor may refer back to; `None` if that is not kept account of.
    knows: Option<History>,
}

impl Deflation {
    /// Compresses what comes next, and appends it to `out` with the whole of the flush.
    pub(crate) fn compress(&mut self, data: &[u8], out: &mut Vec<u8>) {
        self.compressor.compress(data, out);
        if let Some(knows) = &mut self.knows {
            knows.push(data, 1 << self.window_bits);
        }
    }

    /// Starts anew.
    pub(crate) fn reset(&mut self) {
        self.compressor.reset();
        self.knows = None;
    }

    /// Goes on where `history` ends, of which the last `enough` octets will do.
    ///
    /// If it stopped right there, as it did if the message before was the same connection's, it need not
    /// be told. It does not matter whose history it knows, as long as it is the same.
    pub(crate) fn go_on(&mut self, history: &History, enough: usize) {
        let knows_it = self.knows.as_ref().is_some_and(|knows| {
            knows.len() >= enough.min(history.len()) && history.ends_with(knows)
        });
        if knows_it {
            return;
        }
        let last = history.last(enough);
        self.compressor.prime(last);
        let knows = self.knows.get_or_insert_default();
        knows.clear();
        for part in last {
            knows.push(part, 1 << self.window_bits);
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

    /// Something to compress with, in whatever state: to be [reset](Deflation::reset) or to
    /// [go on](Deflation::go_on) with a history.
    pub(crate) fn take_deflation(&mut self, level: u8, window_bits: u8) -> Option<Box<Deflation>> {
        let wanted = (level, window_bits);
        let mut kept = self.deflations.iter();
        match kept.position(|kept| (kept.level, kept.window_bits) == wanted) {
            Some(index) => Some(self.deflations.swap_remove(index)),
            None => self.new_deflation(level, window_bits),
        }
    }

    /// Something that compresses for one connection alone.
    pub(crate) fn new_deflation(&mut self, level: u8, window_bits: u8) -> Option<Box<Deflation>> {
        Some(Box::new(Deflation {
            compressor: self.codecs.as_mut()?.compressor(level.min(9), window_bits),
            level,
            window_bits,
            knows: None,
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
        deflation.reset();
        if !data.is_empty() {
            deflation.compress(data, out);
        }
        strip_tail(out);
        self.put_deflation(deflation);
        true
    }

    pub(crate) fn put_deflation(&mut self, deflation: Box<Deflation>) {
        if self.deflations.len() == MAX_KEPT {
            // Connections with other parameters have their turn.
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
