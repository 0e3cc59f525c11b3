//! The outgoing queue: when it is high, when it has drained, and what a full one does with a message.

use std::time::Duration;

use testkit::{
    Frame,
    allocation::peak,
    config,
    ends::{BOTH, End, Pair, Seen, open},
    opposite,
};
use wsproto::{ClosedBy, Config, Event, Kind, Message, Overflow, Prepared, Role, SendError};

fn send(end: &mut End, data: &[u8]) -> Result<(), SendError> {
    end.connection.send_binary(&mut end.env, data)
}

/// The messages that are queued, each of which is one frame.
fn drained(end: &mut End) -> Vec<Vec<u8>> {
    let frames = end.drain_frames();
    frames.into_iter().map(|frame| frame.payload).collect()
}

// Water marks.

#[test]
fn the_defaults_are_bounded() {
    let config = Config::default();
    assert_eq!((config.queue_high, config.queue_low), (256 << 10, 64 << 10));
    assert_eq!(
        (config.queue_limit, config.overflow),
        (16 << 20, Overflow::Refuse)
    );
    assert!(!config.pause_when_high);
}

#[test]
fn a_queue_that_was_high_reports_once_that_it_is_low_again() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        assert_eq!(send(&mut end, &[7; 300_000]), Ok(()));
        let queued = end.connection.queued();
        assert!(queued > 300_000, "headers count");
        end.drain_some(queued - (64 << 10) - 1);
        end.take_events();
        assert_eq!(end.take_seen(), [], "one byte too many is left");
        assert!(!end.connection.wants().event);
        end.drain_some(1);
        assert!(
            end.connection.wants().event,
            "nothing has to be read for this news"
        );
        end.take_events();
        assert_eq!(end.take_seen(), [Seen::Drained]);
        end.drain();
        end.take_events();
        assert_eq!(end.take_seen(), [], "it was said before");
    }
}

#[test]
fn a_queue_that_was_never_high_has_nothing_to_report() {
    for role in BOTH {
        let mut end = open(role, |config| config.queue_high = 1000);
        while end.connection.queued() < 900 {
            assert_eq!(send(&mut end, &[7; 50]), Ok(()));
        }
        end.drain();
        end.take_events();
        assert_eq!(end.take_seen(), []);
    }
}

#[test]
fn pongs_count_as_queued_too() {
    let mut end = open(Role::Server, |config| {
        config.queue_high = 1000;
        config.queue_low = 10;
    });
    for _ in 0..10 {
        end.read_frames(&[Frame::ping([7; 125])]);
    }
    assert_eq!(end.connection.queued(), 1270);
    end.drain();
    end.take_seen();
    end.take_events();
    assert_eq!(end.take_seen(), [Seen::Drained]);
}

#[test]
fn reading_stops_while_the_queue_is_high_and_goes_on_only_when_it_is_low() {
    for role in BOTH {
        let mut end = open(role, |config| {
            config.pause_when_high = true;
            config.queue_high = 1000;
            config.queue_low = 200;
        });
        assert_eq!(send(&mut end, &[7; 900]), Ok(()));
        assert!(end.connection.wants().read, "not high yet");
        assert_eq!(send(&mut end, &[7; 200]), Ok(()));
        assert!(!end.connection.wants().read, "high");
        let queued = end.connection.queued();
        end.drain_some(queued - 500);
        assert!(
            !end.connection.wants().read,
            "below the high mark, above the low one"
        );
        end.drain_some(301);
        assert!(end.connection.wants().read, "low");
        assert_eq!(send(&mut end, &[7; 500]), Ok(()));
        assert!(end.connection.wants().read, "not high again");
    }
}

#[test]
fn reading_goes_on_while_the_queue_is_high_where_sends_await() {
    let mut end = open(Role::Client, |_| {});
    assert_eq!(send(&mut end, &[7; 1 << 20]), Ok(()));
    assert!(end.connection.wants().read);
}

