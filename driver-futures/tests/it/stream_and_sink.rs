//! The socket as a stream and a sink: feeding, flushing and waiting for room.

use std::{pin::Pin, time::Duration};

use driver_futures::TimedSendError;
use futures_util::{SinkExt, StreamExt};
use testkit::{
    Frame, config,
    world::{Awkward, World, opened, over, pair, pipe, played, timeless},
};
use wsproto::{CloseCode, ClosedBy, Event, Kind, Message, Prepared, SendError};

/// After so long, a send looks at what has come though it need not wait.
const LONG: Duration = Duration::from_secs(1);

#[test]
fn a_stream_gives_messages_then_one_error_then_nothing() {
    for split in [false, true] {
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &timeless(), 1000);
        peer.send_masked(&[Frame::text("one"), Frame::text("two").reserved(1)]);
        peer.finish();
        let items = world.block_on(async move {
            let mut items = Vec::new();
            if split {
                let (_sender, mut receiver) = socket.split();
                for _ in 0..4 {
                    items.push(receiver.next().await);
                }
            } else {
                let mut socket = socket;
                for _ in 0..4 {
                    items.push(socket.next().await);
                }
            }
            items
        });
        assert_eq!(items[0], Some(Ok("one".into())));
        let error = items[1].clone().expect("an error").expect_err("no message");
        assert_eq!(error.closed.code, CloseCode::PROTOCOL_ERROR);
        assert_eq!(items[2..], [None, None]);
        // The peer was told before.
        let told = peer.take_frames();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].payload[..2], 1002_u16.to_be_bytes());
        assert!(peer.is_finished());
    }
}

#[test]
fn an_error_that_is_found_while_sending_comes_with_the_next_receive() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1000);
    peer.send_masked(&[Frame::text("one"), Frame::text("two").reserved(1)]);
    peer.finish();
    world.advance(LONG);
    let (refused, received) = world.block_on(async move {
        let refused = loop {
            if let Err(error) = socket.send("sent").await {
                break error;
            }
        };
        let mut received = Vec::new();
        for _ in 0..4 {
            received.push(socket.recv().await);
        }
        (refused, received)
    });
    assert_eq!(refused, SendError::Closed);
    assert_eq!(received[0], Ok(Some("one".into())));
    assert!(received[1].is_err());
    assert_eq!(received[2..], [Ok(None), Ok(None)]);
}

#[test]
fn a_close_is_no_error_of_a_stream_or_a_sink() {
    for split in [false, true] {
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &timeless(), 1000);
        peer.send_masked(&[Frame::close(1000, "")]);
        peer.finish();
        let (item, fed, closed) = world.block_on(async move {
            if split {
                let (mut sender, mut receiver) = socket.split();
                let item = receiver.next().await;
                let fed = SinkExt::feed(&mut sender, "late".into()).await;
                (item, fed, SinkExt::close(&mut sender).await)
            } else {
                let mut socket = socket;
                let item = socket.next().await;
                let fed = SinkExt::feed(&mut socket, "late".into()).await;
                (item, fed, SinkExt::close(&mut socket).await)
            }
        });
        assert_eq!(item, None);
        assert_eq!(fed, Err(SendError::Closed));
        assert_eq!(closed, Ok(()));
    }
}

#[test]
fn closing_the_sink_closes_the_connection_and_keeps_what_comes_in_between() {
    for split in [false, true] {
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &timeless(), 1000);
        let closing = world.spawn(async move {
            if split {
                let (mut sender, mut receiver) = socket.split();
                SinkExt::close(&mut sender).await.expect("no error");
                receiver.recv().await
            } else {
                let mut socket = socket;
                SinkExt::close(&mut socket).await.expect("no error");
                socket.recv().await
            }
        });
        world.run_until_stalled();
        assert_eq!(peer.take_frames(), [Frame::close(1000, "")]);
        peer.send_masked(&[Frame::text("late"), Frame::close(1000, "")]);
        world.run_until_stalled();
        assert!(!closing.is_there(), "the transport has not ended");
        peer.finish();
        world.run_at_once();
        assert_eq!(closing.take(), Ok(Some("late".into())));
    }
}

