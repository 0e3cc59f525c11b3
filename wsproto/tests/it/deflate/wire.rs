//! Our compressed messages on the wire: under every agreement, everything arrives, and a judge that allows exactly the
//! agreed window and takeover understands it.
use std::{num::NonZeroUsize, sync::Arc};

use crate::deflate::{BACKENDS, Backend};
use proptest::{collection::vec as several, prelude::*};
use testkit::{
    Frame, Opcode, decode,
    ends::{
        End, Pair, Seen, cases,
        deflate::{compressing, extensions, frames, json, message, noise, opened_plainly},
        messages,
        sends::{Send, judged, sends},
    },
    opposite,
};
use wsproto::{
    CloseCode, Compress, Compression, Config, Delivery, Kind, Memory, Overflow, Prepared, Role,
    SendError,
};

fn policies() -> impl Strategy<Value = Compression> {
    let windows = (8_u8..=15, 8_u8..=15);
    let takeovers = (prop::bool::weighted(0.8), prop::bool::weighted(0.8));
    let inflate_from = prop_oneof![Just(0), Just(1), Just(64), Just(16 << 10)];
    (0_u8..=9, windows, takeovers, any::<bool>(), inflate_from).prop_map(
        |(level, (send, receive), (send_takeover, receive_takeover), dedicated, inflate_from)| {
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
        compressing(|config, compression| {
            *compression = policy;
            config.fragment_size = fragments.and_then(NonZeroUsize::new);
            config.max_fragments = u32::MAX;
            config.queue_limit = usize::MAX;
            if chunks {
                config.delivery = Delivery::Chunks;
            }
        })
    })
}

fn backends() -> impl Strategy<Value = Backend> {
    proptest::sample::select(BACKENDS)
}

/// The output of an end: its head and its frames.
fn sent(pair: &mut Pair, role: Role) -> (Vec<u8>, Vec<Frame>) {
    let log = pair.log(role);
    let end = log.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let (head, bytes) = log.split_at(end.expect("a head is whole") + 4);
    (head.to_vec(), decode(bytes))
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn whatever_was_agreed_everything_arrives_and_keeps_to_it(
        client in (backends(), configs()),
        server in (backends(), configs()),
        steps in several((any::<bool>(), sends()), 1..14),
        chops in several(1_usize..3000, 1..8),
    ) {
        let ((_, client_env), (_, server_env)) = (client.0, server.0);
        let mut pair = Pair::opened_in((client_env(1), client.1), (server_env(2), server.1));
        let mut expected = [Vec::new(), Vec::new()];
        for (by_client, send) in steps {
            let role = if by_client { Role::Client } else { Role::Server };
            expected[usize::from(by_client)].extend(send.by(pair.end(role)));
            for (i, n) in chops.iter().enumerate() {
                let from = if i % 2 == 0 { Role::Client } else { Role::Server };
                pair.write(from, *n);
                pair.deliver(opposite(from), *n);
            }
        }
        pair.settle();
        let [by_server, by_client] = expected;
        prop_assert!(messages(&pair.server.seen) == by_client);
        prop_assert!(messages(&pair.client.seen) == by_server);

        let (head, frames) = sent(&mut pair, Role::Server);
        let agreed = extensions(&head).expect("they agree");
        prop_assert!(judged(&frames, Role::Server, &agreed) == by_server);
        let (_, frames) = sent(&mut pair, Role::Client);
        prop_assert!(judged(&frames, Role::Client, &agreed) == by_client);
    }
}

#[test]
fn the_judge_of_the_wire_rejects_a_message_that_refers_too_far_back() {
    let far = [
        json(400, 1),
        String::from_utf8(vec![b'-'; 300]).unwrap(),
        json(400, 1),
    ]
    .concat();
    let frames = frames(Opcode::Binary, &message(far.as_bytes()), &[]);
    let judge = |agreed: &'static str| {
        std::panic::catch_unwind(|| judged(&frames, Role::Server, agreed)).is_ok()
    };
    assert!(judge("permessage-deflate"));
    assert!(judge("permessage-deflate; server_max_window_bits=10"));
    assert!(!judge("permessage-deflate; server_max_window_bits=9"));
}