#[test]
fn an_echo_server_that_nobody_reads_from_does_not_grow() {
    let mut server = open(Role::Server, |config| config.pause_when_high = true).with_buffer(8192);
    let message = Frame::binary([7; 1000]).sent_by(Role::Client).encode();
    let mut read = 0;
    while server.connection.wants().read {
        server.read_with(&message, |connection, env, event| {
            let Event::Binary(binary) = event else {
                panic!("only messages are sent");
            };
            assert_eq!(connection.send_binary(env, binary), Ok(()));
        });
        server.seen.clear();
        read += 1;
        assert!(read < 1000, "it stops reading");
    }
    assert!(server.connection.queued() < (256 << 10) + 2000);
}

#[test]
fn input_that_was_set_aside_by_a_high_queue_waits_until_it_is_low() {
    let mut end = open(Role::Server, |config| {
        config.pause_when_high = true;
        config.queue_high = 1000;
    });
    let bytes = Frame::text("aside").sent_by(Role::Client).encode();
    end.input.spare()[..bytes.len()].copy_from_slice(&bytes);
    end.input.filled(bytes.len());
    assert_eq!(send(&mut end, &[7; 20_000]), Ok(()));
    end.connection.set_aside(&mut end.env, &mut end.input);
    assert!(
        !end.connection.wants().event,
        "the application is not to have it now"
    );
    end.drain();
    assert!(end.connection.wants().event);
    end.take_events();
    assert_eq!(end.take_seen(), [Seen::Drained, Seen::text("aside")]);
    assert!(!end.connection.wants().event);
}

#[test]
fn a_pause_ends_and_reading_goes_on() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        let bytes = Frame::text("later").sent_by(opposite(role)).encode();
        end.input.spare()[..bytes.len()].copy_from_slice(&bytes);
        end.input.filled(bytes.len());
        end.connection.pause();
        end.connection.set_aside(&mut end.env, &mut end.input);
        let wants = end.connection.wants();
        assert!(!wants.read && !wants.event, "{wants:?}");
        end.connection.resume(&mut end.env);
        let wants = end.connection.wants();
        assert!(wants.read && wants.event, "{wants:?}");
        end.take_events();
        assert_eq!(end.take_seen(), [Seen::text("later")]);
    }
}

#[test]
fn both_send_sixteen_mebibytes_while_both_read_and_both_finish() {
    const MESSAGE: usize = 1 << 20;
    const MESSAGES: usize = 16;
    let mut pair = Pair::opened(config(|_| {}), config(|_| {}));
    for role in BOTH {
        let end = pair.end(role);
        for _ in 0..MESSAGES {
            let room = end.connection.send_binary(&mut end.env, &[7; MESSAGE - 14]);
            assert_eq!(room, Ok(()));
        }
        assert!(
            end.connection.wants().read,
            "no end stops reading for its own queue"
        );
    }
    // The transport holds little, as two sockets do.
    let mut moved = true;
    while moved {
        moved = false;
        for role in BOTH {
            moved |= pair.write(role, 100_000);
            if pair.end(opposite(role)).connection.wants().read {
                moved |= pair.deliver(opposite(role), 100_000);
            }
        }
    }
    for role in BOTH {
        let seen = pair.end(role).take_seen();
        let messages = seen.iter().filter(|seen| matches!(seen, Seen::Binary(..)));
        assert_eq!(messages.count(), MESSAGES);
        assert_eq!(pair.end(role).connection.queued(), 0);
    }
}

// A full queue.

/// A queue that has room for 1000 bytes, of which 990 are queued in three messages: the first, of
/// which some bytes are sent, 330 bytes of payload each.
fn nearly_full(role: Role, overflow: Overflow) -> End {
    let mut end = open(role, |config| {
        config.queue_limit = 1000;
        config.overflow = overflow;
    });
    let header = if role == Role::Client { 8 } else { 4 };
    for number in 1..=3 {
        assert_eq!(send(&mut end, &[number; 330][header..]), Ok(()));
    }
    assert_eq!(end.connection.queued(), 990);
    end
}

