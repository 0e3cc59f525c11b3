//! Every deadline fires exactly when it is due, on a virtual clock, and not a nanosecond before.

use std::{sync::Arc, time::Duration};

use testkit::{
    Frame, Opcode, config,
    ends::{Answer, BOTH, End, Pair, Seen},
};
use wsproto::{Accept, Cause, CloseCode, Closed, ClosedBy, Config, Deadline, Role};

const NANO: Duration = Duration::from_nanos(1);

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// An open connection on which nothing is due, but what `change` sets.
fn open(role: Role, change: impl FnOnce(&mut Config)) -> End {
    End::upgraded(role, calm(change))
}

fn calm(change: impl FnOnce(&mut Config)) -> Arc<Config> {
    config(|config| {
        config.opening_timeout = None;
        config.close_timeout = None;
        config.ping_interval = None;
        config.pong_timeout = None;
        config.idle_timeout = None;
        config.write_timeout = None;
        config.max_lifetime = None;
        change(config);
    })
}

/// Lets time pass up to a deadline that is due in `span`, and checks that a call too early does nothing
/// and that the next deadline is later, or none.
fn pass(end: &mut End, span: Duration) {
    let due = end.connection.wants().deadline.expect("something is due");
    assert_eq!(due.saturating_since(end.env.now()), span);
    let before = (end.connection.queued(), end.seen.len());
    end.env.set_now(end.env.now() + (span - NANO));
    end.connection.handle_timeout(&mut end.env);
    end.take_events();
    assert_eq!(
        (end.connection.queued(), end.seen.len()),
        before,
        "nothing is due yet"
    );
    assert_eq!(end.connection.wants().deadline, Some(due));
    end.env.set_now(due);
    end.connection.handle_timeout(&mut end.env);
    let next = end.connection.wants().deadline;
    assert!(
        next.is_none_or(|next| next > due),
        "the next deadline is later: {next:?}"
    );
    end.take_events();
}

/// The queued frames, without masks.
fn drained(end: &mut End) -> Vec<Frame> {
    let plain = |frame: Frame| Frame {
        mask: None,
        ..frame
    };
    end.drain_frames().into_iter().map(plain).collect()
}

/// The code and reason of the only frame that is queued, a Close.
fn close_sent(end: &mut End) -> (u16, String) {
    let [frame] = &drained(end)[..] else {
        panic!("a Close and nothing else is sent");
    };
    assert_eq!(frame.opcode, Opcode::Close as u8);
    let (code, reason) = frame.payload.split_first_chunk().expect("a code");
    let reason = String::from_utf8(reason.to_vec()).expect("a text");
    (u16::from_be_bytes(*code), reason)
}

/// The outcome in the one error, which is for that deadline.
fn failed(end: &mut End, deadline: Deadline) -> Closed {
    let seen = end.take_seen();
    let [Seen::Failed(error)] = &seen[..] else {
        panic!("one error and nothing else: {seen:?}");
    };
    assert_eq!(error.cause, Cause::Deadline(deadline));
    assert_eq!(error.closed.by, ClosedBy::Deadline(deadline));
    assert!(!error.closed.clean);
    error.closed.clone()
}

#[test]
fn the_defaults_let_nobody_hang_for_ever() {
    let config = Config::default();
    assert_eq!(config.opening_timeout, Some(secs(10)));
    assert_eq!(config.close_timeout, Some(secs(5)));
    assert_eq!(config.ping_interval, Some(secs(30)));
    assert_eq!(config.pong_timeout, Some(secs(20)));
    assert_eq!(config.write_timeout, Some(secs(30)));
    assert_eq!((config.idle_timeout, config.max_lifetime), (None, None));
}

#[test]
fn nothing_is_due_where_no_deadline_is_configured() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        assert_eq!(end.connection.wants().deadline, None);
        assert_eq!(end.connection.send_text(&mut end.env, "stuck"), Ok(()));
        end.connection.close(&mut end.env, CloseCode::NORMAL, "");
        assert_eq!(end.connection.wants().deadline, None);
    }
}

// Opening.

