//! Messages come in whole, in parts, or chunk by chunk, checked as they come, within limits that each
//! have a default.

use testkit::{
    Frame, Length, Opcode,
    allocation::{allocations, peak},
    config,
    ends::{BOTH, End, Seen, env, open, sent_to},
};
use wsproto::{
    Agreed, Cause, Config, Connection, Delivery, Event, Input, Kind, Limit, Role, Violation,
};

// Whole messages.

/// A transport writes bytes to a read buffer.
fn read<B: AsMut<[u8]>>(input: &mut Input<B>, bytes: &[u8]) {
    input.spare()[..bytes.len()].copy_from_slice(bytes);
    input.filled(bytes.len());
}

#[test]
fn a_message_that_lies_whole_in_the_read_buffer_is_lent_from_there() {
    for role in BOTH {
        let bytes = sent_to(role, &[Frame::text("in place"), Frame::binary([7; 300])]);
        let mut buf = vec![0; 4096];
        let range = buf.as_ptr_range();
        let mut env = env(1);
        let mut connection =
            Connection::upgraded(role, config(|_| {}), &Agreed::default(), &mut env);
        let mut input = Input::new(&mut buf[..]);
        read(&mut input, &bytes);
        let Ok(Some(Event::Text(text))) = connection.next_event(&mut env, &mut input) else {
            panic!("a text comes first");
        };
        assert_eq!(&*text, "in place");
        assert!(range.contains(&text.as_ptr()));
        let Ok(Some(Event::Binary(binary))) = connection.next_event(&mut env, &mut input) else {
            panic!("then a binary message");
        };
        assert_eq!(&*binary, [7; 300]);
        assert!(range.contains(&binary.as_ptr()));
    }
}

#[test]
fn a_small_message_that_is_kept_keeps_no_read_buffer_alive() {
    let mut end = open(Role::Client, |_| {}).with_buffer(128 << 10);
    for bytes in [&b"\x81\x05small"[..], b"\x01\x02sm\x80\x03all"] {
        read(&mut end.input, bytes);
        let event = end.connection.next_event(&mut end.env, &mut end.input);
        let Ok(Some(Event::Text(text))) = event else {
            panic!("a text comes");
        };
        let text = text.into_string();
        assert_eq!(text, "small");
        assert!(text.capacity() <= 8, "{} bytes for 5", text.capacity());
    }
}

#[test]
fn memory_grows_with_what_came_and_not_with_what_was_declared() {
    for role in BOTH {
        for opcode in [Opcode::Text, Opcode::Binary] {
            let mut end = open(role, |_| {});
            let frame = Frame::new(opcode, "ten bytes").length(Length::Declared(16 << 20));
            let bytes = sent_to(role, &[frame]);
            let grown = peak(|| end.read(&bytes));
            assert!(grown < 8 << 10, "{grown} bytes for ten");
            let grown = peak(|| end.read(&[0; 1000]));
            assert!(grown < 8 << 10, "{grown} bytes for a thousand");
        }
    }
}

#[test]
fn a_message_in_a_hundred_thousand_fragments_is_not_moved_with_each_of_them() {
    let text = Seen::text(&"t".repeat(100_000));
    let binary = Seen::binary(&[7; 100_000]);
    for (opcode, byte, expected) in [(Opcode::Text, [b't'], text), (Opcode::Binary, [7], binary)] {
        let mut end = open(Role::Client, |_| {});
        let first = Frame::new(opcode, byte).unfinished().encode();
        let next = Frame::continuation(byte).unfinished().encode();
        let bytes = [&first[..], &next.repeat(99_999)].concat();
        let count = allocations(|| end.read(&bytes));
        assert!(count < 40, "{count} allocations or moves");
        end.read(&Frame::continuation("").encode());
        assert!(end.take_seen() == [expected]);
    }
}

#[test]
fn a_trickle_of_single_bytes_is_assembled_without_moving_it_each_time() {
    let mut end = open(Role::Server, |_| {});
    let bytes = sent_to(Role::Server, &[Frame::text(&"é".repeat(50_000))]);
    let count = allocations(|| bytes.chunks(1).for_each(|byte| end.read(byte)));
    assert!(count < 40, "{count} allocations or moves");
    assert!(end.take_seen() == [Seen::text(&"é".repeat(50_000))]);
}

// Chunks.

