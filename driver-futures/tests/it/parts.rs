//! Messages that are sent in parts, by one sender among several: nothing gets between the parts but
//! control frames (RFC 6455 5.4), and whatever becomes of the sender, the others learn of it.

use std::{future::poll_fn, pin::Pin};

use futures_util::{Sink, SinkExt};
use testkit::{
    Frame, config, decode,
    world::{
        Awkward, Outcome, Outlived, Peer, Sender, World, give_up_after, opened, pair, pipe, played,
        timeless, without_time,
    },
};
use wsproto::{CloseCode, Compress, Compression, Kind, Message, Prepared, SendError};

/// Something that another sender sends meanwhile.
const OTHERS: [&str; 6] = ["send", "feed", "prepared", "compressed", "sink", "parts"];

/// Sends a text in one of those ways.
async fn send(mut sender: Sender, how: &'static str) -> Result<(), SendError> {
    match how {
        "send" => sender.send(how).await,
        "feed" => {
            sender.feed(how).await?;
            sender.flush().await
        }
        "prepared" => sender.send_prepared(&Prepared::text(how)).await,
        "compressed" => {
            sender.feed_compressed(how, Compress::Never).await?;
            sender.flush().await
        }
        "sink" => SinkExt::send(&mut sender, how.into()).await,
        "parts" => {
            sender.start(Kind::Text).await?;
            sender.write(how.as_bytes()).await?;
            sender.finish(b"").await
        }
        _ => unreachable!("{how} is none of them"),
    }
}

/// Has others send, each in its own way and in a task of its own.
fn others(world: &mut World, sender: &Sender) -> Vec<Outcome<Result<(), SendError>>> {
    OTHERS
        .map(|how| world.spawn(send(sender.clone(), how)))
        .into()
}

fn outcomes(others: Vec<Outcome<Result<(), SendError>>>) -> Vec<Result<(), SendError>> {
    others.iter().map(Outcome::take).collect()
}

/// A sender that has sent "one " of a message.
fn begun(world: &mut World, sender: &Sender) -> Sender {
    let streaming = sender.clone();
    world.block_on(async move {
        streaming.start(Kind::Text).await.expect("it is open");
        streaming.write(b"one ").await.expect("it is started");
        streaming
    })
}

/// The messages that frames make up, each of which has to be whole before the next begins.
fn messages(frames: &[Frame]) -> Vec<String> {
    let mut messages = Vec::new();
    let mut begun: Option<Vec<u8>> = None;
    for frame in frames {
        assert_eq!(frame.opcode == 0, begun.is_some(), "{frames:?}");
        let message = begun.get_or_insert_default();
        message.extend(&frame.payload);
        if frame.fin {
            let message = begun.take().expect("it is begun");
            messages.push(String::from_utf8(message).expect("it is text"));
        }
    }
    assert_eq!(begun, None, "{frames:?}");
    messages
}

#[test]
fn what_others_send_waits_until_the_message_is_whole() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1000);
    let (sender, _receiver) = socket.split();
    let streaming = begun(&mut world, &sender);
    let others = others(&mut world, &sender);
    world.run_until_stalled();
    assert!(!others.iter().any(Outcome::is_there));
    let streaming = world.block_on(async move {
        streaming.write(b"after ").await.expect("it is started");
        streaming
    });
    let parts = [
        Frame::text("one ").unfinished(),
        Frame::continuation("after ").unfinished(),
    ];
    assert_eq!(peer.take_frames(), parts);
    let finished = world.block_on(async move { streaming.finish(b"another").await });
    assert_eq!(finished, Ok(()));
    assert_eq!(outcomes(others), [const { Ok(()) }; 6]);
    let frames = peer.take_frames();
    assert_eq!(frames[0], Frame::continuation("another"));
    let mut received = messages(&frames[1..]);
    received.sort();
    let mut expected = OTHERS;
    expected.sort();
    assert_eq!(received, expected);
}

#[test]
fn pings_and_pongs_go_in_between() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1000);
    let (sender, receiver) = socket.split();
    let streaming = begun(&mut world, &sender);
    world.spawn(async move {
        let mut receiver = receiver;
        receiver.recv().await
    });
    peer.send_masked(&[Frame::ping("theirs")]);
    world.run_until_stalled();
    world.block_on(async move {
        sender.ping(b"ours").await.expect("it is open");
        sender.pong(b"unasked").await.expect("it is open");
        streaming.finish(b"two").await.expect("it is started");
    });
    let frames = [
        Frame::text("one ").unfinished(),
        Frame::pong("theirs"),
        Frame::ping("ours"),
        Frame::pong("unasked"),
        Frame::continuation("two"),
    ];
    assert_eq!(peer.take_frames(), frames);
}

