//! A connection in two halves and several tasks, over real sockets.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt, future::join, stream};

use super::support::{Signal, echo, run, serve, spawn};
use crate::driver::{
    Accept, CloseCode, ClosedBy, Incoming, Kind, Message, SendError, Upgrade, connect,
};

#[test]
fn clones_send_at_once_and_every_message_stays_whole() {
    run(async {
        const SENDERS: u8 = 8;
        const MESSAGES: usize = 50;
        let server = serve(echo).await;
        let socket = connect(&server.url("/")).await.expect("a connection");
        let (sender, mut receiver) = socket.split();
        let tasks: Vec<_> = (0..SENDERS)
            .map(|number| {
                let sender = sender.clone();
                spawn(async move {
                    for round in 0..MESSAGES {
                        let message = vec![number; 1 + round * 400];
                        sender.send(message).await.expect("it is open");
                    }
                })
            })
            .collect();
        let mut rounds = [0; SENDERS as usize];
        for _ in 0..MESSAGES * usize::from(SENDERS) {
            let message = receiver.recv().await.expect("no error").expect("more");
            let bytes = message.as_bytes();
            let number = bytes[0];
            assert!(bytes.iter().all(|byte| *byte == number), "mixed up");
            // Those of one sender come in its order.
            let round = &mut rounds[usize::from(number)];
            assert_eq!(bytes.len(), 1 + *round * 400);
            *round += 1;
        }
        for task in tasks {
            task.await;
        }
        sender.close(CloseCode::NORMAL, "").await;
        assert_eq!(receiver.recv().await, Ok(None));
    });
}

#[test]
fn a_receiver_alone_answers_pings_and_the_close() {
    run(async {
        let (tell, told) = futures_channel::mpsc::unbounded();
        let server = serve(move |upgrade: Upgrade| {
            let tell = tell.clone();
            async move {
                let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
                socket.ping(b"there?").await.expect("it is open");
                let pong = socket.recv_incoming().await.expect("no error");
                let closed = socket.close(CloseCode::NORMAL, "enough").await;
                let told = (pong, closed.expect("no violation").clean);
                tell.unbounded_send(told).expect("the test listens");
            }
        })
        .await;
        let socket = connect(&server.url("/")).await.expect("a connection");
        let (sender, mut receiver) = socket.split();
        assert_eq!(receiver.recv().await, Ok(None));
        let closed = sender.closed().expect("it is over");
        assert_eq!((&*closed.reason, closed.by), ("enough", ClosedBy::Peer));
        let told: Vec<_> = told.take(1).collect().await;
        assert_eq!(told, [(Some(Incoming::Pong(b"there?".into())), true)]);
    });
}

#[test]
fn a_sender_alone_sees_the_close() {
    run(async {
        let server = serve(|upgrade: Upgrade| async move {
            let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
            let _ = socket.recv().await;
            let _ = socket.close(CloseCode::GOING_AWAY, "").await;
        })
        .await;
        let socket = connect(&server.url("/")).await.expect("a connection");
        let (sender, receiver) = socket.split();
        // More than the kernel buffers, so that a send has to wait in the end.
        let error = loop {
            if let Err(error) = sender.send(vec![0; 1 << 20]).await {
                break error;
            }
        };
        assert_eq!(error, SendError::Closed);
        drop(receiver);
        let closed = sender.closed().expect("it saw it");
        assert_eq!(closed.code, CloseCode::GOING_AWAY);
    });
}

#[test]
fn halves_in_one_task_drive_each_other() {
    run(async {
        let server = serve(echo).await;
        let socket = connect(&server.url("/")).await.expect("a connection");
        let (mut sender, receiver) = socket.split();
        let words = ["one", "two", "three"].map(Message::from);
        let mut all = stream::iter(words.clone()).map(Ok);
        let receive = receiver.map(|received| received.expect("no error")).take(3);
        let (sent, received) = join(sender.send_all(&mut all), receive.collect::<Vec<_>>()).await;
        assert_eq!((sent, received), (Ok(()), words.into()));
    });
}

#[test]
fn a_message_in_parts_is_whole_whoever_else_sends() {
    run(async {
        let received = Arc::new(Signal::default());
        let tell = Arc::clone(&received);
        let server = serve(move |upgrade: Upgrade| {
            let tell = Arc::clone(&tell);
            async move {
                let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
                let message = socket.recv().await.expect("no error").expect("a message");
                assert_eq!(message, Message::from("one after another"));
                tell.give();
            }
        })
        .await;
        let mut socket = connect(&server.url("/")).await.expect("a connection");
        socket.start(Kind::Text).await.expect("it is open");
        for part in ["one ", "after "] {
            socket.write(part.as_bytes()).await.expect("it is open");
            socket.ping(b"").await.expect("it is open");
        }
        socket.finish(b"another").await.expect("it is open");
        received.given().await;
    });
}
