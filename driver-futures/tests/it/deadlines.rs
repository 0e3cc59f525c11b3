//! Deadlines on a virtual clock: nobody waits for ever, and nobody is blamed for another's slowness.

use std::time::Duration;

use driver_futures::{HandshakeError, TimedSendError, accept, connect};
use testkit::{
    Frame, config,
    world::{Awkward, Peer, World, opened, pipe, played},
};
use wsproto::{
    Accept, Cause, ClientRequest, CloseCode, ClosedBy, Deadline, Event, SendError, Time,
};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn elapsed(world: &World, since: Time) -> Duration {
    world.now().saturating_since(since)
}

#[test]
fn a_client_that_sends_no_request_is_answered_408_and_given_up() {
    let mut world = World::new();
    let (server, peer) = pipe(1000, [Awkward::No, Awkward::No]);
    let peer = Peer(peer);
    let timer = world.timer();
    let accepted = world.spawn(async move { accept(server, timer, config(|_| {})).await });
    peer.send(b"GET / HTT");
    world.advance(seconds(9));
    assert!(peer.take().is_empty());
    world.advance(seconds(1));
    assert!(peer.take().starts_with(b"HTTP/1.1 408 "));
    // It has the close timeout to take note.
    assert!(!accepted.is_there());
    world.advance(seconds(5));
    let Err(HandshakeError::Failed(error)) = accepted.take() else {
        panic!("it failed");
    };
    assert_eq!(error.cause, Cause::Deadline(Deadline::Opening));
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let mut world = World::new();
    let (client, _peer) = pipe(1000, [Awkward::No, Awkward::No]);
    let timer = world.timer();
    let since = world.now();
    let connected = world.spawn(async move {
        let request = ClientRequest::new("localhost", "/");
        connect(client, timer, config(|_| {}), &request)
            .await
            .map(|_| ())
    });
    world.run();
    assert_eq!(elapsed(&world, since), seconds(10));
    let Err(HandshakeError::Failed(error)) = connected.take() else {
        panic!("it failed");
    };
    assert_eq!(error.cause, Cause::Deadline(Deadline::Opening));
}

#[test]
fn a_server_that_answers_nonsense_is_given_up_at_once() {
    let mut world = World::new();
    let (client, peer) = pipe(1000, [Awkward::No, Awkward::No]);
    let peer = Peer(peer);
    let timer = world.timer();
    let connected = world.spawn(async move {
        let request = ClientRequest::new("localhost", "/");
        connect(client, timer, config(|_| {}), &request)
            .await
            .map(|_| ())
    });
    peer.send(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: no\r\n\r\n");
    world.run_at_once();
    assert!(matches!(connected.take(), Err(HandshakeError::Failed(_))));
}

#[test]
fn a_silent_peer_is_pinged_and_one_that_stays_silent_fails_the_connection_once() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &config(|_| {}), 1000);
    let received = world.spawn(async move {
        let first = socket.recv().await;
        (first, socket.recv().await, socket.recv().await)
    });
    world.advance(seconds(29));
    assert!(peer.take().is_empty());
    world.advance(seconds(1));
    assert_eq!(peer.take_frames(), [Frame::ping("")]);
    world.advance(seconds(19));
    peer.send_masked(&[Frame::pong("")]);
    world.advance(seconds(29));
    assert!(peer.take().is_empty());
    world.advance(seconds(1));
    assert_eq!(peer.take_frames(), [Frame::ping("")]);
    world.advance(seconds(20));
    let told = peer.take_frames();
    assert_eq!(told[0].payload[..2], 1011_u16.to_be_bytes());
    world.run();
    let (first, second, third) = received.take();
    let error = first.expect_err("no pong came");
    assert_eq!(error.cause, Cause::Deadline(Deadline::Pong));
    assert_eq!((second, third), (Ok(None), Ok(None)));
}

#[test]
fn a_half_open_peer_never_blocks_a_sender_for_ever() {
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, _peer) = played(&mut world, &config(|_| {}), 1000);
        let since = world.now();
        let sent = world.spawn(async move {
            if split {
                let (sender, mut receiver) = socket.split();
                let sent = sender.send(vec![0; 10_000]).await;
                let again = sender.send("hello").await;
                (sent, again, receiver.recv().await, receiver.recv().await)
            } else {
                let sent = socket.send(vec![0; 10_000]).await;
                let again = socket.send("hello").await;
                (sent, again, socket.recv().await, socket.recv().await)
            }
        });
        world.run();
        assert_eq!(elapsed(&world, since), seconds(30));
        let (sent, again, received, end) = sent.take();
        assert_eq!(
            (sent, again),
            (Err(SendError::Closed), Err(SendError::Closed))
        );
        let error = received.expect_err("it failed");
        assert_eq!(error.cause, Cause::Deadline(Deadline::Write));
        assert_eq!(end, Ok(None));
    }
}