#[test]
fn only_who_has_started_a_message_goes_on_with_it() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1000);
    let (sender, _receiver) = socket.split();
    let refused = world.block_on(async move {
        let mut refused = vec![sender.write(b"none yet").await];
        let streaming = sender.clone();
        streaming.start(Kind::Text).await.expect("it is open");
        refused.push(sender.write(b"not mine").await);
        refused.push(sender.finish(b"nor this").await);
        streaming.finish(b"mine").await.expect("it is started");
        refused.push(sender.finish(b"too late").await);
        refused
    });
    assert_eq!(refused, [const { Err(SendError::NoMessage) }; 4]);
    assert_eq!(peer.take_frames(), [Frame::text("mine")]);
}

#[test]
fn other_messages_of_the_same_sender_are_refused_as_those_of_a_whole_socket_are() {
    for split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &timeless(), 1000);
        let refused = world.block_on(async move {
            if !split {
                socket.start(Kind::Text).await.expect("it is open");
                let refused = [socket.send("no").await, socket.start(Kind::Text).await];
                socket.finish(b"yes").await.expect("it is started");
                return (refused, socket.send("then").await);
            }
            let (sender, _receiver) = socket.split();
            sender.start(Kind::Text).await.expect("it is open");
            let refused = [sender.send("no").await, sender.start(Kind::Text).await];
            sender.finish(b"yes").await.expect("it is started");
            (refused, sender.send("then").await)
        });
        let unfinished = [const { Err(SendError::MessageUnfinished) }; 2];
        assert_eq!(refused, (unfinished, Ok(())), "split: {split}");
        let frames = [Frame::text("yes"), Frame::text("then")];
        assert_eq!(peer.take_frames(), frames, "split: {split}");
    }
}

#[test]
fn a_message_whose_sender_is_gone_stays_unfinished_until_another_finishes_it() {
    for started_before_the_split in [false, true] {
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &timeless(), 1000);
        let (sender, _receiver, waiting) = if started_before_the_split {
            let (sender, receiver) = world.block_on(async move {
                socket.start(Kind::Text).await.expect("it is open");
                socket.write(b"one ").await.expect("it is started");
                socket.split()
            });
            (sender, receiver, Vec::new())
        } else {
            let (sender, receiver) = socket.split();
            let streaming = begun(&mut world, &sender);
            let waiting = others(&mut world, &sender);
            world.run_until_stalled();
            assert!(!waiting.iter().any(Outcome::is_there));
            drop(streaming);
            (sender, receiver, waiting)
        };
        world.run_at_once();
        for refused in outcomes(waiting) {
            assert_eq!(refused, Err(SendError::MessageUnfinished));
        }
        let (refused, sent) = world.block_on(async move {
            let refused = sender.send("no").await;
            sender.clone().write(b"and ").await.expect("it is started");
            sender.finish(b"two").await.expect("it is started");
            (refused, sender.send("then").await)
        });
        assert_eq!((refused, sent), (Err(SendError::MessageUnfinished), Ok(())));
        assert_eq!(messages(&peer.take_frames()), ["one and two", "then"]);
    }
}

#[test]
fn a_close_ends_a_message_half_way_and_all_who_wait_are_told() {
    for closed_by_peer in [false, true] {
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &timeless(), 1000);
        let (sender, mut receiver) = socket.split();
        let streaming = begun(&mut world, &sender);
        let others = others(&mut world, &sender);
        world.run_until_stalled();
        if closed_by_peer {
            peer.send_masked(&[Frame::close(1001, "")]);
        } else {
            let closer = sender.clone();
            world.spawn(async move { closer.close(CloseCode::GOING_AWAY, "").await });
        }
        world.spawn(async move { receiver.recv().await });
        world.run_until_stalled();
        assert_eq!(outcomes(others), [const { Err(SendError::Closed) }; 6]);
        let parts = world.block_on(async move {
            let written = streaming.write(b"late").await;
            (written, streaming.finish(b"later").await)
        });
        assert_eq!(parts, (Err(SendError::Closed), Err(SendError::Closed)));
        let frames = [Frame::text("one ").unfinished(), Frame::close(1001, "")];
        assert_eq!(peer.take_frames(), frames, "by peer: {closed_by_peer}");
    }
}

#[test]
fn a_message_that_never_ends_is_as_long_as_the_peer_takes_it() {
    let config = config(|config| {
        without_time(config);
        config.queue_high = 3000;
    });
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &config, 100);
    let (sender, _receiver) = socket.split();
    let streaming = sender.clone();
    let parts = world.spawn(async move {
        streaming.start(Kind::Binary).await.expect("it is open");
        for _ in 0..50 {
            streaming.write(&[7; 1000]).await.expect("it is started");
        }
        streaming.finish(b"").await
    });
    world.run_until_stalled();
    let other = world.spawn(send(sender.clone(), "send"));
    let mut taken = Vec::new();
    while !other.is_there() {
        assert!(sender.queued() <= 1004, "one part at a time");
        world.run_until_stalled();
        taken.extend(peer.take());
    }
    assert_eq!((parts.take(), other.take()), (Ok(()), Ok(())));
    let frames = decode(&taken);
    let received: Vec<_> = messages(&frames).iter().map(String::len).collect();
    assert_eq!(received, [50_000, 4]);
}

