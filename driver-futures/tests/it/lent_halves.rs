//! Events lent by a receiving half while the other halves use the connection.

use std::time::Duration;

use futures_util::future::join;
use testkit::{
    Frame,
    world::{
        Awkward, Outlived, Peer, Receiver, Sender, World, give_up_when_woken, opened, played,
        timeless, yield_now,
    },
};
use wsproto::{Cause, CloseCode, Event, Message, Violation};

/// Three messages and a ping, the second message in parts, and a Close.
fn frames() -> Vec<Frame> {
    vec![
        Frame::text("one"),
        Frame::text("two, ").unfinished(),
        Frame::ping("ping"),
        Frame::continuation("in parts"),
        Frame::binary(vec![3; 1000]),
        Frame::close(1000, "done"),
    ]
}

/// An event, abbreviated.
fn told(event: &Event<'_>) -> String {
    match event {
        Event::Text(text) => text.to_string(),
        Event::Binary(bytes) => format!("{} bytes", bytes.len()),
        Event::Ping(payload) => format!("a ping of {} bytes", payload.len()),
        Event::Closed(closed) => format!("closed: {}", closed.reason),
        event => panic!("{event:?}"),
    }
}

const TOLD: [&str; 5] = [
    "one",
    "a ping of 4 bytes",
    "two, in parts",
    "1000 bytes",
    "closed: done",
];

/// Looks at all there is, until the end.
async fn look_at_all(mut receiver: Receiver) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(event) = receiver.recv_ref().await.expect("no error") {
        seen.push(told(&event));
    }
    seen
}

/// A server's halves, where the peer has sent that in one go.
fn halves(world: &mut World, frames: &[Frame]) -> (Sender, Receiver, Peer) {
    let (socket, peer) = played(world, &timeless(), 10_000);
    peer.send_masked(frames);
    let (sender, receiver) = socket.split();
    (sender, receiver, peer)
}

#[test]
fn everything_comes_in_order_and_the_end_comes_once() {
    for awkward in [Awkward::No, Awkward::Always(3)] {
        let mut world = World::new();
        let (socket, peer) = opened(&mut world, &timeless(), 10_000, awkward);
        peer.send_masked(&frames());
        peer.finish();
        let (sender, receiver) = socket.split();
        let seen = world.block_on(look_at_all(receiver));
        assert_eq!(seen, TOLD);
        let closed = sender.closed().expect("it is over");
        assert_eq!((closed.code, closed.clean), (CloseCode::NORMAL, true));
        assert_eq!(
            peer.take_frames(),
            [Frame::pong("ping"), Frame::close(1000, "")]
        );
    }
}

#[test]
fn messages_of_one_read_are_lent_where_they_lie() {
    let mut world = World::new();
    let (_sender, mut receiver, _peer) = halves(&mut world, &vec![Frame::binary(vec![1; 50]); 3]);
    let places = world.block_on(async move {
        let mut places = Vec::new();
        for _ in 0..3 {
            let event = receiver.recv_ref().await.expect("no error");
            let Some(Event::Binary(bytes)) = event else {
                panic!("{event:?}");
            };
            places.push(bytes.as_ptr() as usize);
        }
        places
    });
    // A header of two bytes, and the key.
    let distance = 50 + 2 + 4;
    assert_eq!(
        places,
        [places[0], places[0] + distance, places[0] + 2 * distance]
    );
}

#[test]
fn an_event_is_answered_while_it_is_looked_at() {
    let mut world = World::new();
    let (sender, mut receiver, peer) = halves(&mut world, &vec![Frame::text("hello"); 3]);
    let writes = peer.writes();
    world.spawn(async move {
        while let Ok(Some(Event::Text(text))) = receiver.recv_ref().await {
            sender.feed(&*text).await.expect("it is open");
        }
    });
    world.run_until_stalled();
    assert_eq!(peer.take_frames(), vec![Frame::text("hello"); 3]);
    assert_eq!(peer.writes(), writes + 1, "all answers in one write");
}

#[test]
fn what_senders_do_meanwhile_does_not_overtake_what_was_read() {
    for polls in [1, 2, 3, 10] {
        let mut world = World::new();
        let (socket, peer) = opened(&mut world, &timeless(), 40, Awkward::No);
        let (sender, mut receiver) = socket.split();
        let numbers: Vec<_> = (0..2000_u32).map(|number| number.to_string()).collect();
        let frames: Vec<_> = numbers.iter().map(|number| Frame::text(number)).collect();
        peer.send_masked(&frames);
        peer.send_masked(&[Frame::close(1000, "")]);
        peer.finish();
        // It always waits: the peer takes little at a time.
        world.spawn(async move { while sender.send(vec![0; 100]).await.is_ok() {} });
        let received = world.spawn(async move {
            let mut received = Vec::new();
            for turn in 0.. {
                // Lent and kept in turns.
                if turn % 3 == 2 {
                    match give_up_when_woken(polls, receiver.recv()).await {
                        Outlived::Returned(Ok(Some(Message::Text(text)))) => received.push(text),
                        Outlived::Returned(Ok(None)) => break,
                        Outlived::Returned(other) => panic!("{other:?}"),
                        Outlived::GivenUp => {}
                    }
                    continue;
                }
                match give_up_when_woken(polls, receiver.recv_ref()).await {
                    Outlived::Returned(Ok(Some(Event::Text(text)))) => {
                        yield_now().await;
                        received.push(text.to_string());
                    }
                    Outlived::Returned(Ok(Some(Event::Closed(_) | Event::Drained))) => {}
                    Outlived::Returned(Ok(None)) => break,
                    Outlived::Returned(other) => panic!("{other:?}"),
                    Outlived::GivenUp => {}
                }
            }
            received
        });
        // More than is read ahead, so that some of it waits in the read buffer.
        for _ in 0..100_000 {
            world.run_until_stalled();
            if received.is_there() {
                break;
            }
            peer.take_some(30);
        }
        assert_eq!(received.take(), numbers, "{polls} polls");
    }
}

