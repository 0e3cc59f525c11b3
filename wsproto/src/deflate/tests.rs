//! Tests that every backend must pass.
#![cfg(any(feature = "deflate", feature = "zlib-rs"))]

use std::{boxed::Box, vec, vec::Vec};

use proptest::{collection::vec as several, prelude::*, sample::Index};

use super::codec::{Codecs, Compressor, Corrupt, Inflated, Inflater, TAIL};
#[cfg(feature = "deflate")]
use super::miniz::Miniz;
#[cfg(feature = "zlib-rs")]
use super::zlib_rs::ZlibRs;

mod samples;

use reference::inflate::{Fault, Judge};
use samples::{json, messages, noise, reference};

/// The subject of a test: a factory of the backend.
type Backend = fn() -> Box<dyn Codecs>;

macro_rules! of_every_backend {
    ($($test:ident)*) => {
        #[cfg(feature = "deflate")]
        mod miniz {
            use super::{Box, Miniz};
            $(#[test] fn $test() { super::$test(|| Box::new(Miniz)); })*
        }
        #[cfg(feature = "zlib-rs")]
        mod zlib_rs {
            use super::{Box, ZlibRs};
            $(#[test] fn $test() { super::$test(|| Box::new(ZlibRs::default())); })*
        }
        #[cfg(feature = "zlib-rs")]
        mod zlib_rs_with_the_smallest_buffers {
            use super::{Box, ZlibRs};
            $(#[test] fn $test() { super::$test(|| Box::new(ZlibRs::with_memory_level(1))); })*
        }
    };
}

of_every_backend! {
    any_conversation_comes_through_within_its_window
    any_cuts_of_input_and_output_inflate_the_same
    noise_is_no_panic
    flipped_bits_are_corrupt_or_harmless
    the_same_comes_out_before_a_fault_however_it_is_cut
    one_byte_at_a_time_inflates_the_same
    output_may_have_no_room
    an_empty_message_is_one_byte_and_the_tail
    later_messages_refer_to_earlier_ones
    a_small_window_is_used_but_never_exceeded
    the_judge_rejects_what_a_larger_window_allows
    a_new_stream_does_not_refer_to_the_old_one
    a_reference_beyond_the_history_is_corrupt
    nothing_of_another_stream_shows
    all_of_the_window_stays_in_reach
    a_final_block_ends_the_stream_at_a_byte_boundary
    an_inflater_that_failed_begins_again
}

fn any_conversation_comes_through_within_its_window(backend: Backend) {
    let conversations = several((contexts(), messages()), 1..8);
    proptest!(cases(48), |(level in 0..=9_u8, bits in 8..=15_u8, conversation in conversations)| {
        let mut compressor = backend().compressor(level, bits);
        let mut others = inflaters();
        let mut judge = Judge::new(bits);
        let mut history = Vec::new();
        for other in &mut others {
            other.begin([&[], &[]]);
        }
        for (context, message) in conversation {
            let window = match context {
                Context::Kept => None,
                Context::Reset => Some([&[][..], &[]]),
                Context::Primed(cut) => Some(window(&history, bits, cut)),
            };
            if let Some(window) = window {
                match context {
                    Context::Kept | Context::Reset => compressor.reset(),
                    Context::Primed(_) => compressor.prime(window),
                }
                judge.forget();
                judge.remember(&window.concat());
                for other in &mut others {
                    other.begin(window);
                }
            }
            let plain = message.bytes();
            let deflated = compressed(&mut *compressor, &plain);
            prop_assert!(judge.message(&deflated).as_ref() == Ok(&plain));
            for other in &mut others {
                prop_assert!(inflated(&mut **other, &deflated, 4096).as_ref() == Ok(&plain));
            }
            history.extend(plain);
        }
    });
}

fn any_cuts_of_input_and_output_inflate_the_same(backend: Backend) {
    let cuts = several(any::<Index>(), 0..20);
    proptest!(cases(48), |(level in 0..=9_u8, message in messages(), cuts in cuts, step in 1..300_usize)| {
        let plain = message.bytes();
        let deflated = compressed(&mut *backend().compressor(level, 15), &plain);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(deflated.len())).collect();
        cuts.sort_unstable();
        cuts.push(deflated.len());
        let mut inflater = begun(backend);
        let (mut whole, mut from) = (Vec::new(), 0);
        for to in cuts {
            whole.extend(inflated(&mut *inflater, &deflated[from..to], step).unwrap());
            from = to;
        }
        prop_assert!(whole == plain);
    });
}

fn noise_is_no_panic(backend: Backend) {
    proptest!(cases(1000), |(input in several(any::<u8>(), 0..400))| {
        let mut inflater = backend().inflater();
        inflater.begin([b"a history of sorts", &[]]);
        let _ = inflated(&mut *inflater, &input, 4096);
    });
}

fn flipped_bits_are_corrupt_or_harmless(backend: Backend) {
    let flips = several(any::<Index>(), 1..4);
    proptest!(cases(100), |(message in messages(), flips in flips)| {
        let mut deflated = compressed(&mut *backend().compressor(6, 15), &message.bytes());
        for flip in flips {
            let bit = flip.index(deflated.len() * 8);
            deflated[bit / 8] ^= 1 << (bit % 8);
        }
        let ours = inflated(&mut *begun(backend), &deflated, 4096);
        match Judge::new(15).message(&deflated) {
            Ok(plain) => prop_assert!(ours.as_ref() == Ok(&plain)),
            // No backend checks whether a message ends inside a block, and not each checks whether a Huffman
            // code is complete.
            Err(Fault::Truncated | Fault::CodeLengths) => {}
            Err(_) => prop_assert!(ours.is_err()),
        }
    });
}

fn the_same_comes_out_before_a_fault_however_it_is_cut(backend: Backend) {
    let flip = (any::<Index>(), 0..8_u32);
    proptest!(cases(100), |(message in messages(), (at, bit) in flip, step in 1..600_usize)| {
        let mut deflated = compressed(&mut *backend().compressor(6, 15), &message.bytes());
        let at = at.index(deflated.len());
        deflated[at] ^= 1 << bit;
        let at_once = inflated(&mut *begun(backend), &deflated, 64 << 10);
        prop_assert!(inflated_in_pieces(&mut *begun(backend), &deflated, step) == at_once);
    });
}

fn one_byte_at_a_time_inflates_the_same(backend: Backend) {
    let plain = json(5_000);
    let deflated = compressed(&mut *backend().compressor(6, 15), &plain);
    let whole = inflated_in_pieces(&mut *begun(backend), &deflated, 1);
    assert!(whole == Ok(plain));
}

fn output_may_have_no_room(backend: Backend) {
    let deflated = compressed(&mut *backend().compressor(1, 15), b"room");
    let mut inflater = begun(backend);
    let nothing = inflater.inflate(&deflated, &mut []).unwrap();
    assert_eq!((nothing.written, nothing.ended), (0, false));
    let rest = inflated(&mut *inflater, &deflated[nothing.read..], 9);
    assert_eq!(rest.as_deref(), Ok(&b"room"[..]));
}

fn an_empty_message_is_one_byte_and_the_tail(backend: Backend) {
    for level in 0..=9 {
        let mut compressor = backend().compressor(level, 15);
        for message in [&b""[..], b"", b"not empty", b"", b""] {
            let deflated = compressed(&mut *compressor, message);
            let is_one_byte = deflated == [0x00, 0x00, 0x00, 0xff, 0xff];
            assert_eq!(is_one_byte, message.is_empty());
        }
    }
}

fn later_messages_refer_to_earlier_ones(backend: Backend) {
    let plain = &json(100)[..];
    for bits in 8..=15 {
        for level in 1..=9 {
            let mut compressor = backend().compressor(level, bits);
            let alone = compressed(&mut *compressor, plain).len();
            let after_itself = compressed(&mut *compressor, plain).len();
            assert!(after_itself < alone / 2, "{bits} bits, level {level}");

            compressor.reset();
            let after_reset = compressed(&mut *compressor, plain).len();
            assert!(after_reset > alone / 2, "{bits} bits, level {level}");

            // A history as large as the window must not crowd out the useful part of it.
            let older = noise((1 << bits) - plain.len());
            for older in [&[][..], &older] {
                compressor.prime([older, plain]);
                let primed = compressed(&mut *compressor, plain).len();
                assert!(primed < alone / 2, "{bits} bits, level {level}");
            }
        }
    }
}

fn a_small_window_is_used_but_never_exceeded(backend: Backend) {
    let plain = json(100_000);
    for bits in 8..=15 {
        for level in [1, 2, 6, 9] {
            let mut compressor = backend().compressor(level, bits);
            let mut judge = Judge::new(bits);
            let mut rest = &plain[..];
            for len in [1, 700, 90, 3_000, 20, 9_000].into_iter().cycle() {
                let (message, after) = rest.split_at(rest.len().min(len));
                let deflated = compressed(&mut *compressor, message);
                assert!(judge.message(&deflated).as_deref() == Ok(message));
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            // zlib uses 250 bytes of 512.
            let used = 1 << (bits - 2)..=1 << bits;
            let farthest = judge.farthest();
            assert!(
                used.contains(&farthest),
                "{bits} bits, level {level}: {farthest}"
            );
        }
    }
}

fn the_judge_rejects_what_a_larger_window_allows(backend: Backend) {
    let plain = json(40_000);
    let deflated = compressed(&mut *backend().compressor(6, 15), &plain);
    for bits in 8..15 {
        let Err(Fault::BeyondWindow { distance }) = Judge::new(bits).message(&deflated) else {
            panic!("no objection at {bits} bits");
        };
        assert!(distance > 1 << bits);
    }
    assert!(Judge::new(15).message(&deflated).as_ref() == Ok(&plain));
}

fn a_new_stream_does_not_refer_to_the_old_one(backend: Backend) {
    let secret = json(40_000);
    for level in 1..=9 {
        let mut compressor = backend().compressor(level, 15);
        compressed(&mut *compressor, &secret);
        compressor.reset();
        let again = compressed(&mut *compressor, &secret);
        assert!(Judge::new(15).message(&again).as_ref() == Ok(&secret));

        compressor.prime([&secret[..10], &secret[10..20]]);
        let primed = compressed(&mut *compressor, &secret);
        let mut judge = Judge::new(15);
        judge.remember(&secret[..20]);
        assert!(judge.message(&primed).as_ref() == Ok(&secret));
    }
}

fn a_reference_beyond_the_history_is_corrupt(backend: Backend) {
    let history = vec![b'x'; 32 << 10];
    let mut inflater = backend().inflater();
    for distance in [1, 257, 16_385, 32_768] {
        let deflated = reference(distance);
        for cut in [0, 1, distance / 2, distance - 1, distance] {
            inflater.begin([&history[..cut], &history[..distance - cut]]);
            let referred = inflated(&mut *inflater, &deflated, 64);
            assert_eq!(referred.as_deref(), Ok(&b"xxx"[..]), "{distance}");

            inflater.begin([&history[..distance - 1], &[]]);
            let referred = inflated(&mut *inflater, &deflated, 64);
            assert_eq!(referred, Err(Vec::new()), "{distance}");
        }
    }
}

fn nothing_of_another_stream_shows(backend: Backend) {
    let secret = noise(100_000);
    let stored = compressed(&mut *backend().compressor(0, 15), &secret);
    let mut inflater = backend().inflater();
    for distance in [1, 257, 16_385, 32_768] {
        inflater.begin([&[], &[]]);
        assert!(inflated(&mut *inflater, &stored, 4096).as_ref() == Ok(&secret));
        inflater.begin([&[], &[]]);
        let referred = inflated(&mut *inflater, &reference(distance), 64);
        assert_eq!(referred, Err(Vec::new()), "{distance}");
    }
}

fn all_of_the_window_stays_in_reach(backend: Backend) {
    let plain = noise(200_000);
    let stored = compressed(&mut *backend().compressor(0, 15), &plain);
    for step in [100, 4_096, 100_000] {
        let mut inflater = begun(backend);
        assert!(inflated(&mut *inflater, &stored, step).as_ref() == Ok(&plain));
        let farthest = inflated(&mut *inflater, &reference(32_768), step).unwrap();
        assert_eq!(farthest, plain[plain.len() - 32_768..][..3]);
    }
}

fn a_final_block_ends_the_stream_at_a_byte_boundary(backend: Backend) {
    // RFC 7692 7.2.3.4: "Hello" in a final block, then the first byte of an empty block.
    let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let mut inflater = begun(backend);
    let mut out = [0; 64];
    let first = Inflated {
        read: 7,
        written: 5,
        ended: true,
    };
    assert_eq!(inflater.inflate(&hello, &mut out), Ok(first));

    // 7.2.3.2: "Hello" once more, as a reference to the first.
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let rest = [&hello[7..], &TAIL, &again, &TAIL].concat();
    inflater.begin([&out[..5], &[]]);
    let inflated = inflated(&mut *inflater, &rest, 64);
    assert_eq!(inflated.as_deref(), Ok(&b"Hello"[..]));

    let judged = Judge::new(15).message(&[&hello[..7], &rest].concat());
    assert_eq!(judged.as_deref(), Ok(&b"HelloHello"[..]));
}

fn an_inflater_that_failed_begins_again(backend: Backend) {
    let reserved_block = [0x07];
    let mut inflater = begun(backend);
    for _ in 0..2 {
        let failed = inflater.inflate(&reserved_block, &mut [0; 9]);
        assert_eq!(failed, Err(Corrupt { written: 0 }));
    }
    inflater.begin([&[], &[]]);
    let deflated = compressed(&mut *backend().compressor(6, 12), b"fine");
    let inflated = inflated(&mut *inflater, &deflated, 9);
    assert_eq!(inflated.as_deref(), Ok(&b"fine"[..]));
}

/// The settings of a property with `cases` cases and no file of past failures.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

/// The treatment of the compression context before a message.
#[derive(Debug, Clone, Copy)]
enum Context {
    /// The context is taken over.
    Kept,
    /// The context is reset.
    Reset,
    /// A new stream is primed with the window, split in two here.
    Primed(Index),
}

fn contexts() -> impl Strategy<Value = Context> {
    prop_oneof![
        4 => Just(Context::Kept),
        1 => Just(Context::Reset),
        1 => any::<Index>().prop_map(Context::Primed),
    ]
}

/// The last `2^bits` bytes of `history`, in two slices.
fn window(history: &[u8], bits: u8, cut: Index) -> [&[u8]; 2] {
    let last = &history[history.len().saturating_sub(1 << bits)..];
    let (older, newer) = last.split_at(cut.index(last.len() + 1));
    [older, newer]
}

/// Compresses `message`, and checks the properties that hold for every message.
fn compressed(compressor: &mut dyn Compressor, message: &[u8]) -> Vec<u8> {
    let before = [0xaa; 3];
    let mut out = before.to_vec();
    compressor.compress(message, &mut out);
    let (kept, deflated) = out.split_at(before.len());
    assert_eq!(kept, before);
    assert!(deflated.ends_with(&TAIL));
    deflated.to_vec()
}

/// Inflates all of `input`, `step` bytes of output at a time. On an error, returns the output before it.
fn inflated(inflater: &mut dyn Inflater, input: &[u8], step: usize) -> Result<Vec<u8>, Vec<u8>> {
    let mut whole = Vec::new();
    match inflate_onto(&mut whole, inflater, input, step) {
        Ok(()) => Ok(whole),
        Err(Corrupt { .. }) => Err(whole),
    }
}

/// As [`inflated`], with input in pieces of `step` bytes as well.
fn inflated_in_pieces(
    inflater: &mut dyn Inflater,
    input: &[u8],
    step: usize,
) -> Result<Vec<u8>, Vec<u8>> {
    let mut whole = Vec::new();
    for piece in input.chunks(step) {
        if inflate_onto(&mut whole, inflater, piece, step).is_err() {
            return Err(whole);
        }
    }
    Ok(whole)
}

/// Inflates all of `input` and appends the output to `whole`, which holds the earlier output of the stream.
fn inflate_onto(
    whole: &mut Vec<u8>,
    inflater: &mut dyn Inflater,
    mut input: &[u8],
    step: usize,
) -> Result<(), Corrupt> {
    let mut out = vec![0; step];
    loop {
        let result = inflater.inflate(input, &mut out);
        let (Ok(Inflated { written, .. }) | Err(Corrupt { written })) = result;
        whole.extend_from_slice(&out[..written]);
        let Inflated { read, ended, .. } = result?;
        input = &input[read..];
        if ended {
            inflater.begin([&whole[whole.len().saturating_sub(32 << 10)..], &[]]);
        } else if written < step {
            assert!(input.is_empty(), "there was room");
            return Ok(());
        }
    }
}

/// Returns an inflater that has begun a stream without a history.
fn begun(backend: Backend) -> Box<dyn Inflater> {
    let mut inflater = backend().inflater();
    inflater.begin([&[], &[]]);
    inflater
}

/// Returns an inflater of every backend.
fn inflaters() -> Vec<Box<dyn Inflater>> {
    vec![
        #[cfg(feature = "deflate")]
        Miniz.inflater(),
        #[cfg(feature = "zlib-rs")]
        ZlibRs::default().inflater(),
    ]
}
