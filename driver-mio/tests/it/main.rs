//! The event loops, from the outside.

mod adopted;
mod broadcast;
mod client;
mod conversation;
mod deadlines;
mod descriptors;
mod handlers;
mod handles;
mod listening;
mod neighbours;
mod panics;
mod requests;
mod shutdown;
mod stats;
mod workers;
