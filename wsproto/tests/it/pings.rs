//! Pings are answered, within bounds, and overtake data where a frame ends.

use testkit::{
    Frame, config, decode,
    ends::{BOTH, End, Pair, Seen, open},
    opposite,
};
use wsproto::{Role, SendError};

/// The queued frames, without masks.
fn drained(end: &mut End) -> Vec<Frame> {
    unmasked(&end.drain())
}

fn unmasked(bytes: &[u8]) -> Vec<Frame> {
    let plain = |frame: Frame| Frame {
        mask: None,
        ..frame
    };
    decode(bytes).into_iter().map(plain).collect()
}

fn numbered(frame: fn(Vec<u8>) -> Frame, numbers: impl IntoIterator<Item = u32>) -> Vec<Frame> {
    let numbered = |number: u32| frame(number.to_be_bytes().to_vec());
    numbers.into_iter().map(numbered).collect()
}

#[test]
fn a_ping_is_shown_and_answered_with_its_own_payload() {
    for role in BOTH {
        for payload in [&b""[..], b"hello", &[0xff; 125]] {
            let mut end = open(role, |_| {});
            end.read_frames(&[Frame::ping(payload)]);
            assert_eq!(end.take_seen(), [Seen::Ping(payload.to_vec())]);
            assert_eq!(drained(&mut end), [Frame::pong(payload)]);
        }
    }
}

#[test]
fn ten_pings_in_one_go_get_ten_pongs() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        let pings = numbered(Frame::ping, 0..10);
        let bytes: Vec<u8> = pings
            .into_iter()
            .flat_map(|ping| ping.sent_by(opposite(role)).encode())
            .collect();
        end.read(&bytes);
        assert_eq!(end.take_seen().len(), 10);
        assert_eq!(drained(&mut end), numbered(Frame::pong, 0..10));
    }
}

#[test]
fn unsent_pongs_of_a_peer_that_does_not_read_are_bounded_and_then_the_newest_wins() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        // A pong is as long as its ping: 6 bytes, and 4 of a mask.
        let len = if role == Role::Client { 10 } else { 6 };
        let kept = 4096_u32.div_ceil(len);
        end.read_frames(&numbered(Frame::ping, 0..kept));
        assert_eq!(
            end.connection.queued() as u32,
            kept * len,
            "none is missing so far"
        );
        end.read_frames(&numbered(Frame::ping, kept..100_000));
        assert_eq!(end.connection.queued() as u32, kept * len);
        let expected = (0..kept - 1).chain([99_999]);
        assert_eq!(drained(&mut end), numbered(Frame::pong, expected));
        end.read_frames(&[Frame::ping("again")]);
        assert_eq!(drained(&mut end), [Frame::pong("again")]);
    }
}

#[test]
fn the_bound_of_unsent_pongs_can_be_chosen() {
    let mut end = open(Role::Server, |config| config.max_pong_queue = 0);
    end.read_frames(&numbered(Frame::ping, 0..5));
    assert_eq!(
        drained(&mut end),
        numbered(Frame::pong, [4]),
        "only the newest"
    );
}

#[test]
fn a_pong_that_is_half_sent_is_not_replaced_by_a_newer_one() {
    let mut end = open(Role::Server, |config| config.max_pong_queue = 1);
    end.read_frames(&[Frame::ping("first")]);
    let mut wire = end.drain_some(3);
    end.read_frames(&[Frame::ping("second"), Frame::ping("third")]);
    wire.extend(end.drain());
    assert_eq!(decode(&wire), [Frame::pong("first"), Frame::pong("third")]);
}

#[test]
fn pings_are_left_to_the_application_where_that_is_configured() {
    for role in BOTH {
        let mut end = open(role, |config| config.answer_pings = false);
        end.read_frames(&[Frame::ping("mine")]);
        assert_eq!(end.take_seen(), [Seen::Ping(b"mine".to_vec())]);
        assert_eq!(end.drain(), b"");
        assert_eq!(end.connection.send_pong(&mut end.env, b"mine"), Ok(()));
        assert_eq!(drained(&mut end), [Frame::pong("mine")]);
    }
}

#[test]
fn a_pong_that_nobody_asked_for_may_come_and_go() {
    let mut pair = Pair::opened(config(|_| {}), config(|_| {}));
    let server = &mut pair.server;
    assert_eq!(
        server.connection.send_pong(&mut server.env, b"alive"),
        Ok(())
    );
    pair.settle();
    assert_eq!(pair.client.take_seen(), [Seen::Pong(b"alive".to_vec())]);
    assert_eq!(pair.server.take_seen(), [], "and is not answered");
}

