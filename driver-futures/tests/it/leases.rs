//! Read buffers that are held because an application has stopped in the middle of its input. They are counted for the
//! whole process and these tests take them all, so each test has a process of its own.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use driver_kit::lease::{BUFFER, Lease};
use testkit::{
    Frame,
    allocation::live,
    process::alone,
    world::{Receiver, World, played, timeless},
};
use wsproto::Event;

#[test]
fn when_too_many_are_lent_something_the_next_are_lent_a_copy() {
    if !alone(when_too_many_are_lent_something_the_next_are_lent_a_copy) {
        return;
    }
    // As many tasks as may stop in the middle of their input, and more.
    let mut leases: Vec<_> = (0..64).map(|_| Lease::take()).collect();
    assert!(leases.iter_mut().all(|lease| lease.hold()));
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 10_000);
    peer.send_masked(&[
        Frame::text("one"),
        Frame::ping("ping"),
        Frame::text("two, ").unfinished(),
        Frame::continuation("in parts"),
        Frame::binary(vec![3; 1000]),
        Frame::close(1000, ""),
    ]);
    peer.finish();
    let seen = world.block_on(async move {
        let mut seen = Vec::new();
        while let Some((event, mut outbox)) = socket.recv_ref().await.expect("no error") {
            match event {
                Event::Text(text) => {
                    outbox.feed_text(&text).expect("it is open");
                    seen.push(text.len());
                }
                Event::Binary(bytes) => seen.push(bytes.len()),
                Event::Ping(payload) => seen.push(payload.len()),
                Event::Closed(_) => seen.push(0),
                event => panic!("{event:?}"),
            }
            assert!(!Lease::take().hold(), "nobody else holds a buffer");
        }
        seen
    });
    assert_eq!(seen, [3, 4, 13, 1000, 0]);
    assert_eq!(peer.take_frames().len(), 4);
    drop(leases);
}

#[test]
fn tasks_that_stop_with_something_lent_share_a_bounded_number_of_read_buffers() {
    if !alone(tasks_that_stop_with_something_lent_share_a_bounded_number_of_read_buffers) {
        return;
    }
    let mut world = World::new();
    let before = live();
    let sockets: Vec<_> = (0..200)
        .map(|_| {
            let (mut socket, peer) = played(&mut world, &timeless(), 1 << 10);
            peer.send_masked(&[Frame::text("hello")]);
            let lent = pin!(socket.recv_ref()).poll(&mut Context::from_waker(Waker::noop()));
            assert!(
                matches!(lent, Poll::Ready(Ok(Some((Event::Text(text), _)))) if &*text == "hello")
            );
            (socket, peer)
        })
        .collect();
    let buffers = (live() - before) as usize / BUFFER;
    assert!(buffers <= 64 + 8, "{buffers} buffers");
    drop(sockets);
}

#[test]
fn halves_that_stop_with_something_lent_share_them_too_and_lose_nothing_behind_it() {
    if !alone(halves_that_stop_with_something_lent_share_them_too_and_lose_nothing_behind_it) {
        return;
    }
    let mut world = World::new();
    let before = live();
    let mut halves: Vec<_> = (0..200)
        .map(|_| {
            let (socket, peer) = played(&mut world, &timeless(), 1 << 10);
            peer.send_masked(&[Frame::text("one"), Frame::text("two")]);
            let (sender, mut receiver) = socket.split();
            assert_eq!(lent_text(&mut receiver), "one");
            (sender, receiver, peer)
        })
        .collect();
    let buffers = (live() - before) as usize / BUFFER;
    assert!(buffers <= 64 + 8, "{buffers} buffers");
    for (_, receiver, _) in &mut halves {
        assert_eq!(lent_text(receiver), "two");
    }
}

/// The text that is lent at once.
fn lent_text(receiver: &mut Receiver) -> String {
    let lent = pin!(receiver.recv_ref()).poll(&mut Context::from_waker(Waker::noop()));
    match lent {
        Poll::Ready(Ok(Some(Event::Text(text)))) => text.to_string(),
        other => panic!("{other:?}"),
    }
}
