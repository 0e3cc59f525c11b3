//! One message to many connections: all, all but one, some, and those who have subscribed.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    sync::mpsc,
};

use driver_mio::{
    Broadcast, Broadcaster, Context, EventLoops, Handle, Handler, MessageRef, Prepared, Reached,
    SlowReceivers,
};
use testkit::{
    blocking::{eventually, frame, open, read_frame},
    config,
};

use crate::handlers::{News, Recorder, next, opened, serve_as};

/// A server on several loops, peers of it, and the handles of their connections.
fn crowd(count: usize) -> (EventLoops<Recorder>, Vec<(TcpStream, Handle)>) {
    let (recorder, news) = Recorder::new();
    let (server, address) = serve_as(|server| server.loops(3), recorder);
    let peers = (0..count).map(|_| (open(address), opened(&news)));
    (server, peers.collect())
}

/// The next message that a peer gets.
fn received(peer: &mut TcpStream) -> String {
    let (first, payload) = read_frame(peer);
    assert_eq!(first, 0x81);
    String::from_utf8(payload).unwrap()
}

fn reached(sent: usize) -> Reached {
    let mut reached = Reached::default();
    reached.sent = sent;
    reached
}

#[test]
fn everybody_gets_what_is_sent_to_all_and_it_is_told_how_many() {
    let (server, mut peers) = crowd(20);
    let sent = server.broadcaster().to_all(Prepared::text("all"));
    assert_eq!(sent.wait(), reached(20));
    for (peer, _) in &mut peers {
        assert_eq!(received(peer), "all");
    }
}

#[test]
fn one_can_be_left_out() {
    let (server, mut peers) = crowd(5);
    let everyone = server.broadcaster();
    let others = Broadcast::new(Prepared::text("others")).except(&peers[2].1);
    assert_eq!(everyone.to_all(others).wait(), reached(4));
    assert_eq!(everyone.to_all(Prepared::text("all")).wait(), reached(5));
    for (number, (peer, _)) in peers.iter_mut().enumerate() {
        if number != 2 {
            assert_eq!(received(peer), "others");
        }
        assert_eq!(received(peer), "all");
    }
}

#[test]
fn some_get_what_is_sent_to_them_and_those_that_are_gone_do_not_count() {
    let (server, mut peers) = crowd(6);
    let everyone = server.broadcaster();
    let (gone, handle) = peers.remove(5);
    drop(gone);
    eventually(|| server.connections(), |&connections| connections <= 5);
    let some = [&peers[0].1, &peers[3].1, &handle];
    assert_eq!(everyone.to(some, Prepared::text("some")).wait(), reached(2));
    assert_eq!(everyone.to([], Prepared::text("none")).wait(), reached(0));
    assert_eq!(everyone.to_all(Prepared::text("all")).wait().refused, 0);
    assert_eq!(received(&mut peers[0].0), "some");
    assert_eq!(received(&mut peers[3].0), "some");
    for (peer, _) in &mut peers {
        assert_eq!(received(peer), "all");
    }
}

#[test]
fn who_has_subscribed_gets_what_is_published() {
    let (server, mut peers) = crowd(8);
    let everyone = server.broadcaster();
    for (_, handle) in &peers[..4] {
        handle.subscribe("news").unwrap();
        handle.subscribe("news").unwrap();
    }
    peers[1].1.unsubscribe("news").unwrap();
    peers[1].1.unsubscribe("never").unwrap();
    assert_eq!(
        everyone.publish("sport", Prepared::text("goal")).wait(),
        reached(0)
    );
    assert_eq!(
        everyone.publish("news", Prepared::text("first")).wait(),
        reached(3)
    );
    drop(peers.remove(0));
    eventually(|| server.connections(), |&connections| connections <= 7);
    assert_eq!(
        everyone.publish("news", Prepared::text("second")).wait(),
        reached(2)
    );
    assert_eq!(everyone.to_all(Prepared::text("all")).wait().refused, 0);
    for (number, (peer, _)) in peers.iter_mut().enumerate() {
        if number == 1 || number == 2 {
            assert_eq!(received(peer), "first");
            assert_eq!(received(peer), "second");
        }
        assert_eq!(received(peer), "all");
    }
}

#[test]
fn who_takes_the_place_of_a_subscriber_has_not_subscribed() {
    let (recorder, news) = Recorder::new();
    let (server, address) = serve_as(|server| server, recorder);
    let everyone = server.broadcaster();
    let publish = || everyone.publish("news", Prepared::text("news")).wait();
    let mut peer = open(address);
    opened(&news).subscribe("news").unwrap();
    assert_eq!(publish(), reached(1));
    assert_eq!(received(&mut peer), "news");
    drop(peer);
    eventually(|| server.connections(), |&connections| connections == 0);
    // One loop gives the place that was freed last to the next connection.
    let mut next_peer = open(address);
    assert_eq!(publish(), reached(0));
    assert_eq!(everyone.to_all(Prepared::text("all")).wait(), reached(1));
    assert_eq!(received(&mut next_peer), "all");
}

