//! The bytes that the tasks of a thread have read since the reactor was last polled. Bytes are cheaper to count than
//! time, and where there are many of them, they are what takes the time.

use std::cell::Cell;

/// Bytes after which the reactor is polled: as many as one connection reads before others have their turn.
const MUCH: usize = 2 << 20;

thread_local! {
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// Counts bytes that were read.
#[inline]
pub(crate) fn add(bytes: usize) {
    READ.with(|read| read.set(read.get().wrapping_add(bytes)));
}

/// Forces the next [`is_much`] to return true.
pub(crate) fn enough() {
    READ.with(|read| read.set(MUCH));
}

/// Returns true if it is time to poll the reactor.
#[inline]
pub(crate) fn is_much() -> bool {
    READ.with(Cell::get) >= MUCH
}

/// Resets the count.
#[inline]
pub(crate) fn forget() {
    READ.with(|read| read.set(0));
}
