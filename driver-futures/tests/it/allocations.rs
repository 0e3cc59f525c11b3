//! The costs of a connection: nothing per message in a steady state, and no read buffer while it is idle.
//! Read buffers are bounded for the whole process, so each test has a process of its own.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use testkit::{
    Frame,
    allocation::{allocations, live},
    process::alone,
    world::{Socket, World, played, timeless},
};
use wsproto::{Event, Message};

/// Polls once.
fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Echoes all that is there, lending.
async fn echo(socket: &mut Socket) {
    while let Ok(Some((event, mut outbox))) = socket.recv_ref().await {
        match event {
            Event::Text(text) => outbox.feed_text(&text).expect("it is open"),
            Event::Binary(bytes) => outbox.feed_binary(&bytes).expect("it is open"),
            _ => {}
        }
    }
}

#[test]
fn a_steady_echo_allocates_nothing() {
    if !alone(a_steady_echo_allocates_nothing) {
        return;
    }
    // One message at a time, many at once, and more than the queue takes before it counts as high.
    for (len, count) in [(10, 1), (100, 50), (1000, 150)] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &timeless(), 1 << 20);
        let frame = Frame::binary(vec![7; len]).masked([1, 2, 3, 4]).encode();
        let batch = frame.repeat(count);
        let mut taken = 0;
        let mut round = |socket: &mut Socket| {
            peer.send(&batch);
            assert!(poll(echo(socket)).is_pending());
            taken += peer.skip();
        };
        for _ in 0..10 {
            round(&mut socket);
        }
        let counted = allocations(|| {
            for _ in 0..100 {
                round(&mut socket);
            }
        });
        assert_eq!(counted, 0, "{count} messages of {len} bytes");
        let answer = Frame::binary(vec![7; len]).encode().len();
        assert_eq!(taken, 110 * count * answer);
    }
}

#[test]
fn a_half_that_is_lent_what_comes_allocates_nothing() {
    if !alone(a_half_that_is_lent_what_comes_allocates_nothing) {
        return;
    }
    for (len, count) in [(10, 1), (100, 50), (100_000, 4)] {
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &timeless(), 1 << 20);
        let (_sender, mut receiver) = socket.split();
        let frame = Frame::binary(vec![7; len]).masked([1, 2, 3, 4]).encode();
        let batch = frame.repeat(count);
        let mut seen = 0;
        let mut round = || {
            peer.send(&batch);
            let all = poll(async {
                while let Ok(Some(Event::Binary(bytes))) = receiver.recv_ref().await {
                    seen += bytes.len();
                }
            });
            assert!(all.is_pending());
        };
        for _ in 0..10 {
            round();
        }
        let counted = allocations(|| (0..100).for_each(|_| round()));
        assert_eq!(counted, 0, "{count} messages of {len} bytes");
        assert_eq!(seen, 110 * count * len);
    }
}

#[test]
fn an_idle_socket_holds_no_read_buffer() {
    if !alone(an_idle_socket_holds_no_read_buffer) {
        return;
    }
    for used in ["never", "received", "lent", "sent"] {
        let mut world = World::new();
        // The thread's own buffers are there before.
        drop(played(&mut world, &timeless(), 1 << 10));
        let before = live();
        let sockets: Vec<_> = (0..100)
            .map(|_| {
                let (mut socket, peer) = played(&mut world, &timeless(), 1 << 10);
                peer.send_masked(&[Frame::text("hello")]);
                match used {
                    "never" => {}
                    "received" => {
                        let received = poll(socket.recv());
                        assert_eq!(received, Poll::Ready(Ok(Some(Message::from("hello")))));
                        assert!(poll(socket.recv()).is_pending());
                    }
                    "lent" => assert!(poll(echo(&mut socket)).is_pending()),
                    _ => {
                        assert!(poll(socket.send("hello")).is_ready());
                        assert!(poll(socket.recv()).is_ready());
                    }
                }
                (socket, peer)
            })
            .collect();
        let each = (live() - before) / 100;
        // The pipe of the test takes 2 KiB.
        assert!(each < 4 << 10, "{each} bytes each when {used}");
        drop(sockets);
    }
}

#[test]
fn many_small_messages_are_not_read_ahead_for_ever() {
    if !alone(many_small_messages_are_not_read_ahead_for_ever) {
        return;
    }
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 10);
    peer.send_masked(&vec![Frame::text(""); 10_000]);
    let before = live();
    let mut send = Box::pin(async move { socket.send(vec![0; 1000]).await });
    assert!(poll(send.as_mut()).is_pending());
    let grown = live() - before;
    // 64 KiB of them, with what each costs beside its bytes, and a read buffer in which the rest waits.
    assert!(grown < 512 << 10, "{grown} bytes");
}
