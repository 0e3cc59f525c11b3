//! Decisions of the application about a request, and the independence of connections.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_channel::oneshot;

use testkit::{PATIENCE, config, handshake::REQUEST};

use super::support::{Signal, ask, echo, run, serve, serve_as, spawn};
use crate::{
    driver::{
        Accept, Connect, ConnectError, HandshakeError, Message, Reject, Server, WebSocket, connect,
    },
    runtime::{AsyncReadExt, AsyncWriteExt, TcpStream},
};

/// Sends a text and returns what comes back.
async fn echoed(socket: &mut WebSocket, text: &str) -> Option<Message> {
    socket.send(text).await.expect("it is open");
    socket.recv().await.expect("an echo")
}

#[test]
fn a_handler_sees_the_whole_request() {
    run(async {
        let (tell, told) = oneshot::channel();
        let tell = Mutex::new(Some(tell));
        let server = serve(move |upgrade| {
            let tell = tell.lock().expect("nobody panics").take();
            async move {
                tell.expect("one request")
                    .send(upgrade.head())
                    .expect("the test waits");
                echo(upgrade).await;
            }
        })
        .await;
        Connect::new(server.url("/rooms/7?as=guest&quiet"))
            .header("X-Tag", "one")
            .header("x-tag", "two")
            .subprotocol("chat.v2")
            .subprotocol("chat.v1")
            .origin("http://example.com")
            .connect()
            .await
            .expect("a connection");

        let head = told.await.expect("a request");
        let request = head.view();
        assert_eq!(request.method(), "GET");
        assert_eq!(request.path(), "/rooms/7");
        assert_eq!(request.query(), Some("as=guest&quiet"));
        assert_eq!(request.host(), Some(&*server.address));
        assert_eq!(request.origin(), Some("http://example.com"));
        let tags: Vec<_> = request.headers_named("X-TAG").collect();
        assert_eq!(tags, [b"one", b"two"]);
        let offered: Vec<_> = request.subprotocols().collect();
        assert_eq!(offered, ["chat.v2", "chat.v1"]);
        assert!(request.is_upgrade());
    });
}

#[test]
fn authorization_that_takes_long_holds_up_nobody_else() {
    run(async {
        let (asked, allowed) = (Arc::new(Signal::default()), Arc::new(Signal::default()));
        let (ask, allow) = (Arc::clone(&asked), Arc::clone(&allowed));
        let server = serve(move |upgrade| {
            let (asked, allowed) = (Arc::clone(&ask), Arc::clone(&allow));
            async move {
                if upgrade.request().path() == "/slow" {
                    asked.give();
                    allowed.given().await;
                }
                echo(upgrade).await;
            }
        })
        .await;
        let url = server.url("/slow");
        let slow = spawn(async move { connect(&url).await });
        asked.given().await;

        let mut quick = connect(&server.url("/quick")).await.expect("a connection");
        assert_eq!(echoed(&mut quick, "first").await, Some("first".into()));
        assert!(!slow.is_finished());

        allowed.give();
        let mut slow = slow.await.expect("a connection");
        assert_eq!(echoed(&mut slow, "second").await, Some("second".into()));
    });
}

#[test]
fn a_handler_chooses_the_subprotocol() {
    run(async {
        let server = serve(|upgrade| async move {
            let chosen = upgrade
                .head()
                .view()
                .subprotocols()
                .find(|name| name.starts_with("chat."))
                .map(str::to_owned);
            let accept = Accept::new()
                .subprotocol(chosen.as_deref())
                .headers(&[("X-Room", "7")]);
            let mut socket = upgrade.accept(&accept).await.expect("it was offered");
            let _ = socket.recv().await;
        })
        .await;
        let (_socket, response) = Connect::new(server.url("/"))
            .subprotocol("other")
            .subprotocol("chat.v1")
            .connect()
            .await
            .expect("a connection");
        assert_eq!(response.view().subprotocol(), Some("chat.v1"));
        assert_eq!(response.view().header_str("x-room"), Some("7"));
    });
}

#[test]
fn a_refusal_reaches_the_client_as_it_was_meant() {
    run(async {
        let server = serve(|upgrade| async move {
            let reject = Reject::new(401)
                .headers(&[("WWW-Authenticate", "Basic realm=\"chat\"")])
                .body(b"who are you?\n");
            upgrade.reject(&reject).await.expect("a fine answer");
        })
        .await;
        let error = connect(&server.url("/")).await.expect_err("refused");
        let ConnectError::Handshake(HandshakeError::Refused(response)) = &error else {
            panic!("{error}");
        };
        let response = response.view();
        assert_eq!(response.status(), 401);
        assert_eq!(
            response.header_str("WWW-Authenticate"),
            Some("Basic realm=\"chat\"")
        );
        assert_eq!(response.body(), b"who are you?\n");
        server.until_connections(0).await;
    });
}

#[test]
fn a_request_that_a_handler_forgets_is_answered_503() {
    run(async {
        let server = serve(|upgrade| async move { drop(upgrade) }).await;
        let error = connect(&server.url("/")).await.expect_err("refused");
        let ConnectError::Handshake(HandshakeError::Refused(response)) = &error else {
            panic!("{error}");
        };
        assert_eq!(response.view().status(), 503);
    });
}

