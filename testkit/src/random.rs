//! Numbers that look random and are the same in every run.

use wsproto::Entropy;

/// The splitmix64 generator, with its seed: well distributed and perfectly predictable.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Returns a number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Returns true once in `n` times on average.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

impl Entropy for Random {
    fn fill(&mut self, buf: &mut [u8]) {
        for block in buf.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            block.copy_from_slice(&word[..block.len()]);
        }
    }
}
