//! The driver over tokio, from the outside.

mod deadlines;
#[path = "../../../driver-futures/tests/drivers/mod.rs"]
mod drivers;
mod runtime;
mod runtimes;
mod shutdown;
mod sizes;

use driver_tokio as driver;

#[global_allocator]
static ALLOCATOR: testkit::allocation::Counting = testkit::allocation::Counting;
