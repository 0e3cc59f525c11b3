//! Halves of a connection in tasks of their own, or in one: neither is forgotten, whoever waits, and
//! whichever is gone.

use std::time::Duration;

use futures_util::future::join;
use testkit::{
    Frame, Opcode, config,
    world::{
        Awkward, Outlived, Receiver, Socket, World, give_up_after, pair, pipe, played, timeless,
        without_time,
    },
};
use wsproto::{CloseCode, ClosedBy, Message};

fn bytes(len: usize) -> Message {
    Message::Binary((0..len).map(|n| (n % 251) as u8).collect())
}

/// Receives until the end.
async fn receive_all(mut receiver: Receiver) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(message) = receiver.recv().await.expect("the peer does nothing wrong") {
        messages.push(message);
    }
    messages
}

/// Sends everything, and closes when as many messages have come as were sent.
fn exchange(world: &mut World, socket: Socket, messages: Vec<Message>) -> [ExchangeTask; 2] {
    let (sender, mut receiver) = socket.split();
    let expected = messages.clone();
    let sent = world.spawn(async move {
        for message in messages {
            sender.send(message).await.expect("it is open");
        }
        true
    });
    let received = world.spawn(async move {
        let mut same = true;
        for message in expected {
            same &= receiver.recv().await == Ok(Some(message));
        }
        same
    });
    [sent, received]
}

type ExchangeTask = testkit::world::Outcome<bool>;

#[test]
fn two_ends_that_send_all_they_have_at_once_both_finish() {
    let total = 16 << 20;
    for len in [total, 1 << 20, 50_000] {
        let mut world = World::new();
        let ends = pipe(100_000, [Awkward::No, Awkward::No]);
        let (client, server) = pair(&mut world, &timeless(), ends);
        let messages = vec![bytes(len); total / len];
        let client = exchange(&mut world, client, messages.clone());
        let server = exchange(&mut world, server, messages);
        world.run_at_once();
        for task in client.into_iter().chain(server) {
            assert!(task.take(), "messages of {len} bytes arrive as they were");
        }
    }
}

#[test]
fn an_echo_server_of_one_task_serves_a_client_that_sends_and_receives_at_once() {
    for lending in [false, true] {
        let mut world = World::new();
        let ends = pipe(100_000, [Awkward::No, Awkward::No]);
        let (client, mut server) = pair(&mut world, &timeless(), ends);
        world.spawn(async move {
            if lending {
                while let Ok(Some((event, mut outbox))) = server.recv_ref().await {
                    if let wsproto::Event::Binary(bytes) = event {
                        outbox.feed_binary(&bytes).expect("there is room");
                    }
                }
            } else {
                while let Ok(Some(message)) = server.recv().await {
                    server.send(message).await.expect("it is open");
                }
            }
        });
        let [sent, received] = exchange(&mut world, client, vec![bytes(1 << 20); 16]);
        // The server goes on waiting when the client has dropped its end, which it notices.
        world.run_at_once();
        assert!(sent.take() && received.take());
    }
}

#[test]
fn halves_in_one_task_wake_each_other() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1 << 20);
    // More than is read ahead, so that the closing half stops reading.
    let mut frames = vec![Frame::binary(vec![0; 1000]); 200];
    frames.push(Frame::close(1000, ""));
    peer.send_masked(&frames);
    peer.finish();
    let (sender, receiver) = socket.split();
    let joined = world.spawn(async move {
        let close = sender.close(CloseCode::NORMAL, "");
        let ((), messages) = join(close, receive_all(receiver)).await;
        messages.len()
    });
    world.run_at_once();
    assert_eq!(joined.take(), 200);
}

#[test]
fn a_reader_alone_sends_pongs_and_what_was_fed_and_answers_the_close() {
    for sender_is_dropped in [false, true] {
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &timeless(), 1 << 20);
        let (sender, receiver) = socket.split();
        let received = world.spawn(receive_all(receiver));
        world.run_until_stalled();
        let sender = world.block_on(async move {
            sender.feed("fed").await.expect("it is open");
            (!sender_is_dropped).then_some(sender)
        });
        assert_eq!(peer.take_frames(), [Frame::text("fed")]);
        peer.send_masked(&[Frame::ping("ping"), Frame::text("text")]);
        world.run_until_stalled();
        assert_eq!(peer.take_frames(), [Frame::pong("ping")]);
        peer.send_masked(&[Frame::close(1001, "bye")]);
        world.run_until_stalled();
        assert_eq!(peer.take_frames(), [Frame::close(1001, "")]);
        assert!(peer.is_finished());
        peer.finish();
        world.run_at_once();
        assert_eq!(received.take(), ["text"]);
        drop(sender);
    }
}