#[test]
fn chunks_come_before_the_frame_is_complete_and_nothing_is_assembled() {
    for role in BOTH {
        let mut end = open(role, |config| config.delivery = Delivery::Chunks);
        let bytes = sent_to(role, &[Frame::text(&"0123456789".repeat(100_000))]);
        let header = bytes.len() - 1_000_000;
        let grown = peak(|| {
            end.read_with(&bytes[..header + 15], |_, _, event| {
                let Event::Chunk(chunk) = event else {
                    panic!("only a chunk can come")
                };
                assert_eq!(
                    (chunk.kind, chunk.data, chunk.last),
                    (Kind::Text, &b"012345678901234"[..], false)
                );
            });
        });
        assert!(grown < 1 << 10, "{grown} bytes");
        end.take_seen();
        end.read(&bytes[header + 15..]);
        let seen = testkit::ends::joined(&end.take_seen());
        let [
            Seen::Chunk {
                data, last: true, ..
            },
        ] = &seen[..]
        else {
            panic!("the rest of the message, and its end");
        };
        assert_eq!(data.len(), 1_000_000 - 15);
    }
}

#[test]
fn control_frames_come_between_the_chunks_of_a_message() {
    let mut end = open(Role::Client, |config| config.delivery = Delivery::Chunks);
    end.read_frames(&[
        Frame::binary("a").unfinished(),
        Frame::continuation("").unfinished(),
        Frame::ping("p"),
        Frame::continuation(""),
        Frame::text("b"),
    ]);
    let chunk = |kind, data: &[u8], last| Seen::Chunk {
        kind,
        data: data.to_vec(),
        last,
    };
    let expected = [
        chunk(Kind::Binary, b"a", false),
        Seen::Ping(b"p".to_vec()),
        chunk(Kind::Binary, b"", true),
        chunk(Kind::Text, b"b", true),
    ];
    assert_eq!(end.take_seen(), expected);
}

// Text.

/// Bytes of a text, and how many of them prove that it is none; more than there are: only its end does.
const BAD_TEXTS: [(&[u8], usize); 6] = [
    (b"ok\xff, and more", 3),
    (b"surrogate \xed\xa0\x80", 12),
    (b"overlong \xc0\xaf", 10),
    (b"too far \xf4\x90\x80\x80", 10),
    (b"broken off \xe2\x82 here", 14),
    (b"cut short \xe2\x82", 13),
];

#[test]
fn text_that_is_not_utf_8_fails_inside_the_unfinished_frame_and_not_at_its_end() {
    for role in BOTH {
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            for (text, proof) in BAD_TEXTS {
                let mut end = open(role, |config| config.delivery = delivery);
                // The frame would go on for a megabyte.
                let declared = Frame::new(Opcode::Text, text).length(Length::Declared(1 << 20));
                let bytes = sent_to(role, &[declared]);
                let header = bytes.len() - text.len();
                let failed_at = (1..=bytes.len()).find(|n| {
                    end.read(&bytes[n - 1..*n]);
                    matches!(end.seen.last(), Some(Seen::Failed(_)))
                });
                if proof > text.len() {
                    assert_eq!(failed_at, None, "the text may go on");
                    continue;
                }
                assert_eq!(failed_at, Some(header + proof), "{}", text.escape_ascii());
                assert_eq!(end.drain_frames()[0].payload[..2], [0x03, 0xef], "1007");
            }
        }
    }
}

#[test]
fn text_that_is_not_utf_8_fails_however_its_frames_lie() {
    for role in BOTH {
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            for (text, _) in BAD_TEXTS {
                for cut in 0..=text.len() {
                    let (front, back) = text.split_at(cut);
                    let mut end = open(role, |config| config.delivery = delivery);
                    end.read(&sent_to(
                        role,
                        &[
                            Frame::new(Opcode::Text, front).unfinished(),
                            Frame::ping(""),
                            Frame::continuation(back),
                        ],
                    ));
                    let Some(Seen::Failed(error)) = end.seen.last() else {
                        panic!("{} is refused", text.escape_ascii());
                    };
                    assert_eq!(error.cause, Cause::Violation(Violation::TextNotUtf8));
                    assert_eq!(error.closed.code.get(), 1007);
                }
                let mut end = open(role, |config| config.delivery = delivery);
                end.read_frames(&[Frame::new(Opcode::Text, text)]);
                assert!(
                    matches!(end.seen.last(), Some(Seen::Failed(_))),
                    "in one piece"
                );
            }
        }
    }
}

#[test]
fn what_is_announced_is_an_event_and_an_error_comes_instead_of_the_announcement() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        let bytes = sent_to(
            role,
            &[Frame::text("text"), Frame::new(Opcode::Text, b"\xff")],
        );
        read(&mut end.input, &bytes);
        let End {
            connection,
            env,
            input,
            ..
        } = &mut end;
        assert_eq!(connection.has_event(env, input), Ok(true));
        let event = connection.next_event(env, input);
        assert!(matches!(event, Ok(Some(Event::Text(text))) if &*text == "text"));
        let error = connection.has_event(env, input).expect_err("no text");
        assert_eq!(error.cause, Cause::Violation(Violation::TextNotUtf8));
        assert_eq!(connection.has_event(env, input), Ok(false));
    }
}

