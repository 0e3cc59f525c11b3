//! The cases of Autobahn are all there, under its names and in its order.

use conformance::{Id, cases};

/// How many cases each section has.
const SECTIONS: &[(&str, u16)] = &[
    ("1.1", 8),
    ("1.2", 8),
    ("2", 11),
    ("3", 7),
    ("4.1", 5),
    ("4.2", 5),
    ("5", 20),
    ("6.1", 3),
    ("6.2", 4),
    ("6.3", 2),
    ("6.4", 4),
    ("6.5", 5),
    ("6.6", 11),
    ("6.7", 4),
    ("6.8", 2),
    ("6.9", 4),
    ("6.10", 3),
    ("6.11", 5),
    ("6.12", 8),
    ("6.13", 5),
    ("6.14", 10),
    ("6.15", 1),
    ("6.16", 3),
    ("6.17", 5),
    ("6.18", 5),
    ("6.19", 5),
    ("6.20", 7),
    ("6.21", 8),
    ("6.22", 34),
    ("6.23", 7),
    ("7.1", 6),
    ("7.3", 6),
    ("7.5", 1),
    ("7.7", 13),
    ("7.9", 9),
    ("7.13", 2),
    ("9.1", 6),
    ("9.2", 6),
    ("9.3", 9),
    ("9.4", 9),
    ("9.5", 6),
    ("9.6", 6),
    ("9.7", 6),
    ("9.8", 6),
    ("10.1", 1),
];

#[test]
fn groups_1_to_10_have_the_cases_of_autobahn_in_its_order() {
    let ids: Vec<_> = cases::all().into_iter().map(|case| case.id).collect();
    let upto_10 = |id: &&Id| id.group().parse().is_ok_and(|group: u16| group <= 10);
    let ids: Vec<_> = ids.iter().filter(upto_10).collect();
    let expected: Vec<Id> = SECTIONS
        .iter()
        .flat_map(|(section, count)| (1..=*count).map(move |n| format!("{section}.{n}")))
        .map(|id| id.parse().expect("an id"))
        .collect();
    for (id, expected) in ids.iter().zip(&expected) {
        assert_eq!(id.to_string(), expected.to_string());
    }
    assert_eq!((ids.len(), expected.len()), (301, 301));
}
