//! What connections over tokio leave behind.

use driver_tokio as driver;

#[path = "support/runtime.rs"]
mod runtime;

#[path = "../../driver-futures/tests/drivers/support.rs"]
#[allow(dead_code, reason = "these tests do not need all of it")]
mod support;

#[path = "../../wsproto/tests/support/allocation.rs"]
#[allow(dead_code, reason = "the core's tests count more than these")]
mod allocation;

#[path = "../../driver-futures/tests/drivers/memory.rs"]
mod memory;