/// Bytes that may be read ahead.
const READ_AHEAD: usize = 64 << 10;

#[test]
fn a_writer_alone_answers_pings_and_sees_the_close() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1000);
    let (sender, mut receiver) = socket.split();
    let sent = world.spawn(async move {
        let mut count = 0;
        while sender.send(bytes(5000)).await.is_ok() {
            count += 1;
        }
        (count, sender.closed().map(|closed| closed.code))
    });
    world.run_until_stalled();
    let mut taken = peer.take();
    peer.send_masked(&[Frame::text("unread"), Frame::ping("ping")]);
    for _ in 0..20 {
        world.run_until_stalled();
        taken.extend(peer.take());
    }
    peer.send_masked(&[Frame::close(1001, "")]);
    while !sent.is_there() {
        world.run_until_stalled();
        taken.extend(peer.take());
    }
    let (count, code) = sent.take();
    assert_eq!(code, Some(CloseCode::GOING_AWAY));
    let frames = testkit::decode(&taken);
    let with = |opcode| {
        frames
            .iter()
            .filter(move |frame| frame.opcode == opcode as u8)
    };
    assert_eq!(with(Opcode::Binary).count(), count);
    assert_eq!(with(Opcode::Pong).count(), 1);
    assert_eq!(frames.last(), Some(&Frame::close(1001, "")));
    peer.finish();
    let messages = world.block_on(async move { (receiver.recv().await, receiver.recv().await) });
    assert_eq!(messages, (Ok(Some("unread".into())), Ok(None)));
}

#[test]
fn a_writer_alone_reads_so_far_ahead_and_no_further() {
    let messages = [
        vec![Frame::binary(vec![0; 100]); 5000],
        vec![Frame::binary(vec![0; 300_000])],
        vec![Frame::binary(vec![0; 100_000]).unfinished(); 5],
    ];
    for frames in messages {
        let mut world = World::new();
        let (socket, peer) = played(&mut world, &timeless(), 10);
        let (sender, mut receiver) = socket.split();
        let before = peer.read();
        peer.send_masked(&frames);
        let sent = world.spawn(async move {
            sender.send(bytes(1000)).await.expect("it is open");
            sender
        });
        world.run_until_stalled();
        let ahead = peer.read() - before;
        assert!(
            (READ_AHEAD / 4..=READ_AHEAD).contains(&ahead),
            "{ahead} bytes"
        );
        // Nor does it with a second message.
        while !sent.is_there() {
            peer.take();
            world.run_until_stalled();
        }
        let sender = sent.take();
        world.spawn(async move { sender.send(bytes(1000)).await });
        world.run_until_stalled();
        assert!(peer.read() - before <= READ_AHEAD);
        // A receiver that comes late gets everything.
        let wanted = frames.iter().filter(|frame| frame.fin).count();
        let received = world.block_on(async move {
            let mut received = 0;
            while received < wanted {
                let message = receiver.recv().await.expect("nothing is wrong");
                received += usize::from(message.is_some());
            }
            received
        });
        assert_eq!(received, wanted);
    }
}

#[test]
fn a_writer_reads_on_when_the_receiver_has_caught_up_and_gone_away() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 10);
    let (sender, mut receiver) = socket.split();
    peer.send_masked(&vec![Frame::binary(vec![0; 1000]); 100]);
    let writer = sender.clone();
    world.spawn(async move { writer.send(bytes(1000)).await });
    world.run_until_stalled();
    for _ in 0..100 {
        // The writer has its turn after each.
        receiver = world.block_on(async move {
            receiver.recv().await.expect("nothing is wrong");
            receiver
        });
    }
    // The peer takes nothing: only what it sends can wake the writer.
    peer.send_masked(&[Frame::close(1001, "")]);
    world.run_until_stalled();
    assert!(sender.closed().is_some());
    drop(receiver);
}

#[test]
fn a_receiver_that_moves_to_another_task_is_woken_there() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1000);
    let (_sender, mut receiver) = socket.split();
    let mut receiver = world.block_on(async move {
        let received = give_up_after(1, receiver.recv()).await;
        assert_eq!(received, Outlived::GivenUp);
        receiver
    });
    let received = world.spawn(async move {
        let mut messages = Vec::new();
        // A receive that was given up leaves nothing behind that could be taken for the next.
        messages.push(give_up_after(1, receiver.recv()).await);
        messages.push(Outlived::Returned(receiver.recv().await));
        messages
    });
    world.run_until_stalled();
    peer.send_masked(&[Frame::text("hello")]);
    world.run_at_once();
    let hello = Outlived::Returned(Ok(Some("hello".into())));
    assert_eq!(received.take(), [Outlived::GivenUp, hello]);
}

