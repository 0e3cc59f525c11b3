//! Memory that connections leave behind: none, however many there were. Timers and the reactor may be shared by a whole
//! process, so each test has a process of its own.

use std::sync::Arc;

use testkit::{allocation::live, process::alone};

use super::support::{Dialer, echo, pipes, run, spawn};
use crate::{
    driver::{ClientRequest, CloseCode, Kind, Message, Server, connect_over},
    runtime::yield_now,
};

/// Opens `count` connections one after another, talks on each and ends it in one of three ways.
async fn come_and_go(dialer: &Dialer, count: usize) {
    let request = ClientRequest::new("localhost", "/");
    for number in 0..count {
        let (mut socket, _) = connect_over(dialer.connect(), Arc::default(), &request)
            .await
            .expect("a connection");
        socket.send("hello").await.expect("it is open");
        assert_eq!(socket.recv().await, Ok(Some(Message::from("hello"))));
        if number % 3 == 0 {
            let closed = socket.close(CloseCode::NORMAL, "done").await;
            assert!(closed.expect("an answer").clean);
        } else if number % 3 == 1 {
            // In the middle of a message.
            socket.start(Kind::Text).await.expect("open");
            socket.write(b"half a mess").await.expect("open");
        }
    }
}

#[test]
fn ten_thousand_connections_leave_no_timer_and_no_memory() {
    if !alone(ten_thousand_connections_leave_no_timer_and_no_memory) {
        return;
    }
    run(async {
        let (dialer, pipes) = pipes();
        let server = Server::new(pipes);
        let handle = server.handle();
        spawn(server.serve(echo));
        // The pools fill first.
        come_and_go(&dialer, 300).await;
        let settle = async || {
            while handle.connections() > 0 {
                yield_now().await;
            }
        };
        settle().await;
        let before = live();
        come_and_go(&dialer, 10_000).await;
        settle().await;
        let grown = live() - before;
        // A timer is 32 bytes: of ten thousand it would be ten times as much.
        assert!(grown < 32 << 10, "{grown} bytes");
    });
}

#[test]
fn a_thousand_at_a_time_give_back_all_but_their_places() {
    if !alone(a_thousand_at_a_time_give_back_all_but_their_places) {
        return;
    }
    run(async {
        let (dialer, pipes) = pipes();
        let server = Server::new(pipes);
        let handle = server.handle();
        spawn(server.serve(echo));
        let request = ClientRequest::new("localhost", "/");
        let crowd = async || {
            let mut sockets = Vec::new();
            for _ in 0..1000 {
                let connected = connect_over(dialer.connect(), Arc::default(), &request);
                sockets.push(connected.await.expect("a connection").0);
            }
            assert_eq!(handle.connections(), 1000);
            drop(sockets);
            while handle.connections() > 0 {
                yield_now().await;
            }
        };
        crowd().await;
        let before = live();
        for _ in 0..5 {
            crowd().await;
        }
        let grown = live() - before;
        assert!(grown < 16 << 10, "{grown} bytes");
    });
}
