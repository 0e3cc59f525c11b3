//! Sends that give up after a time, of a whole socket and of one half among several.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use driver_futures::{Clock, TimedSendError};
use testkit::{
    Frame, config, decode,
    world::{
        Awkward, Outcome, Outlived, Peer, Sender, Socket, World, give_up_after, opened, played,
        without_time,
    },
};
use wsproto::{CloseCode, Config, Kind, Message, SendError};

const SECOND: Duration = Duration::from_secs(1);

const NO_ROOM: Result<(), TimedSendError> = Err(TimedSendError::TimedOut { queued: false });
const LATE: Result<(), TimedSendError> = Err(TimedSendError::TimedOut { queued: true });

/// Little is queued before it counts as much.
fn narrow() -> Arc<Config> {
    config(|config| {
        without_time(config);
        config.queue_high = 100;
    })
}

/// The sending side.
enum Sending {
    Whole(Box<Socket>),
    Half(Sender),
}

impl Sending {
    async fn send(&mut self, bytes: usize, timeout: Duration) -> Result<(), TimedSendError> {
        let message = Message::from(vec![0; bytes]);
        match self {
            Self::Whole(socket) => socket.send_timeout(message, timeout).await,
            Self::Half(sender) => sender.send_timeout(message, timeout).await,
        }
    }
}

/// The sending side, whole and split.
fn both(socket: impl Fn(&mut World) -> (Socket, Peer)) -> [(World, Sending, Peer); 2] {
    [false, true].map(|split| {
        let mut world = World::new();
        let (socket, peer) = socket(&mut world);
        let sending = if split {
            let (sender, receiver) = socket.split();
            // Nothing is received.
            drop(receiver);
            Sending::Half(sender)
        } else {
            Sending::Whole(Box::new(socket))
        };
        (world, sending, peer)
    })
}

#[test]
fn a_peer_that_does_not_read_costs_no_more_than_the_timeout() {
    for (mut world, mut sending, peer) in both(|world| played(world, &narrow(), 10)) {
        let (since, clock) = (world.now(), world.timer());
        let sent = world.spawn(async move {
            let mut sent = Vec::new();
            for (bytes, timeout) in [(200, SECOND), (1, 2 * SECOND), (1, Duration::ZERO)] {
                sent.push((sending.send(bytes, timeout).await, clock.now()));
            }
            sent
        });
        world.run();
        let expected = [
            (LATE, since + SECOND),
            (NO_ROOM, since + 3 * SECOND),
            (NO_ROOM, since + 3 * SECOND),
        ];
        assert_eq!(sent.take(), expected);
        assert_eq!(peer.take().len(), 10);
    }
}

#[test]
fn what_is_sent_in_time_is_sent() {
    for (mut world, mut sending, peer) in both(|world| played(world, &narrow(), 50)) {
        let sent = world.spawn(async move { sending.send(200, SECOND).await });
        let mut taken = Vec::new();
        while !sent.is_there() {
            world.advance(SECOND / 10);
            taken.extend(peer.take());
        }
        taken.extend(peer.take());
        assert_eq!(sent.take(), Ok(()));
        assert_eq!(decode(&taken), [Frame::binary(vec![0; 200])]);
    }
}

#[test]
fn at_once_or_not_at_all() {
    for (mut world, mut sending, peer) in both(|world| played(world, &narrow(), 1000)) {
        let sent = world.block_on(async move {
            let mut sent = Vec::new();
            for bytes in [900, 500, 1] {
                sent.push(sending.send(bytes, Duration::ZERO).await);
            }
            sent
        });
        assert_eq!(sent, [Ok(()), LATE, NO_ROOM]);
        assert_eq!(peer.take().len(), 1000);
    }
}

#[test]
fn a_connection_that_is_lost_is_no_matter_of_time() {
    for (mut world, mut sending, peer) in both(|world| played(world, &narrow(), 10)) {
        let sent = world.spawn(async move {
            let first = sending.send(200, SECOND).await;
            (first, sending.send(200, SECOND).await)
        });
        world.run_until_stalled();
        peer.fail_writes(ErrorKind::BrokenPipe);
        peer.fail_reads(ErrorKind::BrokenPipe);
        world.run_at_once();
        let lost = || Err(TimedSendError::Refused(SendError::Closed));
        assert_eq!(sent.take(), (lost(), lost()));
    }
}

