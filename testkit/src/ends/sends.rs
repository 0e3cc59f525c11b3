//! Everything that a connection with compression can be made to send, and a judge of the frames that result.

use proptest::{collection::vec as several, prelude::*};
use reference::inflate::Judge;
use wsproto::{Compress, Kind, Prepared, Role};

use super::{End, Seen, deflate::json};
use crate::{Frame, Opcode};

/// Something that an end sends, and how.
#[derive(Debug, Clone)]
pub enum Send {
    /// A message of that many bytes of JSON, from that seed.
    Whole(Compress, usize, usize),
    /// A message of bytes that do not compress.
    Noise(Compress, Vec<u8>),
    /// A message in parts, each with its length and seed.
    Streamed(Compress, Vec<(usize, usize)>),
    /// A prepared message, compressed with that many window bits if there are any.
    Prepared(usize, usize, Option<u8>),
    /// A ping.
    Ping,
}

/// Anything that can be sent.
pub fn sends() -> impl Strategy<Value = Send> {
    let compress = || {
        prop_oneof![
            3 => Just(Compress::Auto),
            2 => Just(Compress::Always),
            1 => Just(Compress::Never),
        ]
    };
    let len = || prop_oneof![4 => 0_usize..400, 2 => 400_usize..5000, 1 => 20_000_usize..90_000];
    prop_oneof![
        5 => (compress(), len(), 0_usize..9)
            .prop_map(|(compress, len, seed)| Send::Whole(compress, len, seed)),
        2 => (compress(), several(any::<u8>(), 0..300))
            .prop_map(|(compress, data)| Send::Noise(compress, data)),
        2 => (compress(), several((len(), 0_usize..9), 0..4))
            .prop_map(|(compress, parts)| Send::Streamed(compress, parts)),
        2 => (len(), 0_usize..9, proptest::option::of(8_u8..=15))
            .prop_map(|(len, seed, bits)| Send::Prepared(len, seed, bits)),
        1 => Just(Send::Ping),
    ]
}

impl Send {
    /// Sends it, and returns what must arrive if it is a message.
    pub fn by(
        self,
        End {
            connection, env, ..
        }: &mut End,
    ) -> Option<Seen> {
        match self {
            Self::Whole(compress, len, seed) => {
                let text = json(len, seed);
                let sent = connection.send_compressed(env, Kind::Text, text.as_bytes(), compress);
                assert_eq!(sent, Ok(()));
                Some(Seen::text(&text))
            }
            Self::Noise(compress, data) => {
                let sent = connection.send_compressed(env, Kind::Binary, &data, compress);
                assert_eq!(sent, Ok(()));
                Some(Seen::binary(&data))
            }
            Self::Streamed(compress, parts) => {
                let started = connection.start_compressed(env, Kind::Binary, compress);
                assert_eq!(started, Ok(()));
                let mut all = String::new();
                let mut unfinished = true;
                for (i, (len, seed)) in parts.iter().enumerate() {
                    let part = json(*len, *seed);
                    all += &part;
                    // Some end with their last part, some behind it.
                    let ends = i + 1 == parts.len() && len % 2 == 0;
                    let sent = if ends {
                        connection.finish(env, part.as_bytes())
                    } else {
                        connection.write(env, part.as_bytes())
                    };
                    assert_eq!(sent, Ok(()));
                    unfinished &= !ends;
                }
                if unfinished {
                    assert_eq!(connection.finish(env, &[]), Ok(()));
                }
                Some(Seen::binary(all.as_bytes()))
            }
            Self::Prepared(len, seed, bits) => {
                let data = json(len, seed);
                let mut prepared = Prepared::binary(data.as_bytes());
                if let Some(bits) = bits {
                    prepared = prepared.compressed(env, 1, bits);
                }
                assert_eq!(connection.send_prepared(env, &prepared), Ok(()));
                Some(Seen::binary(data.as_bytes()))
            }
            Self::Ping => {
                let ping = b"{\"id\":1,\"name\":\"user-1\"} is in no window";
                assert_eq!(connection.send_ping(env, ping), Ok(()));
                None
            }
        }
    }
}

/// Reads the frames of an end by the letter of `agreed`, the server's answer, and returns the messages.
///
/// # Panics
/// If the frames break the agreement.
pub fn judged(frames: &[Frame], sender: Role, agreed: &str) -> Vec<Seen> {
    let name = if sender == Role::Client {
        "client"
    } else {
        "server"
    };
    let bits = agreed
        .split("; ")
        .find_map(|parameter| parameter.strip_prefix(&format!("{name}_max_window_bits=")))
        .map_or(15, |bits| bits.parse().unwrap());
    let takeover = !agreed.contains(&format!("{name}_no_context_takeover"));
    let mut judge = Judge::new(bits);
    let mut messages = Vec::new();
    let mut payload = Vec::new();
    let mut first = None;
    for frame in frames {
        assert_eq!(frame.mask.is_some(), sender == Role::Client);
        if frame.opcode >= 8 {
            assert_eq!((frame.reserved, frame.fin), (0, true));
            continue;
        }
        payload.extend_from_slice(&frame.payload);
        match first {
            None => first = Some((frame.opcode, frame.reserved)),
            Some(_) => assert_eq!((frame.opcode, frame.reserved), (0, 0)),
        }
        if !frame.fin {
            continue;
        }
        let (opcode, reserved) = first.take().expect("a message has a first frame");
        let mut message = std::mem::take(&mut payload);
        match reserved {
            0 => {}
            4 => {
                message.extend([0, 0, 0xff, 0xff]);
                if !takeover {
                    judge.forget();
                }
                message = judge
                    .message(&message)
                    .expect("it keeps to what was agreed");
            }
            other => panic!("reserved bits {other}"),
        }
        messages.push(if opcode == Opcode::Text as u8 {
            Seen::Text(String::from_utf8(message).unwrap())
        } else {
            Seen::binary(&message)
        });
    }
    messages
}
