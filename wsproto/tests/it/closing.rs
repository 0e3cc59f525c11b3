//! The closing handshake: who sends which code, what may follow, and the one outcome of every end.

use testkit::{
    Frame, Opcode, config,
    ends::{BOTH, End, Pair, Seen},
    opposite,
};
use wsproto::{CloseCode, Closed, ClosedBy, Kind, Role, SendError};

fn open(role: Role) -> End {
    End::upgraded(role, config(|_| {}))
}

fn opened() -> Pair {
    Pair::opened(config(|_| {}), config(|_| {}))
}

/// The queued frames, without masks.
fn drained(end: &mut End) -> Vec<Frame> {
    let plain = |frame: Frame| Frame {
        mask: None,
        ..frame
    };
    end.drain_frames().into_iter().map(plain).collect()
}

/// An outcome: code, reason, whether it is clean, and by whom.
fn told(closed: &Closed) -> (u16, &str, bool, ClosedBy) {
    (closed.code.get(), &closed.reason, closed.clean, closed.by)
}

/// The outcome in the last and only event.
fn outcome(seen: &[Seen]) -> (u16, &str, bool, ClosedBy) {
    let [Seen::Closed(closed)] = seen else {
        panic!("the end and nothing else: {seen:?}");
    };
    told(closed)
}

/// The codes that may be on the wire (RFC 6455 7.4 and IANA's registry).
fn sendable() -> impl Iterator<Item = u16> {
    [1000, 1001, 1002, 1003]
        .into_iter()
        .chain(1007..=1014)
        .chain([3000, 3999, 4000, 4999])
}

#[test]
fn every_legal_code_goes_both_ways_and_is_echoed() {
    for (closer, code) in BOTH
        .into_iter()
        .flat_map(|role| sendable().map(move |code| (role, code)))
    {
        let mut pair = opened();
        let end = pair.end(closer);
        let code = CloseCode::new(code).expect("the code is legal");
        end.connection.close(&mut end.env, code, "bye");
        pair.settle();
        let by_us = (code.get(), "", true, ClosedBy::Application);
        assert_eq!(
            outcome(&pair.end(closer).seen),
            by_us,
            "the echo has the code only"
        );
        let by_peer = (code.get(), "bye", true, ClosedBy::Peer);
        assert_eq!(outcome(&pair.end(opposite(closer)).seen), by_peer);
        for role in BOTH {
            assert!(pair.end(role).connection.wants().done);
        }
    }
}

#[test]
fn codes_that_are_never_on_the_wire_cannot_be_made_and_send_an_empty_close() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        assert_eq!(CloseCode::new(code), None);
    }
    for role in BOTH {
        for code in [
            CloseCode::NO_STATUS,
            CloseCode::ABNORMAL,
            CloseCode::TLS_FAILED,
        ] {
            let mut end = open(role);
            end.connection
                .close(&mut end.env, code, "a reason needs a code");
            assert_eq!(drained(&mut end), [Frame::new(Opcode::Close, "")]);
        }
    }
}

#[test]
fn a_close_without_a_code_is_1005_and_answered_without_one() {
    for role in BOTH {
        let mut end = open(role);
        end.read_frames(&[Frame::new(Opcode::Close, "")]);
        assert_eq!(outcome(&end.seen), (1005, "", true, ClosedBy::Peer));
        assert_eq!(drained(&mut end), [Frame::new(Opcode::Close, "")]);
    }
}

#[test]
fn a_reason_is_cut_at_123_bytes_where_a_character_ends() {
    for (reason, kept) in [
        ("x".repeat(123), 123),
        ("x".repeat(124), 123),
        ("é".repeat(62), 122),
        ("€".repeat(42), 123),
        (format!("x{}", "😀".repeat(31)), 121),
    ] {
        let mut pair = opened();
        let client = &mut pair.client;
        client
            .connection
            .close(&mut client.env, CloseCode::NORMAL, &reason);
        pair.settle();
        let expected = (1000, &reason[..kept], true, ClosedBy::Peer);
        assert_eq!(outcome(&pair.server.seen), expected);
    }
}

#[test]
fn the_longest_reason_of_a_peer_is_taken() {
    for role in BOTH {
        let mut end = open(role);
        end.read_frames(&[Frame::close(4000, &"x".repeat(123))]);
        let expected = (4000, &*"x".repeat(123), true, ClosedBy::Peer);
        assert_eq!(outcome(&end.seen), expected);
    }
}

