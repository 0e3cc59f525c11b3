//! The load generator: drives any echo server with many connections from one thread, and tells rates,
//! latencies and errors.
//!
//! It is a measuring tool, so it does as little as it can: every frame is prepared before the first
//! connection opens and written from there, all that is due on a connection leaves in one write, and of
//! what comes back it reads the headers, checks each length, and compares one payload in so many. With
//! compression, frames are prepared just so, and one connection in so many inflates and compares.

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
