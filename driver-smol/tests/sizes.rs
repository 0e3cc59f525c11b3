//! How large the things are of which there may be very many. `examples/smol_idle.rs` measures what they
//! make of a process.

use std::future::Future;

use driver_smol::{Accept, Message, Timer, Upgrade, WebSocket};

/// The size of what a function returns.
fn size_of_future<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
    size_of::<F>()
}

#[test]
fn a_socket_is_at_most_248_bytes() {
    // 152 for the state machine, 16 for async-io's stream, 40 for the clock.
    assert!(size_of::<WebSocket>() <= 248, "{}", size_of::<WebSocket>());
    assert!(size_of::<Timer>() <= 40, "{}", size_of::<Timer>());
}

#[test]
fn an_unanswered_request_takes_a_word_of_its_handlers_future() {
    assert_eq!(size_of::<Upgrade>(), size_of::<usize>());
}

#[test]
fn an_echo_handler_is_at_most_464_bytes() {
    let size = size_of_future(|upgrade: Upgrade| async move {
        let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
            return;
        };
        while let Ok(Some(message)) = socket.recv().await {
            let _ = socket.feed(message).await;
        }
    });
    assert!(size <= 464, "{size}");
}

#[test]
fn futures_hold_what_they_need_and_nothing_twice() {
    let feed = size_of_future(|socket: &'static mut WebSocket| socket.feed(Message::from("")));
    assert!(feed <= 48, "{feed}");
}
