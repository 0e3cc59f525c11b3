//! Sizes of values of which there may be very many. `examples/idle.rs` measures what they add up to in a process.

use driver_tokio::WebSocket;

use crate::drivers::support::{echo, size_of_future};

#[test]
fn a_socket_is_at_most_264_bytes() {
    // 152 for the state machine, 32 each for tokio's stream and the clock. Debug builds of mio know in
    // 8 bytes more where a socket is registered.
    let debug = if cfg!(debug_assertions) { 8 } else { 0 };
    let size = size_of::<WebSocket>();
    assert!(size <= 264 + debug, "{size}");
}

/// tokio allocates tasks in steps of 128 bytes, with about 104 of its own; about 40 are the server's.
/// With more than this the handler of every idle connection would take the next step.
#[test]
fn an_echo_handler_is_at_most_480_bytes() {
    let size = size_of_future(echo::<tokio::net::TcpStream>);
    assert!(size <= 480, "{size}");
}
