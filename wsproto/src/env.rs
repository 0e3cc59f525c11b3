//! What a connection must not fetch for itself: the time, randomness, spare memory.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use crate::{
    clock::Time,
    deflate::{codec::Codecs, pool::Pool},
    partial::Partial,
    queue::Queue,
};

/// A source of bytes that nobody can predict.
///
/// RFC 6455 5.3 demands it for masking keys: a page's script must not be able to choose what a
/// proxy sees on the wire.
pub trait Entropy {
    /// Fills `buf` with bytes of a cryptographically secure generator.
    fn fill(&mut self, buf: &mut [u8]);
}

/// What all connections of one thread share: the present, randomness and recycled memory.
///
/// One per event-loop thread serves any number of connections; a connection may move to the
/// environment of another thread between calls. It cannot be cloned, so no two environments ever
/// draw the same masks.
///
/// Of what compresses and inflates it keeps up to four each, as large as their backend makes them, with a
/// window for each of what was compressed last.
pub struct Env {
    now: Time,
    entropy: Box<dyn Entropy + Send>,
    /// Bytes drawn ahead: a generator is fast in blocks, and a masking key is four bytes.
    drawn: [u8; 256],
    used: usize,
    pub(crate) spare: Spare,
    pub(crate) pool: Pool,
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

    /// Takes the memory of half a message back.
    pub(crate) fn put_partial(&mut self, mut partial: Box<Partial>) {
        partial.clear(&mut self.spare, &mut self.pool);
        self.spare.put_partial(partial);
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

/// Buffers that are kept at most, and their bytes in sum.
const MAX_BUFFERS: usize = 64;
const MAX_BUFFER_BYTES: usize = 8 << 20;
/// Up to this size a buffer counts as small; a short message does not get a large one.
const SMALL: usize = 128 << 10;

/// Memory that connections have given back, for the next that needs some. Bounded.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "the boxes themselves are what is recycled")]
pub(crate) struct Spare {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
    bytes: usize,
    queues: Vec<Box<Queue>>,
    partials: Vec<Box<Partial>>,
}

impl Spare {
    /// An empty buffer, perhaps with capacity, for about `expected` bytes.
    pub(crate) fn take(&mut self, expected: usize) -> Vec<u8> {
        let buffer = if expected > SMALL {
            self.large.pop()
        } else {
            None
        };
        let Some(buffer) = buffer.or_else(|| self.small.pop()) else {
            return Vec::new();
        };
        self.bytes -= buffer.capacity();
        buffer
    }

    /// An empty buffer that has room for a large `capacity`, if there is one.
    fn take_large(&mut self, capacity: usize) -> Option<Vec<u8>> {
        if capacity <= SMALL {
            return None;
        }
        let mut large = self.large.iter();
        let index = large.position(|buffer| buffer.capacity() >= capacity)?;
        let buffer = self.large.swap_remove(index);
        self.bytes -= buffer.capacity();
        Some(buffer)
    }

    /// Makes room for `additional` bytes: moves to a large buffer if one fits, or else to new memory.
    pub(crate) fn grow(&mut self, bytes: &mut Vec<u8>, additional: usize) {
        match self.take_large(bytes.len() + additional) {
            Some(mut large) => {
                large.extend_from_slice(bytes);
                self.put(core::mem::replace(bytes, large));
            }
            None => bytes.reserve_exact(additional),
        }
    }

    /// The same for text.
    pub(crate) fn grow_text(&mut self, text: &mut String, additional: usize) {
        match self.take_large(text.len() + additional) {
            Some(large) => {
                // The buffer is empty, so nothing is checked.
                let mut large = String::from_utf8(large).unwrap_or_default();
                large.push_str(text);
                self.put(core::mem::replace(text, large).into_bytes());
            }
            None => text.reserve_exact(additional),
        }
    }

    /// Keeps a buffer's memory, unless there is enough already.
    pub(crate) fn put(&mut self, mut buffer: Vec<u8>) {
        let capacity = buffer.capacity();
        let class = if capacity > SMALL {
            &mut self.large
        } else {
            &mut self.small
        };
        if capacity == 0 || class.len() >= MAX_BUFFERS || self.bytes + capacity > MAX_BUFFER_BYTES {
            return;
        }
        self.bytes += capacity;
        buffer.clear();
        class.push(buffer);
    }

    /// An empty queue. Needed once for many frames, so it stays out of their way.
    #[cold]
    pub(crate) fn take_queue(&mut self) -> Box<Queue> {
        self.queues.pop().unwrap_or_default()
    }

    /// Keeps an empty queue's memory, unless there is enough already.
    #[inline]
    pub(crate) fn put_queue(&mut self, queue: Box<Queue>) {
        if self.queues.len() < MAX_BUFFERS {
            self.queues.push(queue);
        }
    }

    /// Room for half a message.
    pub(crate) fn take_partial(&mut self) -> Box<Partial> {
        self.partials.pop().unwrap_or_default()
    }

    /// Takes the memory of half a message back, which was cleared.
    fn put_partial(&mut self, partial: Box<Partial>) {
        if self.partials.len() < MAX_BUFFERS {
            self.partials.push(partial);
        }
    }
}

impl fmt::Debug for Spare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buffers = self.small.len() + self.large.len();
        f.debug_struct("Spare")
            .field("buffers", &buffers)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
