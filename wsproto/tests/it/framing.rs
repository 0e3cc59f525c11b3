//! Violations of RFC 6455 section 5 are refused on the byte that proves them, with the right close code. Frames that are
//! merely unusual are accepted.

use std::sync::Arc;

use testkit::{
    Frame, Length, Opcode, config,
    ends::{BOTH, End, Seen},
    opposite,
};
use wsproto::{Cause, ClosedBy, Config, Error, Limit, Role, Violation};

/// The reason why a frame is refused, and the byte on which it is.
struct Refused {
    proof: usize,
    error: Error,
    /// The code of the Close frame that tells the peer.
    sent: u16,
}

/// Reads the frames in `before`, then `bytes` one by one until the connection fails. Then it checks
/// that this was the end, whatever follows.
fn refused(role: Role, config: Arc<Config>, before: &[Frame], bytes: &[u8]) -> Refused {
    let mut whole = End::upgraded(role, Arc::clone(&config));
    let mut end = End::upgraded(role, config);
    for end in [&mut whole, &mut end] {
        end.read_frames(before);
        end.take_seen();
    }
    let proof = (1..=bytes.len()).find(|n| {
        end.read(&bytes[n - 1..*n]);
        !end.seen.is_empty()
    });
    let Some(proof) = proof else {
        panic!("nothing wrong was found");
    };
    let [Seen::Failed(error)] = &end.take_seen()[..] else {
        panic!("one error and nothing else");
    };
    whole.read(bytes);
    let at_once = [Seen::Failed(error.clone())];
    assert_eq!(
        whole.take_seen(),
        at_once,
        "it is the same if all comes at once"
    );
    let [close] = &end.drain_frames()[..] else {
        panic!("one Close frame and nothing else");
    };
    let expected = Frame {
        mask: close.mask,
        ..Frame::close(close_code(close), &error.closed.reason)
    };
    assert_eq!(*close, expected);
    assert_eq!(
        error.closed.code.get(),
        close_code(close),
        "the peer is told what we are"
    );
    assert_eq!(error.closed.by, ClosedBy::Error);
    assert!(!error.closed.clean);

    end.read(&bytes[proof..]);
    end.read_frames(&[
        Frame::text("more"),
        Frame::ping("more"),
        Frame::close(1000, ""),
    ]);
    assert_eq!(end.take_seen(), [], "nothing is reported behind the error");
    assert_eq!(end.drain(), b"", "nothing follows the Close frame");
    assert!(
        end.connection.wants().shutdown,
        "whoever fails a connection ends it"
    );
    Refused {
        proof,
        error: error.clone(),
        sent: close_code(close),
    }
}

fn close_code(close: &Frame) -> u16 {
    let code = close
        .payload
        .first_chunk()
        .expect("a Close frame with a code");
    u16::from_be_bytes(*code)
}

/// Expects frames of the peer, in their bytes, to be refused for `violation` on the byte `proof`,
/// not counting a masking key.
fn expect_violation(
    role: Role,
    before: &[Frame],
    frame: Frame,
    proof: usize,
    violation: Violation,
    code: u16,
) {
    let bytes = frame.clone().sent_by(opposite(role)).encode();
    let refused = refused(role, config(|_| {}), before, &bytes);
    assert_eq!(
        refused.error.cause,
        Cause::Violation(violation),
        "{frame:?}"
    );
    assert_eq!(
        (refused.proof, refused.sent),
        (proof, code),
        "{frame:?} at a {role:?}"
    );
}

#[test]
fn reserved_bits_are_refused_on_the_first_byte() {
    for role in BOTH {
        for bits in 1..=7 {
            for frame in [
                Frame::text("a"),
                Frame::binary("a"),
                Frame::ping(""),
                Frame::close(1000, ""),
            ] {
                expect_violation(
                    role,
                    &[],
                    frame.reserved(bits),
                    1,
                    Violation::ReservedBits,
                    1002,
                );
            }
            let started = [Frame::text("a").unfinished()];
            let frame = Frame::continuation("b").reserved(bits);
            expect_violation(role, &started, frame, 1, Violation::ReservedBits, 1002);
        }
    }
}

#[test]
fn reserved_opcodes_are_refused_on_the_first_byte() {
    for role in BOTH {
        for opcode in (0x3..=0x7).chain(0xb..=0xf) {
            let violation = Violation::ReservedOpcode(opcode);
            let frame = Frame::text("a").opcode(opcode);
            expect_violation(role, &[], frame.clone(), 1, violation, 1002);
            expect_violation(role, &[], frame.unfinished(), 1, violation, 1002);
        }
    }
}

