//! What the tests of the core share: two ends in memory on a virtual clock, a naive frame codec that
//! owes nothing to the core's, events as values, and an allocator that counts.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

pub(crate) mod allocation;
pub(crate) mod deflate;
mod end;
mod frames;
mod pair;
mod seen;
pub(crate) mod sends;
pub(crate) mod streams;

use std::sync::Arc;

use proptest::test_runner::Config as PropertyConfig;
use wsproto::{Config, Entropy, Env, Role};

#[allow(unused_imports, reason = "each file of tests uses a part of it")]
pub(crate) use {
    end::{Answer, End},
    frames::{Frame, Length, Opcode, decode, opposite},
    pair::Pair,
    seen::{Seen, joined, messages},
};

/// The default configuration, changed.
pub(crate) fn config(change: impl FnOnce(&mut Config)) -> Arc<Config> {
    let mut config = Config::default();
    change(&mut config);
    Arc::new(config)
}

/// Both roles, for what must hold in each.
pub(crate) const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// An end that is open already, with the default configuration, changed.
pub(crate) fn open(role: Role, change: impl FnOnce(&mut Config)) -> End {
    End::upgraded(role, config(change))
}

/// What the peer of that role sends, in bytes.
pub(crate) fn sent_to(role: Role, frames: &[Frame]) -> Vec<u8> {
    let bytes = |frame: &Frame| frame.clone().sent_by(opposite(role)).encode();
    frames.iter().flat_map(bytes).collect()
}

/// How a property is tested: on so many random cases, or as many more as `PROPTEST_CASES` says.
pub(crate) fn cases(cases: u32) -> PropertyConfig {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let mut config = PropertyConfig::with_cases(asked.map_or(cases, |asked: u32| asked.max(cases)));
    config.failure_persistence = None;
    config
}

/// An environment at the epoch whose randomness is the same in every run.
pub(crate) fn env(seed: u64) -> Env {
    Env::new(Predictable(seed))
}

/// The splitmix64 generator: well spread and perfectly predictable.
pub(crate) struct Predictable(pub(crate) u64);

impl Entropy for Predictable {
    fn fill(&mut self, buf: &mut [u8]) {
        for block in buf.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = self.0;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            block.copy_from_slice(&word.to_le_bytes()[..block.len()]);
        }
    }
}