#[test]
fn a_stream_can_be_forwarded_into_a_sink() {
    let mut world = World::new();
    let ends = pipe(100, [Awkward::No, Awkward::Always(7)]);
    let (client, server) = pair(&mut world, &timeless(), ends);
    let echo = world.spawn(async move {
        let (sender, receiver) = server.split();
        let echoed = receiver.map(|message| message.map_err(|_| SendError::Closed));
        echoed.forward(sender).await
    });
    let (sender, mut receiver) = client.split();
    world.spawn(async move {
        for n in 0..50 {
            sender.send(n.to_string()).await.expect("it is open");
        }
    });
    let received = world.spawn(async move {
        let mut received = Vec::new();
        while received.len() < 50 {
            received.extend(receiver.recv().await.expect("no error"));
        }
        received
    });
    world.run_until_stalled();
    let expected: Vec<Message> = (0..50).map(|n: i32| n.to_string().into()).collect();
    assert_eq!(received.take(), expected);
    assert_eq!(echo.take(), Ok(()));
}

#[test]
fn messages_that_were_fed_leave_in_one_write() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1 << 20);
    let before = peer.writes();
    let prepared = Prepared::text(&"prepared".repeat(100));
    let mut socket = world.block_on(async move {
        for n in 0..10 {
            socket.feed(n.to_string()).await.expect("it is open");
            // These have buffers of their own.
            socket.feed(vec![n; 1000]).await.expect("it is open");
            socket.feed_prepared(&prepared).await.expect("it is open");
        }
        socket
    });
    assert_eq!(
        peer.writes(),
        before,
        "nothing is written before it is flushed"
    );
    let _socket = world.block_on(async move {
        socket.flush().await.expect("it is open");
        socket
    });
    assert_eq!(peer.writes(), before + 1);
    assert_eq!(peer.take_frames().len(), 30);
}

#[test]
fn a_receive_writes_what_was_fed_before_it_waits() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1 << 20);
    let before = peer.writes();
    peer.send_masked(&[Frame::text("one"), Frame::text("two"), Frame::text("three")]);
    world.spawn(async move {
        while let Ok(Some(message)) = socket.recv().await {
            socket.feed(message).await.expect("it is open");
        }
    });
    world.run_until_stalled();
    assert_eq!(peer.writes(), before + 1, "one for all that came at once");
    assert_eq!(peer.take_frames().len(), 3);
}

#[test]
fn a_feed_waits_while_the_queue_is_high_and_goes_on_when_it_is_drained() {
    let config = config(|config| {
        testkit::world::without_time(config);
        config.queue_high = 1000;
    });
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &config, 200);
        let fed = std::rc::Rc::new(std::cell::Cell::new(0));
        let count = std::rc::Rc::clone(&fed);
        let feeding = world.spawn(async move {
            if split {
                let (sender, _receiver) = socket.split();
                for _ in 0..100 {
                    sender.feed(vec![0; 98]).await.expect("it is open");
                    count.set(count.get() + 1);
                }
                sender.flush().await
            } else {
                for _ in 0..100 {
                    socket.feed(vec![0; 98]).await.expect("it is open");
                    count.set(count.get() + 1);
                }
                socket.flush().await
            }
        });
        world.run_until_stalled();
        // Of frames of 100 bytes, two are in the pipe, and ten make the queue high.
        assert_eq!(fed.get(), 12);
        peer.take();
        world.run_until_stalled();
        assert_eq!(fed.get(), 14);
        while !feeding.is_there() {
            peer.take();
            world.run_until_stalled();
        }
        assert_eq!((fed.get(), feeding.take()), (100, Ok(())));
    }
}

