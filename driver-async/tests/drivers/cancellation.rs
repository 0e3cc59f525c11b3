//! Futures that are dropped at every await, over real sockets: nothing is lost, and nothing is half sent.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Poll, ready},
};

use super::support::{Signal, echo, run, serve, spawn};
use crate::{
    driver::{Accept, CloseCode, Event, Message, Upgrade, WebSocket, connect},
    runtime::yield_now,
};

/// Messages of lengths between nothing and more than a read takes.
fn messages() -> impl Iterator<Item = Message> + Clone {
    let lengths = [0, 1, 125, 126, 4_000, 65_535, 65_536, 300_000, 2_000_000];
    (0..10_u8).flat_map(move |round| lengths.map(|len| Message::from(vec![round; len])))
}

/// Receives by a future of its own for each poll.
async fn recv_anew(socket: &mut WebSocket) -> Option<Message> {
    poll_fn(|cx| pin!(socket.recv()).poll(cx))
        .await
        .expect("no violation")
}

/// Flushes likewise.
async fn flush_anew(socket: &mut WebSocket) {
    poll_fn(|cx| pin!(socket.flush()).poll(cx))
        .await
        .expect("it is open");
}

#[test]
fn a_receive_that_is_dropped_has_taken_nothing() {
    run(async {
        let server = serve(|upgrade: Upgrade| async move {
            let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
            for message in messages() {
                socket.send(message).await.expect("it is open");
            }
            let _ = socket.close(CloseCode::NORMAL, "").await;
        })
        .await;
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        for (number, message) in messages().enumerate() {
            let received = recv_anew(&mut socket).await;
            assert!(received == Some(message), "message {number}");
        }
        assert_eq!(recv_anew(&mut socket).await, None);
    });
}

#[test]
fn a_lent_receive_that_is_dropped_has_taken_nothing() {
    run(async {
        let server = serve(echo).await;
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        for message in messages() {
            socket.feed(message.clone()).await.expect("it is open");
            let is_it = poll_fn(|cx| {
                loop {
                    let mut receive = pin!(socket.recv_ref());
                    match ready!(receive.as_mut().poll(cx)) {
                        Ok(Some((Event::Binary(octets), _))) => {
                            return Poll::Ready(&octets[..] == message.as_bytes());
                        }
                        // The queue has drained.
                        Ok(Some((Event::Drained, _))) => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
            assert!(is_it.await);
        }
    });
}

#[test]
fn a_send_that_is_dropped_has_queued_all_or_nothing() {
    run(async {
        let begin = Arc::new(Signal::default());
        let begun = Arc::clone(&begin);
        let (tell, told) = futures_channel::mpsc::unbounded();
        let server = serve(move |upgrade: Upgrade| {
            let (begun, tell) = (Arc::clone(&begun), tell.clone());
            async move {
                let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
                begun.given().await;
                while let Ok(Some(message)) = socket.recv().await {
                    tell.unbounded_send(message).expect("the test listens");
                }
            }
        })
        .await;
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        // The server does not read yet: sends have to wait, at first for the transport, then for room.
        let mut queued = Vec::new();
        let mut refused = 0;
        for message in messages().cycle().take(200) {
            let before = socket.connection().queued();
            let sent = poll_fn(|cx| {
                let mut send = pin!(socket.send(message.clone()));
                Poll::Ready(send.as_mut().poll(cx).is_ready())
            })
            .await;
            if sent || socket.connection().queued() > before {
                queued.push(message);
            } else {
                refused += 1;
            }
        }
        assert!(refused > 0, "the server reads too early");
        begin.give();
        flush_anew(&mut socket).await;
        let closed = poll_fn(|cx| pin!(socket.close(CloseCode::NORMAL, "")).poll(cx)).await;
        assert!(closed.expect("no violation").clean);
        while server.handle.connections() > 0 {
            yield_now().await;
        }
        drop(server);
        let received: Vec<Message> =
            futures_util::StreamExt::collect(futures_util::StreamExt::take(told, queued.len()))
                .await;
        assert!(received == queued, "{} of {}", received.len(), queued.len());
    });
}

#[test]
fn a_task_that_is_dropped_takes_only_its_own_connection_along() {
    run(async {
        let server = serve(echo).await;
        let mut kept = connect(&server.url("/")).await.expect("a connection");
        let url = server.url("/");
        for _ in 0..10 {
            // Wherever it is when it is dropped: resolving, connecting, asking.
            for polls in 0..6 {
                let mut attempt = pin!(connect(&url));
                for _ in 0..polls {
                    let polled = poll_fn(|cx| Poll::Ready(attempt.as_mut().poll(cx))).await;
                    if polled.is_ready() {
                        break;
                    }
                    yield_now().await;
                }
            }
        }
        kept.send("still here").await.expect("it is open");
        assert_eq!(kept.recv().await, Ok(Some("still here".into())));
        server.until_connections(1).await;
        let last = spawn(async move { kept.close(CloseCode::NORMAL, "").await });
        assert!(last.await.expect("no violation").clean);
    });
}
