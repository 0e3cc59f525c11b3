//! An allocator that counts per thread, so that tests that run side by side do not mix, and for the whole process, for
//! a test that runs alone.
//!
//! The test binary installs it: `#[global_allocator] static ALLOCATOR: Counting = Counting;`.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator with counters.
#[derive(Debug)]
pub struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Counts an allocation that turned `before` bytes into `after`.
fn count(before: usize, after: usize) {
    let live = LIVE.get() + after as isize - before as isize;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
    if after > 0 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    }
    everywhere::count(before, after);
}

#[expect(unsafe_code, reason = "there is no other way to be an allocator")]
// SAFETY: every call goes to the system's allocator unchanged; counting touches only cells of the
// thread that need no allocation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, bytes: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(bytes, layout) }
    }

    unsafe fn realloc(&self, bytes: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        count(layout.size(), len);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(bytes, layout, len) }
    }
}

/// Allocations and reallocations by this thread while `f` runs.
pub fn allocations(f: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

/// Allocations and reallocations by this thread so far.
pub fn total() -> u64 {
    ALLOCATIONS.get()
}

/// Bytes that this thread has allocated, less those it has freed, wherever they were allocated.
pub fn live() -> isize {
    LIVE.get()
}

/// The largest number of bytes [`live`] at any moment while `f` runs, less those before it.
pub fn peak(f: impl FnOnce()) -> isize {
    let before = LIVE.get();
    PEAK.set(before);
    f();
    PEAK.get() - before
}

/// The same for all threads together, for a test that is alone in its process.
pub mod everywhere {
    use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering};

    static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
    static LIVE: AtomicIsize = AtomicIsize::new(0);
    static PEAK: AtomicIsize = AtomicIsize::new(0);

    /// Counts an allocation that turned `before` bytes into `after`.
    pub(super) fn count(before: usize, after: usize) {
        let change = after as isize - before as isize;
        let live = LIVE.fetch_add(change, Ordering::Relaxed) + change;
        PEAK.fetch_max(live, Ordering::Relaxed);
        if after > 0 {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Allocations and reallocations while `f` runs.
    pub fn allocations(f: impl FnOnce()) -> u64 {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        f();
        ALLOCATIONS.load(Ordering::Relaxed) - before
    }

    /// Bytes that are allocated and not freed.
    pub fn live() -> isize {
        LIVE.load(Ordering::Relaxed)
    }

    /// The largest number of bytes [`live`] at any moment while `f` runs, less those before it.
    pub fn peak(f: impl FnOnce()) -> isize {
        let before = live();
        PEAK.store(before, Ordering::Relaxed);
        f();
        PEAK.load(Ordering::Relaxed) - before
    }
}