#[test]
fn a_long_message_waits_until_it_fits_behind_a_short_one() {
    let config = config(|config| {
        testkit::world::without_time(config);
        config.queue_limit = 5000;
    });
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &config, 100);
    let sent = world.spawn(async move {
        socket.feed(vec![1; 1000]).await.expect("it is open");
        socket.send(vec![2; 5000]).await.expect("it is open");
        socket.start(Kind::Binary).await.expect("it is open");
        socket.write(&[3; 4000]).await.expect("it is open");
        socket.finish(&[4; 4000]).await
    });
    let mut taken = Vec::new();
    while !sent.is_there() {
        world.run_until_stalled();
        taken.extend(peer.take());
    }
    assert_eq!(sent.take(), Ok(()));
    taken.extend(peer.take());
    let lens: Vec<_> = testkit::decode(&taken)
        .iter()
        .map(|frame| (frame.payload.len(), frame.fin))
        .collect();
    assert_eq!(
        lens,
        [(1000, true), (5000, true), (4000, false), (4000, true)]
    );
}

#[test]
fn a_queue_that_counts_as_high_when_empty_still_takes_a_message() {
    let config = config(|config| {
        testkit::world::without_time(config);
        config.queue_high = 0;
    });
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &config, 1000);
    let sent = world.block_on(async move { socket.send("hello").await });
    assert_eq!(sent, Ok(()));
    assert_eq!(peer.take_frames(), [Frame::text("hello")]);
}

#[test]
fn what_the_transport_buffers_is_flushed() {
    let mut world = World::new();
    let (server, peer) = pipe(50, [Awkward::Always(10), Awkward::No]);
    let (mut socket, peer) = over(
        &mut world,
        &timeless(),
        server.buffering(),
        testkit::world::Peer(peer),
    );
    let text = "0123456789".repeat(20);
    let sent = text.clone();
    let sending = world.spawn(async move { (socket.send(sent).await, socket) });
    let mut taken = Vec::new();
    while !sending.is_there() {
        world.run_until_stalled();
        taken.extend(peer.take());
    }
    taken.extend(peer.take());
    assert_eq!(testkit::decode(&taken), [Frame::text(&text)]);
    // So is the Close frame, before the stream is shut.
    let (sent, mut socket) = sending.take();
    assert_eq!(sent, Ok(()));
    peer.send_masked(&[Frame::close(1000, "")]);
    peer.finish();
    let received = world.block_on(async move { socket.recv().await });
    assert_eq!(received, Ok(None));
    assert_eq!(peer.take_frames(), [Frame::close(1000, "")]);
}

#[test]
fn a_flush_under_which_the_transport_fails_says_so() {
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &timeless(), 100);
        let sending = world.spawn(async move {
            if split {
                let (mut sender, _receiver) = socket.split();
                let sent = sender.send(vec![0; 1000]).await;
                (sent, SinkExt::flush(&mut sender).await)
            } else {
                let sent = socket.send(vec![0; 1000]).await;
                (sent, SinkExt::flush(&mut socket).await)
            }
        });
        world.run_until_stalled();
        peer.fail_writes(std::io::ErrorKind::ConnectionReset);
        world.run_at_once();
        let lost = Err(SendError::Closed);
        assert_eq!(sending.take(), (lost.clone(), lost));
    }
}

#[test]
fn a_timed_send_tells_a_lost_connection_from_a_slow_one() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 100);
    let sending = world.spawn(async move {
        let minute = Duration::from_secs(60);
        socket.send_timeout(vec![0; 1000], minute).await
    });
    world.run_until_stalled();
    peer.fail_writes(std::io::ErrorKind::ConnectionReset);
    world.run_at_once();
    let lost = TimedSendError::Refused(SendError::Closed);
    assert_eq!(sending.take(), Err(lost));
}