#[test]
fn a_message_is_compressed_in_one_frame_with_rsv1() {
    for (_, env) in BACKENDS {
        let config = compressing(|_, _| {});
        let mut end = opened_plainly(Role::Server, env(1), config);
        let text = json(1000, 1);
        end.connection.send_text(&mut end.env, &text).unwrap();
        let frames = end.drain_frames();
        assert_eq!((frames.len(), frames[0].reserved), (1, 4));
        assert!(frames[0].payload.len() < text.len() / 2);
        assert!(!frames[0].payload.ends_with(&[0, 0, 0xff, 0xff]), "7.2.1");
    }
}

#[test]
fn the_threshold_decides_unless_the_caller_does_and_what_does_not_shrink_goes_as_it_is() {
    for (_, env) in BACKENDS {
        let config = compressing(|_, compression| compression.threshold = 100);
        let mut end = opened_plainly(Role::Server, env(1), config);
        let noise = noise(500, 1);
        for (compress, data, reserved) in [
            (Compress::Auto, json(99, 1).as_bytes(), 0),
            (Compress::Auto, json(100, 1).as_bytes(), 4),
            (Compress::Always, json(99, 1).as_bytes(), 4),
            (Compress::Always, b"", 4),
            (Compress::Never, json(9999, 1).as_bytes(), 0),
            (Compress::Auto, &noise, 0),
            (Compress::Always, &noise, 4),
        ] {
            let sent = end
                .connection
                .send_compressed(&mut end.env, Kind::Binary, data, compress);
            assert_eq!(sent, Ok(()));
            let [frame] = &end.drain_frames()[..] else {
                panic!("one frame");
            };
            assert_eq!(frame.reserved, reserved, "{compress:?} {}", data.len());
            if data.is_empty() {
                assert_eq!(frame.payload, [0], "7.2.3.6");
            }
        }
    }
}

/// Each kind of message, between two that are the same: the second of them is to refer to the first, and
/// must count what lies between exactly as the peer does.
#[test]
fn whatever_lies_between_a_message_refers_to_the_right_one_before() {
    let repeated = Send::Whole(Compress::Auto, 300, 1);
    for (_, env) in BACKENDS {
        for memory in [Memory::Pooled, Memory::Dedicated] {
            for (between, keeps_a_dedicated) in [
                (Send::Whole(Compress::Auto, 300, 7), true),
                (Send::Whole(Compress::Never, 300, 7), true),
                (Send::Whole(Compress::Auto, 20, 7), true),
                (Send::Whole(Compress::Always, 0, 7), true),
                (Send::Noise(Compress::Auto, noise(200, 1)), false),
                (Send::Noise(Compress::Always, noise(200, 1)), true),
                (
                    Send::Streamed(Compress::Auto, vec![(100, 2), (51, 3), (200, 4)]),
                    true,
                ),
                (Send::Streamed(Compress::Auto, vec![]), true),
                (Send::Streamed(Compress::Never, vec![(100, 2)]), true),
                (Send::Prepared(300, 7, Some(8)), false),
                (Send::Prepared(300, 7, None), true),
                (Send::Ping, true),
            ] {
                let config = compressing(|_, compression| compression.memory = memory);
                let mut end = opened_plainly(Role::Server, env(1), config);
                let sends = [repeated.clone(), between.clone(), repeated.clone()];
                let expected: Vec<Seen> = sends
                    .into_iter()
                    .filter_map(|send| send.by(&mut end))
                    .collect();
                let frames = end.drain_frames();
                assert!(
                    judged(&frames, Role::Server, "") == expected,
                    "{memory:?} {between:?}"
                );
                let [first, .., last] = &frames[..] else {
                    panic!("two frames at least");
                };
                let refers = last.payload.len() < first.payload.len() / 2;
                let expected = memory == Memory::Pooled || keeps_a_dedicated;
                assert_eq!(refers, expected, "{memory:?} {between:?}");
            }
        }
    }
}