#[test]
fn senders_that_wait_side_by_side_each_have_a_deadline_of_their_own() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &narrow(), 10);
    let (sender, mut receiver) = socket.split();
    let receiving = world.spawn(async move { receiver.recv().await });
    let first = sender.clone();
    let first = world.spawn(async move { first.send(vec![0; 200]).await });
    let waiting: Vec<_> = [3, 1, 2]
        .map(|seconds| {
            let sender = sender.clone();
            world.spawn(async move { sender.send_timeout("no room", seconds * SECOND).await })
        })
        .into();
    let there =
        |waiting: &[Outcome<_>]| -> Vec<bool> { waiting.iter().map(Outcome::is_there).collect() };
    for expected in [
        [false, false, false],
        [false, true, false],
        [false, true, true],
        [true, true, true],
    ] {
        assert_eq!(there(&waiting), expected);
        // The receiver looks at the clock in between, and so does whoever else is woken.
        peer.send_masked(&[Frame::ping("")]);
        world.advance(SECOND);
    }
    assert_eq!(
        waiting.iter().map(Outcome::take).collect::<Vec<_>>(),
        [NO_ROOM; 3]
    );
    assert!(!first.is_there() && !receiving.is_there());
}

#[test]
fn who_waits_for_the_message_of_another_gives_up_too() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &narrow(), 1000);
    let (sender, _receiver) = socket.split();
    let streaming = sender.clone();
    let streaming = world.block_on(async move {
        streaming.start(Kind::Text).await.expect("it is open");
        streaming.write(b"one ").await.expect("it is started");
        streaming
    });
    let other = sender.clone();
    let given_up = world.spawn(async move {
        let at_once = other.send_timeout("at once", Duration::ZERO).await;
        (at_once, other.send_timeout("in a second", SECOND).await)
    });
    let patient = world.spawn(async move { sender.send_timeout("patient", 3 * SECOND).await });
    world.advance(2 * SECOND);
    assert_eq!(given_up.take(), (NO_ROOM, NO_ROOM));
    world.block_on(async move { streaming.finish(b"two").await.expect("it is started") });
    assert_eq!(patient.take(), Ok(()));
    let frames = [
        Frame::text("one ").unfinished(),
        Frame::continuation("two"),
        Frame::text("patient"),
    ];
    assert_eq!(peer.take_frames(), frames);
}

#[test]
fn a_send_with_a_deadline_that_is_dropped_has_queued_all_or_nothing() {
    let (mut all, mut nothing) = (0, 0);
    for polls in 0..200 {
        let mut world = World::new();
        let (socket, peer) = opened(&mut world, &narrow(), 16, Awkward::Always(3));
        let (sender, receiver) = socket.split();
        drop(receiver);
        let sent = world.spawn(async move {
            sender.feed(vec![1; 150]).await.expect("it is open");
            let sent = give_up_after(polls, sender.send_timeout(vec![2; 200], SECOND)).await;
            sender.send(vec![3; 50]).await.expect("it is open");
            sender.close(CloseCode::NORMAL, "").await;
            sent == Outlived::Returned(Ok(()))
        });
        let mut taken = Vec::new();
        loop {
            world.run_until_stalled();
            let some = peer.take();
            if some.is_empty() {
                break;
            }
            taken.extend(some);
        }
        peer.send_masked(&[Frame::close(1000, "")]);
        peer.finish();
        world.run_at_once();
        let frames = decode(&taken);
        let lengths: Vec<_> = frames.iter().map(|frame| frame.payload.len()).collect();
        match &lengths[..] {
            [150, 200, 50, 2] => all += 1,
            [150, 50, 2] => nothing += 1,
            other => panic!("{other:?} after {polls} polls"),
        }
        if sent.take() {
            assert!(all > 1 && nothing > 0);
            return;
        }
    }
    panic!("it never returns");
}