#[test]
fn a_message_in_parts_goes_out_as_it_is_written() {
    let mut world = World::new();
    let (mut socket, peer) = opened(&mut world, &timeless(), 1000, Awkward::No);
    let (mut socket, early) = world.block_on(async move {
        socket.start(Kind::Text).await.expect("it is open");
        let early = socket.send("too early").await;
        socket.write(b"one, ").await.expect("it is started");
        (socket, early)
    });
    assert_eq!(early, Err(SendError::MessageUnfinished));
    assert_eq!(peer.take_frames(), [Frame::text("one, ").unfinished()]);
    world.block_on(async move {
        socket.ping(b"in between").await.expect("it may be");
        socket.finish(b"two").await.expect("it is started");
        assert_eq!(socket.write(b"three").await, Err(SendError::NoMessage));
        socket.send("next").await.expect("it is finished");
    });
    let rest = [
        Frame::ping("in between"),
        Frame::continuation("two"),
        Frame::text("next"),
    ];
    assert_eq!(peer.take_frames(), rest);
}

#[test]
fn a_sink_of_a_socket_that_is_pinned_works_too() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1000);
    world.block_on(async move {
        let mut socket = Box::pin(socket);
        let mut sink: Pin<&mut _> = socket.as_mut();
        SinkExt::send(&mut sink, "pinned".into())
            .await
            .expect("it is open");
    });
    assert_eq!(peer.take_frames(), [Frame::text("pinned")]);
}

#[test]
fn a_lent_close_is_shown_even_if_a_send_has_read_it_ahead() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1000);
    peer.send_masked(&[Frame::text("text"), Frame::close(1001, "bye")]);
    peer.finish();
    world.advance(LONG);
    let seen = world.block_on(async move {
        socket.send("hello").await.expect("it is open");
        let mut seen = Vec::new();
        while let Some((event, mut outbox)) = socket.recv_ref().await.expect("no error") {
            seen.push(match event {
                Event::Text(text) => text.to_string(),
                Event::Closed(closed) => {
                    assert_eq!(outbox.feed_text("late"), Err(SendError::Closed));
                    assert_eq!((closed.by, closed.clean), (ClosedBy::Peer, true));
                    closed.reason.to_string()
                }
                event => panic!("{event:?}"),
            });
        }
        seen
    });
    assert_eq!(seen, ["text", "bye"]);
}

#[test]
fn a_close_does_not_cut_off_the_answers_to_what_came_with_it() {
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &timeless(), 1000);
        let texts = ["one", "two", "three"].map(Frame::text);
        peer.send_masked(&texts);
        peer.send_masked(&[Frame::close(1000, "")]);
        peer.finish();
        world.block_on(async move {
            if split {
                let (sender, mut receiver) = socket.split();
                while let Ok(Some(message)) = receiver.recv().await {
                    sender.send(message).await.expect("it is open");
                }
            } else {
                while let Ok(Some(message)) = socket.recv().await {
                    socket.send(message).await.expect("it is open");
                }
            }
        });
        let mut expected = texts.to_vec();
        expected.push(Frame::close(1000, ""));
        assert_eq!(peer.take_frames(), expected);
    }
}

#[test]
fn a_publisher_that_never_has_to_wait_answers_pings_and_sees_the_close() {
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &timeless(), 10_000);
        let pauses: Vec<_> = (1..=10).map(|n| world.sleep(n * LONG / 2)).collect();
        let published = world.spawn(async move {
            let mut published = 0;
            if split {
                let (sender, _receiver) = socket.split();
                for pause in pauses {
                    pause.await;
                    published += usize::from(sender.send("news").await.is_ok());
                }
            } else {
                for pause in pauses {
                    pause.await;
                    published += usize::from(socket.send("news").await.is_ok());
                }
            }
            published
        });
        peer.send_masked(&[Frame::text("nobody receives this"), Frame::ping("ping")]);
        world.advance(2 * LONG);
        let frames = peer.take_frames();
        assert!(frames.contains(&Frame::pong("ping")), "split: {split}");
        peer.send_masked(&[Frame::close(1000, "")]);
        peer.finish();
        world.run();
        assert_eq!(peer.take_frames().last(), Some(&Frame::close(1000, "")));
        assert!(published.take() < 10);
    }
}