#[test]
fn a_full_queue_refuses_before_anything_is_queued_or_allocated() {
    for role in BOTH {
        let mut end = nearly_full(role, Overflow::Refuse);
        let queued = end.connection.queued();
        let prepared = Prepared::binary(&[9; 100_000]);
        let message = Message::from(vec![9; 100_000]);
        let grown = peak(|| {
            assert_eq!(send(&mut end, &[9; 100_000]), Err(SendError::QueueFull));
            let (connection, env) = (&mut end.connection, &mut end.env);
            assert_eq!(
                connection.send_prepared(env, &prepared),
                Err(SendError::QueueFull)
            );
            assert_eq!(
                connection.send_message(env, message),
                Err(SendError::QueueFull)
            );
            let sent = connection.send_through(env, Kind::Binary, &[9; 11], |_| panic!("not yet"));
            assert_eq!(sent, Err(SendError::QueueFull));
            assert_eq!(
                connection.send_ping(env, &[9; 11]),
                Err(SendError::QueueFull)
            );
        });
        assert!(grown <= 0, "{grown} bytes");
        assert_eq!(end.connection.queued(), queued);
        assert_eq!(
            send(&mut end, &[9; 10]),
            Ok(()),
            "which is the room there is"
        );
    }
}

#[test]
fn an_empty_queue_takes_one_message_of_any_length_and_no_second_one() {
    for overflow in [Overflow::Refuse, Overflow::DropNewest, Overflow::DropOldest] {
        let mut end = open(Role::Server, |config| {
            config.queue_limit = 1000;
            config.overflow = overflow;
        });
        assert_eq!(send(&mut end, &[1; 5000]), Ok(()));
        end.drain_some(1);
        assert!(send(&mut end, b"second").is_err());
        assert!(drained_behind_one_byte(&mut end) == [1; 5000]);
    }
}

#[test]
fn a_queue_that_is_not_high_takes_one_message_of_any_length() {
    for overflow in [
        Overflow::Refuse,
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Close,
    ] {
        let mut end = open(Role::Server, |config| {
            config.queue_high = 500;
            config.queue_limit = 1000;
            config.overflow = overflow;
        });
        assert_eq!(send(&mut end, &[1; 495]), Ok(()));
        assert_eq!(end.connection.queued(), 499);
        assert_eq!(send(&mut end, &[2; 5000]), Ok(()));
        assert!(drained(&mut end) == [vec![1; 495], vec![2; 5000]]);
    }
}

/// The payload of the only frame that is queued, whose first byte is sent.
fn drained_behind_one_byte(end: &mut End) -> Vec<u8> {
    let bytes = [&[0x82][..], &end.drain()].concat();
    let [frame] = &testkit::decode(&bytes)[..] else {
        panic!("one frame");
    };
    frame.payload.clone()
}

#[test]
fn the_newest_message_is_dropped_and_the_caller_knows() {
    for role in BOTH {
        let mut end = nearly_full(role, Overflow::DropNewest);
        assert_eq!(send(&mut end, &[9; 11]), Err(SendError::Dropped));
        let left: Vec<u8> = drained(&mut end).iter().map(|message| message[0]).collect();
        assert_eq!(left, [1, 2, 3]);
        assert!(end.connection.is_open());
    }
}

#[test]
fn the_oldest_message_of_which_nothing_is_sent_makes_room_for_the_latest() {
    for role in BOTH {
        let mut end = nearly_full(role, Overflow::DropOldest);
        let mut wire = end.drain_some(100);
        assert_eq!(send(&mut end, &[9; 300]), Ok(()));
        assert!(end.connection.queued() <= 1000 + 14);
        wire.extend(end.drain());
        let left = testkit::decode(&wire);
        let left: Vec<u8> = left.iter().map(|frame| frame.payload[0]).collect();
        assert_eq!(left, [1, 3, 9], "the first had begun to leave");
    }
}

