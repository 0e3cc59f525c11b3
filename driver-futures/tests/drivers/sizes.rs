//! Sizes of values of which there may be very many. Those that depend on the runtime's stream are tested by each driver.

use super::support::size_of_future;
use crate::driver::{Message, Timer, Upgrade, WebSocket};

#[test]
fn a_timer_is_at_most_40_bytes() {
    assert!(size_of::<Timer>() <= 40, "{}", size_of::<Timer>());
}

#[test]
fn an_unanswered_request_takes_a_word_of_its_handlers_future() {
    assert_eq!(size_of::<Upgrade>(), size_of::<usize>());
}

#[test]
fn futures_hold_what_they_need_and_nothing_twice() {
    let feed = size_of_future(|socket: &'static mut WebSocket| socket.feed(Message::from("")));
    assert!(feed <= 48, "{feed}");
    let flush = size_of_future(|socket: &'static mut WebSocket| socket.flush());
    assert!(flush <= 24, "{flush}");
    let recv = size_of_future(|socket: &'static mut WebSocket| socket.recv());
    assert!(recv <= 32, "{recv}");
}
