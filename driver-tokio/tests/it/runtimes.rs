//! Runtimes of both kinds, runtimes that end under their connections, and several one after another.

use std::{sync::Arc, time::Duration};

use driver_tokio::{HandshakeError, Message, accept, connect};
use testkit::PATIENCE;
use tokio::{
    io::duplex,
    runtime::{Builder, Runtime},
    time::{Instant, advance},
};

use crate::drivers::support::{echo, serve};

fn current_thread() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Many connections at once, then an orderly end.
async fn busy() {
    let server = serve(echo).await;
    let url = server.url("/");
    let clients: Vec<_> = (0..50)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let mut socket = connect(&url).await.expect("a connection");
                for number in 0..50_u32 {
                    let message = Message::from(number.to_be_bytes().repeat(100));
                    socket.send(message.clone()).await.expect("it is open");
                    assert_eq!(socket.recv().await, Ok(Some(message)));
                }
                socket
            })
        })
        .collect();
    let mut sockets = Vec::new();
    for client in clients {
        sockets.push(client.await.expect("no panic"));
    }
    assert_eq!(server.handle.connections(), 50);
    let receive_all: Vec<_> = sockets
        .into_iter()
        .map(|mut socket| tokio::spawn(async move { socket.recv().await }))
        .collect();
    assert_eq!(server.handle.shutdown(PATIENCE).await, 0);
    for received in receive_all {
        assert_eq!(received.await.expect("no panic"), Ok(None));
    }
}

#[test]
fn both_kinds_of_runtime_serve() {
    current_thread().block_on(busy());
    multi_thread().block_on(busy());
}

#[test]
fn a_runtime_may_end_under_its_connections() {
    for runtime in [current_thread(), multi_thread()] {
        let (server, socket) = runtime.block_on(async {
            let server = serve(echo).await;
            let mut socket = connect(&server.url("/")).await.expect("a connection");
            socket.send("hello").await.expect("it is open");
            socket.recv().await.expect("an echo");
            (server, socket)
        });
        drop(runtime);
        assert_eq!(server.handle.connections(), 0, "their tasks are gone");
        // Nothing left to do here may need the runtime.
        drop((server, socket));
    }
}

/// Nobody sends a request, nor ends the stream when that was answered.
async fn an_opening_deadline_passes() {
    let (_silent, far) = duplex(1 << 10);
    let begun = Instant::now();
    let error = accept(far, Arc::default()).await.expect_err("no request");
    assert!(matches!(error, HandshakeError::Failed(_)), "{error}");
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(10 + 5), "{waited:?}");
    assert!(waited < Duration::from_secs(10 + 6), "{waited:?}");
}

/// Its clock stands still, and is moved on when nothing else is to do.
fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

#[test]
fn runtimes_one_after_another_on_one_thread_do_not_mix_their_timers() {
    for _ in 0..3 {
        current_thread().block_on(busy());
        paused().block_on(an_opening_deadline_passes());
    }
}

#[test]
fn a_clock_that_was_moved_moves_no_other_runtimes_deadlines() {
    paused().block_on(async {
        advance(Duration::from_secs(3600)).await;
        an_opening_deadline_passes().await;
    });
    paused().block_on(an_opening_deadline_passes());
}

#[test]
fn two_runtimes_in_turns_keep_their_own_timers() {
    let (one, other) = (paused(), paused());
    for _ in 0..3 {
        one.block_on(an_opening_deadline_passes());
        other.block_on(an_opening_deadline_passes());
    }
}
