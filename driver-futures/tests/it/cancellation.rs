//! Every future is dropped at every await: nothing is lost, duplicated or torn.

use std::time::Duration;

use driver_futures::{HandshakeError, Incoming, TimedSendError, accept, connect};
use testkit::{
    Frame, decode,
    handshake::REQUEST,
    world::{
        Awkward, Outlived, Peer, Socket, World, give_up_after, give_up_when_woken, opened, pair,
        pipe, timeless, woken,
    },
};
use wsproto::{Accept, ClientRequest, CloseCode, Closed, Error, Event, Kind, Message};

/// More polls than any future in here needs.
const MANY: usize = 10_000;

/// Lets the peer take what comes, little by little, until the future has returned.
fn drive<T: 'static>(
    world: &mut World,
    peer: &Peer,
    future: impl Future<Output = T> + 'static,
) -> (T, Vec<u8>) {
    let outcome = world.spawn(future);
    let mut bytes = Vec::new();
    for _ in 0..MANY {
        world.run_until_stalled();
        let some = peer.take_some(5);
        let is_idle = some.is_empty();
        bytes.extend(some);
        if outcome.is_there() && is_idle {
            return (outcome.take(), bytes);
        }
    }
    panic!("the future does not return");
}

/// A connection over a pipe that blocks all the time and moves a few bytes at once.
fn awkward(world: &mut World) -> (Socket, Peer) {
    opened(world, &timeless(), 16, Awkward::Always(3))
}

fn message(len: usize) -> Message {
    Message::Text("0123456789".repeat(len / 10))
}

fn payloads(bytes: &[u8]) -> Vec<Vec<u8>> {
    decode(bytes)
        .into_iter()
        .map(|frame| frame.payload)
        .collect()
}

/// Everything that a peer sends, and what of it is a message.
fn everything() -> (Vec<Frame>, Vec<Message>) {
    let frames = vec![
        Frame::text("one"),
        Frame::ping("are you there?"),
        Frame::binary(vec![7; 300]),
        Frame::text("two, in ").unfinished(),
        Frame::pong("in between"),
        Frame::continuation("parts"),
        Frame::text(""),
        Frame::text("the last"),
        Frame::close(1000, "done"),
    ];
    let messages = vec![
        "one".into(),
        vec![7; 300].into(),
        "two, in parts".into(),
        "".into(),
        "the last".into(),
    ];
    (frames, messages)
}

/// A way to call `recv` again after it was dropped.
#[derive(Clone, Copy, Debug)]
enum GivenUp {
    AtOnce,
    WhenWoken,
}

/// Receives everything with futures of which none lives longer than so many polls.
async fn receive_by_short_lived(
    mut socket: Socket,
    polls: usize,
    given_up: GivenUp,
) -> (Vec<Message>, Socket) {
    let mut messages = Vec::new();
    loop {
        let received = match given_up {
            GivenUp::AtOnce => give_up_after(polls, socket.recv()).await,
            GivenUp::WhenWoken => give_up_when_woken(polls, socket.recv()).await,
        };
        match received {
            Outlived::Returned(Ok(Some(message))) => messages.push(message),
            Outlived::Returned(Ok(None)) => return (messages, socket),
            Outlived::Returned(Err(error)) => panic!("{error}"),
            Outlived::GivenUp => match given_up {
                GivenUp::AtOnce => woken().await,
                GivenUp::WhenWoken => {}
            },
        }
    }
}

#[test]
fn a_receive_that_is_given_up_has_taken_no_message() {
    let (frames, expected) = everything();
    for given_up in [GivenUp::AtOnce, GivenUp::WhenWoken] {
        for polls in 1..40 {
            let mut world = World::new();
            let (socket, peer) = awkward(&mut world);
            peer.send_masked(&frames);
            peer.finish();
            let receive = receive_by_short_lived(socket, polls, given_up);
            let ((messages, socket), bytes) = drive(&mut world, &peer, receive);
            assert_eq!(messages, expected, "{polls} polls, {given_up:?}");
            assert_eq!(
                payloads(&bytes),
                [&b"are you there?"[..], b"\x03\xe8"],
                "{polls} polls, {given_up:?}"
            );
            assert!(socket.closed().is_some_and(|closed| closed.clean));
        }
    }
}

