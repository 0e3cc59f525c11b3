//! The last octets of a stream: what later ones may refer back to.

use alloc::vec::Vec;

/// The last `2^bits` octets of plain text, in a ring that grows with what has passed.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Full: the oldest octet is at `oldest`. Else it is at 0.
    octets: Vec<u8>,
    oldest: usize,
}

impl History {
    /// Adds what came last, and keeps at most `max` octets in all. `max` is the same in every call.
    pub(crate) fn push(&mut self, octets: &[u8], max: usize) {
        let octets = &octets[octets.len().saturating_sub(max)..];
        let (filling, mut rest) = octets.split_at(octets.len().min(max - self.octets.len()));
        if !filling.is_empty() {
            // No more than the window, and no more than twice what has passed.
            let len = self.octets.len() + filling.len();
            if len > self.octets.capacity() {
                let capacity = (self.octets.capacity() * 2).clamp(len, max);
                self.octets.reserve_exact(capacity - self.octets.len());
            }
            self.octets.extend_from_slice(filling);
        }
        while !rest.is_empty() {
            let room = &mut self.octets[self.oldest..];
            let (part, later) = rest.split_at(rest.len().min(room.len()));
            room[..part.len()].copy_from_slice(part);
            self.oldest = (self.oldest + part.len()) % max;
            rest = later;
        }
    }

    /// Everything that is kept, the older part first.
    pub(crate) fn as_slices(&self) -> [&[u8]; 2] {
        let (newer, older) = self.octets.split_at(self.oldest);
        [older, newer]
    }

    /// Forgets everything but the memory.
    pub(crate) fn clear(&mut self) {
        self.octets.clear();
        self.oldest = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_exactly_the_last_octets(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20),
            bits in 1_u32..6,
        ) {
            let max = 1 << bits;
            let (mut history, mut all) = (History::default(), Vec::new());
            for piece in pieces {
                history.push(&piece, max);
                all.extend(piece);
                prop_assert_eq!(history.as_slices().concat(), &all[all.len().saturating_sub(max)..]);
                prop_assert!(history.octets.capacity() <= max);
            }
        }
    }
}
