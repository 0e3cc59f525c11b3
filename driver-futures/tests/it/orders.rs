//! Halves of connections in tasks of their own, over pipes that block and split at random, in very many
//! orders: nobody waits for ever, and every message arrives whole and in its sender's order.

use testkit::{
    Random, config,
    world::{Awkward, Receiver, Sender, World, pair, pipe, timeless, without_time, yield_now},
};
use wsproto::{CloseCode, Event, Kind, Message, Prepared, SendError};

/// Number of orders that are tried.
const SEEDS: u64 = 1000;

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

/// The messages of one sender: its number, a count, and a random number of bytes each.
fn numbered(random: &mut Random, sender: u8) -> Vec<Vec<u8>> {
    (0..8)
        .map(|n| {
            let mut message = vec![sender, n];
            message.resize(2 + random.below(400), sender);
            message
        })
        .collect()
}

/// Lets three senders of a connection send, in tasks of their own, and close when all are done.
fn several_senders(world: &mut World, sender: &Sender, random: &mut Random) -> Vec<Vec<Vec<u8>>> {
    let all: Vec<_> = (0..3).map(|n| numbered(random, n)).collect();
    for messages in &all {
        let (sender, messages) = (sender.clone(), messages.clone());
        let fed = random.one_in(3);
        let mut random = random.clone();
        world.spawn(async move {
            for message in messages {
                if random.one_in(4) {
                    sender.ping(b"ping").await.expect("it is open");
                }
                if random.one_in(4) {
                    let (first, rest) = message.split_at(random.below(message.len()));
                    sender.start(Kind::Binary).await.expect("it is open");
                    sender.write(first).await.expect("it is started");
                    sender.finish(rest).await.expect("it is started");
                } else if fed {
                    sender.feed(message).await.expect("it is open");
                } else if random.one_in(4) {
                    let message = Prepared::binary(&message);
                    sender.send_prepared(&message).await.expect("it is open");
                } else {
                    sender.send(message).await.expect("it is open");
                }
            }
            sender.flush().await.expect("it is open");
        });
    }
    all
}

fn sort_by_sender(received: Vec<Message>) -> Vec<Vec<Vec<u8>>> {
    let mut sorted = vec![Vec::new(); 3];
    for message in received {
        let message = message.into_bytes();
        sorted[usize::from(message[0])].push(message);
    }
    sorted
}

#[test]
fn messages_of_several_senders_come_whole_and_in_order_however_the_tasks_run() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut world = World::random(seed);
        let config = config(|config| {
            without_time(config);
            config.queue_high = 1 + random.below(1000);
        });
        let awkward = [
            Awkward::Random(Random(seed + 1)),
            Awkward::Random(Random(seed + 2)),
        ];
        let (client_pipe, server_pipe) = pipe(1 + random.below(300), awkward);
        let ends = if random.one_in(4) {
            (client_pipe.buffering(), server_pipe.buffering())
        } else {
            (client_pipe, server_pipe)
        };
        let (client, server) = pair(&mut world, &config, ends);
        let (client_sender, client_receiver) = client.split();
        let (server_sender, server_receiver) = server.split();
        let from_client = several_senders(&mut world, &client_sender, &mut random);
        let from_server = several_senders(&mut world, &server_sender, &mut random);
        let at_client = world.spawn(receive_from_all(client_receiver, Random(seed + 3)));
        let at_server = world.spawn(receive_from_all(server_receiver, Random(seed + 4)));
        world.run_at_once();
        let (at_client, _client) = at_client.take();
        let (at_server, _server) = at_server.take();
        assert_eq!(sort_by_sender(at_client), from_server, "seed {seed}");
        assert_eq!(sort_by_sender(at_server), from_client, "seed {seed}");
    }
}

/// Receives all that three senders send, lent or not. Keeps the connection: the peer may not have got
/// everything.
async fn receive_from_all(mut receiver: Receiver, mut random: Random) -> (Vec<Message>, Receiver) {
    let mut messages = Vec::new();
    while messages.len() < 24 {
        if random.one_in(2) {
            let received = receiver.recv().await.expect("the peer does nothing wrong");
            messages.push(received.expect("there is more to come"));
            continue;
        }
        let lent = receiver
            .recv_ref()
            .await
            .expect("the peer does nothing wrong");
        if random.one_in(2) {
            yield_now().await;
        }
        match lent.expect("there is more to come") {
            Event::Binary(bytes) => messages.push(bytes.into()),
            Event::Ping(_) | Event::Pong(_) | Event::Drained => {}
            event => panic!("{event:?}"),
        }
    }
    (messages, receiver)
}

#[test]
fn both_ends_close_however_the_tasks_run() {
    for seed in 0..SEEDS {
        let mut world = World::random(seed);
        let awkward = [
            Awkward::Random(Random(seed + 1)),
            Awkward::Random(Random(seed + 2)),
        ];
        let ends = pipe(1 + Random(seed).below(50), awkward);
        let (client, server) = pair(&mut world, &timeless(), ends);
        let (client_sender, client_receiver) = client.split();
        let (server_sender, server_receiver) = server.split();
        let client = world.spawn(receive_all(client_receiver));
        let server = world.spawn(receive_all(server_receiver));
        for sender in [client_sender, server_sender] {
            world.spawn(async move {
                for n in 0..5 {
                    match sender.send(bytes(n * 20)).await {
                        Ok(()) => {}
                        Err(error) => assert_eq!(error, SendError::Closed, "seed {seed}"),
                    }
                }
                sender.close(CloseCode::NORMAL, "").await;
                assert!(
                    sender.closed().is_some_and(|closed| closed.clean),
                    "seed {seed}"
                );
            });
        }
        world.run_at_once();
        let (client, server) = (client.take(), server.take());
        assert!(client.len() == 5 || server.len() == 5, "seed {seed}");
        for (n, message) in client.into_iter().enumerate() {
            assert_eq!(message, bytes(n * 20), "seed {seed}");
        }
    }
}
