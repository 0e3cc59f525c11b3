//! Messages lent instead of copied, whole or in chunks, and calls that are possible meanwhile.

use std::time::Duration;

use driver_futures::Incoming;
use testkit::{
    Frame, config,
    world::{Awkward, World, opened, played, timeless, without_time},
};
use wsproto::{Cause, CloseCode, Delivery, Event, Kind, SendError, Violation};

/// Three messages in frames, one of them in two.
fn frames() -> [Frame; 5] {
    [
        Frame::text("one"),
        Frame::text("two, ").unfinished(),
        Frame::ping("ping"),
        Frame::continuation("in parts"),
        Frame::binary(vec![3; 1000]),
    ]
}

/// The messages that chunks make up.
#[derive(Default)]
struct Joined {
    messages: Vec<(Kind, Vec<u8>)>,
    begun: Vec<u8>,
    chunks: usize,
}

impl Joined {
    fn add(&mut self, kind: Kind, data: &[u8], last: bool) {
        self.chunks += 1;
        self.begun.extend(data);
        if last {
            self.messages.push((kind, std::mem::take(&mut self.begun)));
        }
    }

    fn check(self) {
        let expected = [
            (Kind::Text, b"one".to_vec()),
            (Kind::Text, b"two, in parts".to_vec()),
            (Kind::Binary, vec![3; 1000]),
        ];
        assert_eq!(self.messages, expected);
        assert!(self.chunks >= 4, "as they come");
    }
}

#[test]
fn chunks_come_as_they_are_lent_or_kept() {
    let config = config(|config| {
        without_time(config);
        config.delivery = Delivery::Chunks;
    });
    for awkward in [Awkward::No, Awkward::Always(7)] {
        for lending in [false, true] {
            let mut world = World::new();
            let (mut socket, peer) = opened(&mut world, &config, 1000, awkward.clone());
            peer.send_masked(&frames());
            peer.send_masked(&[Frame::close(1000, "")]);
            peer.finish();
            let joined = world.block_on(async move {
                let mut joined = Joined::default();
                while lending && let Some((event, _)) = socket.recv_ref().await.expect("no error") {
                    match event {
                        Event::Chunk(chunk) => joined.add(chunk.kind, chunk.data, chunk.last),
                        Event::Ping(payload) => assert_eq!(payload, b"ping"),
                        Event::Closed(closed) => assert_eq!(closed.code, CloseCode::NORMAL),
                        event => panic!("{event:?}"),
                    }
                }
                while let Some(incoming) = socket.recv_incoming().await.expect("no error") {
                    match incoming {
                        Incoming::Chunk { kind, data, last } => joined.add(kind, &data, last),
                        Incoming::Ping(payload) => assert_eq!(payload, b"ping"),
                        incoming => panic!("{incoming:?}"),
                    }
                }
                joined
            });
            joined.check();
        }
    }
}

#[test]
fn chunks_that_a_send_has_read_ahead_come_first_and_in_order() {
    let config = config(|config| {
        without_time(config);
        config.delivery = Delivery::Chunks;
    });
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &config, 10_000);
    peer.send_masked(&frames());
    // After so long, a send looks at what has come though it need not wait.
    world.advance(Duration::from_secs(1));
    let joined = world.block_on(async move {
        socket.send("hello").await.expect("it is open");
        let mut joined = Joined::default();
        while joined.messages.len() < 3 {
            let (event, mut outbox) = socket
                .recv_ref()
                .await
                .expect("no error")
                .expect("there is more");
            outbox.feed_text("echo").expect("it is open");
            if let Event::Chunk(chunk) = event {
                joined.add(chunk.kind, chunk.data, chunk.last);
            }
        }
        socket.flush().await.expect("it is open");
        joined
    });
    joined.check();
    let sent = peer.take_frames();
    let texts = sent.iter().filter(|frame| **frame == Frame::text("echo"));
    assert_eq!(texts.count(), 5);
}