#[test]
fn a_head_that_does_not_come_in_time_is_answered_408_however_it_trickles() {
    for trickle in [&b""[..], b"GET / HTTP/1.1\r\nHost: a\r\n"] {
        let mut server = End::accepting(calm(|config| config.opening_timeout = Some(secs(10))));
        for byte in trickle.chunks(1) {
            server.read(byte);
            server.advance(Duration::from_millis(100));
        }
        let left = secs(10) - Duration::from_millis(100) * trickle.len() as u32;
        pass(&mut server, left);
        assert_eq!(
            failed(&mut server, Deadline::Opening).code,
            CloseCode::ABNORMAL
        );
        let answer = server.drain();
        assert!(
            answer.starts_with(b"HTTP/1.1 408 "),
            "{}",
            answer.escape_ascii()
        );
        assert!(server.connection.wants().shutdown);
    }
}

#[test]
fn a_request_that_the_application_does_not_answer_in_time_is_answered_503() {
    let config = calm(|config| config.opening_timeout = Some(secs(10)));
    let mut pair = Pair::connecting(calm(|_| {}), config);
    pair.server.answer = Answer::Later;
    pair.advance(secs(9));
    pair.settle();
    assert!(matches!(
        pair.server.take_seen()[..],
        [Seen::Request { .. }]
    ));
    // The application has time of its own.
    pass(&mut pair.server, secs(10));
    failed(&mut pair.server, Deadline::Opening);
    let server = &mut pair.server;
    assert!(
        server
            .connection
            .accept(&mut server.env, &Accept::new())
            .is_err(),
        "too late"
    );
    pair.settle();
    let [Seen::Refused { status: 503, .. }, Seen::Closed(_)] = &pair.client.seen[..] else {
        panic!("the client is told: {:?}", pair.client.seen);
    };
}

#[test]
fn a_server_that_does_not_answer_in_time_is_given_up() {
    let mut client = End::connecting(calm(|config| config.opening_timeout = Some(secs(10))));
    client.drain();
    client.read(b"HTTP/1.1 101 Switching Pro");
    pass(&mut client, secs(10));
    assert_eq!(
        failed(&mut client, Deadline::Opening).code,
        CloseCode::ABNORMAL
    );
    assert!(client.connection.wants().done);
}

#[test]
fn the_deadline_of_the_opening_is_gone_once_the_connection_is_open() {
    let config = calm(|config| config.opening_timeout = Some(secs(10)));
    let pair = Pair::opened(Arc::clone(&config), config);
    assert_eq!(pair.client.connection.wants().deadline, None);
    assert_eq!(pair.server.connection.wants().deadline, None);
}

// Closing.

#[test]
fn a_peer_that_does_not_answer_the_close_in_time_is_left() {
    for role in BOTH {
        let mut end = open(role, |config| config.close_timeout = Some(secs(5)));
        end.connection.close(&mut end.env, CloseCode::NORMAL, "");
        end.drain();
        end.read_frames(&[Frame::text("stalling")]);
        assert_eq!(end.take_seen(), [Seen::text("stalling")]);
        pass(&mut end, secs(5));
        let [Seen::Closed(closed)] = &end.take_seen()[..] else {
            panic!("the application gets the end that it wanted");
        };
        assert_eq!(closed.code, CloseCode::ABNORMAL);
        assert_eq!(closed.by, ClosedBy::Deadline(Deadline::Close));
        assert!(!closed.clean && end.connection.wants().done);
    }
}

#[test]
fn a_peer_that_does_not_end_the_transport_in_time_is_left() {
    for role in BOTH {
        let mut end = open(role, |config| config.close_timeout = Some(secs(5)));
        end.read_frames(&[Frame::close(1000, "")]);
        end.drain();
        end.connection.handle_shutdown();
        end.take_seen();
        assert!(!end.connection.wants().done);
        pass(&mut end, secs(5));
        assert_eq!(end.take_seen(), [], "the end was reported before");
        assert!(end.connection.wants().done);
        assert_eq!(end.connection.wants().deadline, None);
    }
}

