//! Compressed messages of peers that mean no good: bombs, broken streams, text that is none, and bits
//! where they do not belong.
use crate::deflate::BACKENDS;
use testkit::{
    Frame, Opcode,
    allocation::{allocations, peak},
    ends::{
        End, Seen,
        deflate::{Foreign, compressing, frame, frames, json, message, opened_plainly, stored},
    },
};
use wsproto::{Cause, CloseCode, Config, Delivery, Event, Kind, Limit, Role, Violation};

const DELIVERIES: [Delivery; 2] = [Delivery::Messages, Delivery::Chunks];

/// The end of a role for each backend and delivery.
fn in_every_way(change: impl Fn(&mut Config), test: impl Fn(Role, Delivery, End)) {
    for role in [Role::Client, Role::Server] {
        for (_, env) in BACKENDS {
            for delivery in DELIVERIES {
                let config = compressing(|config, _| {
                    config.delivery = delivery;
                    change(config);
                });
                test(role, delivery, opened_plainly(role, env(1), config));
            }
        }
    }
}

/// The one error, and the code of the Close frame that tells the peer.
#[track_caller]
fn failure(end: &mut End) -> (Cause, CloseCode) {
    let Some(Seen::Failed(error)) = end.seen.last().cloned() else {
        panic!("no error: {:?}", end.seen);
    };
    let close = end.drain_frames().pop().expect("the peer is told");
    assert_eq!(close.opcode, Opcode::Close as u8);
    let code = u16::from_be_bytes([close.payload[0], close.payload[1]]);
    assert_eq!(code, error.closed.code.get());
    (error.cause, error.closed.code)
}

/// The delivered part of a message, in one chunk or several.
fn delivered(seen: &[Seen]) -> Vec<u8> {
    let data = seen.iter().filter_map(|seen| match seen {
        Seen::Chunk { data, .. } => Some(&data[..]),
        _ => None,
    });
    data.collect::<Vec<_>>().concat()
}

/// 1 GiB of zeros in less than 1 MiB.
fn bomb() -> Vec<u8> {
    let mut foreign = Foreign::new(6);
    let zeros = vec![0; 4 << 20];
    // Every piece but the first is the same.
    let [first, other] = [(); 2].map(|()| foreign.flushed(&zeros));
    let bomb = [first, other.repeat(255)].concat();
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    bomb
}

#[test]
fn a_bomb_costs_no_more_than_the_limit_and_a_buffer() {
    const LIMIT: usize = 1 << 20;
    let bomb = bomb();
    in_every_way(
        |config| config.max_message = LIMIT as u64,
        |role, delivery, mut end| {
            let whole = frame(role, Opcode::Binary, &bomb);
            // The inflater, its buffers and a window are made before.
            end.read(&frame(role, Opcode::Binary, &message(&[0; 99_999])));
            end.seen.clear();
            let mut outcome = None;
            let mut out = 0;
            let used = peak(|| {
                for part in whole.chunks(32 << 10) {
                    let spare = end.input.spare();
                    spare[..part.len()].copy_from_slice(part);
                    end.input.filled(part.len());
                    loop {
                        match end.connection.next_event(&mut end.env, &mut end.input) {
                            Ok(Some(Event::Chunk(chunk))) => out += chunk.data.len(),
                            Ok(Some(event)) => panic!("{event:?}"),
                            Ok(None) => break,
                            Err(error) => {
                                outcome = Some(error);
                                return;
                            }
                        }
                    }
                }
            });
            let error = outcome.expect("a bomb is refused");
            assert_eq!(error.cause, Cause::Limit(Limit::Message));
            assert_eq!(error.closed.code, CloseCode::TOO_BIG);
            let allowed = match delivery {
                Delivery::Messages => LIMIT,
                // Nothing is assembled.
                _ => 0,
            };
            // Compressed data wait in one buffer, and decompressed data go through another.
            let buffers = 160 << 10;
            assert!(used as usize <= allowed + buffers, "{delivery:?}: {used}");
            assert_eq!(
                out,
                if delivery == Delivery::Messages {
                    0
                } else {
                    LIMIT
                }
            );
        },
    );
}

