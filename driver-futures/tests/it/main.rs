//! The asynchronous socket without a runtime, on a virtual clock.

mod admission;
mod allocations;
mod cancellation;
mod deadlines;
mod endings;
mod fairness;
mod leases;
mod lending;
mod lent_halves;
mod orders;
mod parts;
mod patience;
mod shutdown;
mod split;
mod stream_and_sink;
mod wakers;

#[global_allocator]
static ALLOCATOR: testkit::allocation::Counting = testkit::allocation::Counting;