#[test]
fn both_may_close_at_the_same_time() {
    let mut pair = opened();
    for (role, code) in [(Role::Client, 4001), (Role::Server, 4002)] {
        let end = pair.end(role);
        let code = CloseCode::new(code).expect("the code is legal");
        end.connection.close(&mut end.env, code, "mine");
    }
    pair.settle();
    let client = (4002, "mine", true, ClosedBy::Application);
    let server = (4001, "mine", true, ClosedBy::Application);
    assert_eq!(outcome(&pair.client.seen), client);
    assert_eq!(outcome(&pair.server.seen), server);
    assert!(pair.client.connection.wants().done && pair.server.connection.wants().done);
}

#[test]
fn second_close_is_ignored() {
    for role in BOTH {
        let mut end = open(role);
        end.connection
            .close(&mut end.env, CloseCode::GOING_AWAY, "first");
        end.connection
            .close(&mut end.env, CloseCode::NORMAL, "second");
        assert_eq!(drained(&mut end), [Frame::close(1001, "first")]);
        end.read_frames(&[Frame::close(1001, ""), Frame::close(1000, "again")]);
        end.connection
            .close(&mut end.env, CloseCode::NORMAL, "third");
        assert_eq!(drained(&mut end), []);
        assert_eq!(outcome(&end.seen), (1001, "", true, ClosedBy::Application));
    }
}

#[test]
fn a_close_goes_behind_everything_that_was_queued_and_no_data_may_follow_it() {
    for role in BOTH {
        let mut end = open(role);
        let (connection, env) = (&mut end.connection, &mut end.env);
        assert_eq!(connection.send_text(env, "one"), Ok(()));
        assert_eq!(connection.send_binary(env, &[7; 100_000]), Ok(()));
        connection.close(env, CloseCode::NORMAL, "");
        assert_eq!(connection.send_text(env, "late"), Err(SendError::Closed));
        assert_eq!(connection.send_ping(env, b"late"), Err(SendError::Closed));
        assert_eq!(connection.send_pong(env, b"late"), Err(SendError::Closed));
        assert_eq!(connection.start(env, Kind::Text), Err(SendError::Closed));
        let expected = [
            Frame::text("one"),
            Frame::binary([7; 100_000]),
            Frame::close(1000, ""),
        ];
        assert!(drained(&mut end) == expected);
    }
}

#[test]
fn the_answer_to_a_close_goes_behind_everything_that_was_queued_too() {
    for role in BOTH {
        let mut end = open(role);
        assert_eq!(end.connection.send_text(&mut end.env, "queued"), Ok(()));
        end.read_frames(&[Frame::close(1001, "")]);
        assert_eq!(
            end.connection.send_text(&mut end.env, "late"),
            Err(SendError::Closed)
        );
        assert_eq!(
            drained(&mut end),
            [Frame::text("queued"), Frame::close(1001, "")]
        );
    }
}

#[test]
fn a_message_that_was_begun_is_not_continued_behind_a_close() {
    let mut end = open(Role::Server);
    let (connection, env) = (&mut end.connection, &mut end.env);
    assert_eq!(connection.start(env, Kind::Binary), Ok(()));
    assert_eq!(connection.write(env, b"half"), Ok(()));
    connection.close(env, CloseCode::NORMAL, "");
    assert_eq!(connection.write(env, b"more"), Err(SendError::Closed));
    assert_eq!(connection.finish(env, b""), Err(SendError::Closed));
    let expected = [Frame::binary("half").unfinished(), Frame::close(1000, "")];
    assert_eq!(drained(&mut end), expected);
}

#[test]
fn messages_that_come_before_the_peers_close_are_delivered_though_ours_is_sent() {
    for role in BOTH {
        let mut end = open(role);
        end.connection.close(&mut end.env, CloseCode::NORMAL, "");
        end.drain();
        end.read_frames(&[
            Frame::text("still"),
            Frame::ping("p"),
            Frame::close(1000, ""),
        ]);
        let seen = end.take_seen();
        assert_eq!(seen[..2], [Seen::text("still"), Seen::Ping(b"p".to_vec())]);
        assert_eq!(outcome(&seen[2..]), (1000, "", true, ClosedBy::Application));
        assert_eq!(end.drain(), b"", "no pong behind our Close");
    }
}

#[test]
fn data_after_the_peers_close_is_ignored_be_it_legal_or_not() {
    for role in BOTH {
        let mut end = open(role);
        let frames = [
            Frame::close(1000, "bye"),
            Frame::text("late"),
            Frame::ping("late"),
            Frame::text("").reserved(7),
        ];
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame.clone().sent_by(opposite(role)).encode())
            .collect();
        end.read(&bytes);
        end.read(&bytes);
        end.eof();
        assert_eq!(outcome(&end.seen), (1000, "bye", true, ClosedBy::Peer));
        assert_eq!(drained(&mut end), [Frame::close(1000, "")]);
    }
}