#[test]
fn the_limit_is_exact_and_everything_below_it_is_delivered_in_chunks() {
    let text = json(5000, 1);
    let deflated = message(text.as_bytes());
    for (limit, fits) in [(4999, false), (5000, true)] {
        in_every_way(
            |config| config.max_message = limit,
            |role, delivery, mut end| {
                end.read(&frame(role, Opcode::Text, &deflated));
                if delivery == Delivery::Chunks {
                    assert!(delivered(&end.seen) == text.as_bytes()[..limit as usize]);
                }
                if fits {
                    assert!(end.connection.is_open());
                } else {
                    let expected = (Cause::Limit(Limit::Message), CloseCode::TOO_BIG);
                    assert_eq!(failure(&mut end), expected);
                }
            },
        );
    }
}

#[test]
fn limits_count_the_compressed_bytes_and_the_fragments_too() {
    let many = vec![0; 40];
    in_every_way(
        |config| config.max_frame = 1000,
        |role, _, mut end| {
            let bytes = frame(
                role,
                Opcode::Binary,
                &message(&testkit::ends::deflate::noise(2000, 1)),
            );
            // As soon as the header tells.
            end.read(&bytes[..8]);
            assert_eq!(failure(&mut end).1, CloseCode::TOO_BIG);
        },
    );
    in_every_way(
        |config| config.max_fragments = 30,
        |_, _, mut end| {
            end.read_frames(&frames(Opcode::Binary, b"", &many));
            assert_eq!(failure(&mut end).1, CloseCode::TOO_BIG);
        },
    );
}

/// Messages that are no deflate streams, and what they stand for before that shows.
fn corrupt_messages() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let text = json(2000, 1);
    let deflated = message(text.as_bytes());
    let mut stored_wrong = stored(b"some", false);
    stored_wrong[3] ^= 1;
    vec![
        ("a block of the reserved type", vec![0x07], Vec::new()),
        (
            "a block of the reserved type behind others",
            [stored(b"some", false), vec![0x07]].concat(),
            b"some".to_vec(),
        ),
        ("a stored block of two lengths", stored_wrong, Vec::new()),
        (
            "a reference to before the first byte",
            // A static block: the literal `a`, then three bytes from two before.
            vec![0x4a, 0x04, 0xa2, 0x00, 0x00],
            Vec::new(),
        ),
        (
            "a stream that is cut off in a stored block",
            stored(b"some", false)[..7].to_vec(),
            b"so".to_vec(),
        ),
        (
            "a flush that is not left out",
            [stored(b"some", false), vec![0, 0, 0, 0xff, 0xff]].concat(),
            b"some".to_vec(),
        ),
        (
            "a stream that is cut off in a block",
            deflated[..deflated.len() - 3].to_vec(),
            Vec::new(),
        ),
    ]
}

#[test]
fn a_corrupt_stream_is_1007_however_it_comes() {
    for (name, corrupt, before) in corrupt_messages() {
        for read in [usize::MAX, 1] {
            in_every_way(
                |_| {},
                |role, delivery, mut end| {
                    for part in frame(role, Opcode::Binary, &corrupt).chunks(read) {
                        end.read(part);
                    }
                    assert_eq!(
                        failure(&mut end),
                        (Violation::Corrupt.into(), CloseCode::INVALID_DATA),
                        "{name}"
                    );
                    if delivery == Delivery::Chunks && !before.is_empty() {
                        assert_eq!(delivered(&end.seen), before, "{name}");
                    }
                },
            );
        }
    }
}

#[test]
fn a_corrupt_stream_is_found_before_the_message_is_whole() {
    for inflate_from in [0, 1000] {
        for (_, env) in BACKENDS {
            for delivery in DELIVERIES {
                let config = compressing(|config, compression| {
                    config.delivery = delivery;
                    compression.inflate_from = inflate_from;
                });
                let mut end = opened_plainly(Role::Client, env(1), config);
                let mut bytes = stored(&[7; 1500], false);
                bytes.push(0x07);
                end.read_frames(&[frames(Opcode::Binary, &bytes, &[bytes.len()]).remove(0)]);
                assert_eq!(failure(&mut end).0, Violation::Corrupt.into());
            }
        }
    }
}