#[test]
fn a_receive_of_pings_that_is_given_up_has_taken_none() {
    let (frames, _) = everything();
    for polls in 1..40 {
        let mut world = World::new();
        let (mut socket, peer) = awkward(&mut world);
        peer.send_masked(&frames);
        peer.finish();
        let (seen, _) = drive(&mut world, &peer, async move {
            let mut seen = Vec::new();
            loop {
                match give_up_when_woken(polls, socket.recv_incoming()).await {
                    Outlived::Returned(Ok(Some(incoming))) => seen.push(match incoming {
                        Incoming::Message(message) => message.as_bytes().len(),
                        Incoming::Ping(payload) => 1000 + payload.len(),
                        Incoming::Pong(payload) => 2000 + payload.len(),
                        incoming => panic!("{incoming:?}"),
                    }),
                    Outlived::Returned(ended) => return ended.map(|_| seen),
                    Outlived::GivenUp => {}
                }
            }
        });
        assert_eq!(
            seen,
            Ok(vec![3, 1014, 300, 2010, 13, 0, 8]),
            "{polls} polls"
        );
    }
}

#[test]
fn a_lending_receive_that_is_given_up_has_taken_nothing() {
    let (frames, expected) = everything();
    for polls in 1..40 {
        let mut world = World::new();
        let (mut socket, peer) = awkward(&mut world);
        peer.send_masked(&frames);
        peer.finish();
        let ((messages, ends), bytes) = drive(&mut world, &peer, async move {
            let (mut messages, mut ends) = (Vec::<Message>::new(), 0);
            loop {
                match give_up_when_woken(polls, socket.recv_ref()).await {
                    Outlived::Returned(Ok(Some((event, mut outbox)))) => match event {
                        Event::Text(text) => {
                            outbox.feed_text(&text).expect("it is open");
                            messages.push(text.into());
                        }
                        Event::Binary(bytes) => messages.push(bytes.into()),
                        Event::Closed(closed) => {
                            assert_eq!(closed.code, CloseCode::NORMAL);
                            ends += 1;
                        }
                        Event::Ping(_) | Event::Pong(_) => {}
                        event => panic!("{event:?}"),
                    },
                    Outlived::Returned(Ok(None)) => return (messages, ends),
                    Outlived::Returned(Err(error)) => panic!("{error}"),
                    Outlived::GivenUp => {}
                }
            }
        });
        assert_eq!((messages, ends), (expected.clone(), 1), "{polls} polls");
        let mut echoed = payloads(&bytes);
        echoed.retain(|payload| payload != b"are you there?");
        let texts = [&b"one"[..], b"two, in parts", b"", b"the last", b"\x03\xe8"];
        assert_eq!(echoed, texts, "{polls} polls");
    }
}

/// Something of a connection that is given up after so many polls.
#[derive(Clone, Copy, Debug)]
enum Sending {
    Send,
    Feed,
    Flush,
    SendTimeout,
    Ping,
}

/// True if it returned in time.
async fn sent_in_time(socket: &mut Socket, sending: Sending, polls: usize) -> bool {
    let sending = async {
        let big = message(200);
        match sending {
            Sending::Send => socket.send(big).await,
            Sending::Feed => socket.feed(big).await,
            Sending::Flush => socket.flush().await,
            Sending::SendTimeout => {
                let sent = socket.send_timeout(big, Duration::from_secs(1)).await;
                sent.map_err(|error| panic!("{error}"))
            }
            Sending::Ping => socket.ping(b"ping").await,
        }
    };
    match give_up_after(polls, sending).await {
        Outlived::Returned(sent) => sent.map(|()| true).expect("it is open"),
        Outlived::GivenUp => false,
    }
}

#[test]
fn a_send_that_is_given_up_has_queued_all_of_its_message_or_nothing() {
    let all = [
        Sending::Send,
        Sending::Feed,
        Sending::Flush,
        Sending::SendTimeout,
        Sending::Ping,
    ];
    for sending in all {
        let (mut queued, mut dropped) = (0, 0);
        for polls in 0..MANY {
            let mut world = World::new();
            let config = testkit::config(|config| {
                testkit::world::without_time(config);
                // So that there is something to wait for before anything is queued.
                config.queue_high = 50;
            });
            let (mut socket, peer) = opened(&mut world, &config, 16, Awkward::Always(3));
            let (returned, bytes) = drive(&mut world, &peer, async move {
                socket.feed(message(100)).await.expect("it is open");
                let returned = sent_in_time(&mut socket, sending, polls).await;
                socket.send("afterwards").await.expect("it is open");
                returned
            });
            let mut received = payloads(&bytes);
            // A ping overtakes.
            received.sort_by_key(|payload| payload == b"ping");
            let (first, big) = (message(100).into_bytes(), message(200).into_bytes());
            let extra = match sending {
                Sending::Send | Sending::Feed | Sending::SendTimeout => Some(big),
                Sending::Flush => None,
                Sending::Ping => Some(b"ping".to_vec()),
            };
            let without = [first.clone(), b"afterwards".to_vec()];
            let with = match (sending, extra.clone()) {
                (Sending::Ping, Some(ping)) => vec![first, b"afterwards".to_vec(), ping],
                (_, Some(extra)) => vec![first, extra, b"afterwards".to_vec()],
                (_, None) => without.to_vec(),
            };
            if received == without && extra.is_some() {
                assert!(!returned, "{sending:?}, {polls} polls");
                dropped += 1;
            } else {
                assert_eq!(received, with, "{sending:?}, {polls} polls");
                queued += 1;
            }
            if returned {
                break;
            }
        }
        assert!(
            queued > 1 || matches!(sending, Sending::Feed),
            "{sending:?}"
        );
        assert!(
            dropped > 0 || matches!(sending, Sending::Flush),
            "{sending:?}"
        );
    }
}

