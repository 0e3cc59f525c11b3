//! An allocator that counts: thread by thread, so that tests that run side by side do not mix, and all
//! threads together, for a test that runs alone.
//!
//! A file of tests that wants it says `#[global_allocator] static ALLOCATOR: Counting = Counting;`.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator, counted.
pub(crate) struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Notes an allocation that turned `before` bytes into `after`.
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

/// How often this thread allocates, or grows what it has, while `f` runs.
pub(crate) fn allocations(f: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

/// How often this thread has allocated, or grown what it had, so far.
pub(crate) fn total() -> u64 {
    ALLOCATIONS.get()
}

/// Bytes that this thread has allocated and not given back; what other threads gave it back counts
/// against it.
pub(crate) fn live() -> isize {
    LIVE.get()
}

/// The most bytes that were live at any moment while `f` runs, beyond those before it.
pub(crate) fn peak(f: impl FnOnce()) -> isize {
    let before = LIVE.get();
    PEAK.set(before);
    f();
    PEAK.get() - before
}

/// The same of all threads together, for a test beside which nothing else runs in its process.
pub(crate) mod everywhere {
    use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering};

    static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
    static LIVE: AtomicIsize = AtomicIsize::new(0);
    static PEAK: AtomicIsize = AtomicIsize::new(0);

    /// Notes an allocation that turned `before` bytes into `after`.
    pub(super) fn count(before: usize, after: usize) {
        let change = after as isize - before as isize;
        let live = LIVE.fetch_add(change, Ordering::Relaxed) + change;
        PEAK.fetch_max(live, Ordering::Relaxed);
        if after > 0 {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often anybody allocates, or grows what it has, while `f` runs.
    pub(crate) fn allocations(f: impl FnOnce()) -> u64 {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        f();
        ALLOCATIONS.load(Ordering::Relaxed) - before
    }

    /// Bytes that are allocated and not given back.
    pub(crate) fn live() -> isize {
        LIVE.load(Ordering::Relaxed)
    }

    /// The most bytes that were live at any moment while `f` runs, beyond those before it.
    pub(crate) fn peak(f: impl FnOnce()) -> isize {
        let before = live();
        PEAK.store(before, Ordering::Relaxed);
        f();
        PEAK.load(Ordering::Relaxed) - before
    }
}
