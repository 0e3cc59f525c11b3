//! Messages go out whole, prepared, in fragments, or as they are written.

use std::num::NonZeroUsize;

use testkit::{
    Frame, Opcode,
    allocation::peak,
    config,
    ends::{BOTH, End, Pair, Seen, open, sent_to},
};
use wsproto::{Event, Kind, Message, Prepared, Role, SendError};

/// Without masks, which differ each time.
fn unmasked(frames: Vec<Frame>) -> Vec<Frame> {
    let plain = |frame: Frame| Frame {
        mask: None,
        ..frame
    };
    frames.into_iter().map(plain).collect()
}

#[test]
fn a_message_goes_out_in_one_frame_masked_by_a_client_with_a_fresh_key_each_time() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        for _ in 0..3 {
            assert_eq!(end.connection.send_text(&mut end.env, "text"), Ok(()));
        }
        assert_eq!(
            end.connection.send_binary(&mut end.env, &[7; 70_000]),
            Ok(())
        );
        let frames = end.drain_frames();
        let keys: Vec<_> = frames.iter().filter_map(|frame| frame.mask).collect();
        match role {
            Role::Server => assert_eq!(keys, [[0; 4]; 0]),
            Role::Client => {
                assert_eq!(keys.len(), 4);
                assert!((1..4).all(|i| !keys[..i].contains(&keys[i])), "{keys:?}");
            }
        }
        let text = Frame::text("text");
        let expected = [text.clone(), text.clone(), text, Frame::binary([7; 70_000])];
        assert!(unmasked(frames) == expected);
    }
}

#[test]
fn a_message_that_is_moved_or_prepared_is_the_same_on_the_wire_as_one_that_is_copied() {
    for role in BOTH {
        for len in [0, 5, 255, 256, 70_000] {
            let text = "x".repeat(len);
            let mut end = open(role, |_| {});
            let (connection, env) = (&mut end.connection, &mut end.env);
            assert_eq!(connection.send_text(env, &text), Ok(()));
            assert_eq!(
                connection.send_message(env, Message::from(text.as_str())),
                Ok(())
            );
            assert_eq!(
                connection.send_prepared(env, &Prepared::text(&text)),
                Ok(())
            );
            assert_eq!(
                connection.send_prepared(env, &Prepared::binary(text.as_bytes())),
                Ok(())
            );
            let expected = [
                Frame::text(&text),
                Frame::text(&text),
                Frame::text(&text),
                Frame::binary(text.as_bytes()),
            ];
            assert!(unmasked(end.drain_frames()) == expected);
        }
    }
}

#[test]
fn a_prepared_message_is_the_same_memory_on_every_connection_of_a_server() {
    let news = Prepared::binary(&[7; 100_000]);
    let range = news.payload().as_ptr_range();
    let mut ends: Vec<End> = (0..3).map(|_| open(Role::Server, |_| {})).collect();
    let grown = peak(|| {
        for end in &mut ends {
            assert_eq!(end.connection.send_prepared(&mut end.env, &news), Ok(()));
        }
    });
    assert!(grown < 10_000, "{grown} bytes");
    for end in &ends {
        let last = end
            .connection
            .outgoing()
            .last()
            .expect("something is queued");
        assert!(last.as_ptr_range().end == range.end);
    }
}

#[test]
fn outgoing_messages_are_split_by_size_where_that_is_configured() {
    for role in BOTH {
        let mut end = open(role, |config| config.fragment_size = NonZeroUsize::new(4));
        let (connection, env) = (&mut end.connection, &mut end.env);
        assert_eq!(connection.send_text(env, "0123456789"), Ok(()));
        assert_eq!(connection.send_binary(env, b"0123"), Ok(()));
        assert_eq!(
            connection.send_prepared(env, &Prepared::text("01234")),
            Ok(())
        );
        assert_eq!(connection.send_message(env, Message::from("")), Ok(()));
        let taken = connection.send_through(env, Kind::Text, b"01234", |_| 0);
        assert_eq!(taken, Ok(()));
        let two = [Frame::text("0123").unfinished(), Frame::continuation("4")];
        let expected = [
            &[
                Frame::text("0123").unfinished(),
                Frame::continuation("4567").unfinished(),
                Frame::continuation("89"),
                Frame::binary("0123"),
            ][..],
            &two,
            &[Frame::text("")],
            &two,
        ]
        .concat();
        assert_eq!(unmasked(end.drain_frames()), expected);
    }
}

