//! What holds over every driver, over tokio.

use driver_tokio as driver;

#[path = "support/runtime.rs"]
mod runtime;

#[path = "../../driver-futures/tests/drivers/mod.rs"]
mod drivers;
