//! Ends of a connection: nothing that has arrived is lost, and the end is reported once and correctly.

use std::io::ErrorKind;

use testkit::{
    Frame,
    world::{Awkward, Peer, World, opened, over, pair, pipe, played, timeless},
};
use wsproto::{CloseCode, ClosedBy, Message, SendError};

/// Receives until the end.
async fn receive_all(socket: &mut testkit::world::Socket) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(message) = socket.recv().await.expect("the peer does nothing wrong") {
        messages.push(message);
    }
    messages
}

#[test]
fn data_a_close_and_the_end_in_one_segment_all_count() {
    for awkward in [Awkward::No, Awkward::Always(1), Awkward::Always(5)] {
        let mut world = World::new();
        let (mut socket, peer) = opened(&mut world, &timeless(), 1000, awkward);
        peer.send_masked(&[
            Frame::text("one"),
            Frame::text("two"),
            Frame::close(3000, "that is all"),
        ]);
        peer.finish();
        let (messages, socket) =
            world.block_on(async move { (receive_all(&mut socket).await, socket) });
        assert_eq!(messages, ["one", "two"]);
        let closed = socket.closed().expect("it is over");
        assert_eq!((closed.code.get(), &*closed.reason), (3000, "that is all"));
        assert!(closed.clean);
        assert_eq!(peer.take_frames(), [Frame::close(3000, "")]);
    }
}

#[test]
fn an_end_without_a_close_is_no_error_but_not_clean() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1000);
    peer.send_masked(&[Frame::text("one")]);
    peer.finish();
    let (messages, socket) =
        world.block_on(async move { (receive_all(&mut socket).await, socket) });
    assert_eq!(messages, ["one"]);
    let closed = socket.closed().expect("it is over");
    assert_eq!((closed.by, closed.clean), (ClosedBy::Transport, false));
    assert_eq!(closed.code, CloseCode::ABNORMAL);
    assert!(peer.is_finished());
}

#[test]
fn a_peer_that_has_ended_its_side_still_gets_what_was_fed() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 10);
    peer.send_masked(&[Frame::text("one")]);
    peer.finish();
    let ended = world.spawn(async move {
        let message = socket.recv().await.expect("no error").expect("a message");
        socket.feed(message).await.expect("it is open");
        socket
            .feed("a longer one that does not fit the pipe")
            .await
            .expect("it is open");
        receive_all(&mut socket).await
    });
    let mut taken = Vec::new();
    while !ended.is_there() {
        world.run_until_stalled();
        taken.extend(peer.take());
    }
    assert_eq!(testkit::decode(&taken).len(), 2);
}

#[test]
fn a_failed_read_ends_the_connection_behind_what_had_come() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1000);
    peer.send_masked(&[Frame::text("one"), Frame::text("two")]);
    peer.fail_reads(ErrorKind::ConnectionReset);
    let (messages, sent, socket) = world.block_on(async move {
        let messages = receive_all(&mut socket).await;
        (messages, socket.send("late").await, socket)
    });
    assert_eq!(messages, ["one", "two"]);
    assert_eq!(sent, Err(SendError::Closed));
    assert_eq!(
        socket.closed().map(|closed| closed.by),
        Some(ClosedBy::Transport)
    );
}

#[test]
fn a_failed_write_does_not_hide_what_can_still_be_read() {
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &timeless(), 1000);
        peer.fail_writes(ErrorKind::BrokenPipe);
        let (sent, receiving) = if split {
            let (sender, mut receiver) = socket.split();
            let sent = world.spawn(async move { sender.send("hello").await });
            let received = world.spawn(async move {
                let mut messages = Vec::new();
                while let Some(message) = receiver.recv().await.expect("no error") {
                    messages.push(message);
                }
                (messages, receiver.closed())
            });
            (sent, received)
        } else {
            let first = world.spawn(async move { (socket.send("hello").await, socket) });
            world.run_until_stalled();
            let (result, mut socket) = first.take();
            let sent = world.spawn(async move { result });
            let received = world.spawn(async move {
                let messages = receive_all(&mut socket).await;
                (messages, socket.closed().cloned())
            });
            (sent, received)
        };
        world.run_until_stalled();
        assert_eq!(sent.take(), Err(SendError::Closed), "split: {split}");
        peer.send_masked(&[Frame::text("one"), Frame::close(1000, "bye")]);
        peer.finish();
        world.run_at_once();
        let (messages, closed) = receiving.take();
        assert_eq!(messages, ["one"], "split: {split}");
        assert_eq!(closed.map(|closed| closed.code), Some(CloseCode::NORMAL));
    }
}