#[test]
fn text_is_checked_once_it_is_inflated() {
    for (name, text, valid) in [
        (
            "not a code point",
            &b"fine so far \xff and on"[..],
            &b"fine so far "[..],
        ),
        ("a surrogate", b"a\xed\xa0\x80", b"a\xed"),
        ("cut off in a code point", b"caf\xc3", b"caf\xc3"),
        (
            "cut off in a code point alone",
            b"\xf0\x9f\x98",
            b"\xf0\x9f\x98",
        ),
    ] {
        for read in [usize::MAX, 1] {
            in_every_way(
                |_| {},
                |role, delivery, mut end| {
                    for part in frame(role, Opcode::Text, &message(text)).chunks(read) {
                        end.read(part);
                    }
                    assert_eq!(
                        failure(&mut end),
                        (Violation::TextNotUtf8.into(), CloseCode::INVALID_DATA),
                        "{name}"
                    );
                    if delivery == Delivery::Chunks {
                        assert_eq!(delivered(&end.seen), valid, "{name}");
                    }
                },
            );
        }
    }
}

#[test]
fn text_is_not_checked_where_the_application_does_not_want_it() {
    in_every_way(
        |config| config.check_utf8 = false,
        |role, delivery, mut end| {
            end.read(&frame(role, Opcode::Text, &message(b"\xff")));
            let data = b"\xff".to_vec();
            let kind = Kind::Text;
            let expected = match delivery {
                Delivery::Messages => Seen::Binary(kind, data),
                _ => Seen::Chunk {
                    kind,
                    data,
                    last: true,
                },
            };
            assert_eq!(end.seen, [expected]);
        },
    );
}

#[test]
fn reserved_bits_are_refused_as_soon_as_they_come() {
    for bits in 1..8 {
        for opcode in [
            Opcode::Ping,
            Opcode::Pong,
            Opcode::Close,
            Opcode::Continuation,
            Opcode::Text,
        ] {
            if (bits, opcode) == (4, Opcode::Text) {
                continue;
            }
            in_every_way(
                |_| {},
                |role, _, mut end| {
                    end.read_frames(&[frames(Opcode::Text, b"", &[0]).remove(0)]);
                    if opcode == Opcode::Text {
                        end.read_frames(&[Frame::continuation([0])]);
                    }
                    // The header alone says it all.
                    let bytes = Frame::new(opcode, *b"").reserved(bits);
                    let bytes = bytes.sent_by(testkit::opposite(role)).encode();
                    end.read(&bytes[..1]);
                    assert_eq!(
                        failure(&mut end),
                        (Violation::ReservedBits.into(), CloseCode::PROTOCOL_ERROR),
                        "{bits} {opcode:?}"
                    );
                },
            );
        }
    }
}

#[test]
fn a_compressed_message_that_was_not_negotiated_is_refused() {
    for role in [Role::Client, Role::Server] {
        let mut end = End::upgraded(role, compressing(|_, _| {}));
        end.read(&frame(role, Opcode::Text, &message(b"?"))[..1]);
        let expected = (Violation::ReservedBits.into(), CloseCode::PROTOCOL_ERROR);
        assert_eq!(failure(&mut end), expected);
    }
}

#[test]
fn a_close_in_the_middle_of_a_compressed_message_closes() {
    in_every_way(
        |_| {},
        |_, _, mut end| {
            let fragment =
                frames(Opcode::Text, &message(json(40_000, 1).as_bytes()), &[500]).remove(0);
            end.read_frames(&[fragment, Frame::close(1000, "enough")]);
            let closed = end
                .seen
                .last()
                .and_then(Seen::closed)
                .expect("it is closed");
            assert!(closed.clean);
            assert_eq!(closed.reason.as_ref(), "enough");
        },
    );
}

/// One byte at a time, a message costs no more than in one piece, but for the calls.
#[test]
fn a_trickle_of_a_compressed_message_costs_linear_time() {
    let plain = testkit::ends::deflate::noise(100_000, 1);
    in_every_way(
        |_| {},
        |role, _, mut end| {
            let bytes = frame(role, Opcode::Binary, &message(&plain));
            let allocations = allocations(|| {
                for byte in &bytes {
                    end.input.spare()[0] = *byte;
                    end.input.filled(1);
                    while let Ok(Some(_)) = end.connection.next_event(&mut end.env, &mut end.input)
                    {
                    }
                }
            });
            assert!(end.connection.is_open());
            assert!(allocations < 64, "{allocations} allocations");
        },
    );
}
