//! The load generator: drives any echo server with many connections from one thread, and reports rates,
//! latencies and errors.
//!
//! It is a measuring tool, so it does as little work as possible. Every frame is prepared before the
//! first connection opens and is written from there; all messages that are due on a connection leave in
//! one write. Of the answers it reads the headers, checks each length, and compares a sample of the
//! payloads. With compression, frames are prepared in the same way, and a sample of the connections
//! inflates and compares.

mod company;
mod compression;
mod connection;
mod fault;
mod generator;
mod neighbour;
mod plan;
mod progress;
mod reader;
mod report;
mod schedule;
mod script;
mod slices;
mod tally;
mod witness;

pub use compression::Offer;
pub use fault::Fault;
pub use generator::{Observe, Snapshot, Stage, run};
pub use neighbour::{Neighbour, Pressure};
pub use plan::{Content, InvalidPlan, Pace, Plan, Share, Sizes, Target, Until, Waiting};
pub use progress::Progress;
pub use report::{Connections, Latency, Messages, Misdeeds, Report, ServerUsage};
