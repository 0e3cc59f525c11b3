//! Measures WebSocket servers and the protocol core.
//!
//! [`load`] drives any server over the network and [`serve`] provides servers to measure; the program
//! `bench` is their command line (`bench/README.md`). [`in_memory`] times the core without a socket
//! (`bench/NOTES.md`).

pub mod in_memory;
pub mod instructions;
pub mod json;
pub mod load;
pub mod matrix;
pub mod million;
pub mod neighbours;
pub mod opening;
pub mod payload;
pub mod process;
pub mod serve;
