//! What holds over every driver, over smol.

use driver_smol as driver;

#[path = "support/runtime.rs"]
mod runtime;

#[path = "../../driver-futures/tests/drivers/mod.rs"]
mod drivers;