#[test]
fn nothing_is_dropped_for_a_message_that_is_refused_all_the_same() {
    for role in BOTH {
        let mut end = nearly_full(role, Overflow::DropOldest);
        let mut wire = end.drain_some(100);
        assert_eq!(send(&mut end, &[9; 800]), Err(SendError::QueueFull));
        wire.extend(end.drain());
        let left = testkit::decode(&wire);
        let left: Vec<u8> = left.iter().map(|frame| frame.payload[0]).collect();
        assert_eq!(left, [1, 2, 3]);
    }
}

#[test]
fn a_message_in_fragments_is_dropped_as_a_whole_and_one_in_progress_never() {
    let mut end = open(Role::Server, |config| {
        config.queue_limit = 1000;
        config.overflow = Overflow::DropOldest;
        config.fragment_size = std::num::NonZeroUsize::new(100);
    });
    assert_eq!(send(&mut end, &[1; 300]), Ok(()));
    assert_eq!(send(&mut end, &[2; 300]), Ok(()));
    let (connection, env) = (&mut end.connection, &mut end.env);
    assert_eq!(connection.start(env, Kind::Binary), Ok(()));
    assert_eq!(connection.write(env, &[3; 300]), Ok(()));
    assert_eq!(connection.write(env, &[3; 300]), Err(SendError::QueueFull));
    assert_eq!(
        connection.finish(env, &[3; 10]),
        Ok(()),
        "a shorter part fits"
    );
    assert_eq!(send(&mut end, &[4; 90]), Ok(()));
    let frames = end.drain_frames();
    let shape: Vec<_> = frames
        .iter()
        .map(|frame| (frame.payload[0], frame.fin))
        .collect();
    assert_eq!(
        shape,
        [
            (2, false),
            (2, false),
            (2, true),
            (3, false),
            (3, true),
            (4, true)
        ]
    );
}

#[test]
fn dropping_everything_leaves_no_queue_that_counts_as_high_or_stalled() {
    let mut end = open(Role::Server, |config| {
        config.queue_limit = 1000;
        config.queue_high = 500;
        config.queue_low = 100;
        config.overflow = Overflow::DropOldest;
        config.pause_when_high = true;
        config.ping_interval = None;
        config.write_timeout = Some(Duration::from_secs(30));
    });
    assert_eq!(send(&mut end, &[1; 5000]), Ok(()));
    assert!(!end.connection.wants().read);
    assert_eq!(end.connection.start(&mut end.env, Kind::Binary), Ok(()));
    assert_eq!(end.connection.queued(), 0);
    let wants = end.connection.wants();
    assert!(wants.read, "nothing is queued");
    assert_eq!(wants.deadline, None, "nothing is stalled");
    assert_eq!(end.connection.finish(&mut end.env, b"new"), Ok(()));
    assert_eq!(drained(&mut end), [b"new"]);
}

#[test]
fn a_queue_that_overflows_closes_the_connection_where_that_is_configured() {
    for role in BOTH {
        let mut end = nearly_full(role, Overflow::Close);
        assert_eq!(send(&mut end, &[9; 11]), Err(SendError::Closed));
        assert_eq!(send(&mut end, b""), Err(SendError::Closed));
        let frames = end.drain_frames();
        let left: Vec<u8> = frames[..3].iter().map(|frame| frame.payload[0]).collect();
        assert_eq!(left, [1, 2, 3], "what was queued goes out");
        assert_eq!(frames[3].payload[..2], [0x03, 0xf0], "1008");
        end.read_frames(&[Frame::close(1008, "")]);
        let [Seen::Closed(closed)] = &end.take_seen()[..] else {
            panic!("the end");
        };
        assert_eq!((closed.clean, closed.by), (true, ClosedBy::Overflow));
    }
}