#[test]
fn the_short_way_has_messages_and_leaves_the_rest_to_the_long_one() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        let frames = [
            Frame::text("text"),
            Frame::new(Opcode::Ping, b"ping"),
            Frame::text("announced"),
            Frame::new(Opcode::Text, b"\xff"),
        ];
        let bytes = sent_to(role, &frames);
        read(&mut end.input, &bytes);
        let End {
            connection,
            env,
            input,
            ..
        } = &mut end;
        let event = connection.next_message(env, input);
        assert!(matches!(event, Some(Event::Text(text)) if &*text == "text"));
        assert!(connection.next_message(env, input).is_none());
        let event = connection.next_event(env, input);
        assert!(matches!(event, Ok(Some(Event::Ping(b"ping")))));
        assert!(!input.has_message());
        assert_eq!(connection.has_event(env, input), Ok(true));
        assert!(input.has_message());
        let event = connection.next_message(env, input);
        assert!(matches!(event, Some(Event::Text(text)) if &*text == "announced"));
        assert!(connection.next_message(env, input).is_none(), "no text");
        let error = connection.next_event(env, input).expect_err("no text");
        assert_eq!(error.cause, Cause::Violation(Violation::TextNotUtf8));
        assert!(input.is_empty());
    }
}

#[test]
fn an_announced_event_with_nothing_behind_it_is_taken_after_those_of_other_inputs() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        let mut other = Input::new(vec![0; 1000]);
        let first = sent_to(role, &[Frame::text("first"), Frame::text("second")]);
        read(&mut end.input, &first);
        let End {
            connection,
            env,
            input,
            ..
        } = &mut end;
        assert_eq!(connection.has_event(env, input), Ok(true));
        assert!(input.has_more(), "the second lies behind it");
        let event = connection.next_event(env, input);
        assert!(matches!(event, Ok(Some(Event::Text(text))) if &*text == "first"));
        assert_eq!(connection.has_event(env, input), Ok(true));
        assert!(!input.has_more());
        let third = sent_to(role, &[Frame::text("third").unfinished()]);
        read(&mut other, &third);
        assert!(matches!(connection.next_event(env, &mut other), Ok(None)));
        let event = connection.next_event(env, input);
        assert!(matches!(event, Ok(Some(Event::Text(text))) if &*text == "second"));
        assert!(matches!(connection.next_event(env, input), Ok(None)));
        let rest = sent_to(role, &[Frame::continuation(" and last")]);
        read(&mut other, &rest);
        let event = connection.next_event(env, &mut other);
        assert!(matches!(event, Ok(Some(Event::Text(text))) if &*text == "third and last"));
    }
}

#[test]
fn a_code_point_may_be_cut_by_fragments_and_reads() {
    for role in BOTH {
        let text = "κόσμε €𤭢";
        for cut in 0..=text.len() {
            let (front, back) = text.as_bytes().split_at(cut);
            let bytes = sent_to(
                role,
                &[
                    Frame::new(Opcode::Text, front).unfinished(),
                    Frame::continuation(back),
                ],
            );
            for chunk in [1, 2, 3, bytes.len()] {
                let mut end = open(role, |_| {});
                bytes.chunks(chunk).for_each(|bytes| end.read(bytes));
                assert_eq!(end.take_seen(), [Seen::text(text)]);
            }
        }
    }
}

#[test]
fn text_is_checked_by_default_and_comes_as_bytes_where_that_is_turned_off() {
    assert!(Config::default().check_utf8);
    for role in BOTH {
        let bad = b"not \xff text";
        let mut end = open(role, |config| config.check_utf8 = false);
        end.read_frames(&[
            Frame::new(Opcode::Text, *bad),
            Frame::new(Opcode::Text, &bad[..3]).unfinished(),
            Frame::continuation(&bad[3..]),
            Frame::new(Opcode::Text, ""),
            Frame::binary(*bad),
        ]);
        let expected = [
            Seen::Binary(Kind::Text, bad.to_vec()),
            Seen::Binary(Kind::Text, bad.to_vec()),
            Seen::Binary(Kind::Text, Vec::new()),
            Seen::Binary(Kind::Binary, bad.to_vec()),
        ];
        assert_eq!(end.take_seen(), expected);
    }
}

