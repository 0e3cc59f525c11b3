//! What holds over every driver: its servers and clients over real sockets. Each driver's tests include
//! this, beside a module `runtime` and the driver's own crate as `driver`.
#![allow(dead_code, reason = "no set of tests needs all of the support")]

mod answers;
mod client;
mod closing;
mod descriptors;
mod failures;
mod halves;
mod prepared;
mod server;
mod shutdown;
mod split;
pub(crate) mod support;
mod transports;
