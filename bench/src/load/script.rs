//! The byte stream that every connection sends: frames that were masked and laid out before the first
//! connection opened, and that are repeated.
//!
//! A position is a number of messages or bytes from the start of a connection. Its place in the
//! repeated memory is computed, so a connection stores only two numbers.

use rand_chacha::{
    ChaCha12Rng,
    rand_core::{Rng, SeedableRng},
};

use wsproto::{Compression, Env};

use super::plan::{Content, Sizes};
use crate::{
    in_memory::{Role, compressed::Ends, ours::Seeded, wire::write_frame},
    json::Corpus,
    opening::Echo,
    payload,
};

/// Number of frames: enough for long writes, few enough to stay in the caches.
const BYTES: usize = 128 << 10;
const FRAMES_MAX: usize = 1024;

/// The frames.
#[derive(Debug)]
pub(super) struct Script {
    /// All frames, concatenated.
    bytes: Vec<u8>,
    frames: Vec<Frame>,
    /// Number of leading frames that are sent only once.
    lead: usize,
    /// All payloads, concatenated and unmasked.
    plain: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Position in `bytes`.
    start: usize,
    header_len: usize,
    /// Payload length in `bytes`.
    wire_len: usize,
    /// Position in `plain`.
    payload: usize,
    len: usize,
}

impl Script {
    pub(super) fn new(sizes: &Sizes, content: Content) -> Self {
        let mut numbers = ChaCha12Rng::from_seed([5; 32]);
        let mut payloads = Payloads::new(sizes, content);
        let mut script = Self {
            bytes: Vec::new(),
            frames: Vec::new(),
            lead: 0,
            plain: Vec::new(),
        };
        while script.bytes.len() < BYTES && script.frames.len() < FRAMES_MAX {
            for index in order(sizes, &mut numbers) {
                script.push(content, &payloads.next(index, &mut numbers), &mut numbers);
            }
        }
        script
    }

    fn push(&mut self, content: Content, payload: &[u8], numbers: &mut impl Rng) {
        let start = self.bytes.len();
        let key = numbers.next_u32().to_ne_bytes();
        let kind = match content {
            Content::Binary => payload::Content::Binary,
            Content::Ascii | Content::Mixed | Content::Json => payload::Content::Mixed,
        };
        write_frame(&mut self.bytes, Role::Client, kind, payload, key);
        self.frames.push(Frame {
            start,
            header_len: self.bytes.len() - start - payload.len(),
            wire_len: payload.len(),
            payload: self.plain.len(),
            len: payload.len(),
        });
        self.plain.extend_from_slice(payload);
    }

    /// Creates the same messages as sent by a client with compression: first with an empty history,
    /// then with the history after all messages were sent. From then on the history is the same in each
    /// round, so those frames can be repeated.
    pub(super) fn compressed(&self, compression: Compression) -> Self {
        let mut env = Env::new(Seeded::new());
        let mut client = Ends::new(Role::Client, compression).open(&mut env);
        let mut script = Self {
            bytes: Vec::new(),
            frames: Vec::new(),
            lead: self.frames.len(),
            plain: self.plain.clone(),
        };
        for frame in self.frames.iter().chain(&self.frames) {
            let payload = &self.plain[frame.payload..][..frame.len];
            let queued = match str::from_utf8(payload) {
                Ok(text) if self.bytes[frame.start] & 0x0f == 0x1 => {
                    client.send_text(&mut env, text)
                }
                Ok(_) | Err(_) => client.send_binary(&mut env, payload),
            };
            queued.expect("an empty queue has room");
            let start = script.bytes.len();
            client.outgoing().for_each(|part| script.bytes.extend(part));
            client.sent(&mut env, script.bytes.len() - start);
            let header_len = match script.bytes[start + 1] & 0x7f {
                126 => 8,
                127 => 14,
                _ => 6,
            };
            script.frames.push(Frame {
                start,
                header_len,
                wire_len: script.bytes.len() - start - header_len,
                ..*frame
            });
        }
        script
    }

    /// Returns the number of frames before they are repeated.
    pub(super) const fn len(&self) -> usize {
        self.frames.len()
    }

    /// Returns the number of bytes before message `n`.
    pub(super) fn offset(&self, n: u64) -> u64 {
        let laps = n.saturating_sub(self.lead as u64) / (self.frames.len() - self.lead) as u64;
        self.frame(n).start as u64 + laps * (self.bytes.len() - self.repeated_from()) as u64
    }

    /// Returns the bytes from `offset` on, up to `end` or the end of the memory.
    pub(super) fn bytes(&self, offset: u64, end: u64) -> &[u8] {
        let again = self.repeated_from() as u64;
        let from = match offset.checked_sub(again) {
            None => offset,
            Some(repeated) => again + repeated % (self.bytes.len() as u64 - again),
        };
        let rest = &self.bytes[from as usize..];
        let n = usize::try_from(end - offset).map_or(rest.len(), |n| n.min(rest.len()));
        &rest[..n]
    }

    /// Returns the position of the repeated frames in the memory.
    fn repeated_from(&self) -> usize {
        self.frames[self.lead].start
    }

    /// Returns the payload length of message `n`.
    #[inline]
    pub(super) fn payload_len(&self, n: u64) -> usize {
        self.frame(n).len
    }

    /// Returns the expected payload of the answer to message `n`.
    pub(super) fn expected(&self, n: u64, echo: Echo) -> &[u8] {
        let frame = self.frame(n);
        match echo {
            Echo::Messages => &self.plain[frame.payload..][..frame.len],
            Echo::Bytes => &self.bytes[frame.start + frame.header_len..][..frame.wire_len],
        }
    }

