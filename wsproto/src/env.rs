//! What a connection must not fetch for itself: the time, randomness, spare memory.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use crate::{
    clock::Time,
    deflate::{codec::Codecs, pool::Pool},
    partial::Partial,
    queue::Queue,
    spare::Spare,
};

/// A source of bytes that nobody can predict.
///
/// RFC 6455 5.3 demands it for masking keys: a page's script must not be able to choose what a
/// proxy sees on the wire.
pub trait Entropy {
    /// Fills `buf` with bytes of a cryptographically secure generator.
    fn fill(&mut self, buf: &mut [u8]);
}

/// Queues, and partials, that are kept for recycling at most.
const MAX_BOXES: usize = 64;

/// What all connections of one thread share: the present, randomness and recycled memory.
///
/// One per event-loop thread serves any number of connections; a connection may move to the
/// environment of another thread between calls. It cannot be cloned, so no two environments ever
/// draw the same masks.
///
/// Of what compresses and inflates it keeps up to four each, as large as their backend makes them, with a
/// window for each of what was compressed last.
#[expect(clippy::vec_box, reason = "the boxes themselves are what is recycled")]
pub struct Env {
    now: Time,
    entropy: Box<dyn Entropy + Send>,
    /// Bytes drawn ahead: a generator is fast in blocks, and a masking key is four bytes.
    drawn: [u8; 256],
    used: usize,
    pub(crate) spare: Spare,
    pub(crate) pool: Pool,
    queues: Vec<Box<Queue>>,
    partials: Vec<Box<Partial>>,
}

impl Env {
    /// An environment at the [epoch](Time::EPOCH), with nothing to recycle yet, and the codecs that this
    /// crate's features bring: zlib-rs if there is the feature `zlib-rs`, else `miniz_oxide` with the
    /// feature `deflate`, else none: then compression is neither offered nor accepted.
    #[must_use]
    pub fn new(entropy: impl Entropy + Send + 'static) -> Self {
        Self::with_pool(entropy, Pool::new(default_codecs()))
    }

    /// An environment with codecs of the caller's for permessage-deflate.
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

    /// The present, as last set.
    #[must_use]
    #[inline]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Sets the present, usually once per turn of an event loop. The clock should be monotonic; where
    /// it steps back, deadlines come that much later, and nothing else happens.
    #[inline]
    pub const fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    /// Returns an empty queue, recycled if there is one. A queue serves many frames, so this is kept out of
    /// the way of those that find theirs.
    #[cold]
    pub(crate) fn take_queue(&mut self) -> Box<Queue> {
        self.queues.pop().unwrap_or_default()
    }

    /// Recycles the memory of an empty queue, unless enough is kept already.
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

    /// The next `N` random bytes; `N` must be at most 256.
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

/// The best codecs that the features bring.
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
        // Neither the generator nor what was drawn from it belongs in a log.
        f.debug_struct("Env")
            .field("now", &self.now)
            .field("spare", &self.spare)
            .finish_non_exhaustive()
    }
}