// Limits.

/// Expects the connection to fail for that limit.
fn expect_limit(mut end: End, limit: Limit) {
    let Some(Seen::Failed(error)) = end.seen.last() else {
        panic!("{limit:?} is enforced: {:?}", end.seen);
    };
    assert_eq!(error.cause, Cause::Limit(limit));
    assert_eq!(error.closed.code.get(), 1009);
    let frames = end.drain_frames();
    assert_eq!(
        frames[frames.len() - 1].payload[..2],
        [0x03, 0xf1],
        "the peer is told 1009"
    );
}

#[test]
fn every_limit_has_a_default() {
    let config = Config::default();
    assert_eq!(config.max_frame, 16 << 20);
    assert_eq!(config.max_message, 16 << 20);
    assert!(config.max_fragments >= 65_537);
}

#[test]
fn a_frame_may_be_as_long_as_its_limit_and_no_longer() {
    for role in BOTH {
        for (len, fits) in [(1000, true), (1001, false)] {
            for frame in [
                Frame::binary(vec![0; len]),
                Frame::binary(vec![0; len]).unfinished(),
            ] {
                let mut end = open(role, |config| config.max_frame = 1000);
                end.read_frames(&[frame]);
                if fits {
                    assert!(end.connection.is_open());
                } else {
                    expect_limit(end, Limit::Frame);
                }
            }
        }
    }
}

#[test]
fn the_limit_of_a_message_counts_the_sum_of_its_fragments() {
    for role in BOTH {
        let fragments = |last: usize| {
            [
                Frame::binary(vec![0; 400]).unfinished(),
                Frame::continuation(vec![0; 400]).unfinished(),
                Frame::ping([0; 125]),
                Frame::continuation(vec![0; last]),
            ]
        };
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            let limited = |config: &mut Config| {
                config.max_message = 1000;
                config.delivery = delivery;
            };
            let mut end = open(role, limited);
            end.read_frames(&fragments(200));
            end.read_frames(&fragments(200));
            assert!(end.connection.is_open(), "each message counts for itself");
            let mut end = open(role, limited);
            end.read_frames(&fragments(201));
            expect_limit(end, Limit::Message);
        }
        let mut end = open(role, |config| config.max_message = 1000);
        end.read_frames(&[Frame::binary(vec![0; 1001])]);
        expect_limit(end, Limit::Message);
    }
}

#[test]
fn sixteen_mebibytes_pass_by_default_and_one_byte_more_does_not() {
    let mut end = open(Role::Client, |_| {});
    let half = Frame::binary(vec![0; 8 << 20]);
    end.read_frames(&[
        half.clone().unfinished(),
        half.opcode(Opcode::Continuation as u8),
    ]);
    let [Seen::Binary(Kind::Binary, whole)] = &end.take_seen()[..] else {
        panic!("the message is taken");
    };
    assert_eq!(whole.len(), 16 << 20);
    let half = Frame::binary(vec![0; 8 << 20]);
    let more = Frame::continuation(vec![0; (8 << 20) + 1]);
    end.read_frames(&[half.unfinished(), more]);
    expect_limit(end, Limit::Message);
}

#[test]
fn fragments_of_no_bytes_are_counted_and_need_no_memory() {
    for role in BOTH {
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            let mut end = open(role, |config| config.delivery = delivery);
            let mut empty = sent_to(role, &[Frame::binary("").unfinished()]);
            empty.extend(sent_to(role, &[Frame::continuation("").unfinished()]).repeat(65_536));
            let grown = peak(|| end.read(&empty));
            assert!(grown < 1 << 10, "{grown} bytes");
            assert!(end.connection.is_open(), "65 537 fragments are allowed");
            let rest = (1 << 17) - 65_537;
            end.read(&sent_to(role, &[Frame::continuation("").unfinished()]).repeat(rest));
            assert!(end.connection.is_open(), "131 072 are");
            end.read(&sent_to(role, &[Frame::continuation("")]));
            expect_limit(end, Limit::Fragments);
        }
    }
}

#[test]
fn one_fragment_too_many_is_refused_on_its_first_byte() {
    let mut end = open(Role::Client, |config| config.max_fragments = 3);
    let message = [
        Frame::binary("a").unfinished(),
        Frame::continuation("b").unfinished(),
        Frame::continuation("c"),
    ];
    end.read_frames(&message);
    assert_eq!(end.take_seen(), [Seen::binary(b"abc")], "three are allowed");
    end.read_frames(&message[..2]);
    end.read_frames(&message[1..2]);
    end.read(b"\x80");
    expect_limit(end, Limit::Fragments);
}
