//! The tests of the suite that share a process.
//!
//! Three others have a process of their own: `drivers.rs`, whose subjects are judged by the clock and would be late
//! beside tests that keep every processor busy; `descriptors`, which counts the descriptors of the process; and
//! `memory.rs`, which counts its allocations.

mod autobahn;
#[cfg(all(feature = "command", feature = "ours"))]
mod command;
#[cfg(feature = "ours")]
mod core;
mod defects;
#[cfg(feature = "ours")]
mod server;
