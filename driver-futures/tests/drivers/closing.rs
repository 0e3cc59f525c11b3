//! Ends of connections over real sockets, as each side sees them.

use futures_util::{SinkExt, StreamExt};
use testkit::handshake::REQUEST;

use super::support::{ask, echo, run, serve};
use crate::{
    driver::{Accept, CloseCode, ClosedBy, Message, Upgrade, connect},
    runtime::{AsyncReadExt, AsyncWriteExt, TcpStream},
};

#[test]
fn who_closes_learns_that_the_peer_agrees() {
    run(async {
        let server = serve(echo).await;
        for (code, reason) in [
            (CloseCode::NORMAL, ""),
            (CloseCode::new(3000).expect("for applications"), "bye"),
        ] {
            let mut socket = connect(&server.url("/")).await.expect("a connection");
            let closed = socket.close(code, reason).await.expect("no violation");
            assert_eq!((closed.code, closed.clean), (code, true));
            assert_eq!(socket.recv().await, Ok(None));
            assert!(socket.send("too late").await.is_err());
        }
        server.until_connections(0).await;
    });
}

#[test]
fn what_was_sent_before_the_end_arrives() {
    run(async {
        let server = serve(|upgrade: Upgrade| async move {
            let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
            for number in 0..20 {
                let _ = socket.feed(vec![number; 100_000]).await;
            }
            // Drives the closing handshake, and is dropped when that is through.
            let _ = socket.close(CloseCode::NORMAL, "all said").await;
        })
        .await;
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        for number in 0..20 {
            let message = socket.recv().await.expect("no error").expect("more");
            assert!(message == Message::from(vec![number; 100_000]), "{number}");
        }
        assert_eq!(socket.recv().await, Ok(None));
        let closed = socket.closed().expect("it is over");
        assert_eq!((&*closed.reason, closed.by), ("all said", ClosedBy::Peer));
    });
}

#[test]
fn a_sink_that_is_closed_closes_the_connection() {
    run(async {
        let server = serve(echo).await;
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        SinkExt::send(&mut socket, "hello".into())
            .await
            .expect("it is open");
        let received = socket.next().await.expect("an echo");
        assert_eq!(received, Ok(Message::from("hello")));
        SinkExt::close(&mut socket).await.expect("it was open");
        assert!(socket.next().await.is_none());
        let closed = socket.closed().expect("it is over");
        assert_eq!((closed.code, closed.clean), (CloseCode::NORMAL, true));
    });
}

#[test]
fn the_writing_side_is_shut_behind_the_last_frame() {
    run(async {
        let server = serve(echo).await;
        let mut peer = TcpStream::connect(&server.address).await.expect("a server");
        ask(&mut peer, REQUEST).await;
        // A masked Close with 1000.
        peer.write_all(b"\x88\x82\0\0\0\0\x03\xe8")
            .await
            .expect("room");
        // The end comes although this side has not ended: it was shut, not only dropped.
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.expect("an end in order");
        assert_eq!(rest, b"\x88\x02\x03\xe8");
    });
}

#[test]
fn a_peer_that_is_gone_is_no_clean_end() {
    run(async {
        let server = serve(|upgrade: Upgrade| async move {
            let socket = upgrade.accept(&Accept::new()).await.expect("a client");
            drop(socket);
        })
        .await;
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        assert_eq!(socket.recv().await, Ok(None));
        let closed = socket.closed().expect("it is over");
        assert_eq!((closed.code, closed.clean), (CloseCode::ABNORMAL, false));
    });
}