#[test]
fn a_part_of_a_message_that_is_given_up_is_sent_whole_or_not_at_all() {
    for polls in 0..MANY {
        let mut world = World::new();
        let (mut socket, peer) = awkward(&mut world);
        let (returned, bytes) = drive(&mut world, &peer, async move {
            socket.start(Kind::Text).await.expect("it is open");
            socket.write(b"begin ").await.expect("it is started");
            let written = give_up_after(polls, socket.write(b"and perhaps this ")).await;
            let finished = match give_up_after(polls, socket.finish(b"end")).await {
                Outlived::Returned(finished) => finished.is_ok(),
                Outlived::GivenUp => false,
            };
            if polls == 0 {
                socket.finish(b"end").await.expect("it was not finished");
            }
            socket.send("afterwards").await.expect("it is finished");
            finished && written == Outlived::Returned(Ok(()))
        });
        let frames = decode(&bytes);
        let (last, parts) = frames.split_last().expect("there are some");
        assert_eq!(last.payload, b"afterwards", "{polls} polls");
        let message: Vec<_> = parts.iter().flat_map(|part| part.payload.clone()).collect();
        let text = if polls == 0 {
            "begin end"
        } else {
            "begin and perhaps this end"
        };
        assert_eq!(String::from_utf8_lossy(&message), text, "{polls} polls");
        assert!(parts.iter().rev().skip(1).all(|part| !part.fin));
        if returned {
            return;
        }
    }
    panic!("it never returns");
}

#[test]
fn a_close_that_is_given_up_goes_on_with_whatever_comes_next() {
    let mut world = World::new();
    let mut returned = false;
    for polls in 1..MANY {
        let (mut socket, peer) = awkward(&mut world);
        peer.send_masked(&[Frame::text("late"), Frame::close(1000, "bye")]);
        peer.finish();
        let ((closed, in_time, messages), bytes) = drive(&mut world, &peer, async move {
            let given_up = give_up_after(polls, socket.close(CloseCode::GOING_AWAY, "")).await;
            let mut messages = Vec::new();
            while let Some(message) = socket.recv().await.expect("the peer does nothing wrong") {
                messages.push(message);
            }
            let closed = socket.closed().cloned().expect("it is over");
            (closed, given_up != Outlived::GivenUp, messages)
        });
        assert!(closed.clean, "{polls} polls");
        assert!(messages.is_empty() || messages == ["late"]);
        let frames = decode(&bytes);
        assert_eq!(frames, [Frame::close(1001, "")], "{polls} polls");
        returned = in_time;
        if returned {
            break;
        }
    }
    assert!(returned, "it never returns");
}

#[test]
fn a_handshake_that_is_given_up_drops_the_transport() {
    for polls in 0..MANY {
        let mut world = World::new();
        let (server, peer) = pipe(64, [Awkward::Always(9), Awkward::No]);
        let peer = Peer(peer);
        peer.send(REQUEST);
        let timer = world.timer();
        let (returned, bytes) = drive(&mut world, &peer, async move {
            let accepted = async {
                let upgrade = accept(server, timer, timeless()).await?;
                upgrade.accept(&Accept::new()).await
            };
            matches!(
                give_up_after(polls, accepted).await,
                Outlived::Returned(Ok(_))
            )
        });
        assert!(peer.is_finished(), "{polls} polls");
        if returned {
            assert!(bytes.ends_with(b"\r\n\r\n"));
            return;
        }
    }
    panic!("it never returns");
}