/// Polls the peer's end until nothing more comes.
fn take_all(world: &mut World, peer: &Peer) -> Vec<Frame> {
    let mut bytes = Vec::new();
    loop {
        world.run_until_stalled();
        let some = peer.take_some(5);
        if some.is_empty() {
            return decode(&bytes);
        }
        bytes.extend(some);
    }
}

#[test]
fn a_part_that_is_given_up_is_sent_whole_or_not_at_all_whoever_waits() {
    let mut returned = false;
    for polls in 0..1000 {
        let mut world = World::new();
        let (socket, peer) = opened(&mut world, &timeless(), 16, Awkward::Always(3));
        let (sender, _receiver) = socket.split();
        let other = world.spawn(send(sender.clone(), "send"));
        let all = world.spawn(async move {
            let started = give_up_after(polls, sender.start(Kind::Text)).await;
            if started == Outlived::GivenUp {
                sender.start(Kind::Text).await.expect("it was not");
            }
            sender.write(b"begin ").await.expect("it is started");
            let written = give_up_after(polls, sender.write(b"and perhaps this ")).await;
            let finished = give_up_after(polls, sender.finish(b"end")).await;
            if polls == 0 {
                sender.finish(b"end").await.expect("it was not");
            }
            sender.send("afterwards").await.expect("it is finished");
            [started, written, finished] == [const { Outlived::Returned(Ok(())) }; 3]
        });
        let mut received = messages(&take_all(&mut world, &peer));
        assert_eq!(other.take(), Ok(()));
        received.retain(|message| message != "send");
        let text = if polls == 0 {
            "begin end"
        } else {
            "begin and perhaps this end"
        };
        assert_eq!(received, [text, "afterwards"], "{polls} polls");
        returned = all.take();
        if returned {
            break;
        }
    }
    assert!(returned, "it never returns");
}

#[test]
fn a_start_that_is_given_up_while_it_waits_keeps_nobody_waiting() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1000);
    let (sender, _receiver) = socket.split();
    let streaming = begun(&mut world, &sender);
    let other = sender.clone();
    let started = world.block_on(async move {
        let started = give_up_after(1, other.start(Kind::Text)).await;
        (started, other)
    });
    assert_eq!(started.0, Outlived::GivenUp);
    world.block_on(async move {
        streaming.finish(b"two").await.expect("it is started");
        sender.send("then").await.expect("nobody else sends");
    });
    assert_eq!(messages(&peer.take_frames()), ["one two", "then"]);
}

#[test]
fn a_sink_that_was_ready_before_another_started_waits_with_what_it_was_given() {
    for then in ["send", "flush", "close"] {
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &timeless(), 1000);
        let (sender, _receiver) = socket.split();
        let mut sink = sender.clone();
        let mut sink = world.block_on(async move {
            poll_fn(|cx| Pin::new(&mut sink).poll_ready(cx))
                .await
                .expect("it is open");
            sink
        });
        let streaming = begun(&mut world, &sender);
        let given = Pin::new(&mut sink).start_send("given".into());
        assert_eq!(given, Ok(()));
        let flushed = world.spawn(async move {
            match then {
                "send" => SinkExt::send(&mut sink, "and more".into()).await,
                "flush" => SinkExt::flush(&mut sink).await,
                _ => SinkExt::close(&mut sink).await,
            }
        });
        world.run_until_stalled();
        assert!(!flushed.is_there());
        world.block_on(async move { streaming.finish(b"two").await.expect("it is started") });
        let mut frames = peer.take_frames();
        if then == "close" {
            assert_eq!(frames.pop(), Some(Frame::close(1000, "")));
        } else {
            assert_eq!(flushed.take(), Ok(()));
        }
        let expected = ["one two", "given", "and more"];
        let count = if then == "send" { 3 } else { 2 };
        assert_eq!(messages(&frames), expected[..count], "{then}");
    }
}

#[test]
fn a_sender_says_which_messages_are_compressed() {
    let config = config(|config| {
        without_time(config);
        config.compression = Some(Compression::default());
    });
    for (compress, is_short) in [(Compress::Always, true), (Compress::Never, false)] {
        for parts in [false, true] {
            let mut world = World::new();
            let ends = pipe(10_000, [Awkward::No, Awkward::No]);
            let (client, _server) = pair(&mut world, &config, ends);
            let (sender, _receiver) = client.split();
            let zeros = vec![0; 50_000];
            let queued = world.block_on(async move {
                if parts {
                    let started = sender.start_compressed(Kind::Binary, compress).await;
                    started.expect("it is open");
                    // More than the pipe takes, unless it is compressed.
                    let finished = give_up_after(1, sender.finish(&zeros)).await;
                    assert_eq!(finished == Outlived::GivenUp, !is_short);
                } else {
                    let message = Message::from(zeros);
                    let fed = sender.feed_compressed(message, compress).await;
                    fed.expect("it is open");
                }
                sender.queued()
            });
            assert_eq!(queued < 10_000, is_short, "{compress:?}, parts: {parts}");
        }
    }
}
