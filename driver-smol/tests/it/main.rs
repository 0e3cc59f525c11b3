//! The driver over smol, from the outside.

mod deadlines;
#[path = "../../../driver-futures/tests/drivers/mod.rs"]
mod drivers;
mod executors;
mod pipe;
mod runtime;
mod sizes;

use driver_smol as driver;

#[global_allocator]
static ALLOCATOR: testkit::allocation::Counting = testkit::allocation::Counting;
