//! The last bytes of a stream, which later ones may refer back to: the LZ77 sliding window of RFC 7692.

use alloc::vec::Vec;

/// The last `2^bits` uncompressed bytes, in a ring that grows with the bytes pushed.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// If the ring is full, its oldest byte is at `oldest`, otherwise at 0.
    bytes: Vec<u8>,
    oldest: usize,
}

impl History {
    /// Appends `bytes`, and keeps at most the last `max` bytes in all. `max` must be the same in every call.
    pub(crate) fn push(&mut self, bytes: &[u8], max: usize) {
        let bytes = &bytes[bytes.len().saturating_sub(max)..];
        let (filling, mut rest) = bytes.split_at(bytes.len().min(max - self.bytes.len()));
        if !filling.is_empty() {
            // The capacity is at most the window, and at most twice the bytes pushed.
            let len = self.bytes.len() + filling.len();
            if len > self.bytes.capacity() {
                let capacity = (self.bytes.capacity() * 2).clamp(len, max);
                self.bytes.reserve_exact(capacity - self.bytes.len());
            }
            self.bytes.extend_from_slice(filling);
        }
        while !rest.is_empty() {
            let room = &mut self.bytes[self.oldest..];
            let (part, later) = rest.split_at(rest.len().min(room.len()));
            room[..part.len()].copy_from_slice(part);
            self.oldest = (self.oldest + part.len()) % max;
            rest = later;
        }
    }

    /// Returns all bytes, the older part first.
    pub(crate) fn as_slices(&self) -> [&[u8]; 2] {
        let (newer, older) = self.bytes.split_at(self.oldest);
        [older, newer]
    }

    /// Returns the number of bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the last `len` bytes, or all if there are fewer, the older part first.
    pub(crate) fn last(&self, len: usize) -> [&[u8]; 2] {
        let [older, newer] = self.as_slices();
        let newer = &newer[newer.len().saturating_sub(len)..];
        let older = &older[older.len().saturating_sub(len - newer.len())..];
        [older, newer]
    }

    /// Returns true if the bytes of `other` are the last bytes of this history.
    pub(crate) fn ends_with(&self, other: &Self) -> bool {
        other.len() <= self.len() && are_equal(self.last(other.len()), other.as_slices())
    }

    /// Removes all bytes and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.oldest = 0;
    }
}

/// Returns true if both pairs of slices, of the same total length, have the same bytes.
fn are_equal(one: [&[u8]; 2], other: [&[u8]; 2]) -> bool {
    let [[early, late], [later_cut, latest]] = if one[0].len() <= other[0].len() {
        [one, other]
    } else {
        [other, one]
    };
    let (first, between) = later_cut.split_at(early.len());
    // The last bytes are compared first, since they are the most likely to differ.
    late.ends_with(latest) && late.starts_with(between) && early == first
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keeps_exactly_the_last_bytes(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20),
            bits in 1_u32..6,
        ) {
            let max = 1 << bits;
            let (mut history, mut all) = (History::default(), Vec::new());
            for piece in pieces {
                history.push(&piece, max);
                all.extend(piece);
                prop_assert_eq!(history.as_slices().concat(), &all[all.len().saturating_sub(max)..]);
                prop_assert!(history.bytes.capacity() <= max);
                for len in [0, 1, max / 2, max, max + 1] {
                    let last = all.len().saturating_sub(len.min(max));
                    prop_assert_eq!(history.last(len).concat(), &all[last..]);
                }
            }
        }

        #[test]
        fn ends_with_what_was_added_last_however_the_rings_are_turned(
            before in proptest::collection::vec(0..2_u8, 0..20),
            after in proptest::collection::vec(0..2_u8, 0..20),
            bits in 1_u32..5,
            others_bits in 1_u32..5,
            turned in 0_usize..8,
        ) {
            let mut history = History::default();
            history.push(&before, 1 << bits);
            history.push(&after, 1 << bits);
            let mut other = History::default();
            // With unique bytes in front, which are pushed out or not.
            other.push(&vec![2; turned], 1 << others_bits);
            other.push(&after, 1 << others_bits);
            let (all, others) = (history.as_slices().concat(), other.as_slices().concat());
            prop_assert_eq!(history.ends_with(&other), all.ends_with(&others));
            prop_assert_eq!(other.ends_with(&history), others.ends_with(&all));
        }
    }
}