#[test]
fn a_patient_send_sees_the_connection_fail_before_its_own_time_is_over() {
    let mut world = World::new();
    let (mut socket, _peer) = stalled(&mut world);
    let since = world.now();
    let sent = world.spawn(async move { socket.send_timeout("news", seconds(60)).await });
    world.run();
    assert_eq!(elapsed(&world, since), seconds(30));
    let lost = TimedSendError::Refused(SendError::Closed);
    assert_eq!(sent.take(), Err(lost));
}

#[test]
fn a_peer_that_does_not_answer_a_close_is_not_waited_for() {
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &config(|_| {}), 1000);
        let since = world.now();
        let closed = world.spawn(async move {
            if split {
                let (sender, _receiver) = socket.split();
                sender.close(CloseCode::NORMAL, "").await;
                sender.closed()
            } else {
                socket.close(CloseCode::NORMAL, "").await.ok()
            }
        });
        world.run();
        assert_eq!(elapsed(&world, since), seconds(5));
        let closed = closed.take().expect("it is over");
        assert_eq!(closed.by, ClosedBy::Deadline(Deadline::Close));
        assert_eq!(peer.take_frames(), [Frame::close(1000, "")]);
    }
}

#[test]
fn an_application_that_closes_gets_what_the_peer_did_instead() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &config(|_| {}), 1000);
    peer.send_masked(&[Frame::text("text").reserved(1)]);
    peer.finish();
    let (first, second) = world.block_on(async move {
        let first = socket.close(CloseCode::NORMAL, "").await;
        (first, socket.close(CloseCode::NORMAL, "").await)
    });
    let error = first.expect_err("the peer broke the protocol");
    assert_eq!(second, Ok(error.closed), "the error comes once");
}

#[test]
fn no_flood_holds_a_deadline_off() {
    let mut world = World::new();
    let slowly = Awkward::Slowly(1000);
    let (mut socket, peer) = opened(&mut world, &config(|_| {}), 1 << 20, slowly);
    let closed = world.spawn(async move { socket.close(CloseCode::NORMAL, "").await });
    let timeline = world.timeline.clone();
    let flood: Vec<_> = Frame::binary(vec![0; 10_000]).masked([0; 4]).encode();
    let since = world.now();
    world.spawn(async move {
        // There is always something to read, and time passes.
        while !peer.is_finished() && timeline.now() < since + seconds(60) {
            while peer.unread() < 1 << 20 {
                peer.send(&flood);
            }
            timeline.advance_to(timeline.now() + Duration::from_millis(100));
            testkit::world::yield_now().await;
        }
    });
    world.run_at_once();
    let closed = closed.take().expect("the peer did nothing wrong");
    assert_eq!(closed.by, ClosedBy::Deadline(Deadline::Close));
    assert!(elapsed(&world, since) < seconds(10));
}

#[test]
fn a_reader_that_is_always_ready_lets_others_run() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &testkit::world::timeless(), 1 << 20);
    let flood = Frame::binary(vec![0; 10_000]).masked([0; 4]).encode();
    let received = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = std::rc::Rc::clone(&received);
    world.spawn(async move {
        // The peer is as quick as the reader: each message brings the next.
        for _ in 0..100_000 {
            peer.send(&flood);
            if let Ok(Some(_)) = socket.recv().await {
                count.set(count.get() + 1);
            }
        }
    });
    let others = std::rc::Rc::clone(&received);
    let other = world.spawn(async move { others.get() });
    world.run_until_stalled();
    assert!(other.take() < 1000);
    assert_eq!(received.get(), 100_000);
}

#[test]
fn a_connection_on_which_nothing_happens_is_closed_with_1001() {
    let mut world = World::new();
    let config = config(|config| config.idle_timeout = Some(seconds(60)));
    let (mut socket, peer) = played(&mut world, &config, 1000);
    let received = world.spawn(async move {
        let first = socket.recv().await;
        (first, socket.recv().await, socket.closed().cloned())
    });
    world.advance(seconds(25));
    peer.send_masked(&[Frame::text("text")]);
    for _ in 0..5 {
        world.advance(seconds(10));
        peer.send_masked(&[Frame::ping("no message")]);
    }
    world.advance(seconds(9));
    assert!(
        peer.take_frames()
            .iter()
            .all(|frame| *frame == Frame::pong("no message"))
    );
    world.advance(seconds(1));
    let told = peer.take_frames();
    assert_eq!(told[0].payload[..2], 1001_u16.to_be_bytes());
    peer.send_masked(&[Frame::close(1001, "")]);
    peer.finish();
    world.run_at_once();
    let (first, second, closed) = received.take();
    assert_eq!((first, second), (Ok(Some("text".into())), Ok(None)));
    let by = closed.map(|closed| (closed.by, closed.clean));
    assert_eq!(by, Some((ClosedBy::Deadline(Deadline::Idle), true)));
}

#[test]
fn a_peer_is_not_blamed_while_the_application_was_away() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &config(|_| {}), 1000);
    let busy = world.sleep(seconds(3600));
    let received = world.spawn(async move {
        let first = socket.recv().await;
        busy.await;
        (first, socket.recv().await)
    });
    peer.send_masked(&[Frame::text("one")]);
    world.advance(seconds(40));
    peer.send_masked(&[Frame::text("two")]);
    world.run();
    assert_eq!(
        received.take(),
        (Ok(Some("one".into())), Ok(Some("two".into())))
    );
}

