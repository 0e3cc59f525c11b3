//! When a sender waits for room in the queue, when it does not, and when it is refused.

use std::sync::Arc;

use futures_util::SinkExt;
use testkit::{
    Frame, config, decode,
    world::{Outcome, Peer, Sender, Socket, World, played, without_time},
};
use wsproto::{Config, Kind, Message, Overflow, SendError};

type Sent = Vec<Result<(), SendError>>;

/// How messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Whole,
    WholeSink,
    Half,
    HalfSink,
}

const WAYS: [Way; 4] = [Way::Whole, Way::WholeSink, Way::Half, Way::HalfSink];

impl Way {
    /// Sends messages one after the other, without a flush in between.
    async fn feed(self, mut socket: Socket, messages: Vec<Message>) -> (Sent, Held) {
        let mut sent = Vec::new();
        match self {
            Self::Whole => {
                for message in messages {
                    sent.push(socket.feed(message).await);
                }
                (sent, Held::Whole(Box::new(socket)))
            }
            Self::WholeSink => {
                for message in messages {
                    sent.push(SinkExt::feed(&mut socket, message).await);
                }
                (sent, Held::Whole(Box::new(socket)))
            }
            Self::Half | Self::HalfSink => {
                // What would come to the receiver is not asked for.
                let (mut sender, _) = socket.split();
                for message in messages {
                    sent.push(if self == Self::Half {
                        sender.feed(message).await
                    } else {
                        SinkExt::feed(&mut sender, message).await
                    });
                }
                (sent, Held::Half(sender))
            }
        }
    }
}

/// What has to stay for what is queued to be written.
enum Held {
    Whole(Box<Socket>),
    Half(Sender),
}

impl Held {
    async fn flush(&mut self) -> Result<(), SendError> {
        match self {
            Self::Whole(socket) => socket.flush().await,
            Self::Half(sender) => sender.flush().await,
        }
    }
}

/// A configuration without deadlines.
fn queue(change: impl FnOnce(&mut Config)) -> Arc<Config> {
    config(|config| {
        without_time(config);
        change(config);
    })
}

/// Messages that can be told apart, of frames of 100 bytes.
fn messages(count: u8) -> Vec<Message> {
    (0..count).map(|n| vec![n; 98].into()).collect()
}

/// The first bytes of the messages that a peer gets in the end.
fn received(world: &mut World, peer: &Peer, until: &Outcome<impl Sized>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !until.is_there() {
        let some = peer.take_some(50);
        assert!(!some.is_empty(), "it waits for nothing");
        bytes.extend(some);
        world.run_until_stalled();
    }
    bytes.extend(peer.take());
    let frames = decode(&bytes);
    frames.iter().map(|frame| frame.payload[0]).collect()
}

#[test]
fn with_a_policy_that_drops_no_message_waits_for_a_high_queue() {
    for (overflow, kept) in [
        (Overflow::DropNewest, (0..10).collect::<Vec<_>>()),
        // The first one is on its way.
        (
            Overflow::DropOldest,
            [0].into_iter().chain(11..20).collect(),
        ),
    ] {
        for way in WAYS {
            let config = queue(|config| {
                config.queue_high = 200;
                config.queue_limit = 1000;
                config.overflow = overflow;
            });
            let mut world = World::new();
            let (mut socket, peer) = played(&mut world, &config, 10);
            let first = world.spawn(async move {
                socket.feed(vec![0; 98]).await.expect("there is room");
                let sent = std::future::poll_fn(|cx| {
                    let flush = std::pin::pin!(socket.flush());
                    std::task::Poll::Ready(flush.poll(cx).is_pending())
                });
                assert!(sent.await, "the transport takes ten bytes");
                socket
            });
            world.run_until_stalled();
            let messages = messages(20).split_off(1);
            // It returns without anybody reading.
            let (sent, mut held) = world.block_on(way.feed(first.take(), messages));
            let dropped = sent.iter().filter(|sent| **sent == Err(SendError::Dropped));
            match overflow {
                Overflow::DropNewest => assert!(dropped.count() > 5, "{way:?} {sent:?}"),
                _ => assert!(sent.iter().all(Result::is_ok), "{way:?} {sent:?}"),
            }
            let flushed = world.spawn(async move { held.flush().await });
            assert_eq!(
                received(&mut world, &peer, &flushed),
                kept,
                "{overflow:?} {way:?}"
            );
        }
    }
}

#[test]
fn with_a_limit_below_the_high_mark_a_sender_waits_and_is_not_refused() {
    for way in WAYS {
        let config = queue(|config| config.queue_limit = 250);
        assert!(config.queue_limit < config.queue_high);
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &config, 10);
        let sent = world.spawn(async move {
            let (sent, mut held) = way.feed(socket, messages(10)).await;
            held.flush().await.expect("it is open");
            sent
        });
        world.run_until_stalled();
        assert!(!sent.is_there(), "{way:?} waits");
        assert_eq!(
            received(&mut world, &peer, &sent),
            (0..10).collect::<Vec<_>>()
        );
        assert_eq!(sent.take(), vec![Ok(()); 10], "{way:?}");
    }
}

#[test]
fn a_queue_that_is_high_as_soon_as_it_holds_something_takes_one_message_at_a_time() {
    for limit in [0, 1 << 20] {
        for way in WAYS {
            let config = queue(|config| {
                config.queue_high = 0;
                config.queue_low = 0;
                config.queue_limit = limit;
            });
            let mut world = World::new();
            let (socket, peer) = played(&mut world, &config, 10);
            let sent = world.spawn(async move {
                let (sent, mut held) = way.feed(socket, messages(5)).await;
                held.flush().await.expect("it is open");
                sent
            });
            world.run_until_stalled();
            assert!(!sent.is_there(), "{way:?} waits");
            assert_eq!(received(&mut world, &peer, &sent), [0, 1, 2, 3, 4]);
            assert_eq!(sent.take(), vec![Ok(()); 5], "{way:?}");
        }
    }
}

#[test]
fn parts_of_a_message_wait_whatever_the_policy() {
    for overflow in [
        Overflow::Refuse,
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Close,
    ] {
        let config = queue(|config| {
            config.queue_limit = 300;
            config.overflow = overflow;
        });
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &config, 10);
        let (sender, receiver) = socket.split();
        drop(receiver);
        let sent = world.spawn(async move {
            sender.feed(vec![0; 250]).await?;
            sender.start(Kind::Binary).await?;
            sender.write(&[1; 250]).await?;
            sender.write(&[2; 250]).await?;
            sender.finish(&[3; 250]).await
        });
        world.run_until_stalled();
        assert!(!sent.is_there(), "{overflow:?}");
        assert_eq!(received(&mut world, &peer, &sent), [0, 1, 2, 3]);
        assert_eq!(sent.take(), Ok(()), "{overflow:?}");
    }
}

#[test]
fn a_sender_that_waits_is_told_when_the_connection_closes() {
    let config = queue(|config| config.queue_high = 100);
    for way in WAYS {
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &config, 10);
        let sent = world.spawn(async move { way.feed(socket, messages(3)).await.0 });
        world.run_until_stalled();
        assert!(!sent.is_there(), "{way:?} waits");
        peer.send_masked(&[Frame::close(1000, "")]);
        world.run_until_stalled();
        assert_eq!(
            sent.take(),
            [Ok(()), Ok(()), Err(SendError::Closed)],
            "{way:?}"
        );
    }
}