#[test]
fn data_and_close_and_end_of_stream_at_once_lose_nothing() {
    for role in BOTH {
        let frames = [
            Frame::text("first"),
            Frame::binary([7; 300]),
            Frame::close(4000, "done"),
        ];
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame.clone().sent_by(opposite(role)).encode())
            .collect();
        // The end may be known before what came before it is looked at, or after many small reads.
        let mut early = open(role);
        early.connection.handle_eof(&mut early.env);
        early.read(&bytes);
        let mut late = open(role).with_buffer(7);
        late.read(&bytes);
        late.eof();
        for mut end in [early, late] {
            let seen = end.take_seen();
            assert_eq!(seen[..2], [Seen::text("first"), Seen::binary(&[7; 300])]);
            assert_eq!(outcome(&seen[2..]), (4000, "done", true, ClosedBy::Peer));
            assert_eq!(
                drained(&mut end),
                [Frame::close(4000, "")],
                "and it is answered"
            );
        }
    }
}

#[test]
fn the_end_of_the_stream_without_a_close_is_1006_and_said_once() {
    for role in BOTH {
        let mut end = open(role);
        end.read_frames(&[Frame::text("half").unfinished()]);
        end.eof();
        end.eof();
        assert_eq!(outcome(&end.seen), (1006, "", false, ClosedBy::Transport));
        assert_eq!(end.drain(), b"", "1006 is never on the wire");
        assert_eq!(
            end.connection.send_text(&mut end.env, "late"),
            Err(SendError::Closed)
        );
    }
}

#[test]
fn the_end_of_the_stream_instead_of_an_answer_is_1006_by_the_application() {
    for role in BOTH {
        let mut end = open(role);
        end.connection.close(&mut end.env, CloseCode::NORMAL, "");
        end.drain();
        end.eof();
        assert_eq!(outcome(&end.seen), (1006, "", false, ClosedBy::Application));
    }
}

#[test]
fn a_transport_that_breaks_under_a_write_still_gives_up_what_the_peer_had_sent() {
    for role in BOTH {
        let mut end = End::upgraded(role, config(|config| config.pause_when_high = true));
        assert_eq!(
            end.connection.send_binary(&mut end.env, &[7; 300_000]),
            Ok(())
        );
        assert!(!end.connection.wants().read, "the queue is high");
        end.connection.handle_lost(&mut end.env);
        assert_eq!(end.connection.queued(), 0);
        assert!(end.connection.wants().read, "the last words of the peer");
        assert_eq!(
            end.connection.send_text(&mut end.env, "in vain"),
            Err(SendError::Closed)
        );
        end.read_frames(&[
            Frame::text("last"),
            Frame::ping("p"),
            Frame::close(1001, "words"),
        ]);
        let seen = end.take_seen();
        assert_eq!(seen[..2], [Seen::text("last"), Seen::Ping(b"p".to_vec())]);
        assert_eq!(outcome(&seen[2..]), (1001, "words", true, ClosedBy::Peer));
        assert!(end.connection.wants().done);
        assert!(!end.connection.wants().write);
    }
}

#[test]
fn the_outcome_is_the_same_as_an_event_and_inside_the_one_error() {
    for role in BOTH {
        let mut end = open(role);
        assert_eq!(
            end.connection.send_text(&mut end.env, "queued before"),
            Ok(())
        );
        end.read_frames(&[
            Frame::text("fine"),
            Frame::text("not").reserved(1),
            Frame::text("late"),
        ]);
        end.eof();
        let seen = end.take_seen();
        let [Seen::Text(_), Seen::Failed(error)] = &seen[..] else {
            panic!("one message, one error, nothing else: {seen:?}");
        };
        let (code, reason, clean, by) = told(&error.closed);
        assert_eq!((code, clean, by), (1002, false, ClosedBy::Error));
        let close = Frame::close(1002, reason);
        assert_eq!(
            drained(&mut end),
            [Frame::text("queued before"), close.clone()]
        );

        // The other end sees the same words in an event.
        let mut other = open(opposite(role));
        other.read_frames(&[close]);
        assert_eq!(outcome(&other.seen), (1002, reason, true, ClosedBy::Peer));
    }
}

