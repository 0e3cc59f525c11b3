//! Shutting a server down: the reason that peers get, and the wait for those that are busy.

use std::{future::pending, io, sync::Arc, time::Duration};

use futures_util::future::join;
use testkit::{PATIENCE, config};

use super::support::{Signal, echo, pipes, run, serve, serve_as, spawn};
use crate::{
    driver::{Accept, ClientRequest, CloseCode, Server, connect, connect_over},
    runtime::{AsyncReadExt, AsyncWriteExt, TcpStream, yield_now},
};

#[test]
fn every_peer_is_told_why() {
    run(async {
        for reason in ["", "until tomorrow"] {
            let server = serve(echo).await;
            let mut sockets = Vec::new();
            for _ in 0..10 {
                sockets.push(connect(&server.url("/")).await.expect("a connection"));
            }
            let receive_all = async {
                for socket in &mut sockets {
                    assert_eq!(socket.recv().await, Ok(None));
                    let closed = socket.closed().expect("it is over");
                    assert_eq!(
                        (closed.code, &*closed.reason, closed.clean),
                        (CloseCode::GOING_AWAY, reason, true)
                    );
                }
            };
            let (dropped, ()) =
                join(server.handle.shutdown_with(reason, PATIENCE), receive_all).await;
            assert_eq!(dropped, 0);
            assert_eq!(server.handle.connections(), 0);
            server.serve.await;
        }
    });
}

#[test]
fn the_close_comes_behind_what_was_sent_before() {
    run(async {
        // More than the kernel buffers while the client does not read.
        const MESSAGES: u8 = 40;
        const LEN: usize = 256 << 10;
        let queued = Arc::new(Signal::default());
        let tell = Arc::clone(&queued);
        let server = serve_as(
            |server| server.config(config(|config| config.queue_high = usize::MAX)),
            move |upgrade| {
                let tell = Arc::clone(&tell);
                async move {
                    let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
                    for number in 0..MESSAGES {
                        socket.feed(vec![number; LEN]).await.expect("there is room");
                    }
                    tell.give();
                    while let Ok(Some(_)) = socket.recv().await {}
                }
            },
        )
        .await;
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        queued.given().await;
        let receive_all = async {
            let mut received = Vec::new();
            while let Some(message) = socket.recv().await.expect("all in order") {
                assert_eq!(message.as_bytes().len(), LEN);
                received.push(message.as_bytes()[0]);
            }
            received
        };
        let (dropped, received) = join(server.handle.shutdown(PATIENCE), receive_all).await;
        assert_eq!(dropped, 0);
        assert_eq!(received, (0..MESSAGES).collect::<Vec<_>>());
        let closed = socket.closed().expect("it is over");
        assert_eq!((closed.code, closed.clean), (CloseCode::GOING_AWAY, true));
    });
}

#[test]
fn a_handler_that_does_not_notice_is_dropped_when_patience_ends() {
    run(async {
        let server = serve(|upgrade| async move {
            let _socket = upgrade.accept(&Accept::new()).await.expect("a client");
            pending::<()>().await;
        })
        .await;
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        assert_eq!(server.handle.shutdown(Duration::from_millis(1)).await, 1);
        server.serve.await;
        assert_eq!(server.handle.connections(), 0);
        assert_eq!(socket.recv().await, Ok(None));
        assert_eq!(
            socket.closed().map(|closed| closed.code),
            Some(CloseCode::ABNORMAL)
        );
    });
}

#[test]
fn nothing_is_accepted_afterwards() {
    run(async {
        let server = serve(echo).await;
        assert_eq!(server.handle.shutdown(PATIENCE).await, 0);
        server.serve.await;
        let error = TcpStream::connect(&server.address)
            .await
            .expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_server_that_was_shut_down_first_serves_nobody() {
    run(async {
        let (dialer, pipes) = pipes();
        let server = Server::new(pipes);
        assert_eq!(server.handle().shutdown(PATIENCE).await, 0);
        let mut peer = dialer.connect();
        server.serve(echo).await;
        assert_eq!(peer.read(&mut [0]).await.expect("an end in order"), 0);
    });
}

#[test]
fn a_request_that_is_being_looked_at_is_answered() {
    run(async {
        let (asked, allowed) = (Arc::new(Signal::default()), Arc::new(Signal::default()));
        let (ask, allow) = (Arc::clone(&asked), Arc::clone(&allowed));
        let server = serve(move |upgrade| {
            let (asked, allowed) = (Arc::clone(&ask), Arc::clone(&allow));
            async move {
                asked.give();
                allowed.given().await;
                echo(upgrade).await;
            }
        })
        .await;
        let url = server.url("/");
        let client = spawn(async move {
            let mut socket = connect(&url).await.expect("a connection");
            assert_eq!(socket.recv().await, Ok(None));
            socket.closed().expect("it is over").code
        });
        asked.given().await;
        let shut_down = server.handle.shutdown(PATIENCE);
        let allow = async { allowed.give() };
        let (dropped, ()) = join(shut_down, allow).await;
        assert_eq!(dropped, 0);
        assert_eq!(client.await, CloseCode::GOING_AWAY);
    });
}

/// The rest of a request is not waited for, and the patience for it is not needed.
#[test]
fn a_request_that_does_not_come_is_not_waited_for() {
    run(async {
        for part in ["", "GET / HTTP/1.1\r\nHost: loc"] {
            let (dialer, pipes) = pipes();
            let server = Server::new(pipes).config(config(|config| config.opening_timeout = None));
            let handle = server.handle();
            let serve = spawn(server.serve(echo));
            let mut peer = dialer.connect();
            peer.write_all(part.as_bytes()).await.expect("room");
            while handle.connections() == 0 {
                yield_now().await;
            }
            assert_eq!(handle.shutdown(PATIENCE).await, 0);
            serve.await;
            let mut answer = Vec::new();
            peer.read_to_end(&mut answer)
                .await
                .expect("an end in order");
            assert_eq!(answer, b"");
        }
    });
}

#[test]
fn a_server_that_shuts_down_makes_room_for_nobody() {
    run(async {
        let (dialer, pipes) = pipes();
        let server = Server::new(pipes).max_connections(1);
        let handle = server.handle();
        let serve = spawn(server.serve(echo));
        let request = ClientRequest::new("localhost", "/");
        let (mut first, _) = connect_over(dialer.connect(), Arc::default(), &request)
            .await
            .expect("a connection");
        let mut waiting = dialer.connect();
        let (dropped, received) = join(handle.shutdown(PATIENCE), first.recv()).await;
        assert_eq!((dropped, received), (0, Ok(None)));
        serve.await;
        assert_eq!(waiting.read(&mut [0]).await.expect("an end in order"), 0);
    });
}