#[test]
fn an_upgrade_that_is_dropped_is_answered_all_the_same() {
    for polls in 0..2 {
        let mut world = World::new();
        let (server, peer) = pipe(1 << 10, [Awkward::No, Awkward::No]);
        let peer = Peer(peer);
        peer.send(REQUEST);
        let timer = world.timer();
        let (_, bytes) = drive(&mut world, &peer, async move {
            let upgrade = accept(server, timer, timeless()).await.expect("a request");
            let _ = give_up_after(polls, upgrade.accept(&Accept::new())).await;
        });
        let status = if polls == 0 {
            "HTTP/1.1 503"
        } else {
            "HTTP/1.1 101"
        };
        assert!(bytes.starts_with(status.as_bytes()), "{polls} polls");
    }
}

#[test]
fn connecting_can_be_given_up_at_any_moment() {
    for polls in 0..MANY {
        let mut world = World::new();
        let (client, server) = pipe(64, [Awkward::Always(9), Awkward::Always(9)]);
        let (client_timer, server_timer) = (world.timer(), world.timer());
        let accepted = world.spawn(async move {
            let upgrade = accept(server, server_timer, timeless()).await?;
            let mut socket = upgrade.accept(&Accept::new()).await?;
            let received: Result<Option<Message>, Error> = socket.recv().await;
            assert_eq!(received, Ok(None));
            Ok::<Option<Closed>, HandshakeError>(socket.closed().cloned())
        });
        let connected = world.spawn(async move {
            let request = ClientRequest::new("localhost", "/");
            let connected = connect(client, client_timer, timeless(), &request);
            matches!(
                give_up_after(polls, connected).await,
                Outlived::Returned(Ok(_))
            )
        });
        world.run_at_once();
        if connected.take() {
            assert!(accepted.take().is_ok_and(|closed| closed.is_some()));
            return;
        }
        // The server has noticed, whether it was still in its handshake or not.
        let _ = accepted.take();
    }
    panic!("it never returns");
}

#[test]
fn a_send_that_was_too_late_says_whether_the_message_is_queued() {
    let config = testkit::config(|config| {
        testkit::world::without_time(config);
        config.queue_high = 100;
    });
    let mut world = World::new();
    let (mut socket, peer) = opened(&mut world, &config, 10, Awkward::No);
    let second = Duration::from_secs(1);
    let sent = world.spawn(async move {
        let first = socket.send_timeout(message(200), second).await;
        let second = socket.send_timeout("no room", second).await;
        (first, second, socket)
    });
    world.run();
    let (first, second, mut socket) = sent.take();
    assert_eq!(first, Err(TimedSendError::TimedOut { queued: true }));
    assert_eq!(second, Err(TimedSendError::TimedOut { queued: false }));
    let (_, bytes) = drive(&mut world, &peer, async move { socket.flush().await });
    assert_eq!(payloads(&bytes), [message(200).into_bytes()]);
}

#[test]
fn halves_can_be_given_up_like_the_whole() {
    for polls in 1..60 {
        let mut world = World::new();
        let ends = pipe(32, [Awkward::Always(3), Awkward::Always(5)]);
        let (client, server) = pair(&mut world, &timeless(), ends);
        let expected: Vec<Message> = (0..10).map(|n| message(10 * n)).collect();
        world.spawn(async move {
            let (sender, mut receiver) = server.split();
            loop {
                let received = give_up_when_woken(polls, receiver.recv()).await;
                match received {
                    Outlived::Returned(Ok(Some(message))) => {
                        let sending = give_up_when_woken(polls, sender.feed(message)).await;
                        assert_eq!(sending, Outlived::Returned(Ok(())), "there is always room");
                        let _ = give_up_after(polls, sender.flush()).await;
                    }
                    Outlived::Returned(ended) => return ended.is_ok(),
                    Outlived::GivenUp => {}
                }
            }
        });
        let (sender, mut receiver) = client.split();
        let messages = expected.clone();
        let sent = world.spawn(async move {
            for message in messages {
                let _ = give_up_after(polls, sender.send(message)).await;
            }
            sender.flush().await
        });
        let received = world.spawn(async move {
            let mut messages = Vec::new();
            while messages.len() < 10 {
                let received = give_up_when_woken(polls, receiver.recv()).await;
                if let Outlived::Returned(message) = received {
                    messages.extend(message.expect("the peer does nothing wrong"));
                }
            }
            messages
        });
        world.run_until_stalled();
        assert_eq!(sent.take(), Ok(()), "{polls} polls");
        assert_eq!(received.take(), expected, "{polls} polls");
    }
}
