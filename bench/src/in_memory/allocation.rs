//! A counting allocator: number of allocations, and bytes in use.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

static COUNT: AtomicU64 = AtomicU64::new(0);
/// Modulo 2^64.
static LIVE: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, with a count of its calls and of the bytes in use.
///
/// The counters use no locked instructions, so they are correct for one thread only, and add well under
/// a nanosecond to an allocation.
#[derive(Debug)]
pub struct Counting;

/// Counts an allocation of `taken` bytes that replaces `given` bytes.
fn count(taken: usize, given: usize) {
    COUNT.store(COUNT.load(Relaxed) + 1, Relaxed);
    grow(taken, given);
}

fn grow(taken: usize, given: usize) {
    let live = LIVE.load(Relaxed).wrapping_add(taken as u64);
    LIVE.store(live.wrapping_sub(given as u64), Relaxed);
}

// SAFETY: every call is forwarded unchanged to the system's allocator, which upholds the contract.
#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, new_size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        grow(0, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Returns the number of allocations since the process started, including reallocations.
#[must_use]
pub fn allocations() -> u64 {
    COUNT.load(Relaxed)
}

/// Returns the bytes in use, as requested.
#[must_use]
pub fn live() -> u64 {
    LIVE.load(Relaxed)
}
