//! The pool of byte buffers that the connections of a thread give back and take again.

use alloc::{string::String, vec::Vec};
use core::fmt;

/// Buffers that are kept at most, and their bytes in sum.
const MAX_BUFFERS: usize = 64;
const MAX_BUFFER_BYTES: usize = 8 << 20;
/// Up to this size a buffer counts as small; a short message does not get a large one.
const SMALL: usize = 128 << 10;

/// Memory that connections have given back, for the next that needs some. Bounded.
#[derive(Default)]
pub(crate) struct Spare {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
    bytes: usize,
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
