//! The core as its users and its peers see it.

mod allocations;
mod asking;
mod backpressure;
mod closing;
mod deadlines;
mod deflate;
mod framing;
mod messages;
mod opening;
mod pings;
mod recorded;
mod round_trips;
mod sending;
mod set_aside;
mod splits;
mod waking;

/// Counts per thread, so that tests side by side do not mix: libtest runs each in a thread of its own.
#[global_allocator]
static ALLOCATOR: testkit::allocation::Counting = testkit::allocation::Counting;
