//! What the comparisons share: timing by turns, and a transport in memory.

pub mod interleaved;
pub mod memory;