#[test]
fn a_refused_client_that_does_not_go_is_left() {
    let mut server = End::accepting(calm(|config| config.close_timeout = Some(secs(5))));
    server.read(b"\x16\x03\x01");
    server.drain();
    server.connection.handle_shutdown();
    server.read(b"more of the hello");
    assert!(
        server.connection.wants().read,
        "what still comes is drained"
    );
    pass(&mut server, secs(5));
    assert!(server.connection.wants().done);
}

// Keepalive.

#[test]
fn a_silent_peer_is_pinged_and_any_byte_answers() {
    for role in BOTH {
        let keepalive = |config: &mut Config| {
            config.ping_interval = Some(secs(30));
            config.pong_timeout = Some(secs(20));
        };
        let answers = [
            Frame::pong("").sent_by(testkit::opposite(role)).encode(),
            Frame::text("no pong")
                .sent_by(testkit::opposite(role))
                .encode(),
            // Half a header: a pong may have to wait behind a long message.
            vec![0x82],
        ];
        for answer in answers {
            let mut end = open(role, keepalive);
            pass(&mut end, secs(30));
            assert_eq!(drained(&mut end), [Frame::ping("")]);
            end.advance(secs(20) - NANO);
            end.read(&answer);
            assert!(end.connection.is_open());
            pass(&mut end, secs(30));
            assert_eq!(
                drained(&mut end),
                [Frame::ping("")],
                "the next, 30 s after the byte"
            );
        }
    }
}

#[test]
fn a_peer_that_answers_no_ping_is_told_so_and_left() {
    for role in BOTH {
        let mut end = open(role, |config| {
            config.ping_interval = Some(secs(30));
            config.pong_timeout = Some(secs(20));
            config.close_timeout = Some(secs(5));
        });
        pass(&mut end, secs(30));
        end.drain();
        pass(&mut end, secs(20));
        assert_eq!(failed(&mut end, Deadline::Pong).code, CloseCode::ABNORMAL);
        assert_eq!(close_sent(&mut end).0, 1011);
        assert!(end.connection.wants().shutdown);
        pass(&mut end, secs(5));
        assert!(end.connection.wants().done);
        assert_eq!(end.take_seen(), [], "one error is enough");
    }
}

#[test]
fn pings_go_on_where_nothing_ends_the_wait_for_their_pongs() {
    let mut end = open(Role::Client, |config| config.ping_interval = Some(secs(30)));
    for _ in 0..3 {
        pass(&mut end, secs(30));
        assert_eq!(drained(&mut end), [Frame::ping("")]);
    }
}

#[test]
fn a_peer_that_takes_a_long_frame_slowly_is_not_blamed_for_the_ping_behind_it() {
    let mut end = open(Role::Server, |config| {
        config.ping_interval = Some(secs(30));
        config.pong_timeout = Some(secs(20));
        config.write_timeout = Some(secs(30));
    });
    assert_eq!(
        end.connection.send_binary(&mut end.env, &[7; 1_000_000]),
        Ok(())
    );
    for _ in 0..9 {
        end.drain_some(100_000);
        end.advance(secs(15));
    }
    assert_eq!(end.take_seen(), []);
    let rest = end.drain();
    assert!(
        rest.ends_with(&[0x89, 0]),
        "the ping leaves with the end of the frame"
    );
    end.take_events();
    assert_eq!(end.take_seen(), [Seen::Drained]);
    pass(&mut end, secs(20));
    failed(&mut end, Deadline::Pong);
}

#[test]
fn a_dead_peer_is_found_by_its_missing_pong_however_much_is_sent_to_it() {
    let mut end = open(Role::Server, |config| {
        config.ping_interval = Some(secs(30));
        config.pong_timeout = Some(secs(20));
    });
    for _ in 0..50 {
        // The system takes it all, and nobody reads it.
        assert_eq!(end.connection.send_text(&mut end.env, "tick"), Ok(()));
        end.drain();
        end.advance(secs(1));
    }
    failed(&mut end, Deadline::Pong);
}

// Idle, life time, write stall.