    #[inline]
    fn frame(&self, n: u64) -> &Frame {
        let lead = self.lead as u64;
        let index = match n.checked_sub(lead) {
            None => n,
            Some(repeated) => lead + repeated % (self.frames.len() as u64 - lead),
        };
        &self.frames[index as usize]
    }
}

/// One round of a mix: the share of each message, in random order.
fn order(sizes: &Sizes, numbers: &mut impl Rng) -> Vec<usize> {
    let shares = sizes.shares().iter().enumerate();
    let mut order: Vec<usize> = shares
        .flat_map(|(i, share)| std::iter::repeat_n(i, share.weight as usize))
        .collect();
    for i in (1..order.len()).rev() {
        order.swap(i, numbers.next_u32() as usize % (i + 1));
    }
    order
}

/// The payloads of each share of a mix.
struct Payloads {
    shares: Vec<Share>,
}

enum Share {
    /// Random bytes, different each time.
    Random { len: usize },
    /// Prepared texts, in turn.
    Texts { texts: Vec<Vec<u8>>, next: usize },
}

impl Payloads {
    fn new(sizes: &Sizes, content: Content) -> Self {
        let text = |content: payload::Content, len| vec![content.bytes(len)];
        let shares = sizes.shares().iter().map(|share| {
            let texts = match content {
                Content::Binary => return Share::Random { len: share.len },
                Content::Ascii => text(payload::Content::Ascii, share.len),
                Content::Mixed => text(payload::Content::Mixed, share.len),
                Content::Json => documents(share.len),
            };
            Share::Texts { texts, next: 0 }
        });
        Self {
            shares: shares.collect(),
        }
    }

    fn next(&mut self, share: usize, numbers: &mut impl Rng) -> Vec<u8> {
        match &mut self.shares[share] {
            Share::Random { len } => {
                let mut bytes = vec![0; *len];
                numbers.fill_bytes(&mut bytes);
                bytes
            }
            Share::Texts { texts, next } => {
                let text = texts[*next % texts.len()].clone();
                *next += 1;
                text
            }
        }
    }
}

/// JSON documents; a number if the length is too short for a document.
fn documents(len: usize) -> Vec<Vec<u8>> {
    if len < 64 {
        return vec![vec![b'7'; len]];
    }
    let corpus = Corpus::new(len);
    let messages = corpus.messages().iter();
    messages.map(|text| text.clone().into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_all_frames_in_order_without_an_end() {
        let script = Script::new(&"16:3,300:1,70000:1".parse().unwrap(), Content::Binary);
        let laps = 3 * script.len() as u64;
        let end = script.offset(laps);
        let (mut bytes, mut at) = (Vec::new(), 0);
        while at < end {
            let part = script.bytes(at, end);
            bytes.extend_from_slice(part);
            at += part.len() as u64;
        }
        assert_eq!(bytes, script.bytes.repeat(3));
        for n in 0..laps {
            let frame = &bytes[script.offset(n) as usize..script.offset(n + 1) as usize];
            let masked = script.expected(n, Echo::Bytes);
            assert!(frame.ends_with(masked));
            let key = &frame[frame.len() - masked.len() - 4..][..4];
            let unmasked = masked.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b);
            assert!(unmasked.eq(script.expected(n, Echo::Messages).iter().copied()));
        }
    }

    #[test]
    fn compressed_frames_are_understood_lap_after_lap() {
        for takeover in [true, false] {
            let mut compression = Compression::default();
            compression.send_takeover = takeover;
            compression.threshold = 0;
            let plain = Script::new(&"600:3,5k:1".parse().unwrap(), Content::Json);
            let script = plain.compressed(compression);
            let mut mirrored = compression;
            mirrored.receive_takeover = takeover;
            let mut env = Env::new(Seeded::new());
            let mut server = Ends::new(Role::Server, mirrored).open(&mut env);
            let mut input = wsproto::Input::new(vec![0; 16 << 10]);
            for n in 0..4 * plain.len() as u64 {
                let (start, end) = (script.offset(n), script.offset(n + 1));
                let frame = script.bytes(start, end);
                assert_eq!(frame.len() as u64, end - start);
                // RFC 7692 6: RSV1 marks a compressed message.
                assert_eq!(frame[0], 0xc1);
                input.spare()[..frame.len()].copy_from_slice(frame);
                input.filled(frame.len());
                let event = server.next_event(&mut env, &mut input).unwrap();
                let Some(wsproto::Event::Text(text)) = event else {
                    panic!("{event:?} instead of message {n}");
                };
                assert_eq!(text.as_bytes(), plain.expected(n, Echo::Messages));
                assert_eq!(text.as_bytes(), script.expected(n, Echo::Messages));
            }
        }
    }

    #[test]
    fn a_mix_has_the_shares_it_should_have() {
        let script = Script::new(&"16:75,4k:25".parse().unwrap(), Content::Json);
        let short = (0..script.len() as u64)
            .filter(|&n| script.payload_len(n) == 16)
            .count();
        assert_eq!(short * 4, script.len() * 3);
    }

    #[test]
    fn text_is_text_of_its_length() {
        for content in [Content::Ascii, Content::Mixed, Content::Json] {
            for len in [0, 1, 16, 100, 4100] {
                let script = Script::new(&Sizes::one(len), content);
                let payload = script.expected(0, Echo::Messages);
                assert_eq!(payload.len(), len, "{content:?}");
                assert!(str::from_utf8(payload).is_ok(), "{content:?} {len}");
                // 5.6: text frames have the opcode 1.
                assert_eq!(script.bytes(0, 1), [0x81]);
            }
        }
    }
}
