//! The pool of byte buffers that the connections of a thread return and reuse.

use alloc::{string::String, vec::Vec};
use core::fmt;

/// Maximum number of buffers kept in each size class.
const MAX_BUFFERS: usize = 64;
/// Maximum total capacity in bytes of the kept buffers.
const MAX_BUFFER_BYTES: usize = 8 << 20;
/// Largest capacity in bytes of a small buffer. Short messages do not get large buffers.
const SMALL: usize = 128 << 10;

/// Buffers that connections have returned, for the next that needs one. Bounded.
#[derive(Default)]
pub(crate) struct Spare {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
    bytes: usize,
}

impl Spare {
    /// Returns an empty buffer for about `expected` bytes. It may have no capacity.
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

    /// Returns an empty large buffer with at least `capacity` bytes, if the pool has one.
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

    /// Makes room for `additional` bytes: moves the content to a large buffer if one fits, and reallocates
    /// otherwise.
    pub(crate) fn grow(&mut self, bytes: &mut Vec<u8>, additional: usize) {
        match self.take_large(bytes.len() + additional) {
            Some(mut large) => {
                large.extend_from_slice(bytes);
                self.put(core::mem::replace(bytes, large));
            }
            None => bytes.reserve_exact(additional),
        }
    }

    /// Makes room for `additional` bytes of text; see [`grow`](Self::grow).
    pub(crate) fn grow_text(&mut self, text: &mut String, additional: usize) {
        match self.take_large(text.len() + additional) {
            Some(large) => {
                // The buffer is empty, so the check is free.
                let mut large = String::from_utf8(large).unwrap_or_default();
                large.push_str(text);
                self.put(core::mem::replace(text, large).into_bytes());
            }
            None => text.reserve_exact(additional),
        }
    }

    /// Returns a buffer to the pool, or frees it if the pool is full.
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