#[test]
fn fragmented_control_frames_are_refused_on_the_first_byte() {
    for role in BOTH {
        for frame in [Frame::ping("a"), Frame::pong("a"), Frame::close(1000, "")] {
            let frame = frame.unfinished();
            expect_violation(role, &[], frame, 1, Violation::ControlFragmented, 1002);
        }
    }
}

#[test]
fn control_frames_over_125_bytes_are_refused_on_the_second_byte() {
    for role in BOTH {
        for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
            let long = Frame::new(opcode, [3; 126]);
            expect_violation(role, &[], long, 2, Violation::ControlTooLong, 1002);
            let declared = Frame::new(opcode, "").length(Length::Declared(1 << 40));
            expect_violation(role, &[], declared, 2, Violation::ControlTooLong, 1002);
            let short = Frame::new(opcode, "abc").length(Length::Two);
            expect_violation(role, &[], short, 2, Violation::ControlTooLong, 1002);
        }
    }
}

#[test]
fn a_close_of_one_byte_is_refused_on_the_second_byte() {
    for role in BOTH {
        let frame = Frame::new(Opcode::Close, [3]);
        expect_violation(role, &[], frame, 2, Violation::CloseTooShort, 1002);
    }
}

#[test]
fn a_continuation_of_nothing_is_refused_on_the_first_byte() {
    for role in BOTH {
        for before in [&[][..], &[Frame::text("whole")]] {
            let violation = Violation::ContinuationWithoutStart;
            expect_violation(role, before, Frame::continuation("a"), 1, violation, 1002);
            let frame = Frame::continuation("a").unfinished();
            expect_violation(role, before, frame, 1, violation, 1002);
        }
    }
}

#[test]
fn a_new_first_fragment_does_not_silently_discard_the_old_message() {
    for role in BOTH {
        let started = [Frame::text("old").unfinished(), Frame::ping("")];
        for frame in [Frame::text("new"), Frame::binary("new").unfinished()] {
            let mut end = End::upgraded(role, config(|_| {}));
            end.read_frames(&started);
            end.drain();
            end.read_frames(&[frame]);
            let Some(Seen::Failed(error)) = end.seen.last() else {
                panic!("the new message is refused");
            };
            assert_eq!(error.cause, Cause::Violation(Violation::MessageInterrupted));
        }
        let frame = Frame::text("new");
        expect_violation(
            role,
            &started[..1],
            frame,
            1,
            Violation::MessageInterrupted,
            1002,
        );
    }
}

#[test]
fn an_unmasked_frame_of_a_client_is_refused_on_the_second_byte() {
    for frame in [Frame::text("a"), Frame::ping(""), Frame::close(1000, "")] {
        let refused = refused(Role::Server, config(|_| {}), &[], &frame.encode());
        assert_eq!(
            refused.error.cause,
            Cause::Violation(Violation::MaskMissing)
        );
        assert_eq!((refused.proof, refused.sent), (2, 1002));
    }
}

#[test]
fn a_masked_frame_of_a_server_is_refused_and_never_shown_to_the_application() {
    for key in [[0; 4], [1, 2, 3, 4]] {
        let bytes = Frame::text("a").masked(key).encode();
        let refused = refused(Role::Client, config(|_| {}), &[], &bytes);
        assert_eq!(
            refused.error.cause,
            Cause::Violation(Violation::MaskPresent)
        );
        assert_eq!((refused.proof, refused.sent), (2, 1002));
    }
}

#[test]
fn a_length_that_is_not_minimal_is_refused_on_the_byte_that_proves_it() {
    for role in BOTH {
        for (len, length, proof) in [
            (0, Length::Two, 4),
            (125, Length::Two, 4),
            // Six bytes that are zero say that the other two would have been enough.
            (0, Length::Eight, 8),
            (125, Length::Eight, 8),
            (65_535, Length::Eight, 8),
        ] {
            let frame = Frame::binary(vec![0; len]).length(length);
            expect_violation(role, &[], frame, proof, Violation::LengthNotMinimal, 1002);
        }
    }
}

#[test]
fn a_64_bit_length_with_its_top_bit_set_is_refused_and_overflows_nothing() {
    for role in BOTH {
        for len in [1 << 63, u64::MAX, (1 << 63) + 5] {
            let frame = Frame::binary("").length(Length::Declared(len));
            expect_violation(
                role,
                &[],
                frame.clone(),
                3,
                Violation::LengthOutOfRange,
                1002,
            );
            let started = [Frame::binary("a").unfinished()];
            let frame = frame.opcode(Opcode::Continuation as u8);
            expect_violation(role, &started, frame, 3, Violation::LengthOutOfRange, 1002);
        }
    }
}