#[test]
fn an_answer_that_cannot_be_written_is_the_handlers_error_and_a_503() {
    run(async {
        let (tell, told) = oneshot::channel();
        let tell = Mutex::new(Some(tell));
        let server = serve(move |upgrade| {
            let tell = tell.lock().expect("nobody panics").take();
            async move {
                let misuse = Accept::new().subprotocol("never.offered");
                let error = upgrade.accept(&misuse).await.expect_err("no such offer");
                tell.expect("one request")
                    .send(error)
                    .expect("the test waits");
            }
        })
        .await;
        let error = connect(&server.url("/")).await.expect_err("refused");
        let ConnectError::Handshake(HandshakeError::Refused(response)) = &error else {
            panic!("{error}");
        };
        assert_eq!(response.view().status(), 503);
        let error = told.await.expect("an error");
        assert!(matches!(error, HandshakeError::Misuse(_)), "{error}");
    });
}

#[test]
fn one_port_serves_the_page_and_the_websocket() {
    run(async {
        let surfacing = config(|config| config.surface_plain_http = true);
        let server = serve_as(
            |server| server.config(surfacing),
            |upgrade| async move {
                if upgrade.request().is_upgrade() {
                    return echo(upgrade).await;
                }
                let page = Reject::new(200)
                    .headers(&[("Content-Type", "text/plain")])
                    .body(b"alive\n");
                let _ = upgrade.reject(&page).await;
            },
        )
        .await;
        let mut browser = TcpStream::connect(&server.address).await.expect("a server");
        let head = ask(
            &mut browser,
            "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        )
        .await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let mut body = String::new();
        browser.read_to_string(&mut body).await.expect("a body");
        assert_eq!(body, "alive\n");

        let mut socket = connect(&server.url("/")).await.expect("a connection");
        assert_eq!(echoed(&mut socket, "hello").await, Some("hello".into()));
    });
}

#[test]
fn what_comes_with_the_request_is_not_lost() {
    run(async {
        let server = serve(echo).await;
        let mut peer = TcpStream::connect(&server.address).await.expect("a server");
        // A masked text frame in the same segment.
        let mut bytes = REQUEST.as_bytes().to_vec();
        bytes.extend_from_slice(b"\x81\x85\0\0\0\0early");
        peer.write_all(&bytes).await.expect("room");
        ask(&mut peer, "").await;
        let mut echo = [0; 7];
        peer.read_exact(&mut echo).await.expect("an echo");
        assert_eq!(&echo, b"\x81\x05early");
    });
}

#[test]
fn those_who_send_nothing_hold_up_nobody() {
    run(async {
        let server = serve(echo).await;
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(TcpStream::connect(&server.address).await.expect("a server"));
        }
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        assert_eq!(echoed(&mut socket, "hello").await, Some("hello".into()));
        assert_eq!(server.handle.connections(), 21);
        drop(silent);
        server.until_connections(1).await;
    });
}

#[test]
fn a_handler_that_panics_ends_its_own_connection_only() {
    run(async {
        let server = serve(|upgrade| async move {
            assert_ne!(upgrade.request().path(), "/panic/early", "as asked");
            let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
            while let Ok(Some(message)) = socket.recv().await {
                assert_ne!(message.as_text(), Some("panic"), "as asked");
                socket.send(message).await.expect("it is open");
            }
        })
        .await;
        let mut other = connect(&server.url("/")).await.expect("a connection");
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        socket.send("panic").await.expect("it is open");
        assert_eq!(socket.recv().await, Ok(None));
        assert!(connect(&server.url("/panic/early")).await.is_err());

        server.until_connections(1).await;
        assert_eq!(echoed(&mut other, "alive").await, Some("alive".into()));
        drop(other);
        assert_eq!(server.handle.shutdown(PATIENCE).await, 0);
    });
}

#[test]
fn connections_beyond_the_maximum_wait_for_their_turn() {
    run(async {
        let server = serve_as(|server| server.max_connections(2), echo).await;
        let mut first = connect(&server.url("/")).await.expect("a connection");
        let second = connect(&server.url("/")).await.expect("a connection");
        let url = server.url("/");
        let third = spawn(async move { connect(&url).await });
        // Each round gives the server more occasions than it needs to accept the third.
        for _ in 0..50 {
            assert_eq!(echoed(&mut first, "turn").await, Some("turn".into()));
            assert_eq!(server.handle.connections(), 2);
        }
        assert!(!third.is_finished());

        drop(second);
        let mut third = third.await.expect("a connection");
        assert_eq!(echoed(&mut third, "mine").await, Some("mine".into()));
        assert_eq!(server.handle.connections(), 2);
    });
}

#[test]
fn a_port_in_use_is_an_error() {
    run(async {
        let server = serve(echo).await;
        let error = Server::bind(&server.address)
            .await
            .expect_err("it is taken");
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    });
}

#[test]
fn a_burst_of_connections_is_served_whole() {
    run(async {
        let server = serve(echo).await;
        let url = server.url("/");
        let burst: Vec<_> = (0..300)
            .map(|_| {
                let url = url.clone();
                spawn(async move { connect(&url).await.expect("a connection") })
            })
            .collect();
        let mut sockets = Vec::new();
        for socket in burst {
            sockets.push(socket.await);
        }
        server.until_connections(300).await;
        drop(sockets);
        assert_eq!(server.handle.shutdown(Duration::from_secs(60)).await, 0);
        assert_eq!(server.handle.connections(), 0);
    });
}
