//! Messages that others have compressed: everything that RFC 7692 allows is understood, in whatever pieces it comes.
use crate::deflate::BACKENDS;
use proptest::{collection::vec as several, prelude::*, sample::Index};
use testkit::{
    Frame, Opcode,
    ends::{
        End, Seen, cases,
        deflate::{Foreign, compressing, frames, json, message, opened_plainly, stored},
        messages,
    },
};
use wsproto::{Delivery, Event, Role};

/// A test for either role, every backend, and both deliveries.
fn in_every_way(test: impl Fn(&dyn Fn(usize) -> End)) {
    for role in [Role::Client, Role::Server] {
        for (_, env) in BACKENDS {
            for delivery in [Delivery::Messages, Delivery::Chunks] {
                test(&|inflate_from| {
                    let config = compressing(|config, compression| {
                        config.delivery = delivery;
                        compression.inflate_from = inflate_from;
                    });
                    opened_plainly(role, env(1), config)
                });
            }
        }
    }
}

/// Messages of others that are legal, and what they stand for.
fn foreign_messages() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let text = json(3000, 5);
    let (start, rest) = text.as_bytes().split_at(1000);
    let several_blocks = || {
        let mut foreign = Foreign::new(6);
        [foreign.flushed(start), foreign.message(rest)].concat()
    };
    let plain = text.as_bytes().to_vec();
    vec![
        ("one block", message(&plain), plain.clone()),
        ("several blocks", several_blocks(), plain.clone()),
        (
            "without compression",
            Foreign::new(0).message(&plain),
            plain.clone(),
        ),
        (
            "stored blocks, one of them empty",
            [
                stored(start, false),
                stored(b"", false),
                stored(rest, false),
                vec![0],
            ]
            .concat(),
            plain.clone(),
        ),
        (
            "a final block and the byte of an empty one",
            [Foreign::new(6).finished(&plain), vec![0]].concat(),
            plain.clone(),
        ),
        (
            "a final block and nothing more",
            Foreign::new(6).finished(&plain),
            plain.clone(),
        ),
        (
            "final blocks in the middle",
            [
                Foreign::new(6).finished(start),
                stored(b"", true),
                Foreign::new(9).finished(rest),
                stored(b"the end", false),
                vec![0],
            ]
            .concat(),
            [&plain[..], b"the end"].concat(),
        ),
        ("nothing, as it should be", vec![0], Vec::new()),
        (
            "nothing, in a final block",
            vec![0x03, 0x00, 0x00],
            Vec::new(),
        ),
        ("nothing at all", Vec::new(), Vec::new()),
        // RFC 7692 7.2.3.2.
        (
            "one byte of text",
            vec![0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            b"Hello".to_vec(),
        ),
    ]
}

#[test]
fn whatever_others_make_is_inflated() {
    in_every_way(|opened| {
        for inflate_from in [0, 7, 16 << 10] {
            let mut end = opened(inflate_from);
            for (name, message, plain) in foreign_messages() {
                end.read_frames(&frames(Opcode::Text, &message, &[]));
                let plain = str::from_utf8(&plain).unwrap();
                assert_eq!(messages(&end.take_seen()), [Seen::text(plain)], "{name}");
            }
        }
    });
}

#[test]
fn fragments_may_end_anywhere_and_control_frames_come_between() {
    in_every_way(|opened| {
        let mut end = opened(16 << 10);
        let (plain, deflated) = (json(300, 2), message(json(300, 2).as_bytes()));
        for at in 0..=deflated.len() {
            let mut fragments = frames(Opcode::Text, &deflated, &[at, 0]);
            fragments.insert(1, Frame::ping(deflated[..40].to_vec()));
            fragments.insert(3, Frame::pong("x"));
            end.read_frames(&fragments);
            let seen = end.take_seen();
            assert!(seen.contains(&Seen::Ping(deflated[..40].to_vec())));
            assert!(seen.contains(&Seen::Pong(b"x".to_vec())));
            assert_eq!(messages(&seen), [Seen::text(&plain)], "{at}");
        }
    });
}

proptest! {
    #![proptest_config(cases(60))]

    /// One deflater of other people's speaks to every backend: plain and compressed messages, final
    /// blocks, flushes and fragments in any order, under takeover.
    #[test]
    fn a_foreign_deflater_is_understood(
        backend in proptest::sample::select(BACKENDS),
        level in 0_u8..=9,
        chunks: bool,
        inflate_from in prop_oneof![Just(0_usize), Just(100), Just(16 << 10)],
        plain in several((0_usize..20_000, 0_usize..5, any::<bool>(), several(any::<Index>(), 0..4)), 1..8),
    ) {
        let config = compressing(|config, compression| {
            compression.inflate_from = inflate_from;
            if chunks {
                config.delivery = Delivery::Chunks;
            }
        });
        let mut end = opened_plainly(Role::Client, backend.1(1), config);
        let mut foreign = Foreign::new(level);
        let mut expected = Vec::new();
        for (len, seed, compressed, cuts) in plain {
            let text = json(len, seed);
            let bytes = if compressed {
                foreign.message(text.as_bytes())
            } else {
                text.as_bytes().to_vec()
            };
            let mut lens: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            lens.sort_unstable();
            let mut fragments = frames(Opcode::Text, &bytes, &lens);
            if !compressed {
                fragments[0].reserved = 0;
            }
            end.read_frames(&fragments);
            expected.push(Seen::text(&text));
        }
        prop_assert!(messages(&end.seen) == expected);
    }
}