/// Everybody is in one room from the start, and hears what the others say.
struct Room(Broadcaster);

impl Handler for Room {
    type State = ();

    fn on_open(&self, connection: &mut Context<'_>, (): &mut ()) {
        connection.subscribe("room");
    }

    fn on_message(&self, connection: &mut Context<'_>, (): &mut (), message: MessageRef<'_>) {
        let text = Prepared::text(message.as_text().unwrap());
        let heard = Broadcast::new(text).except(&connection.handle());
        drop(self.0.publish("room", heard));
        let _ = connection.send("said");
    }
}

#[test]
fn a_callback_can_subscribe_and_publish() {
    let server = driver_mio::Server::bind("127.0.0.1:0").unwrap().loops(2);
    let address: SocketAddr = server.local_addr().unwrap();
    let room = Room(server.broadcaster());
    let _server = server.start(room).unwrap();
    let mut peers: Vec<_> = (0..4).map(|_| open(address)).collect();
    // Whoever has been answered has subscribed.
    let (speaker, others) = peers.split_first_mut().unwrap();
    speaker.write_all(&frame(0x81, b"hello")).unwrap();
    assert_eq!(received(speaker), "said");
    for peer in others {
        assert_eq!(received(peer), "hello");
    }
}

#[test]
fn broadcasts_come_in_the_order_in_which_they_were_sent() {
    let (server, mut peers) = crowd(3);
    let everyone = server.broadcaster();
    for number in 0..1000 {
        drop(everyone.to_all(Prepared::text(&number.to_string())));
    }
    for (peer, _) in &mut peers {
        for number in 0..1000 {
            assert_eq!(received(peer), number.to_string());
        }
    }
}

/// A server with one peer that does not read, and more queued for it than its socket holds.
fn stuffed() -> (EventLoops<Recorder>, TcpStream, mpsc::Receiver<News>) {
    let (recorder, news) = Recorder::new();
    let (server, address) = serve_as(|server| server, recorder);
    let peer = open(address);
    let handle = opened(&news);
    for _ in 0..15 {
        handle.send(vec![0; 1 << 20]).unwrap();
    }
    (server, peer, news)
}

#[test]
fn slow_receivers_are_skipped_or_closed_where_that_is_asked_for() {
    let (server, mut peer, news) = stuffed();
    let everyone = server.broadcaster();
    let message = || Broadcast::new(Prepared::binary(&[1; 512]));
    let skip = message().slow_receivers(SlowReceivers::Skip { above: 64 << 10 });
    let mut slow = Reached::default();
    slow.slow = 1;
    assert_eq!(everyone.to_all(skip).wait(), slow);
    assert_eq!(everyone.to_all(message()).wait(), reached(1));
    let close = message().slow_receivers(SlowReceivers::Close { above: 64 << 10 });
    assert_eq!(everyone.to_all(close).wait(), slow);
    // The peer gets what was queued before, the one broadcast that was, and the reason.
    let mut small = 0;
    loop {
        match read_frame(&mut peer) {
            (0x82, payload) if payload.len() == 512 => small += 1,
            (0x82, _) => {}
            (0x88, payload) => {
                assert_eq!(payload, b"\x03\xf0too slow");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(small, 1);
    drop(peer);
    loop {
        if let News::Closed(..) = next(&news) {
            break;
        }
    }
}

#[test]
fn the_limit_of_the_queue_holds_for_broadcasts() {
    let (recorder, news) = Recorder::new();
    let narrow = config(|config| config.queue_limit = 1 << 16);
    let (server, address) = serve_as(|server| server.config(narrow), recorder);
    let _peer = open(address);
    let _handle = opened(&news);
    let everyone = server.broadcaster();
    let refused = (0..10_000).any(|_| {
        let reached = everyone.to_all(Prepared::binary(&[0; 1 << 14])).wait();
        assert_eq!(reached.sent + reached.refused, 1);
        reached.refused == 1
    });
    assert!(
        refused,
        "a peer that does not read is not sent to without end"
    );
}

#[test]
fn a_server_that_has_ended_reaches_nobody_and_says_so() {
    let (server, peers) = crowd(2);
    let everyone = server.broadcaster();
    drop(server);
    assert_eq!(everyone.to_all(Prepared::text("late")).wait(), reached(0));
    drop(peers);
}
