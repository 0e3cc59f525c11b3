//! All cases, a module for each group or few.

use crate::case::Case;

mod compression;
mod framing;

/// A run of cases about one thing.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The first number of its cases.
    pub number: u16,
    /// What it is about.
    pub title: &'static str,
    /// Makes its cases, in order.
    pub make: fn() -> Vec<Case>,
}

/// All groups, in order. Groups 1 to 13 are Autobahn's.
pub const GROUPS: &[Group] = &[
    Group {
        number: 1,
        title: "Framing",
        make: framing::cases,
    },
    Group {
        number: 12,
        title: "Compression of different payloads",
        make: compression::payloads,
    },
    Group {
        number: 13,
        title: "Compression under different parameters",
        make: compression::parameters,
    },
];

/// All cases, in order.
#[must_use]
pub fn all() -> Vec<Case> {
    GROUPS.iter().flat_map(|group| (group.make)()).collect()
}