#[test]
fn what_would_have_come_to_a_dropped_receiver_is_dropped() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 10);
    let (sender, receiver) = socket.split();
    peer.send_masked(&vec![Frame::binary(vec![0; 1000]); 300]);
    let writer = sender.clone();
    let sent = world.spawn(async move { writer.send(bytes(1000)).await });
    world.run_until_stalled();
    assert!(peer.unread() > 0, "as long as somebody might receive it");
    drop(receiver);
    world.run_until_stalled();
    assert_eq!(peer.unread(), 0);
    peer.send_masked(&[Frame::close(1000, "")]);
    while !sent.is_there() {
        world.run_until_stalled();
        peer.take();
    }
    assert!(sender.closed().is_some());
}

#[test]
fn a_send_goes_on_while_the_receiver_waits_and_the_other_way_round() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 10);
    let (sender, receiver) = socket.split();
    let received = world.spawn(receive_all(receiver));
    let sent = world.spawn(async move { sender.send(bytes(1000)).await.map(|()| sender) });
    world.run_until_stalled();
    peer.send_masked(&vec![Frame::text("text"); 1000]);
    let mut taken = Vec::new();
    while !sent.is_there() {
        world.run_until_stalled();
        taken.extend(peer.take());
    }
    assert_eq!(testkit::decode(&taken).len(), 1);
    peer.send_masked(&[Frame::close(1000, "")]);
    peer.finish();
    world.run_until_stalled();
    taken = peer.take();
    world.run_at_once();
    assert!(!taken.is_empty());
    assert_eq!(received.take().len(), 1000);
}

#[test]
fn long_messages_of_two_senders_wait_for_each_other() {
    let config = config(|config| {
        without_time(config);
        config.queue_limit = 5000;
    });
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &config, 100);
    let (sender, _receiver) = socket.split();
    let sent: Vec<_> = (0..3)
        .map(|_| {
            let sender = sender.clone();
            world.spawn(async move { sender.send(bytes(4000)).await })
        })
        .collect();
    let mut taken = Vec::new();
    while !sent.iter().all(|sent| sent.is_there()) {
        world.run_until_stalled();
        taken.extend(peer.take());
    }
    taken.extend(peer.take());
    assert!(sent.iter().all(|sent| sent.take() == Ok(())));
    assert_eq!(testkit::decode(&taken).len(), 3);
}

#[test]
fn a_sender_does_not_wake_a_receiver_that_has_nothing_to_do() {
    let mut world = World::new();
    let (socket, _peer) = played(&mut world, &timeless(), 1 << 20);
    let (sender, receiver) = socket.split();
    world.spawn(receive_all(receiver));
    world.run_until_stalled();
    let before = world.polls();
    world.block_on(async move {
        for _ in 0..100 {
            sender.send("hello").await.expect("it is open");
        }
        // The receiver would have to be told that nobody can send any more.
        std::mem::forget(sender);
    });
    assert_eq!(world.polls() - before, 1);
}

#[test]
fn a_receiver_that_is_slow_is_not_the_peers_fault() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &config(|_| {}), 100);
    let (sender, mut receiver) = socket.split();
    peer.send_masked(&vec![Frame::binary(vec![0; 1000]); 100]);
    // Its pongs wait behind what nobody receives.
    peer.send_masked(&vec![Frame::pong(""); 10]);
    let pauses: Vec<_> = (0..200)
        .map(|n| world.sleep(Duration::from_secs(n)))
        .collect();
    let sent = world.spawn(async move {
        for pause in pauses {
            pause.await;
            sender.send("news").await.expect("the peer is there");
        }
        sender
    });
    for _ in 0..200 {
        world.advance(Duration::from_secs(1));
        peer.take();
    }
    let received = world.block_on(async move {
        for _ in 0..100 {
            let message = receiver.recv().await.expect("the peer is there");
            assert!(message.is_some());
        }
        receiver
    });
    assert!(received.closed().is_none() && sent.is_there());
}

#[test]
fn how_it_ended_can_be_asked_of_both_halves() {
    let mut world = World::new();
    let (socket, peer) = played(&mut world, &timeless(), 1000);
    let (sender, receiver) = socket.split();
    assert!(sender.closed().is_none() && receiver.closed().is_none());
    peer.finish();
    let closed = world.block_on(async move {
        let closing = receive_all(receiver).await;
        assert!(closing.is_empty());
        sender.closed()
    });
    assert_eq!(closed.map(|closed| closed.by), Some(ClosedBy::Transport));
}
