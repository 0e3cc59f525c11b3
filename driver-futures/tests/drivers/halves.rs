//! Halves of a connection do everything that the whole can, over real sockets: borrow events, send in parts, give up
//! after a time.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use futures_util::StreamExt;

use super::support::{Signal, echo, run, serve, spawn};
use crate::{
    driver::{
        Accept, CloseCode, Event, Kind, Message, SendError, TimedSendError, Upgrade, connect,
    },
    runtime::yield_now,
};

/// Messages of lengths between nothing and more than a read takes.
fn messages() -> impl Iterator<Item = Vec<u8>> + Clone {
    let lengths = [0, 1, 125, 126, 4_000, 65_535, 65_536, 300_000, 2_000_000];
    (0..10_u8).flat_map(move |round| lengths.map(|len| vec![round; len]))
}

#[test]
fn a_half_is_lent_what_the_others_sends_bring_back() {
    run(async {
        let server = serve(echo).await;
        let socket = connect(&server.url("/")).await.expect("a connection");
        let (sender, mut receiver) = socket.split();
        let sending = sender.clone();
        let sent = spawn(async move {
            for message in messages() {
                sending.send(message).await.expect("it is open");
            }
        });
        for expected in messages() {
            // By a future of its own for each poll.
            let is_it = poll_fn(|cx| {
                loop {
                    let mut receive = pin!(receiver.recv_ref());
                    match ready!(receive.as_mut().poll(cx)) {
                        Ok(Some(Event::Binary(bytes))) => {
                            return Poll::Ready(*bytes == expected[..]);
                        }
                        // The queue has drained.
                        Ok(Some(Event::Drained)) => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
            assert!(is_it.await, "{} bytes", expected.len());
        }
        sent.await;
        let closing = spawn(async move { sender.close(CloseCode::NORMAL, "all seen").await });
        let mut end = None;
        while let Some(event) = receiver.recv_ref().await.expect("no error") {
            if let Event::Closed(closed) = event {
                end = Some(closed.clean);
            }
        }
        assert_eq!(end, Some(true));
        closing.await;
    });
}

#[test]
fn parts_of_several_senders_make_up_whole_messages() {
    run(async {
        const SENDERS: u8 = 6;
        const MESSAGES: usize = 20;
        let server = serve(echo).await;
        let socket = connect(&server.url("/")).await.expect("a connection");
        let (sender, mut receiver) = socket.split();
        let tasks: Vec<_> = (0..SENDERS)
            .map(|number| {
                let sender = sender.clone();
                spawn(async move {
                    for round in 0..MESSAGES {
                        let part = vec![number; 1 + round * 100];
                        if number % 3 == 0 {
                            let message = part.repeat(4);
                            sender.send(message).await.expect("it is open");
                            continue;
                        }
                        sender.start(Kind::Binary).await.expect("it is open");
                        for _ in 0..3 {
                            sender.write(&part).await.expect("it is started");
                            yield_now().await;
                            sender.ping(b"between").await.expect("it is open");
                        }
                        sender.finish(&part).await.expect("it is started");
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
            let round = &mut rounds[usize::from(number)];
            assert_eq!(bytes.len(), 4 * (1 + *round * 100));
            *round += 1;
        }
        for task in tasks {
            task.await;
        }
        sender.close(CloseCode::NORMAL, "").await;
    });
}

#[test]
fn a_message_that_its_sender_gave_up_is_for_another_to_finish() {
    run(async {
        let server = serve(echo).await;
        let socket = connect(&server.url("/")).await.expect("a connection");
        let (sender, mut receiver) = socket.split();
        let streaming = sender.clone();
        let begin = Arc::new(Signal::default());
        let begun = Arc::clone(&begin);
        let task = spawn(async move {
            streaming.start(Kind::Text).await.expect("it is open");
            streaming.write(b"begun ").await.expect("it is started");
            begin.give();
        });
        begun.given().await;
        // It waits until the task has ended, and its sender with it.
        let refused = sender.send("in between").await;
        assert_eq!(refused, Err(SendError::MessageUnfinished));
        task.await;
        sender.finish(b"and ended").await.expect("nobody else does");
        sender.send("afterwards").await.expect("it is finished");
        for expected in ["begun and ended", "afterwards"] {
            assert_eq!(receiver.recv().await, Ok(Some(expected.into())));
        }
    });
}

#[test]
fn a_send_of_a_half_gives_up_while_the_peer_does_not_read() {
    run(async {
        let read = Arc::new(Signal::default());
        let reads = Arc::clone(&read);
        let (tell, told) = futures_channel::mpsc::unbounded();
        let server = serve(move |upgrade: Upgrade| {
            let (reads, tell) = (Arc::clone(&reads), tell.clone());
            async move {
                let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
                reads.given().await;
                while let Ok(Some(message)) = socket.recv().await {
                    let _ = tell.unbounded_send(message.as_bytes().len());
                }
            }
        })
        .await;
        let socket = connect(&server.url("/")).await.expect("a connection");
        let (sender, _receiver) = socket.split();
        let soon = Duration::from_millis(10);
        // More than the kernel takes.
        let long = Message::from(vec![0; 16 << 20]);
        let sent = sender.send_timeout(long, soon).await;
        assert_eq!(sent, Err(TimedSendError::TimedOut { queued: true }));
        for timeout in [soon, Duration::ZERO] {
            let sent = sender.send_timeout("no room", timeout).await;
            assert_eq!(sent, Err(TimedSendError::TimedOut { queued: false }));
        }
        read.give();
        let patience = Duration::from_secs(60);
        let sent = sender.send_timeout("with patience", patience).await;
        assert_eq!(sent, Ok(()));
        let lengths: Vec<_> = told.take(2).collect().await;
        assert_eq!(lengths, [16 << 20, "with patience".len()]);
    });
}
