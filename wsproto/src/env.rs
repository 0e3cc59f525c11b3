//! The environment of a connection: the time, random bytes, and recycled memory.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use crate::{
    clock::Time,
    deflate::{codec::Codecs, pool::Pool},
    partial::Partial,
    queue::Queue,
    spare::Spare,
};

/// A source of unpredictable random bytes.
///
/// RFC 6455 5.3 demands it for masking keys: a script of a page must not be able to choose the bytes that a
/// proxy sees on the wire (10.3).
pub trait Entropy {
    /// Fills `buf` with bytes from a cryptographically secure generator.
    fn fill(&mut self, buf: &mut [u8]);
}

/// Maximum number of queues, and of partials, kept for reuse.
const MAX_BOXES: usize = 64;

/// The environment that all connections of one thread share: the time, random bytes, recycled memory and
/// codecs.
///
/// One environment per event-loop thread serves any number of connections. A connection may move to the
/// environment of another thread between calls. An environment cannot be cloned, so no two of them draw the
/// same masking keys.
///
/// It keeps up to four compressors and four inflaters, in the size that the backend gives them. Each
/// compressor has a copy of the data that it compressed last, up to its window.
#[expect(clippy::vec_box, reason = "the boxes themselves are what is recycled")]
pub struct Env {
    now: Time,
    entropy: Box<dyn Entropy + Send>,
    /// Random bytes drawn in advance: generators are fast in blocks, and a masking key is four bytes.
    drawn: [u8; 256],
    used: usize,
    pub(crate) spare: Spare,
    pub(crate) pool: Pool,
    queues: Vec<Box<Queue>>,
    partials: Vec<Box<Partial>>,
}

impl Env {
    /// Creates an environment at the [epoch](Time::EPOCH) with the codecs of this crate's features.
    ///
    /// These are `zlib-rs` with the feature `zlib-rs`, or else `miniz_oxide` with the feature `deflate`.
    /// Without either, compression is neither offered nor accepted.
    #[must_use]
    pub fn new(entropy: impl Entropy + Send + 'static) -> Self {
        Self::with_pool(entropy, Pool::new(default_codecs()))
    }

    /// Creates an environment with the caller's codecs for permessage-deflate.
    #[must_use]
    pub fn with_codecs(
        entropy: impl Entropy + Send + 'static,
        codecs: impl Codecs + 'static,
    ) -> Self {
        Self::with_pool(entropy, Pool::new(Some(Box::new(codecs))))
    }

    fn with_pool(entropy: impl Entropy + Send + 'static, pool: Pool) -> Self {
        let drawn = [0; 256];
        let used = drawn.len();
        Self {
            now: Time::EPOCH,
            entropy: Box::new(entropy),
            drawn,
            used,
            spare: Spare::default(),
            pool,
            queues: Vec::new(),
            partials: Vec::new(),
        }
    }

    /// Returns the time that was set last.
    #[must_use]
    #[inline]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Sets the time, usually once per turn of an event loop.
    ///
    /// The clock should be monotonic. If it steps back, deadlines are late by that step, and nothing else
    /// happens.
    #[inline]
    pub const fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    /// Returns an empty queue, recycled if possible. A queue serves many frames, so this is kept out of their
    /// hot path.
    #[cold]
    pub(crate) fn take_queue(&mut self) -> Box<Queue> {
        self.queues.pop().unwrap_or_default()
    }

    /// Recycles the memory of an empty queue, or frees it if enough are kept.
    #[inline]
    pub(crate) fn put_queue(&mut self, queue: Box<Queue>) {
        if self.queues.len() < MAX_BOXES {
            self.queues.push(queue);
        }
    }

    /// Returns an empty [`Partial`], recycled if there is one.
    pub(crate) fn take_partial(&mut self) -> Box<Partial> {
        self.partials.pop().unwrap_or_default()
    }

    /// Recycles the memory of a [`Partial`] and everything in it.
    pub(crate) fn put_partial(&mut self, mut partial: Box<Partial>) {
        partial.clear(&mut self.spare, &mut self.pool);
        if self.partials.len() < MAX_BOXES {
            self.partials.push(partial);
        }
    }

    /// Returns the next `N` random bytes; `N` must be at most 256.
    #[inline]
    pub(crate) fn random<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > self.drawn.len() {
            self.entropy.fill(&mut self.drawn);
            self.used = 0;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.drawn[self.used..self.used + N]);
        self.used += N;
        bytes
    }
}

/// Returns the fastest codecs among the enabled features.
#[cfg(feature = "zlib-rs")]
#[expect(clippy::unnecessary_wraps, reason = "other features bring none")]
fn default_codecs() -> Option<Box<dyn Codecs>> {
    Some(Box::new(crate::deflate::zlib_rs::ZlibRs::default()))
}

#[cfg(all(feature = "deflate", not(feature = "zlib-rs")))]
#[expect(clippy::unnecessary_wraps, reason = "other features bring none")]
fn default_codecs() -> Option<Box<dyn Codecs>> {
    Some(Box::new(crate::deflate::miniz::Miniz))
}

#[cfg(not(any(feature = "deflate", feature = "zlib-rs")))]
fn default_codecs() -> Option<Box<dyn Codecs>> {
    None
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the generator nor its output belongs in a log.
        f.debug_struct("Env")
            .field("now", &self.now)
            .field("spare", &self.spare)
            .finish_non_exhaustive()
    }
}