#[test]
fn a_connection_without_messages_is_closed_with_1001() {
    for role in BOTH {
        let idle = |config: &mut Config| {
            config.idle_timeout = Some(secs(60));
            config.close_timeout = Some(secs(5));
        };
        let mut end = open(role, idle);
        end.advance(secs(59));
        end.read_frames(&[Frame::ping("no message"), Frame::pong("neither")]);
        end.drain();
        end.take_seen();
        pass(&mut end, secs(1));
        assert_eq!(end.take_seen(), [], "the end comes with the peer's answer");
        let (code, reason) = close_sent(&mut end);
        assert_eq!(code, 1001);
        end.read_frames(&[Frame::close(1001, &reason)]);
        let [Seen::Closed(closed)] = &end.take_seen()[..] else {
            panic!("the end");
        };
        assert_eq!(closed.by, ClosedBy::Deadline(Deadline::Idle));
        assert!(closed.clean);
    }
}

#[test]
fn a_message_in_either_direction_keeps_a_connection_from_being_idle() {
    for role in BOTH {
        let mut end = open(role, |config| config.idle_timeout = Some(secs(60)));
        end.advance(secs(59));
        end.read_frames(&[Frame::text("in")]);
        end.advance(secs(59));
        assert_eq!(end.connection.send_text(&mut end.env, "out"), Ok(()));
        end.drain();
        pass(&mut end, secs(60));
        assert_eq!(close_sent(&mut end).0, 1001);
    }
}

#[test]
fn an_old_connection_is_closed_with_1001_however_busy_it_is() {
    for role in BOTH {
        let mut end = open(role, |config| config.max_lifetime = Some(secs(100)));
        for _ in 0..99 {
            end.advance(secs(1));
            end.read_frames(&[Frame::text("busy")]);
        }
        pass(&mut end, secs(1));
        assert_eq!(close_sent(&mut end).0, 1001);
        end.take_seen();
        end.read_frames(&[Frame::close(1001, "")]);
        let [Seen::Closed(closed)] = &end.take_seen()[..] else {
            panic!("the end");
        };
        assert_eq!(closed.by, ClosedBy::Deadline(Deadline::Lifetime));
    }
}

#[test]
fn a_send_to_a_half_open_peer_does_not_block_for_ever() {
    for role in BOTH {
        let mut end = open(role, |config| config.write_timeout = Some(secs(30)));
        assert_eq!(end.connection.wants().deadline, None, "nothing is queued");
        assert_eq!(end.connection.send_binary(&mut end.env, &[7; 1000]), Ok(()));
        end.advance(secs(20));
        end.drain_some(1);
        end.advance(secs(20));
        assert_eq!(end.connection.send_text(&mut end.env, "more"), Ok(()));
        pass(&mut end, secs(10));
        assert_eq!(failed(&mut end, Deadline::Write).code, CloseCode::ABNORMAL);
        assert!(
            end.connection.wants().done,
            "there is no way to say a further word"
        );
        assert_eq!(end.connection.queued(), 0);
    }
}

#[test]
fn a_transport_that_takes_everything_has_no_write_deadline() {
    let mut end = open(Role::Server, |config| config.write_timeout = Some(secs(30)));
    assert_eq!(end.connection.send_text(&mut end.env, "gone"), Ok(()));
    end.drain();
    assert_eq!(end.connection.wants().deadline, None);
}

// Pauses.

#[test]
fn clocks_that_would_blame_the_peer_stand_still_while_we_do_not_read() {
    for role in BOTH {
        let mut end = open(role, |config| {
            config.ping_interval = Some(secs(30));
            config.pong_timeout = Some(secs(20));
            config.idle_timeout = Some(secs(300));
        });
        pass(&mut end, secs(30));
        assert_eq!(drained(&mut end), [Frame::ping("")]);
        end.connection.pause();
        assert!(!end.connection.wants().read);
        assert_eq!(end.connection.wants().deadline, None);
        end.advance(secs(10_000));
        end.connection.handle_timeout(&mut end.env);
        end.take_events();
        assert_eq!(end.take_seen(), []);
        end.connection.resume(&mut end.env);
        assert!(end.connection.wants().read);
        pass(&mut end, secs(20));
        failed(&mut end, Deadline::Pong);
    }
}

