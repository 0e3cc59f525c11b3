//! The event loops, from the outside.

mod admission;
mod adopted;
mod broadcast;
mod client;
mod conversation;
mod deadlines;
mod descriptors;
mod handlers;
mod handles;
mod listening;
mod lost;
mod neighbours;
mod panics;
mod requests;
mod shutdown;
mod stats;
mod workers;
