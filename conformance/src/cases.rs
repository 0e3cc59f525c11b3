//! All cases, a module for each group or few.

use crate::case::Case;

mod chopping;
mod close_frames;
mod closing;
mod compression;
mod deadlines;
mod early;
mod fragmentation;
mod framing;
mod limits;
mod pings;
mod requests;
mod reserved;
mod responses;
mod section;
mod throughput;
mod traps;
mod unread;
mod utf8;

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
    group(1, "Framing", framing::cases),
    group(2, "Pings and pongs", pings::cases),
    group(3, "Reserved bits", reserved::bits),
    group(4, "Reserved opcodes", reserved::opcodes),
    group(5, "Fragmentation", fragmentation::cases),
    group(6, "UTF-8", utf8::cases),
    group(7, "Closing", close_frames::cases),
    group(9, "Throughput", throughput::cases),
    group(10, "Automatic fragmentation", fragmentation::automatic),
    group(
        12,
        "Compression of different payloads",
        compression::payloads,
    ),
    group(
        13,
        "Compression under different parameters",
        compression::parameters,
    ),
    group(20, "Opening handshake of servers", requests::cases),
    group(21, "Opening handshake of clients", responses::cases),
    group(22, "Chopping", chopping::cases),
    group(23, "Frame headers and limits", limits::cases),
    group(24, "Traps of compression", traps::cases),
    group(25, "Closing in all ways", closing::cases),
    group(26, "Deadlines", deadlines::cases),
    group(27, "Peers that do not read", unread::cases),
    group(28, "Early data", early::cases),
];

const fn group(number: u16, title: &'static str, make: fn() -> Vec<Case>) -> Group {
    Group {
        number,
        title,
        make,
    }
}

/// All cases, in order.
#[must_use]
pub fn all() -> Vec<Case> {
    GROUPS.iter().flat_map(|group| (group.make)()).collect()
}
