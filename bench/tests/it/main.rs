//! The load generator and the programs around it.

mod load;
mod programs;