#[test]
fn the_longest_length_of_all_overflows_nothing_where_no_limit_forbids_it() {
    let unlimited = config(|config| {
        config.max_frame = u64::MAX;
        config.max_message = u64::MAX;
    });
    for role in BOTH {
        let mut end = End::upgraded(role, Arc::clone(&unlimited));
        let longest = Frame::new(Opcode::Continuation, "b").length(Length::Declared(u64::MAX >> 1));
        end.read_frames(&[Frame::binary("a").unfinished(), longest]);
        assert_eq!(end.take_seen(), [], "more bytes may follow");
        assert!(end.connection.is_open());
    }
}

#[test]
fn a_close_code_that_must_not_be_sent_is_refused_on_its_last_byte() {
    let reserved = [
        0,
        1,
        999,
        1004,
        1005,
        1006,
        1015,
        1016,
        1100,
        2000,
        2999,
        5000,
        u16::MAX,
    ];
    for role in BOTH {
        let header = if role == Role::Server { 6 } else { 2 };
        for code in reserved {
            let violation = Violation::CloseCode(code);
            expect_violation(
                role,
                &[],
                Frame::close(code, "bye"),
                header + 2,
                violation,
                1002,
            );
        }
    }
}

#[test]
fn a_close_reason_that_is_not_utf_8_is_refused_on_the_byte_that_proves_it() {
    for role in BOTH {
        let header = if role == Role::Server { 6 } else { 2 };
        for (reason, proof) in [
            (&b"a\xff, and more"[..], 2),
            (b"\xed\xa0\x80 surrogate", 2),
            (b"\xe2\x82 ", 3),
            (b"cut short \xe2\x82", 12),
        ] {
            let frame = Frame::new(Opcode::Close, [&[3, 0xe8], reason].concat());
            let proof = header + 2 + proof;
            expect_violation(role, &[], frame, proof, Violation::CloseReasonNotUtf8, 1007);
        }
    }
}

#[test]
fn an_oversize_frame_is_refused_before_a_single_byte_of_its_payload() {
    for role in BOTH {
        for (len, proof) in [
            ((16 << 20) + 1, 10),
            (17 << 20, 8),
            (1 << 40, 5),
            (1 << 62, 3),
        ] {
            let frame = Frame::binary("").length(Length::Declared(len));
            let bytes = frame.sent_by(opposite(role)).encode();
            let refused = refused(role, config(|_| {}), &[], &bytes);
            assert_eq!(refused.error.cause, Cause::Limit(Limit::Frame));
            assert_eq!((refused.proof, refused.sent), (proof, 1009), "{len}");
        }
    }
}

#[test]
fn the_last_byte_of_the_largest_legal_forms_is_read() {
    for role in BOTH {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let mut end = End::upgraded(role, config(|_| {}));
            end.read_frames(&[Frame::binary(vec![7; len])]);
            assert_eq!(end.take_seen(), [Seen::binary(&vec![7; len])]);
        }
        let mut end = End::upgraded(role, config(|_| {}));
        end.read_frames(&[Frame::ping([7; 125]), Frame::pong([8; 125])]);
        assert_eq!(
            end.take_seen(),
            [Seen::Ping(vec![7; 125]), Seen::Pong(vec![8; 125])]
        );
    }
}

#[test]
fn a_pong_between_two_fragments_keeps_the_state_of_the_message() {
    for role in BOTH {
        let mut end = End::upgraded(role, config(|_| {}));
        end.read_frames(&[
            Frame::text("κό").unfinished(),
            Frame::pong("unasked"),
            Frame::continuation("").unfinished(),
            Frame::ping("asked"),
            Frame::continuation("σμε"),
            Frame::text("next"),
        ]);
        let expected = [
            Seen::Pong(b"unasked".to_vec()),
            Seen::Ping(b"asked".to_vec()),
            Seen::text("κόσμε"),
            Seen::text("next"),
        ];
        assert_eq!(end.take_seen(), expected);
    }
}

#[test]
fn a_half_sent_frame_stalls_no_frame_before_it_and_a_second_one_needs_no_more_bytes() {
    for role in BOTH {
        let peer = opposite(role);
        let [a, b, half] = [
            Frame::text("a"),
            Frame::text("b"),
            Frame::text("half of it"),
        ]
        .map(|frame| frame.sent_by(peer).encode());
        let mut end = End::upgraded(role, config(|_| {}));
        end.read(&[&a[..], &b, &half[..half.len() - 4]].concat());
        assert_eq!(end.take_seen(), [Seen::text("a"), Seen::text("b")]);
        end.read(&[&half[half.len() - 4..], &a].concat());
        assert_eq!(end.take_seen(), [Seen::text("half of it"), Seen::text("a")]);
    }
}
