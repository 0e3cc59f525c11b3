//! permessage-deflate between two ends: what arrives is what was sent, whatever was agreed.

mod support;

use proptest::prelude::*;
use std::sync::Arc;
use support::{Pair, Seen, cases, config, decode, joined};
use wsproto::{Compress, Compression, Config, Delivery, Kind, Memory, Prepared, Role};

fn compressing(change: impl Fn(&mut Compression)) -> Arc<Config> {
    config(|config| {
        let mut compression = Compression::default();
        change(&mut compression);
        config.compression = Some(compression);
    })
}

/// Text of about `len` octets that compresses as the texts of applications do.
fn json(len: usize, seed: usize) -> String {
    let mut text = String::new();
    let mut i = seed;
    while text.len() < len {
        i = i.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
        text += &format!(
            "{{\"id\":{},\"name\":\"user-{}\",\"ok\":{}}},",
            i % 1000,
            i % 77,
            i.is_multiple_of(2)
        );
    }
    text.truncate(len);
    text
}

#[test]
fn a_message_is_compressed_and_inflated() {
    let mut pair = Pair::opened(compressing(|_| {}), compressing(|_| {}));
    let text = json(1000, 1);
    let before = pair.log(Role::Client).len();
    pair.client
        .connection
        .send_text(&mut pair.client.env, &text)
        .unwrap();
    pair.settle();
    assert_eq!(pair.server.seen, [Seen::text(&text)]);
    let frames = decode(&pair.log(Role::Client)[before..]);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].reserved, 4, "RSV1");
    assert!(frames[0].payload.len() < text.len() / 2);
}

/// What one end sends, in its own way.
#[derive(Debug, Clone)]
enum Send {
    Whole(Compress, usize, usize),
    /// Octets that do not compress.
    Noise(Compress, Vec<u8>),
    Streamed(Vec<(usize, usize)>),
    Prepared(usize, usize, Option<u8>),
    Ping,
}

fn sends() -> impl Strategy<Value = Send> {
    let compress = prop_oneof![3 => Just(Compress::Auto), 2 => Just(Compress::Always), 1 => Just(Compress::Never)];
    let len = || prop_oneof![4 => 0_usize..400, 2 => 400_usize..5000, 1 => 20_000_usize..90_000];
    prop_oneof![
        5 => (compress.clone(), len(), 0_usize..9).prop_map(|(compress, len, seed)| Send::Whole(compress, len, seed)),
        2 => (compress, proptest::collection::vec(any::<u8>(), 0..300)).prop_map(|(compress, data)| Send::Noise(compress, data)),
        2 => proptest::collection::vec((len(), 0_usize..9), 0..4).prop_map(Send::Streamed),
        2 => (len(), 0_usize..9, proptest::option::of(8_u8..=15)).prop_map(|(len, seed, bits)| Send::Prepared(len, seed, bits)),
        1 => Just(Send::Ping),
    ]
}

fn policies() -> impl Strategy<Value = Compression> {
    (
        0_u8..=9,
        8_u8..=15,
        8_u8..=15,
        any::<[bool; 3]>(),
        prop_oneof![Just(0), Just(1), Just(64), Just(16 << 10)],
    )
        .prop_map(
            |(level, send, receive, [send_takeover, receive_takeover, dedicated], inflate_from)| {
                let mut policy = Compression::default();
                policy.level = level;
                policy.send_window_bits = send;
                policy.receive_window_bits = receive;
                policy.send_takeover = send_takeover;
                policy.receive_takeover = receive_takeover;
                policy.memory = if dedicated {
                    Memory::Dedicated
                } else {
                    Memory::Pooled
                };
                policy.inflate_from = inflate_from;
                policy
            },
        )
}

fn configs() -> impl Strategy<Value = Arc<Config>> {
    let fragments = prop_oneof![3 => Just(None), 1 => (1_usize..2000).prop_map(Some)];
    (policies(), fragments, any::<bool>()).prop_map(|(policy, fragments, chunks)| {
        config(|config| {
            config.compression = Some(policy);
            config.fragment_size = fragments.and_then(std::num::NonZeroUsize::new);
            config.max_fragments = u32::MAX;
            config.queue_limit = usize::MAX;
            config.delivery = if chunks {
                Delivery::Chunks
            } else {
                Delivery::Messages
            };
        })
    })
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn whatever_was_agreed_everything_arrives(
        client in configs(),
        server in configs(),
        steps in proptest::collection::vec((any::<bool>(), sends()), 1..14),
        chops in proptest::collection::vec(1_usize..3000, 1..8),
    ) {
        let mut pair = Pair::opened(client, server);
        let mut sent = [Vec::new(), Vec::new()];
        for (by_client, send) in steps {
            let (role, sent) = if by_client { (Role::Client, &mut sent[0]) } else { (Role::Server, &mut sent[1]) };
            let end = pair.end(role);
            let (connection, env) = (&mut end.connection, &mut end.env);
            match send {
                Send::Whole(compress, len, seed) => {
                    let text = json(len, seed);
                    connection.send_compressed(env, Kind::Text, text.as_bytes(), compress).unwrap();
                    sent.push(Seen::text(&text));
                }
                Send::Noise(compress, data) => {
                    connection.send_compressed(env, Kind::Binary, &data, compress).unwrap();
                    sent.push(Seen::binary(&data));
                }
                Send::Streamed(parts) => {
                    connection.start(env, Kind::Binary).unwrap();
                    let mut all = Vec::new();
                    for (i, (len, seed)) in parts.iter().enumerate() {
                        let part = json(*len, *seed);
                        all.extend_from_slice(part.as_bytes());
                        if i + 1 == parts.len() && len % 2 == 0 {
                            connection.finish(env, part.as_bytes()).unwrap();
                        } else {
                            connection.write(env, part.as_bytes()).unwrap();
                            if i + 1 == parts.len() {
                                connection.finish(env, &[]).unwrap();
                            }
                        }
                    }
                    if parts.is_empty() {
                        connection.finish(env, &[]).unwrap();
                    }
                    sent.push(Seen::binary(&all));
                }
                Send::Prepared(len, seed, bits) => {
                    let data = json(len, seed);
                    let mut prepared = Prepared::binary(data.as_bytes());
                    if let Some(bits) = bits {
                        prepared = prepared.compressed(env, 1, bits);
                    }
                    connection.send_prepared(env, &prepared).unwrap();
                    sent.push(Seen::binary(data.as_bytes()));
                }
                Send::Ping => connection.send_ping(env, b"a ping whose octets are in no window").unwrap(),
            }
            for (i, n) in chops.iter().enumerate() {
                let from = if i % 2 == 0 { Role::Client } else { Role::Server };
                pair.write(from, *n);
                pair.deliver(support::opposite(from), *n);
            }
        }
        pair.settle();
        let messages = |seen: &[Seen]| -> Vec<Seen> {
            let message = |seen| match seen {
                Seen::Chunk { kind: Kind::Text, data, .. } => {
                    Some(Seen::Text(String::from_utf8(data).unwrap()))
                }
                Seen::Chunk { kind, data, .. } => Some(Seen::Binary(kind, data)),
                other => Some(other),
            };
            // Control frames may come between the chunks of a message.
            let data = |seen: &Seen| !matches!(seen, Seen::Ping(_) | Seen::Pong(_) | Seen::Drained);
            let seen: Vec<_> = seen.iter().filter(|seen| data(seen)).cloned().collect();
            joined(&seen).into_iter().filter_map(message).collect()
        };
        prop_assert!(messages(&pair.server.seen) == sent[0]);
        prop_assert!(messages(&pair.client.seen) == sent[1]);
    }
}