#[test]
fn a_close_waits_for_the_peers_and_for_the_end_of_the_transport() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1000);
    let closed = world.spawn(async move { socket.close(CloseCode::NORMAL, "bye").await });
    world.run_until_stalled();
    assert_eq!(peer.take_frames(), [Frame::close(1000, "bye")]);
    assert!(!peer.is_finished());
    peer.send_masked(&[Frame::text("late"), Frame::close(1000, "you too")]);
    world.run_until_stalled();
    assert!(peer.is_finished() && !closed.is_there());
    peer.finish();
    world.run_at_once();
    let closed = closed.take().expect("no error");
    assert_eq!((closed.by, closed.clean), (ClosedBy::Application, true));
    assert_eq!(&*closed.reason, "you too");
}

#[test]
fn a_close_comes_behind_everything_that_was_sent_before() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 10);
    let closed = world.spawn(async move {
        socket.feed("one").await.expect("it is open");
        socket.feed("two").await.expect("it is open");
        socket.close(CloseCode::NORMAL, "").await
    });
    peer.send_masked(&[Frame::close(1000, "")]);
    peer.finish();
    let mut taken = Vec::new();
    while !closed.is_there() {
        world.run_until_stalled();
        taken.extend(peer.take());
    }
    let expected = [
        Frame::text("one"),
        Frame::text("two"),
        Frame::close(1000, ""),
    ];
    assert_eq!(testkit::decode(&taken), expected);
}

#[test]
fn a_close_is_not_held_up_by_what_nobody_receives() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1000);
    let closed = world.spawn(async move { socket.close(CloseCode::NORMAL, "").await });
    peer.send_masked(&vec![Frame::binary(vec![0; 1000]); 1000]);
    peer.send_masked(&[Frame::close(1000, "")]);
    peer.finish();
    world.run_at_once();
    assert!(closed.take().is_ok_and(|closed| closed.clean));
}

#[test]
fn a_transport_that_buffers_is_not_shut_before_it_is_flushed() {
    let mut world = World::new();
    let (server, peer) = pipe(1000, [Awkward::No, Awkward::No]);
    let peer = Peer(peer);
    let (mut socket, peer) = over(&mut world, &timeless(), server.buffering(), peer);
    let full = Frame::binary(vec![0; 996]);
    let sent = full.payload.clone();
    let received = world.spawn(async move {
        socket.send(sent).await.expect("it fits the pipe");
        socket.recv().await
    });
    peer.send_masked(&[Frame::close(1000, "")]);
    peer.finish();
    world.run_until_stalled();
    assert!(!peer.is_finished(), "the Close frame waits for room");
    assert_eq!(peer.take_frames(), [full]);
    world.run_at_once();
    assert_eq!(peer.take_frames(), [Frame::close(1000, "")]);
    assert!(peer.is_finished());
    assert_eq!(received.take(), Ok(None));
}

#[test]
fn both_ends_closing_at_once_end_clean() {
    let mut world = World::new();
    let ends = pipe(1000, [Awkward::No, Awkward::No]);
    let (client, server) = pair(&mut world, &timeless(), ends);
    let closed = [client, server]
        .map(|mut socket| world.spawn(async move { socket.close(CloseCode::NORMAL, "").await }));
    world.run_at_once();
    for closed in closed {
        let closed = closed.take().expect("no error");
        assert_eq!((closed.by, closed.clean), (ClosedBy::Application, true));
    }
}

#[test]
fn what_is_received_after_a_close_that_was_given_up_is_not_dropped() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1000);
    let received = world.spawn(async move {
        let close = socket.close(CloseCode::NORMAL, "");
        assert_eq!(
            testkit::world::give_up_after(1, close).await,
            testkit::world::Outlived::GivenUp
        );
        let mut messages = receive_all(&mut socket).await;
        messages.extend(socket.recv().await.expect("no error"));
        (messages, socket.close(CloseCode::NORMAL, "").await)
    });
    world.run_until_stalled();
    peer.send_masked(&[Frame::text("late"), Frame::close(1000, "")]);
    peer.finish();
    world.run_at_once();
    let (messages, closed) = received.take();
    assert_eq!(messages, ["late"]);
    assert!(closed.is_ok_and(|closed| closed.clean));
}

#[test]
fn a_socket_that_is_dropped_ends_the_transport() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1000);
    let (sender, receiver) = socket.split();
    let clone = sender.clone();
    drop((sender, receiver));
    assert!(!peer.is_finished());
    drop(clone);
    assert!(peer.is_finished());
}
