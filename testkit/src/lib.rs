//! Helpers that the tests of the workspace share. Unpublished, and a dev-dependency only.
//!
//! - [`allocation`]: an allocator that counts, thread by thread or for the whole process.
//! - [`handshake`]: the sample handshake of RFC 6455 as bytes.
//! - [`Frame`] and [`decode`]: a naive frame codec that shares no code with the one under test.
//! - [`blocking`]: raw peers over blocking sockets.
//! - [`idle`]: a measurement of the memory of idle connections.
//! - [`process`]: tests that need a process of their own.
//! - [`Random`]: numbers that are the same in every run.
//! - `ends` (feature of the same name): connections of `wsproto` in memory, alone or in pairs, and random streams to feed them.
//! - `world` (feature of the same name): sockets of `driver-futures` on a virtual clock, over awkward pipes in memory.
//!
//! Unit tests inside a library cannot use this crate where its types meet the library's: cargo builds the library a
//! second time for them.

pub mod allocation;
pub mod blocking;
#[cfg(feature = "ends")]
pub mod ends;
mod frames;
pub mod handshake;
pub mod idle;
pub mod process;
mod random;
#[cfg(feature = "world")]
pub mod world;

use std::{sync::Arc, time::Duration};

use wsproto::Config;

pub use {
    frames::{Frame, Length, Opcode, decode, opposite},
    random::Random,
};

/// The longest that a test waits for something that must happen: far longer than it takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The default configuration, changed.
pub fn config(change: impl FnOnce(&mut Config)) -> Arc<Config> {
    let mut config = Config::default();
    change(&mut config);
    Arc::new(config)
}
