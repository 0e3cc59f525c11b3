//! A server that shuts down closes its connections in order, whatever they are doing.

use std::time::Duration;

use driver_futures::{HandshakeError, accept};
use testkit::{
    Frame, config,
    handshake::REQUEST,
    world::{Awkward, Peer, World, pipe, played, timeless},
};
use wsproto::{Accept, ClosedBy, SendError};

const WHY: &str = "maintenance";

fn going_away() -> Frame {
    Frame::close(1001, WHY)
}

#[test]
fn a_receive_ends_with_the_closing_handshake() {
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &timeless(), 1000);
        let received = world.spawn(async move {
            if split {
                let (_sender, mut receiver) = socket.split();
                (
                    receiver.recv().await,
                    receiver.recv().await,
                    receiver.closed(),
                )
            } else {
                let first = socket.recv().await;
                (first, socket.recv().await, socket.closed().cloned())
            }
        });
        world.run_until_stalled();
        world.timeline.shut_down(WHY);
        world.run_until_stalled();
        assert_eq!(peer.take_frames(), [going_away()], "split: {split}");
        peer.send_masked(&[Frame::text("under way"), Frame::close(1001, "")]);
        peer.finish();
        world.run_at_once();
        let (first, second, closed) = received.take();
        assert_eq!((first, second), (Ok(Some("under way".into())), Ok(None)));
        let closed = closed.expect("it is over");
        assert_eq!((closed.by, closed.clean), (ClosedBy::Application, true));
    }
}

#[test]
fn a_send_that_waits_is_finished_and_the_next_refused() {
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &timeless(), 10);
        let sent = world.spawn(async move {
            if split {
                let (sender, _receiver) = socket.split();
                (sender.send("0123456789").await, sender.send("late").await)
            } else {
                (socket.send("0123456789").await, socket.send("late").await)
            }
        });
        world.run_until_stalled();
        world.timeline.shut_down(WHY);
        let mut taken = Vec::new();
        while !sent.is_there() {
            world.run_until_stalled();
            taken.extend(peer.take());
        }
        assert_eq!(sent.take(), (Ok(()), Err(SendError::Closed)));
        taken.extend(peer.take());
        let frames = [Frame::text("0123456789"), going_away()];
        assert_eq!(testkit::decode(&taken), frames, "split: {split}");
    }
}

#[test]
fn a_connection_whose_application_was_busy_is_closed_when_it_comes_back() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &config(|_| {}), 1000);
    let busy = world.sleep(Duration::from_secs(3));
    let received = world.spawn(async move {
        let first = socket.recv().await.expect("no error").expect("a message");
        busy.await;
        socket.feed(first).await.expect("nobody has told us");
        socket.recv().await
    });
    peer.send_masked(&[Frame::text("one")]);
    world.run_until_stalled();
    world.timeline.shut_down(WHY);
    world.advance(Duration::from_secs(3));
    assert_eq!(peer.take_frames(), [Frame::text("one"), going_away()]);
    world.run();
    assert_eq!(received.take(), Ok(None));
}

#[test]
fn a_request_that_has_not_come_is_not_waited_for() {
    let mut world = World::new();
    let (server, peer) = pipe(1000, [Awkward::No, Awkward::No]);
    let peer = Peer(peer);
    let timer = world.timer();
    let accepted = world.spawn(async move { accept(server, timer, timeless()).await });
    peer.send(&REQUEST[..20]);
    world.run_until_stalled();
    world.timeline.shut_down(WHY);
    world.run_at_once();
    let Err(HandshakeError::Closed(closed)) = accepted.take() else {
        panic!("it was given up");
    };
    assert_eq!(closed.by, ClosedBy::Application);
    assert!(peer.is_finished());
}

#[test]
fn a_request_that_has_come_is_answered_and_then_closed() {
    let mut world = World::new();
    let (server, peer) = pipe(1000, [Awkward::No, Awkward::No]);
    let peer = Peer(peer);
    let timer = world.timer();
    peer.send(REQUEST);
    let upgrade = world.block_on(async move { accept(server, timer, timeless()).await });
    world.timeline.shut_down(WHY);
    let upgrade = upgrade.expect("a request");
    world.spawn(async move {
        let mut socket = upgrade.accept(&Accept::new()).await.expect("it is one");
        socket.recv().await
    });
    world.run_until_stalled();
    let bytes = peer.take();
    assert!(bytes.starts_with(b"HTTP/1.1 101 "));
    assert!(bytes.ends_with(&going_away().encode()));
}
