//! Random streams of bytes from a peer: mostly valid, some with a flaw.

use proptest::{collection::vec, prelude::*, sample::Index};
use wsproto::Role;

use super::deflate::{self, Foreign};
use crate::{Frame, Length, Opcode, handshake::REQUEST};

/// A flaw in a stream.
#[derive(Debug, Clone)]
enum Flaw {
    Unmasked,
    Masked,
    Reserved(u8),
    Opcode(u8),
    Length(Length),
    Payload(Vec<u8>),
    Unfinished,
    Continued,
    BitFlip(u8),
    Cut,
    Inserted(Vec<u8>),
}

/// Bytes from a peer of that role after the opening handshake.
pub fn frames(sender: Role) -> impl Strategy<Value = Vec<u8>> {
    flawed_frames(vec(message(), 0..8), sender)
}

/// The same with some messages compressed, all by one deflater.
pub fn compressed_frames(sender: Role) -> impl Strategy<Value = Vec<u8>> {
    let compression = prop::option::weighted(0.7, (0_u8..=9, vec(any::<Index>(), 0..4)));
    let messages = vec((message(), compression, vec(control(), 0..2)), 0..8);
    let messages = messages.prop_map(|messages| {
        let mut foreign = Foreign::new(6);
        messages
            .into_iter()
            .map(|(frames, compression, controls)| match compression {
                Some((way, cuts)) if frames[0].opcode < 8 => {
                    compress(&mut foreign, &frames, way, &cuts, controls)
                }
                Some(_) | None => frames,
            })
            .collect()
    });
    flawed_frames(messages, sender)
}

/// A message compressed in one of several ways and cut into fragments.
fn compress(
    foreign: &mut Foreign,
    plain: &[Frame],
    way: u8,
    cuts: &[Index],
    controls: Vec<Frame>,
) -> Vec<Frame> {
    let data = plain.iter().filter(|frame| frame.opcode < 8);
    let payload: Vec<u8> = data.flat_map(|frame| frame.payload.clone()).collect();
    let message = match way {
        0 => Foreign::new(6).finished(&payload),
        1 => [Foreign::new(1).finished(&payload), vec![0]].concat(),
        2 => deflate::message(&payload),
        3 => Vec::new(),
        _ => foreign.message(&payload),
    };
    let mut lens: Vec<usize> = cuts
        .iter()
        .map(|cut| cut.index(message.len() + 1))
        .collect();
    lens.sort_unstable();
    let mut frames = deflate::frames(Opcode::Binary, &message, &lens);
    frames[0].opcode = plain[0].opcode;
    frames.splice(1..1, controls);
    frames
}

fn flawed_frames(
    messages: impl Strategy<Value = Vec<Vec<Frame>>>,
    sender: Role,
) -> impl Strategy<Value = Vec<u8>> {
    let flaws = prop_oneof![
        3 => Just(Vec::new()),
        2 => vec((any::<Index>(), any::<Index>(), flaw()), 1..3),
    ];
    (messages, any::<[u8; 4]>(), flaws).prop_map(move |(messages, key, flaws)| {
        let mut frames = messages.concat();
        for (i, frame) in frames.iter_mut().enumerate() {
            if sender == Role::Client {
                *frame = frame
                    .clone()
                    .masked(key.map(|byte| byte.wrapping_add(i as u8)));
            }
        }
        for (at, _, flaw) in &flaws {
            if !frames.is_empty() {
                let at = at.index(frames.len());
                flaw_frame(&mut frames[at], flaw);
            }
        }
        let mut bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        for (_, at, flaw) in &flaws {
            flaw_bytes(&mut bytes, *at, flaw);
        }
        bytes
    })
}

/// The frames of a message, with control frames in between, or a control frame alone.
fn message() -> impl Strategy<Value = Vec<Frame>> {
    let whole = prop_oneof![
        text().prop_map(|text| Frame::text(&text)),
        payload().prop_map(Frame::binary),
    ];
    let fragments = vec((payload(), vec(control(), 0..2)), 1..5);
    let fragmented = (whole.clone(), fragments).prop_map(|(whole, fragments)| {
        let last = fragments.len() - 1;
        let mut frames = vec![whole.unfinished()];
        for (i, (payload, controls)) in fragments.into_iter().enumerate() {
            frames.extend(controls);
            // Fragments of a text are made of one, too.
            let payload = if frames[0].opcode == Opcode::Text as u8 {
                payload.iter().map(|byte| byte & 0x7f).collect()
            } else {
                payload
            };
            let fragment = Frame::continuation(payload);
            frames.push(if i == last {
                fragment
            } else {
                fragment.unfinished()
            });
        }
        frames
    });
    let short_text = text().prop_map(|text| {
        // Perhaps inside its last character.
        let bytes = &text.as_bytes()[..text.len().saturating_sub(1)];
        vec![Frame::new(Opcode::Text, bytes)]
    });
    let cut_text = (text(), any::<Index>()).prop_map(|(text, at)| {
        let (start, end) = text.as_bytes().split_at(at.index(text.len() + 1));
        vec![
            Frame::new(Opcode::Text, start).unfinished(),
            Frame::continuation(end),
        ]
    });
    prop_oneof![
        8 => whole.prop_map(|frame| vec![frame]),
        3 => fragmented,
        3 => cut_text,
        1 => short_text,
        4 => control().prop_map(|frame| vec![frame]),
        1 => close().prop_map(|frame| vec![frame]),
    ]
}

fn control() -> impl Strategy<Value = Frame> {
    (any::<bool>(), vec(any::<u8>(), 0..126)).prop_map(|(ping, payload)| {
        if ping {
            Frame::ping(payload)
        } else {
            Frame::pong(payload)
        }
    })
}

