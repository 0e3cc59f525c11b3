//! Sockets of `driver-futures` in memory: an executor that polls only woken tasks, a virtual clock, pipes that are as
//! awkward as a test asks for, and peers that a test plays itself.

mod clock;
mod executor;
mod peer;
mod pipe;
mod short_lived;
mod sockets;

use std::sync::Arc;

use wsproto::Config;

use crate::config;

pub use {
    clock::{Timeline, Timer},
    executor::{Outcome, World, woken, yield_now},
    peer::Peer,
    pipe::{Awkward, Pipe, pipe},
    short_lived::{Outlived, give_up_after, give_up_when_woken},
    sockets::{Receiver, Sender, Socket, opened, over, pair, played},
};

/// A configuration without deadlines, so that none of them rescues a task that nobody wakes.
pub fn timeless() -> Arc<Config> {
    config(without_time)
}

/// Removes all deadlines.
pub fn without_time(config: &mut Config) {
    config.opening_timeout = None;
    config.close_timeout = None;
    config.ping_interval = None;
    config.write_timeout = None;
}