#[test]
fn what_is_not_text_is_an_error_that_the_peer_is_told_first() {
    for awkward in [Awkward::No, Awkward::Always(1)] {
        let mut world = World::new();
        let (mut socket, peer) = opened(&mut world, &timeless(), 1000, awkward);
        let mut no_text = Frame::text("");
        no_text.payload = vec![0xc3, 0x28];
        peer.send_masked(&[Frame::text("text"), no_text]);
        peer.finish();
        let (first, error, end) = world.block_on(async move {
            let first = socket.recv_ref().await.map(|lent| lent.is_some());
            let error = socket.recv_ref().await.map(|lent| lent.is_some());
            // As with `?` in an application: nothing more is asked of the socket.
            (first, error, socket)
        });
        assert_eq!(first, Ok(true));
        let error = error.expect_err("it is no text");
        assert_eq!(error.cause, Cause::Violation(Violation::TextNotUtf8));
        let told = peer.take_frames();
        assert_eq!(told[0].payload[..2], 1007_u16.to_be_bytes());
        let end = world.block_on(async move {
            let mut socket = end;
            socket.recv_ref().await.map(|lent| lent.is_some())
        });
        assert_eq!(end, Ok(false));
    }
}

#[test]
fn an_answer_is_written_when_all_that_came_is_answered() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1 << 20);
    let before = peer.writes();
    peer.send_masked(&vec![Frame::text("hello"); 100]);
    world.spawn(async move {
        while let Ok(Some((event, mut outbox))) = socket.recv_ref().await {
            if let Event::Text(text) = event {
                outbox.feed_text(&text).expect("it is open");
            }
        }
    });
    world.run_until_stalled();
    assert_eq!(peer.writes(), before + 1);
    assert_eq!(peer.take_frames(), vec![Frame::text("hello"); 100]);
}

#[test]
fn a_peer_that_takes_no_answers_gets_no_more_of_its_requests_served() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1000);
    peer.send_masked(&vec![Frame::binary(vec![0; 1000]); 2000]);
    let served = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = std::rc::Rc::clone(&served);
    world.spawn(async move {
        while let Ok(Some((event, mut outbox))) = socket.recv_ref().await {
            if let Event::Binary(bytes) = event {
                outbox.feed_binary(&bytes).expect("it is open");
                count.set(count.get() + 1);
            }
        }
    });
    world.run_until_stalled();
    let high = wsproto::Config::default().queue_high;
    assert!(
        (high / 1100..high / 900).contains(&served.get()),
        "{}",
        served.get()
    );
    for _ in 0..2100 {
        peer.take();
        world.run_until_stalled();
    }
    assert_eq!(served.get(), 2000);
}

#[test]
fn an_outbox_can_close() {
    let mut world = World::new();
    let (mut socket, peer) = played(&mut world, &timeless(), 1000);
    peer.send_masked(&[
        Frame::text("one"),
        Frame::text("two"),
        Frame::close(1000, ""),
    ]);
    peer.finish();
    let texts = world.block_on(async move {
        let mut texts = Vec::new();
        while let Some((event, mut outbox)) = socket.recv_ref().await.expect("no error") {
            if let Event::Text(text) = event {
                let fed = outbox.feed_text("answer");
                assert_eq!(fed.is_err(), !texts.is_empty());
                outbox.close(CloseCode::NORMAL, "enough");
                assert_eq!(outbox.feed_text("late"), Err(SendError::Closed));
                texts.push(text.to_string());
            }
        }
        texts
    });
    assert_eq!(texts, ["one", "two"]);
    let sent = [Frame::text("answer"), Frame::close(1000, "enough")];
    assert_eq!(peer.take_frames(), sent);
}

#[test]
fn pings_are_answered_by_hand_where_they_are_not_by_themselves() {
    for lending in [false, true] {
        let config = config(|config| {
            without_time(config);
            config.answer_pings = false;
        });
        let mut world = World::new();
        let (mut socket, peer) = played(&mut world, &config, 1000);
        peer.send_masked(&[Frame::ping("ping")]);
        world.block_on(async move {
            if lending {
                let lent = socket.recv_ref().await.expect("no error");
                let Some((Event::Ping(payload), mut outbox)) = lent else {
                    panic!("a ping");
                };
                outbox.feed_pong(payload).expect("it is open");
                outbox.feed_ping(b"ours").expect("it is open");
                socket.flush().await.expect("it is open");
            } else {
                let incoming = socket.recv_incoming().await.expect("no error");
                assert_eq!(incoming, Some(Incoming::Ping(b"ping".into())));
                socket.pong(b"ping").await.expect("it is open");
                socket.ping(b"ours").await.expect("it is open");
            }
        });
        let sent = [Frame::pong("ping"), Frame::ping("ours")];
        assert_eq!(peer.take_frames(), sent, "lending: {lending}");
    }
}
