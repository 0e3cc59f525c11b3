//! How large the things are of which there may be a million.

use wsproto::{Connection, Time, Wants};

#[test]
fn a_connection_is_at_most_160_bytes() {
    let size = size_of::<Connection>();
    assert!(size <= 160, "{size} bytes");
}

#[test]
fn an_optional_moment_is_as_small_as_a_moment() {
    assert_eq!(size_of::<Option<Time>>(), size_of::<Time>());
    assert_eq!(size_of::<Time>(), 8);
}

#[test]
fn a_to_do_list_is_two_words() {
    assert!(size_of::<Wants>() <= 16);
}
