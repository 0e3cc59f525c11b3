//! The sets of data that the cases about compression send, made by rules of their own.

use crate::case::Kind;

/// A set of data.
#[derive(Debug)]
pub struct Set {
    /// What it is like.
    pub name: &'static str,
    /// How it is sent.
    pub kind: Kind,
    /// Makes it.
    pub make: fn() -> Vec<u8>,
}