#[test]
fn a_message_of_unknown_length_lets_control_frames_in_between_but_no_other_message() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        let (connection, env) = (&mut end.connection, &mut end.env);
        assert_eq!(connection.write(env, b"a"), Err(SendError::NoMessage));
        assert_eq!(connection.start(env, Kind::Text), Ok(()));
        assert_eq!(
            connection.start(env, Kind::Text),
            Err(SendError::MessageUnfinished)
        );
        assert_eq!(connection.write(env, "κ".as_bytes()), Ok(()));
        assert_eq!(
            connection.send_text(env, "b"),
            Err(SendError::MessageUnfinished)
        );
        let prepared = Prepared::text("b");
        assert_eq!(
            connection.send_prepared(env, &prepared),
            Err(SendError::MessageUnfinished)
        );
        let mut frames = unmasked(end.drain_frames());
        let (connection, env) = (&mut end.connection, &mut end.env);
        assert_eq!(connection.send_ping(env, b"p"), Ok(()));
        assert_eq!(connection.write(env, b""), Ok(()), "which sends nothing");
        assert_eq!(connection.write(env, "ό".as_bytes()), Ok(()));
        assert_eq!(connection.finish(env, b""), Ok(()));
        assert_eq!(connection.finish(env, b""), Err(SendError::NoMessage));
        assert_eq!(connection.send_text(env, "next"), Ok(()));
        frames.extend(unmasked(end.drain_frames()));
        let expected = [
            Frame::text("κ").unfinished(),
            Frame::ping("p"),
            Frame::continuation("ό").unfinished(),
            Frame::continuation(""),
            Frame::text("next"),
        ];
        assert_eq!(frames, expected);
    }
}

#[test]
fn a_text_that_is_written_in_parts_must_be_utf_8_as_a_whole_and_a_bad_part_may_be_mended() {
    let mut end = open(Role::Server, |_| {});
    let (connection, env) = (&mut end.connection, &mut end.env);
    assert_eq!(connection.start(env, Kind::Text), Ok(()));
    assert_eq!(connection.write(env, b"\xce"), Ok(()), "half a code point");
    assert_eq!(connection.write(env, b"a"), Err(SendError::NotUtf8));
    assert_eq!(connection.finish(env, b""), Err(SendError::NotUtf8));
    assert_eq!(connection.finish(env, b"\xba"), Ok(()), "the other half");
    let expected = [
        Frame::new(Opcode::Text, [0xce]).unfinished(),
        Frame::continuation([0xba]),
    ];
    assert_eq!(end.drain_frames(), expected);
    let (connection, env) = (&mut end.connection, &mut end.env);
    let sent = connection.send_through(env, Kind::Text, b"\xff", |_| panic!("nothing is written"));
    assert_eq!(sent, Err(SendError::NotUtf8));
}

#[test]
fn what_is_written_past_the_queue_is_queued_as_far_as_it_was_not_taken() {
    for len in [0, 10, 200, 70_000] {
        for taken in [0, 1, 2, 3, len, usize::MAX] {
            let mut end = open(Role::Server, |_| {});
            let payload = vec![7; len];
            let mut wire = Vec::new();
            let sent =
                end.connection
                    .send_through(&mut end.env, Kind::Binary, &payload, |slices| {
                        wire = slices.concat();
                        wire.truncate(taken);
                        wire.len()
                    });
            assert_eq!(sent, Ok(()));
            assert_eq!(end.connection.send_ping(&mut end.env, b""), Ok(()));
            assert_eq!(end.connection.send_binary(&mut end.env, b"next"), Ok(()));
            let begun = !wire.is_empty();
            wire.extend(end.drain());
            let (ping, data) = (Frame::ping(""), Frame::binary(payload));
            let expected = if begun { [data, ping] } else { [ping, data] };
            assert!(testkit::decode(&wire)[..2] == expected, "{taken} of {len}");
            assert!(testkit::decode(&wire)[2..] == [Frame::binary("next")]);
        }
    }
}

#[test]
fn a_plain_write_never_races_past_a_queued_one() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        let (connection, env) = (&mut end.connection, &mut end.env);
        assert_eq!(connection.send_text(env, "first"), Ok(()));
        let sent =
            connection.send_through(env, Kind::Text, b"second", |_| panic!("it has to wait"));
        assert_eq!(sent, Ok(()));
        let frames = unmasked(end.drain_frames());
        assert_eq!(frames, [Frame::text("first"), Frame::text("second")]);
    }
}

#[test]
fn nothing_can_be_sent_before_the_handshake_is_complete() {
    let mut pair = Pair::connecting(config(|_| {}), config(|_| {}));
    for end in [&mut pair.client, &mut pair.server] {
        let (connection, env) = (&mut end.connection, &mut end.env);
        let queued = connection.queued();
        assert_eq!(connection.send_text(env, "early"), Err(SendError::NotOpen));
        assert_eq!(connection.start(env, Kind::Text), Err(SendError::NotOpen));
        assert_eq!(connection.send_ping(env, b""), Err(SendError::NotOpen));
        assert_eq!(connection.queued(), queued);
    }
}

#[test]
fn messages_sent_while_the_last_one_is_looked_at_are_an_echo() {
    let mut pair = Pair::opened(config(|_| {}), config(|_| {}));
    let bytes = sent_to(Role::Server, &[Frame::text("a"), Frame::binary("b")]);
    pair.server.read_with(&bytes, |connection, env, event| {
        let sent = match event {
            Event::Text(text) => connection.send_text(env, text),
            Event::Binary(binary) => connection.send_binary(env, binary),
            _ => panic!("only messages are sent"),
        };
        assert_eq!(sent, Ok(()));
    });
    pair.settle();
    assert_eq!(
        pair.client.take_seen(),
        [Seen::text("a"), Seen::binary(b"b")]
    );
}