#[test]
fn a_ping_of_ours_comes_back_as_a_pong() {
    let mut pair = Pair::opened(config(|_| {}), config(|_| {}));
    let client = &mut pair.client;
    assert_eq!(
        client.connection.send_ping(&mut client.env, &[9; 125]),
        Ok(())
    );
    pair.settle();
    assert_eq!(pair.server.take_seen(), [Seen::Ping(vec![9; 125])]);
    assert_eq!(pair.client.take_seen(), [Seen::Pong(vec![9; 125])]);
}

#[test]
fn more_than_125_bytes_are_refused_before_anything_is_queued() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        let (connection, env) = (&mut end.connection, &mut end.env);
        assert_eq!(
            connection.send_ping(env, &[0; 126]),
            Err(SendError::ControlTooLong)
        );
        assert_eq!(
            connection.send_pong(env, &[0; 126]),
            Err(SendError::ControlTooLong)
        );
        assert_eq!(connection.queued(), 0);
    }
}

#[test]
fn pings_and_pongs_overtake_every_message_of_which_nothing_is_sent() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        for text in ["first", "second"] {
            assert_eq!(end.connection.send_text(&mut end.env, text), Ok(()));
        }
        assert_eq!(end.connection.send_ping(&mut end.env, b"ours"), Ok(()));
        end.read_frames(&[Frame::ping("theirs")]);
        let expected = [
            Frame::ping("ours"),
            Frame::pong("theirs"),
            Frame::text("first"),
            Frame::text("second"),
        ];
        assert_eq!(drained(&mut end), expected);
    }
}

#[test]
fn a_pong_waits_for_the_end_of_a_frame_that_is_half_sent_and_overtakes_the_next() {
    let large = [7; 200_000];
    for role in BOTH {
        for sent in [1, 2, 7, 13, 14, 15, 1000, 199_999, 200_000] {
            let mut end = open(role, |_| {});
            let (connection, env) = (&mut end.connection, &mut end.env);
            assert_eq!(connection.send_binary(env, &large), Ok(()));
            assert_eq!(connection.send_text(env, "behind"), Ok(()));
            let mut wire = end.drain_some(sent);
            end.read_frames(&[Frame::ping("p")]);
            // The rest leaves in writes of any size, which the pong must survive too.
            while end.connection.queued() > 0 {
                wire.extend(end.drain_some(60_001));
            }
            let expected = [
                Frame::binary(large),
                Frame::pong("p"),
                Frame::text("behind"),
            ];
            assert!(
                unmasked(&wire) == expected,
                "{sent} bytes of the frame were sent"
            );
        }
    }
}

#[test]
fn a_pong_goes_between_the_fragments_of_a_message() {
    for role in BOTH {
        let mut end = open(role, |config| {
            config.fragment_size = std::num::NonZeroUsize::new(3);
        });
        assert_eq!(end.connection.send_text(&mut end.env, "abcdef"), Ok(()));
        let mut wire = end.drain_some(1);
        end.read_frames(&[Frame::ping("p")]);
        wire.extend(end.drain());
        let expected = [
            Frame::text("abc").unfinished(),
            Frame::pong("p"),
            Frame::continuation("def"),
        ];
        assert_eq!(unmasked(&wire), expected);
    }
}

#[test]
fn pings_inside_a_message_are_answered_before_the_message_is_whole() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        end.read_frames(&[Frame::binary([1; 10]).unfinished(), Frame::ping("p")]);
        assert_eq!(drained(&mut end), [Frame::pong("p")]);
    }
}

#[test]
fn pongs_do_not_stop_when_the_application_does_not_take_messages() {
    let mut end = open(Role::Server, |_| {});
    // Set aside, taken back, and a ping cut in two by it.
    let bytes = Frame::ping("p").sent_by(Role::Client).encode();
    let (front, back) = bytes.split_at(4);
    for part in [front, back] {
        end.input.spare()[..part.len()].copy_from_slice(part);
        end.input.filled(part.len());
        end.connection.set_aside(&mut end.env, &mut end.input);
        assert!(end.connection.wants().event, "what was set aside can go on");
    }
    end.take_events();
    assert_eq!(end.take_seen(), [Seen::Ping(b"p".to_vec())]);
    assert_eq!(drained(&mut end), [Frame::pong("p")]);
    assert!(!end.connection.wants().event);
}