#[test]
fn a_prepared_message_that_needs_a_wider_window_goes_as_it_is() {
    // It repeats after 700 bytes.
    let text = [json(700, 1), json(700, 1)].concat();
    for (_, env) in BACKENDS {
        for (bits, reserved) in [(8, 0), (9, 0), (10, 4), (15, 4)] {
            let config = compressing(|_, compression| compression.send_window_bits = bits);
            let mut end = opened_plainly(Role::Server, env(1), config);
            let prepared = Prepared::text(&text).compressed(&mut end.env, 6, 10);
            assert_eq!(
                end.connection.send_prepared(&mut end.env, &prepared),
                Ok(())
            );
            let frames = end.drain_frames();
            assert_eq!(frames[0].reserved, reserved, "{bits}");
            let agreed = format!("permessage-deflate; server_max_window_bits={bits}");
            assert_eq!(judged(&frames, Role::Server, &agreed), [Seen::text(&text)]);
        }
        let mut end = End::upgraded(Role::Server, compressing(|_, _| {}));
        let prepared = Prepared::text(&text).compressed(&mut end.env, 6, 8);
        assert_eq!(
            end.connection.send_prepared(&mut end.env, &prepared),
            Ok(())
        );
        assert_eq!(end.drain_frames(), [Frame::text(&text)]);
    }
}

#[test]
fn a_full_queue_drops_no_compressed_message_that_a_later_one_may_refer_to() {
    for (_, env) in BACKENDS {
        for takeover in [true, false] {
            let config = compressing(|config, compression| {
                config.overflow = Overflow::DropOldest;
                config.queue_limit = 2200;
                compression.send_takeover = takeover;
            });
            let mut end = opened_plainly(Role::Server, env(1), config);
            let mut send = |seed, compress| {
                let data = json(900, seed);
                let data = data.as_bytes();
                end.connection
                    .send_compressed(&mut end.env, Kind::Binary, data, compress)
            };
            assert_eq!(send(1, Compress::Auto), Ok(()));
            assert_eq!(send(2, Compress::Auto), Ok(()));
            assert_eq!(send(3, Compress::Never), Ok(()));
            assert_eq!(send(4, Compress::Auto), Ok(()));
            assert_eq!(send(5, Compress::Never), Ok(()));
            let kept: &[usize] = if takeover { &[1, 2, 4, 5] } else { &[3, 4, 5] };
            let expected: Vec<Seen> = kept
                .iter()
                .map(|seed| Seen::binary(json(900, *seed).as_bytes()))
                .collect();
            let agreed = if takeover {
                ""
            } else {
                "server_no_context_takeover"
            };
            assert!(
                judged(&end.drain_frames(), Role::Server, agreed) == expected,
                "{takeover}"
            );
        }
    }
}

#[test]
fn a_message_that_the_queue_refuses_enters_no_window() {
    for (_, env) in BACKENDS {
        for memory in [Memory::Pooled, Memory::Dedicated] {
            let config = compressing(|config, compression| {
                config.queue_limit = 2000;
                compression.memory = memory;
            });
            let mut end = opened_plainly(Role::Server, env(1), config);
            let mut expected = Vec::new();
            let mut wire = Vec::new();
            for seed in 0..20 {
                let data = json(900, seed % 3);
                let sent = end.connection.send_binary(&mut end.env, data.as_bytes());
                match sent {
                    Ok(()) => expected.push(Seen::binary(data.as_bytes())),
                    Err(error) => {
                        assert_eq!(error, SendError::QueueFull);
                        wire.extend(end.drain_frames());
                    }
                }
            }
            wire.extend(end.drain_frames());
            assert!((10..20).contains(&expected.len()), "{}", expected.len());
            assert!(judged(&wire, Role::Server, "") == expected);
        }
    }
}

#[test]
fn a_streamed_message_that_a_close_cuts_off_is_followed_by_nothing_but_the_close() {
    for (_, env) in BACKENDS {
        let mut end = opened_plainly(Role::Server, env(1), compressing(|_, _| {}));
        end.connection.start(&mut end.env, Kind::Text).unwrap();
        end.connection
            .write(&mut end.env, b"to be continued")
            .unwrap();
        end.connection.close(&mut end.env, CloseCode::NORMAL, "");
        assert_eq!(
            end.connection.write(&mut end.env, b"?"),
            Err(SendError::Closed)
        );
        let frames = end.drain_frames();
        let seen: Vec<_> = frames
            .iter()
            .map(|f| (f.opcode, f.reserved, f.fin))
            .collect();
        assert_eq!(seen, [(1, 4, false), (8, 0, true)]);
    }
}