#[test]
fn a_plain_message_in_fragments_behind_a_compressed_one_is_plain() {
    in_every_way(|opened| {
        let mut end = opened(16 << 10);
        end.read_frames(&frames(Opcode::Text, &message(b"compressed"), &[3]));
        end.read_frames(&[Frame::text("pl").unfinished(), Frame::continuation("ain")]);
        assert_eq!(messages(&end.seen), ["compressed", "plain"].map(Seen::text));
    });
}

#[test]
fn neither_control_frames_nor_plain_messages_enter_the_window() {
    in_every_way(|opened| {
        let mut end = opened(16 << 10);
        let mut foreign = Foreign::new(6);
        let text = json(200, 3);
        for _ in 0..3 {
            end.read_frames(&frames(
                Opcode::Text,
                &foreign.message(text.as_bytes()),
                &[],
            ));
            end.read_frames(&[Frame::ping([7; 125]), Frame::text(&json(500, 4))]);
        }
        let expected = [Seen::text(&text), Seen::text(&json(500, 4))];
        let expected = [expected.clone(), expected.clone(), expected].concat();
        assert_eq!(messages(&end.seen), expected);
    });
}

/// A second message that refers to the first, as a browser's does.
#[test]
fn context_takeover_of_the_peer_is_kept_unless_it_was_declined() {
    for (_, env) in BACKENDS {
        let mut foreign = Foreign::new(6);
        let text = json(200, 3);
        let [first, second] = [(); 2].map(|()| foreign.message(text.as_bytes()));
        assert!(second.len() < first.len() / 4);
        let config = compressing(|_, _| {});
        let mut end = opened_plainly(Role::Server, env(1), config);
        for message in [&first, &second] {
            end.read_frames(&frames(Opcode::Text, message, &[]));
        }
        assert_eq!(end.seen, [Seen::text(&text), Seen::text(&text)]);

        let config = compressing(|_, compression| compression.receive_takeover = false);
        let mut end = opened_plainly(Role::Server, env(1), config);
        for message in [&first, &second] {
            end.read_frames(&frames(Opcode::Text, message, &[]));
        }
        assert_eq!(end.seen.len(), 2);
        assert!(matches!(end.seen[1], Seen::Failed(_)), "{:?}", end.seen);
    }
}

/// The decompressor is lent: nothing that one connection left in it shows on the next.
#[test]
fn an_inflater_that_was_left_in_the_middle_serves_the_next_connection() {
    for (_, env) in BACKENDS {
        let config = compressing(|_, compression| compression.inflate_from = 0);
        let text = json(3000, 1);
        let [first, second] = {
            let mut foreign = Foreign::new(6);
            [(); 2].map(|()| foreign.message(text.as_bytes()))
        };
        for last in [Frame::close(1000, ""), Frame::continuation([0xff; 9])] {
            let mut end = opened_plainly(Role::Server, env(1), config.clone());
            let half = frames(Opcode::Text, &first, &[first.len() / 2]).remove(0);
            end.read_frames(&[half, last]);
            assert!(!end.connection.is_open());

            let mut next = opened_plainly(Role::Server, end.env, config.clone());
            next.read_frames(&frames(Opcode::Text, &first, &[]));
            assert_eq!(next.seen, [Seen::text(&text)]);

            // A reference to a message of another connection refers to nothing.
            let mut other = opened_plainly(Role::Server, next.env, config.clone());
            other.read_frames(&frames(Opcode::Text, &second, &[]));
            assert!(
                matches!(other.seen[..], [Seen::Failed(_)]),
                "{:?}",
                other.seen
            );
        }
    }
}

#[test]
fn chunks_that_wait_are_news_for_the_driver_unless_it_has_paused() {
    for (_, env) in BACKENDS {
        let config = compressing(|config, _| config.delivery = Delivery::Chunks);
        let mut end = opened_plainly(Role::Client, env(1), config);
        let text = json(300_000, 1);
        let bytes = frames(Opcode::Text, &message(text.as_bytes()), &[])
            .remove(0)
            .encode();
        end.input.spare()[..bytes.len()].copy_from_slice(&bytes);
        end.input.filled(bytes.len());
        let mut whole = String::new();
        let mut last = false;
        while !last {
            assert!(!end.input.is_empty() || end.connection.wants().event);
            assert_eq!(
                end.connection.has_event(&mut end.env, &mut end.input),
                Ok(true)
            );
            let event = end.connection.next_event(&mut end.env, &mut end.input);
            let Ok(Some(Event::Chunk(chunk))) = event else {
                panic!("{event:?}");
            };
            whole += str::from_utf8(chunk.data).unwrap();
            last = chunk.last;
            if !last {
                // Another connection uses the input, and the application has enough for now.
                end.connection.set_aside(&mut end.env, &mut end.input);
                assert!(end.connection.wants().event && end.connection.has_input_aside());
                end.connection.pause();
                assert!(!end.connection.wants().event);
                end.connection.resume(&mut end.env);
            }
        }
        assert!(whole == text);
        assert!(!end.connection.wants().event && !end.connection.has_input_aside());
    }
}
