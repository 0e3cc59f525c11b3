//! Helpers of the tests that look inside a driver: peers that block and speak with the suite's own
//! codec, and what the process holds.
#![allow(dead_code, unused_imports, reason = "no file of tests needs all of it")]

mod peer;

use std::{fs, thread, time::Duration};

pub(crate) use peer::{MASK, PATIENCE, Peer, answer, connect, listen, open, read_head, request};

/// Looks again and again until something holds, for at most a minute, and tells whether it does.
pub(crate) fn in_the_end(mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..6000 {
        if holds() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    holds()
}

/// How many descriptors this process has, which is suite and subject at once.
#[cfg(target_os = "linux")]
pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Not to be had elsewhere: nothing can leak that is not counted.
#[cfg(not(target_os = "linux"))]
pub(crate) fn descriptors() -> usize {
    0
}
