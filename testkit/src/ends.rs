//! Connections of the core in memory, on a virtual clock: one end or a pair of them, events as values, random streams of
//! bytes to feed them, and compressed messages by another hand.

pub mod deflate;
mod end;
mod pair;
mod seen;
pub mod sends;
pub mod streams;

use proptest::test_runner::Config as PropertyConfig;
use wsproto::{Config, Env, Role};

use crate::{Frame, Random, config, opposite};

pub use {
    end::{Answer, End},
    pair::Pair,
    seen::{Seen, joined, messages},
};

/// Both roles, for what must hold in each.
pub const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// An end that is open already, with the default configuration, changed.
pub fn open(role: Role, change: impl FnOnce(&mut Config)) -> End {
    End::upgraded(role, config(change))
}

/// Encodes frames as the peer of `role` sends them.
pub fn sent_to(role: Role, frames: &[Frame]) -> Vec<u8> {
    let bytes = |frame: &Frame| frame.clone().sent_by(opposite(role)).encode();
    frames.iter().flat_map(bytes).collect()
}

/// Configures a property to run on `cases` random cases, or on as many more as `PROPTEST_CASES` says.
pub fn cases(cases: u32) -> PropertyConfig {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let mut config = PropertyConfig::with_cases(asked.map_or(cases, |asked: u32| asked.max(cases)));
    config.failure_persistence = None;
    config
}

/// An environment at the epoch whose randomness is the same in every run.
pub fn env(seed: u64) -> Env {
    Env::new(Random(seed))
}
