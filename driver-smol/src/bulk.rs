//! How much the tasks of a thread have read since somebody last looked at the reactor. Bytes are cheaper to count
//! than time, and where there are many of them it is they that take the time.

use std::cell::Cell;

/// Bytes that are worth a look at the reactor: as many as one connection reads before others have their turn.
const MUCH: usize = 2 << 20;

thread_local! {
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// So many bytes were read.
#[inline]
pub(crate) fn add(bytes: usize) {
    READ.with(|read| read.set(read.get().wrapping_add(bytes)));
}

/// Whatever it is, it is much.
pub(crate) fn enough() {
    READ.with(|read| read.set(MUCH));
}

/// Whether it is much.
#[inline]
pub(crate) fn is_much() -> bool {
    READ.with(Cell::get) >= MUCH
}

/// Counts anew.
#[inline]
pub(crate) fn forget() {
    READ.with(|read| read.set(0));
}
