//! Common parts of the comparisons: interleaved timing and an in-memory transport; and for the echo
//! servers, everything before a connection is open.

pub mod interleaved;
pub mod memory;
pub mod serving;
