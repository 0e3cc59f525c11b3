//! What the comparisons share: timing by turns and a transport in memory; and for the echo servers, what
//! comes before a connection is open.

pub mod interleaved;
pub mod memory;
pub mod serving;