/// A connection whose peer has a full pipe and takes nothing from it.
fn stalled(world: &mut World) -> (testkit::world::Socket, Peer) {
    let (mut socket, peer) = played(world, &config(|_| {}), 100);
    let socket = world.block_on(async move {
        let full = vec![0; 98];
        socket.send(full).await.expect("it fits the pipe");
        socket
    });
    (socket, peer)
}

/// Takes what the peer is sent until a task has returned; then drops it.
fn take_until<T>(
    world: &mut World,
    peer: &Peer,
    outcome: &testkit::world::Outcome<T>,
) -> Vec<Frame> {
    let mut bytes = Vec::new();
    while !outcome.is_there() {
        bytes.extend(peer.take());
        world.run_until_stalled();
    }
    bytes.extend(peer.take());
    testkit::decode(&bytes)
}

#[test]
fn a_slow_answer_has_as_long_as_a_quick_one() {
    for lending in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = stalled(&mut world);
        let busy = world.sleep(seconds(60));
        let echoing = world.spawn(async move {
            if lending {
                let Ok(Some((Event::Binary(bytes), mut outbox))) = socket.recv_ref().await else {
                    panic!("a message");
                };
                busy.await;
                outbox.feed_binary(&bytes).expect("it is open");
            } else {
                let message = socket.recv().await.expect("no error").expect("a message");
                busy.await;
                socket.feed(message).await.expect("it is open");
            }
            socket.flush().await
        });
        // Two at once, so that the second is still at hand when the first is answered.
        peer.send_masked(&[Frame::binary(vec![7; 500]), Frame::text("two")]);
        world.advance(seconds(60));
        world.advance(seconds(29));
        assert!(!echoing.is_there());
        take_until(&mut world, &peer, &echoing);
        assert_eq!(echoing.take(), Ok(()), "lending: {lending}");
    }
}

#[test]
fn an_answer_that_waits_for_half_a_message_has_as_long_as_others() {
    let mut world = World::new();
    let config = config(|config| config.ping_interval = None);
    let (mut socket, peer) = played(&mut world, &config, 100);
    let busy = world.sleep(seconds(60));
    let echoing = world.spawn(async move {
        let first = socket.recv().await.expect("no error").expect("a message");
        socket.feed(first).await.expect("it is open");
        busy.await;
        // No whole message is at hand yet: now the answer is written, as far as the pipe takes it.
        socket.recv().await
    });
    let second = Frame::text("two").masked([0; 4]).encode();
    let (half, rest) = second.split_at(5);
    peer.send([&Frame::binary(vec![7; 500]).masked([0; 4]).encode(), half].concat());
    world.advance(seconds(60 + 29));
    peer.send(rest);
    world.run_until_stalled();
    assert_eq!(echoing.take(), Ok(Some("two".into())));
}

#[test]
fn a_close_has_its_time_however_old_the_batch_is() {
    for lending in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = stalled(&mut world);
        let busy = world.sleep(seconds(20));
        let closed = world.spawn(async move {
            if lending {
                let Ok(Some((Event::Text(_), mut outbox))) = socket.recv_ref().await else {
                    panic!("a message");
                };
                outbox.feed_text("answer").expect("it is open");
                busy.await;
                outbox.close(CloseCode::NORMAL, "");
            } else {
                socket.recv().await.expect("no error");
                socket.feed("answer").await.expect("it is open");
                busy.await;
            }
            socket.close(CloseCode::NORMAL, "").await
        });
        peer.send_masked(&[Frame::text("one"), Frame::text("two")]);
        world.advance(seconds(20 + 4));
        assert!(!closed.is_there(), "lending: {lending}");
        peer.send_masked(&[Frame::close(1000, "")]);
        peer.finish();
        let frames = take_until(&mut world, &peer, &closed);
        assert_eq!(frames[1..], [Frame::text("answer"), Frame::close(1000, "")]);
        assert!(closed.take().is_ok_and(|closed| closed.clean));
    }
}

#[test]
fn the_application_may_take_its_time_to_answer_a_request() {
    let mut world = World::new();
    let (server, peer) = pipe(1000, [Awkward::No, Awkward::No]);
    let peer = Peer(peer);
    peer.send(testkit::handshake::REQUEST);
    peer.send_masked(&[Frame::text("at once")]);
    let timer = world.timer();
    let busy = world.sleep(seconds(600));
    let received = world.spawn(async move {
        let upgrade = accept(server, timer, config(|_| {}))
            .await
            .expect("a request");
        busy.await;
        let mut socket = upgrade.accept(&Accept::new()).await.expect("it is one");
        (socket.recv().await, socket)
    });
    world.run();
    let (received, socket) = received.take();
    assert_eq!(received, Ok(Some("at once".into())));
    assert!(socket.connection().is_open());
    assert!(peer.take().starts_with(b"HTTP/1.1 101 "));
}
