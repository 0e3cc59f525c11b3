//! Behaviour that every asynchronous driver shares: servers and clients over real sockets. The tests of each driver include
//! this module, and provide `driver`, which is the driver's crate, and `runtime`, which does on its runtime what these need.

mod answers;
mod client;
mod closing;
mod descriptors;
mod failures;
mod halves;
mod memory;
mod prepared;
mod server;
mod shutdown;
mod sizes;
mod split;
pub(crate) mod support;
mod transports;
