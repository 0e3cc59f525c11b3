//! The tests that count the descriptors of their process, in every driver. A process of their own keeps the sockets of
//! other tests out of the count, and a lock those of each other.

#![cfg(all(feature = "ours", target_os = "linux"))]

mod cancellation;
mod endings;
#[path = "../inside/mod.rs"]
mod inside;

use std::sync::Mutex;

/// Held while descriptors are counted.
static DESCRIPTORS: Mutex<()> = Mutex::new(());