#[test]
fn a_queue_that_is_high_again_before_it_was_reported_as_drained_has_drained_only_once() {
    for role in BOTH {
        let mut end = open(role, |config| {
            (config.queue_high, config.queue_low) = (1000, 100);
        });
        assert_eq!(send(&mut end, &[7; 2000]), Ok(()));
        end.drain();
        assert!(end.connection.wants().event, "drained, and not reported");
        assert_eq!(send(&mut end, &[7; 2000]), Ok(()));
        assert!(!end.connection.wants().event, "it is high again");
        end.take_events();
        assert_eq!(end.take_seen(), [], "a sender would have to wait");
        end.drain();
        end.take_events();
        assert_eq!(end.take_seen(), [Seen::Drained]);
    }
}

// Admission.

#[test]
fn a_message_is_admitted_if_it_fits_or_nothing_is_queued_or_the_queue_is_not_high() {
    // Water mark, limit, bytes queued, length, and the answer.
    let cases = [
        (100, 1000, 0, 5000, true),
        (100, 1000, 99, 5000, true),
        (100, 1000, 100, 900, true),
        (100, 1000, 100, 901, false),
        (1000, 100, 1, 99, true),
        (1000, 100, 1, 100, false),
        (0, 1000, 0, 5000, true),
        (0, 1000, 1, 999, true),
        (0, 1000, 1, 1000, false),
        (100, 0, 0, 1, true),
        (100, 0, 1, 0, false),
        (100, usize::MAX, 1, usize::MAX, true),
    ];
    for (queue_high, queue_limit, queued, len, admitted) in cases {
        let mut config = Config::default();
        (config.queue_high, config.queue_limit) = (queue_high, queue_limit);
        let case = (queue_high, queue_limit, queued, len);
        assert_eq!(config.admits(queued, len), admitted, "{case:?}");
    }
}

#[test]
fn a_connection_admits_what_its_queue_takes() {
    for role in BOTH {
        let mut end = open(role, |config| {
            (config.queue_high, config.queue_limit) = (100, 300);
        });
        for len in [50, 10, 200, 20, 500] {
            let (queued, admits) = (end.connection.queued(), end.connection.admits(len));
            let expected = if admits {
                Ok(())
            } else {
                Err(SendError::QueueFull)
            };
            assert_eq!(
                send(&mut end, &vec![7; len]),
                expected,
                "{len} after {queued}"
            );
        }
        assert!(!end.connection.admits(200));
    }
}

#[test]
fn a_queue_is_high_from_the_water_mark_on_and_never_while_it_is_empty() {
    for role in BOTH {
        let mut end = open(role, |config| config.queue_high = 0);
        assert!(!end.connection.is_high(), "nobody has to wait");
        assert_eq!(send(&mut end, b""), Ok(()));
        assert!(end.connection.is_high());
        let mut end = open(role, |config| config.queue_high = 1000);
        assert_eq!(send(&mut end, &[7; 900]), Ok(()));
        assert!(!end.connection.is_high());
        assert_eq!(send(&mut end, &[7; 900]), Ok(()));
        assert!(end.connection.is_high());
        end.drain_some(900);
        assert!(!end.connection.is_high());
    }
}

#[test]
fn what_was_admitted_elsewhere_is_queued_however_full_the_queue_is() {
    for role in BOTH {
        let mut end = open(role, |config| {
            (config.queue_high, config.queue_limit) = (10, 100);
        });
        assert_eq!(send(&mut end, &[7; 500]), Ok(()));
        assert_eq!(send(&mut end, b"late"), Err(SendError::QueueFull));
        let End {
            connection, env, ..
        } = &mut end;
        let sent = connection.send_admitted(|connection| connection.send_binary(env, b"promised"));
        assert_eq!(sent, Ok(()));
        assert_eq!(send(&mut end, b"late"), Err(SendError::QueueFull));
        assert_eq!(drained(&mut end), [&[7; 500][..], b"promised"]);
    }
}