#[test]
fn nothing_is_reported_behind_the_one_error_whatever_happens_before_it_is_taken() {
    for role in BOTH {
        for bad in [
            Frame::new(Opcode::Text, [0xff]),
            Frame::text("").reserved(1),
        ] {
            let mut end = open(role);
            let sent = end.connection.send_binary(&mut end.env, &[7; 100_000]);
            assert_eq!(sent, Ok(()));
            let bytes = bad.sent_by(opposite(role)).encode();
            end.input.spare()[..bytes.len()].copy_from_slice(&bytes);
            end.input.filled(bytes.len());
            let mut errors = 0;
            // The failure may be announced as an event first. Meanwhile a stalled write is due, and
            // then the queue drains.
            let announced = end.connection.has_event(&mut end.env, &mut end.input);
            errors += u32::from(announced.is_err());
            end.env
                .set_now(end.env.now() + std::time::Duration::from_secs(30));
            end.connection.handle_timeout(&mut end.env);
            end.drain();
            for _ in 0..5 {
                match end.connection.next_event(&mut end.env, &mut end.input) {
                    Ok(None) => {}
                    Ok(Some(event)) => panic!("{event:?}"),
                    Err(_) => errors += 1,
                }
            }
            assert_eq!(errors, 1);
        }
    }
}

#[test]
fn an_error_while_closing_sends_no_second_close() {
    for role in BOTH {
        let mut end = open(role);
        end.connection.close(&mut end.env, CloseCode::NORMAL, "");
        end.read_frames(&[Frame::ping("").unfinished()]);
        assert!(matches!(end.take_seen()[..], [Seen::Failed(_)]));
        assert_eq!(drained(&mut end), [Frame::close(1000, "")]);
        assert!(end.connection.wants().shutdown);
    }
}

#[test]
fn the_server_ends_the_transport_first_and_drains_what_still_comes() {
    let mut pair = opened();
    let client = &mut pair.client;
    client
        .connection
        .close(&mut client.env, CloseCode::NORMAL, "");
    pair.write(Role::Client, usize::MAX);
    pair.deliver(Role::Server, usize::MAX);
    let wants = pair.server.connection.wants();
    assert!(
        wants.write && !wants.shutdown,
        "the answer has to leave first: {wants:?}"
    );
    pair.server.drain();
    let wants = pair.server.connection.wants();
    assert!(wants.shutdown && wants.read && !wants.done, "{wants:?}");
    pair.server.connection.handle_shutdown();
    pair.server.read(&[0; 1000]);
    let wants = pair.server.connection.wants();
    assert!(
        !wants.shutdown && wants.read && !wants.done,
        "until the client ends: {wants:?}"
    );
    pair.server.eof();
    assert!(pair.server.connection.wants().done);
}

#[test]
fn the_client_waits_for_the_server_to_end_the_transport() {
    let mut client = open(Role::Client);
    client
        .connection
        .close(&mut client.env, CloseCode::NORMAL, "");
    client.drain();
    client.read_frames(&[Frame::close(1000, "")]);
    let wants = client.connection.wants();
    assert!(wants.read && !wants.shutdown && !wants.done, "{wants:?}");
    client.eof();
    assert!(client.connection.wants().done);
}

#[test]
fn a_client_that_finds_an_error_does_not_wait_for_the_server() {
    let mut client = open(Role::Client);
    client.read_frames(&[Frame::text("").reserved(1)]);
    client.drain();
    let wants = client.connection.wants();
    assert!(wants.shutdown && wants.read, "{wants:?}");
}

#[test]
fn a_ping_is_answered_while_our_close_waits_behind_data_and_not_once_it_leaves() {
    for role in BOTH {
        let mut end = open(role);
        let (connection, env) = (&mut end.connection, &mut end.env);
        assert_eq!(connection.send_binary(env, &[7; 1000]), Ok(()));
        connection.close(env, CloseCode::NORMAL, "");
        let data = connection.queued() - if role == Role::Client { 8 } else { 4 };
        let mut wire = end.drain_some(500);
        end.read_frames(&[Frame::ping("in time")]);
        let pong = end.connection.queued() - (data - 500);
        assert!(pong > 8, "a pong is queued beside the Close");
        wire.extend(end.drain_some(data - 500));
        // The pong, and the first byte of the Close.
        let close = if role == Role::Client { 8 } else { 4 };
        wire.extend(end.drain_some(pong - close + 1));
        end.read_frames(&[Frame::ping("too late")]);
        wire.extend(end.drain());
        let frames: Vec<Frame> = testkit::decode(&wire)
            .into_iter()
            .map(|frame| Frame {
                mask: None,
                ..frame
            })
            .collect();
        let expected = [
            Frame::binary([7; 1000]),
            Frame::pong("in time"),
            Frame::close(1000, ""),
        ];
        assert!(frames == expected, "{frames:?}");
    }
}
