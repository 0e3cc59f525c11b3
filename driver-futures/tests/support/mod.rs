//! What the tests of the asynchronous socket share: an executor that polls only what was woken, a
//! virtual clock, pipes in memory that are as awkward as asked for, and peers that a test plays itself.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

#[path = "../../../wsproto/tests/support/allocation.rs"]
pub(crate) mod allocation;
mod clock;
#[path = "../../../wsproto/tests/support/frames.rs"]
mod frames;
mod peer;
mod pipe;
mod random;
mod short_lived;
mod sockets;
mod world;

use std::sync::Arc;

use wsproto::Config;

#[allow(unused_imports, reason = "each file of tests uses a part of it")]
pub(crate) use {
    clock::{Timeline, Timer},
    frames::{Frame, Opcode, decode},
    peer::Peer,
    pipe::{Awkward, Pipe, pipe},
    random::Random,
    short_lived::{Outlived, give_up_after, give_up_when_woken},
    sockets::{REQUEST, Receiver, Sender, Socket, opened, over, pair, played},
    world::{Outcome, World, woken, yield_now},
};

/// The default configuration, changed.
pub(crate) fn config(change: impl FnOnce(&mut Config)) -> Arc<Config> {
    let mut config = Config::default();
    change(&mut config);
    Arc::new(config)
}

/// A configuration whose deadlines never come to the rescue of a task that nobody wakes.
pub(crate) fn timeless() -> Arc<Config> {
    config(without_time)
}

/// Takes all deadlines away.
pub(crate) fn without_time(config: &mut Config) {
    config.opening_timeout = None;
    config.close_timeout = None;
    config.ping_interval = None;
    config.write_timeout = None;
}
