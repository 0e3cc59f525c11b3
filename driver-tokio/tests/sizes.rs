//! How large the things are of which there may be very many. `examples/idle.rs` measures what they make
//! of a process.

use driver_tokio as driver;

#[path = "support/runtime.rs"]
mod runtime;

#[path = "../../driver-futures/tests/drivers/support.rs"]
#[allow(dead_code, reason = "these tests do not need all of it")]
mod support;

use std::future::Future;

use driver_tokio::{Message, Timer, Upgrade, WebSocket};
use support::echo;

/// The size of what a function returns.
fn size_of_future<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
    size_of::<F>()
}

#[test]
fn a_socket_is_at_most_264_bytes() {
    // 152 for the state machine, 32 for tokio's stream, 40 for the clock. Debug builds of mio know in
    // 8 bytes more where a socket is registered.
    let debug = if cfg!(debug_assertions) { 8 } else { 0 };
    let size = size_of::<WebSocket>();
    assert!(size <= 264 + debug, "{size}");
    assert!(size_of::<Timer>() <= 40, "{}", size_of::<Timer>());
}

#[test]
fn an_unanswered_request_takes_a_word_of_its_handlers_future() {
    assert_eq!(size_of::<Upgrade>(), size_of::<usize>());
}

/// tokio allocates tasks in steps of 128 bytes, with about 104 of its own; about 40 are the server's.
/// With more than this the handler of every idle connection would take the next step.
#[test]
fn an_echo_handler_is_at_most_480_bytes() {
    let size = size_of_future(echo::<tokio::net::TcpStream>);
    assert!(size <= 480, "{size}");
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
