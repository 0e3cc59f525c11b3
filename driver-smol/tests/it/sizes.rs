//! Sizes of values of which there may be very many. `examples/smol_idle.rs` measures what they add up to in a process.

use std::net::TcpStream;

use driver_smol::WebSocket;
use smol::Async;

use crate::drivers::support::{echo, size_of_future};

#[test]
fn a_socket_is_at_most_248_bytes() {
    // 152 for the state machine, 16 for async-io's stream, 32 for the clock.
    assert!(size_of::<WebSocket>() <= 248, "{}", size_of::<WebSocket>());
}

#[test]
fn an_echo_handler_is_at_most_464_bytes() {
    let size = size_of_future(echo::<Async<TcpStream>>);
    assert!(size <= 464, "{size}");
}