fn close() -> impl Strategy<Value = Frame> {
    let codes = prop_oneof![Just(1000), 1000_u16..1016, 2990_u16..5010];
    prop_oneof![
        (codes, "[a-zé€]{0,40}").prop_map(|(code, reason)| Frame::close(code, &reason)),
        vec(any::<u8>(), 0..5).prop_map(|payload| Frame::new(Opcode::Close, payload)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z é€😀]{0,60}",
        2 => any::<String>(),
        1 => ("[aé€😀]{1,9}", 20_usize..200).prop_map(|(text, times)| text.repeat(times)),
    ]
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        16 => vec(any::<u8>(), 0..40),
        4 => vec(any::<u8>(), 120..132),
        2 => vec(any::<u8>(), 0..2000),
        1 => (any::<u8>(), 65_530_usize..65_545).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn flaw() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        Just(Flaw::Unmasked),
        Just(Flaw::Masked),
        (1_u8..8).prop_map(Flaw::Reserved),
        (0_u8..16).prop_map(Flaw::Opcode),
        prop_oneof![
            Just(Length::Two),
            Just(Length::Eight),
            any::<u64>().prop_map(Length::Declared),
            (0_u32..64).prop_map(|shift| Length::Declared(1 << shift)),
        ]
        .prop_map(Flaw::Length),
        vec(any::<u8>(), 0..300).prop_map(Flaw::Payload),
        Just(Flaw::Unfinished),
        Just(Flaw::Continued),
        (0_u8..8).prop_map(Flaw::BitFlip),
        Just(Flaw::Cut),
        vec(any::<u8>(), 1..20).prop_map(Flaw::Inserted),
    ]
}

fn flaw_frame(frame: &mut Frame, flaw: &Flaw) {
    match flaw {
        Flaw::Unmasked => frame.mask = None,
        Flaw::Masked => frame.mask = Some([1, 2, 3, 4]),
        Flaw::Reserved(bits) => frame.reserved = *bits,
        Flaw::Opcode(opcode) => frame.opcode = *opcode,
        Flaw::Length(length) => frame.length = *length,
        Flaw::Payload(payload) => frame.payload.clone_from(payload),
        Flaw::Unfinished => frame.fin = false,
        Flaw::Continued => frame.opcode = Opcode::Continuation as u8,
        Flaw::BitFlip(_) | Flaw::Cut | Flaw::Inserted(_) => {}
    }
}

fn flaw_bytes(bytes: &mut Vec<u8>, at: Index, flaw: &Flaw) {
    let at = at.index(bytes.len() + 1);
    match flaw {
        Flaw::BitFlip(bit) => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        Flaw::Cut => bytes.truncate(at),
        Flaw::Inserted(inserted) => drop(bytes.splice(at..at, inserted.iter().copied())),
        Flaw::Unmasked
        | Flaw::Masked
        | Flaw::Reserved(_)
        | Flaw::Opcode(_)
        | Flaw::Length(_)
        | Flaw::Payload(_)
        | Flaw::Unfinished
        | Flaw::Continued => {}
    }
}

/// Bytes from a client: a request, and frames behind it.
pub fn request_and_frames() -> impl Strategy<Value = Vec<u8>> {
    let request = REQUEST.replace("Connection: Upgrade", "Connection: keep-alive, Upgrade");
    let head = (vec(head_flaw(), 0..2), any::<Index>()).prop_map(move |(flaws, at)| {
        let mut lines: Vec<_> = request.split_inclusive('\n').map(str::to_owned).collect();
        for flaw in flaws {
            let at = at.index(lines.len());
            match flaw {
                HeadFlaw::Without => drop(lines.remove(at)),
                HeadFlaw::Twice => lines.insert(at, lines[at].clone()),
                HeadFlaw::Also(line) => lines.insert(at, line),
            }
        }
        lines.concat().into_bytes()
    });
    flawed_head_and_frames(head, Role::Client)
}

/// Bytes from a server: the response `agreement` or a refusal, and frames behind it.
pub fn response_and_frames(agreement: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let interim = Just(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec());
    let refusal = (
        prop_oneof![
            Just(""),
            Just("Content-Length: 7\r\n"),
            Just("Transfer-Encoding: chunked\r\n")
        ],
        prop_oneof![
            vec(any::<u8>(), 0..30),
            Just(b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n".to_vec()),
        ],
    )
        .prop_map(|(framing, body)| {
            let head = format!("HTTP/1.1 403 Forbidden\r\n{framing}\r\n");
            [head.as_bytes(), &body].concat()
        });
    let answer = prop_oneof![3 => Just(agreement), 2 => refusal];
    let head = (vec(interim, 0..3), answer)
        .prop_map(|(interims, answer)| [interims.concat(), answer].concat());
    flawed_head_and_frames(head, Role::Server)
}

#[derive(Debug, Clone)]
enum HeadFlaw {
    Without,
    Twice,
    Also(String),
}

fn head_flaw() -> impl Strategy<Value = HeadFlaw> {
    prop_oneof![
        Just(HeadFlaw::Without),
        Just(HeadFlaw::Twice),
        "[a-zA-Z-]{0,10}:? ?[ -~]{0,20}\r?\n".prop_map(HeadFlaw::Also),
    ]
}

fn flawed_head_and_frames(
    head: impl Strategy<Value = Vec<u8>>,
    sender: Role,
) -> impl Strategy<Value = Vec<u8>> {
    let flaw = prop_oneof![
        4 => Just(None),
        1 => (any::<Index>(), flaw()).prop_map(Some),
    ];
    (head, flaw, frames(sender)).prop_map(|(mut bytes, flaw, frames)| {
        if let Some((at, flaw)) = flaw {
            flaw_bytes(&mut bytes, at, &flaw);
        }
        bytes.extend(frames);
        bytes
    })
}