#[test]
fn senders_read_on_if_nothing_has_come_behind_what_is_lent() {
    let mut world = World::new();
    let (sender, mut receiver, peer) = halves(&mut world, &[Frame::text("one")]);
    let looks = world.sleep(Duration::from_secs(1));
    let seen = world.spawn(async move {
        let event = receiver.recv_ref().await.expect("no error");
        looks.await;
        let first = told(&event.expect("there is one"));
        [vec![first], look_at_all(receiver).await].concat()
    });
    // The peer does not take all of it, so that this waits.
    let waiting = sender.clone();
    world.spawn(async move { waiting.send(vec![0; 20_000]).await });
    world.run_until_stalled();
    peer.send_masked(&[
        Frame::ping("ping"),
        Frame::text("two"),
        Frame::close(1000, "done"),
    ]);
    peer.finish();
    world.run_until_stalled();
    let closed = sender.closed().expect("the Close is seen");
    assert!(&*closed.reason == "done" && !seen.is_there());
    while !seen.is_there() {
        peer.take();
        world.advance(Duration::from_secs(1));
    }
    let expected = ["one", "a ping of 4 bytes", "two", "closed: done"];
    assert_eq!(seen.take(), expected);
}

#[test]
fn a_close_beside_what_is_lent_does_not_wait_for_what_only_the_receiver_can_read() {
    let mut world = World::new();
    let (sender, mut receiver, peer) = halves(&mut world, &frames());
    peer.finish();
    let seen = world.block_on(async move {
        let first = {
            let event = receiver.recv_ref().await.expect("no error");
            // In the same task, and what is lent is still in use.
            sender.close(CloseCode::GOING_AWAY, "enough").await;
            assert!(sender.closed().is_none(), "the peer's Close is not read");
            told(&event.expect("there is one"))
        };
        let (rest, ()) = join(
            look_at_all(receiver),
            sender.close(CloseCode::GOING_AWAY, ""),
        )
        .await;
        assert!(sender.closed().is_some_and(|closed| closed.clean));
        [vec![first], rest].concat()
    });
    assert_eq!(seen[..4], TOLD[..4]);
    assert_eq!(seen.len(), 5);
    let sent = peer.take_frames();
    assert!(sent.contains(&Frame::close(1001, "enough")), "{sent:?}");
}

#[test]
fn senders_read_on_when_the_receiver_has_taken_what_lay_behind() {
    let mut world = World::new();
    let two = [Frame::text("one"), Frame::text("two")];
    let (sender, mut receiver, peer) = halves(&mut world, &two);
    let receiver = world.block_on(async move {
        let event = receiver.recv_ref().await.expect("no error");
        assert_eq!(told(&event.expect("there is one")), "one");
        receiver
    });
    // The peer does not take all of it, so that this waits.
    let waiting = sender.clone();
    world.spawn(async move { waiting.send(vec![0; 20_000]).await });
    world.run_until_stalled();
    let _receiver = world.block_on(async move {
        let mut receiver = receiver;
        assert_eq!(receiver.recv().await, Ok(Some("two".into())));
        receiver
    });
    peer.send_masked(&[Frame::close(1000, "done")]);
    world.run_until_stalled();
    assert!(sender.closed().is_some(), "the Close is seen");
}

#[test]
fn what_lies_behind_what_was_lent_is_not_lost_with_the_receiver() {
    let mut world = World::new();
    let (sender, mut receiver, peer) = halves(&mut world, &frames());
    peer.finish();
    let receiver = world.block_on(async move {
        let event = receiver.recv_ref().await.expect("no error");
        assert_eq!(told(&event.expect("there is one")), "one");
        receiver
    });
    // It waits for what is in the receiver's hands, until that is dropped.
    let other = sender.clone();
    let sent = world.spawn(async move { while other.send(vec![0; 5000]).await.is_ok() {} });
    world.run_until_stalled();
    assert!(!sent.is_there());
    drop(receiver);
    while !sent.is_there() {
        world.run_until_stalled();
        peer.take();
    }
    let closed = sender.closed().expect("the Close is seen");
    assert_eq!((&*closed.reason, closed.clean), ("done", true));
}

#[test]
fn an_error_comes_once_and_behind_what_was_right() {
    let mut world = World::new();
    let mut no_text = Frame::text("");
    no_text.payload = vec![0xc3, 0x28];
    let (sender, mut receiver, peer) = halves(&mut world, &[Frame::text("right"), no_text]);
    peer.finish();
    let (error, end) = world.block_on(async move {
        let right = receiver.recv_ref().await.expect("it is right");
        assert_eq!(told(&right.expect("there is one")), "right");
        let error = receiver.recv_ref().await.map(|event| event.is_some());
        (
            error,
            receiver.recv_ref().await.map(|event| event.is_some()),
        )
    });
    let error = error.expect_err("it is no text");
    assert_eq!(error.cause, Cause::Violation(Violation::TextNotUtf8));
    assert_eq!(end, Ok(false));
    assert_eq!(sender.closed(), Some(error.closed));
}