#[test]
fn clocks_stand_still_while_a_high_queue_stops_reading() {
    let mut end = open(Role::Server, |config| {
        config.pause_when_high = true;
        config.ping_interval = Some(secs(30));
        config.pong_timeout = Some(secs(20));
        config.idle_timeout = Some(secs(40));
    });
    assert_eq!(
        end.connection.send_binary(&mut end.env, &[7; 300_000]),
        Ok(())
    );
    assert_eq!(end.connection.wants().deadline, None);
    end.advance(secs(10_000));
    end.drain();
    end.take_events();
    assert_eq!(end.take_seen(), [Seen::Drained]);
    pass(&mut end, secs(30));
    assert_eq!(drained(&mut end), [Frame::ping("")]);
}

#[test]
fn clocks_that_reading_does_not_stop_run_on_while_we_do_not_read() {
    let mut stalled = open(Role::Server, |config| config.write_timeout = Some(secs(30)));
    stalled.connection.pause();
    assert_eq!(
        stalled.connection.send_text(&mut stalled.env, "stuck"),
        Ok(())
    );
    pass(&mut stalled, secs(30));
    failed(&mut stalled, Deadline::Write);

    let mut old = open(Role::Server, |config| config.max_lifetime = Some(secs(100)));
    old.connection.pause();
    pass(&mut old, secs(100));
    assert_eq!(close_sent(&mut old).0, 1001);
}

// All of them.

#[test]
fn after_a_timeout_the_next_deadline_is_later_even_if_all_are_zero() {
    for role in BOTH {
        let zero = config(|config| {
            config.opening_timeout = Some(Duration::ZERO);
            config.close_timeout = Some(Duration::ZERO);
            config.ping_interval = Some(Duration::ZERO);
            config.pong_timeout = Some(Duration::ZERO);
            config.idle_timeout = Some(Duration::ZERO);
            config.write_timeout = Some(Duration::ZERO);
            config.max_lifetime = Some(Duration::ZERO);
        });
        let opening = match role {
            Role::Client => End::connecting(Arc::clone(&zero)),
            Role::Server => End::accepting(Arc::clone(&zero)),
        };
        for mut end in [opening, End::upgraded(role, zero)] {
            let mut calls = 0;
            while let Some(deadline) = end.connection.wants().deadline {
                assert!(deadline > end.env.now(), "a driver would spin");
                end.env.set_now(deadline);
                end.connection.handle_timeout(&mut end.env);
                calls += 1;
                assert!(calls < 10, "it comes to an end");
            }
            assert!(end.connection.wants().done);
            end.take_events();
            assert_eq!(end.seen.iter().filter(|seen| seen.is_last()).count(), 1);
        }
    }
}

#[test]
fn what_a_deadline_brings_is_announced_by_wants() {
    let mut end = open(Role::Client, |config| config.write_timeout = Some(secs(30)));
    assert_eq!(end.connection.send_text(&mut end.env, "stuck"), Ok(()));
    assert!(!end.connection.wants().event);
    end.env.set_now(end.env.now() + secs(30));
    end.connection.handle_timeout(&mut end.env);
    let wants = end.connection.wants();
    assert!(
        wants.event && wants.done,
        "there is an error to be taken first: {wants:?}"
    );
    end.take_events();
    failed(&mut end, Deadline::Write);
    assert!(!end.connection.wants().event);
}

#[test]
fn an_endless_timeout_never_comes_and_overflows_nothing() {
    let mut end = End::upgraded(
        Role::Server,
        config(|config| {
            config.ping_interval = Some(Duration::MAX);
            config.idle_timeout = Some(Duration::MAX);
            config.max_lifetime = Some(Duration::MAX);
        }),
    );
    end.advance(secs(1_000_000_000));
    assert!(end.connection.is_open());
    assert_eq!(end.take_seen(), []);
}
