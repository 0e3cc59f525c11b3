//! All cases, a module for each group or few.

use std::collections::BTreeMap;

use crate::{case::Case, id::Id};

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

/// Cases about one thing.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Its name, with which the names of its cases begin.
    pub name: &'static str,
    /// Its subject, for headings.
    pub title: &'static str,
    /// Makes its cases, in order.
    pub make: fn() -> Vec<Case>,
}

/// All groups, in order. Those with numbers are Autobahn's.
pub const GROUPS: &[Group] = &[
    group("1", "Framing", framing::cases),
    group("2", "Pings and pongs", pings::cases),
    group("3", "Reserved bits", reserved::bits),
    group("4", "Reserved opcodes", reserved::opcodes),
    group("5", "Fragmentation", fragmentation::cases),
    group("6", "UTF-8", utf8::cases),
    group("7", "Closing", close_frames::cases),
    group("9", "Throughput", throughput::cases),
    group("10", "Automatic fragmentation", fragmentation::automatic),
    group(
        "12",
        "Compression of different payloads",
        compression::payloads,
    ),
    group(
        "13",
        "Compression under different parameters",
        compression::parameters,
    ),
    group(
        "server-handshake",
        "Opening handshake of servers",
        requests::cases,
    ),
    group(
        "client-handshake",
        "Opening handshake of clients",
        responses::cases,
    ),
    group("chopping", "Chopping", chopping::cases),
    group("limits", "Frame headers and limits", limits::cases),
    group("deflate", "Traps of compression", traps::cases),
    group("closing", "Closing in all ways", closing::cases),
    group("deadlines", "Deadlines", deadlines::cases),
    group("backpressure", "Peers that do not read", unread::cases),
    group("early-data", "Early data", early::cases),
];

const fn group(name: &'static str, title: &'static str, make: fn() -> Vec<Case>) -> Group {
    Group { name, title, make }
}

/// All cases, in order.
#[must_use]
pub fn all() -> Vec<Case> {
    GROUPS.iter().flat_map(|group| (group.make)()).collect()
}

/// The position of every case in the order of the suite, counted from 0.
pub(crate) fn positions() -> BTreeMap<Id, usize> {
    let ids = all().into_iter().map(|case| case.id);
    ids.zip(0..).collect()
}

/// The names of all groups, for messages about a name that matches nothing.
#[must_use]
pub fn group_names() -> String {
    let names: Vec<_> = GROUPS.iter().map(|group| group.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own_that_begins_with_its_group() {
        let mut seen = BTreeSet::new();
        for group in GROUPS {
            for case in (group.make)() {
                assert_eq!(case.id.group(), group.name, "{}", case.id);
                assert!(seen.insert(case.id.clone()), "{} is there twice", case.id);
            }
        }
    }

    #[test]
    fn only_groups_of_autobahn_have_numbers() {
        for case in all() {
            let number = case.id.group().parse::<u16>();
            assert_eq!(number.is_ok(), case.id.is_autobahns(), "{}", case.id);
        }
    }
}
