//! Compression of messages (RFC 7692 7.2), by a library that no other crate of this project uses by default, or
//! by a judge who enforces the window.

use std::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use reference::inflate::{Fault, Judge};

use crate::{
    case::Role,
    extension::{Agreed, Measure},
};

/// Both directions of a connection on which permessage-deflate was agreed.
#[derive(Debug)]
pub struct Codec {
    compress: Compress,
    compress_afresh: bool,
    inflate: Inflate,
    inflate_afresh: bool,
}

/// An inflater.
#[derive(Debug)]
enum Inflate {
    /// Fast, but does not notice references beyond the window if it still has the bytes.
    Library(Library),
    /// Slow and strict.
    Judge(Judge),
}

/// A stream of the library's. For it, a final block is the end; RFC 7692 7.2.3.4 has messages go on behind
/// it, and refer to what came before. That is rare, and left to the judge.
#[derive(Debug)]
struct Library {
    stream: Decompress,
    /// The bytes that a message may refer to.
    window: Vec<u8>,
}

/// Bytes of the largest window.
const WINDOW: usize = 1 << 15;

/// A message that does not inflate, and why, if it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt(pub Option<Fault>);

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message that does not inflate")?;
        match self.0 {
            Some(fault) => write!(f, ": {fault}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Corrupt {}

/// The four bytes that end a flushed block, and that do not travel (RFC 7692 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

impl Codec {
    /// Makes the codec of an end: `role` is that of the suite.
    #[must_use]
    pub fn new(role: Role, agreed: Agreed, level: u32, measure: Measure) -> Self {
        let (ours, theirs) = (agreed.of(role), agreed.of(role.other()));
        // The library has no window of 8 bits, but in one of 9 bits it reaches back 250 bytes at most.
        let bits = ours.max_window_bits.max(9);
        Self {
            compress: Compress::new_with_window_bits(Compression::new(level), false, bits),
            compress_afresh: ours.no_context_takeover,
            inflate: match measure {
                Measure::Autobahn => Inflate::Library(Library::new(theirs.max_window_bits)),
                Measure::Letter => Inflate::Judge(Judge::new(theirs.max_window_bits)),
            },
            inflate_afresh: theirs.no_context_takeover,
        }
    }

    /// Compresses a message.
    pub fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        if message.is_empty() {
            // 7.2.3.6: a block of nothing. A compressor that has just been flushed would write none.
            return vec![0];
        }
        let mut out = Vec::with_capacity(message.len() / 2 + 64);
        let before = self.compress.total_in();
        loop {
            let read = (self.compress.total_in() - before) as usize;
            out.reserve(message.len() / 4 + 64);
            // Only a buffer that is not filled shows that nothing is left inside.
            let status =
                self.compress
                    .compress_vec(&message[read..], &mut out, FlushCompress::Sync);
            debug_assert!(status.is_ok(), "compressing does not fail");
            let read = (self.compress.total_in() - before) as usize;
            if read == message.len() && out.len() < out.capacity() {
                break;
            }
        }
        out.truncate(out.len() - TAIL.len());
        if self.compress_afresh {
            self.compress.reset();
        }
        out
    }

    /// Inflates a message.
    ///
    /// # Errors
    ///
    /// If it is not what RFC 1951 describes, or reaches back beyond its window.
    pub fn inflate(&mut self, message: &[u8]) -> Result<Vec<u8>, Corrupt> {
        if let Inflate::Library(library) = &mut self.inflate {
            match library.message(message, self.inflate_afresh)? {
                Some(out) => return Ok(out),
                None => self.inflate = Inflate::Judge(library.replacement()),
            }
        }
        let Inflate::Judge(judge) = &mut self.inflate else {
            unreachable!("it was replaced");
        };
        if self.inflate_afresh {
            judge.forget();
        }
        let message = [message, &TAIL].concat();
        judge
            .message(&message)
            .map_err(|fault| Corrupt(Some(fault)))
    }
}

impl Library {
    fn new(bits: u8) -> Self {
        Self {
            stream: Decompress::new_with_window_bits(false, bits.max(9)),
            window: Vec::new(),
        }
    }

    /// Inflates a message; `None`: a block in it says that it is the last one.
    fn message(&mut self, message: &[u8], afresh: bool) -> Result<Option<Vec<u8>>, Corrupt> {
        let mut out = Vec::with_capacity(message.len() * 3 + 64);
        for part in [message, &TAIL] {
            let before = self.stream.total_in();
            loop {
                let read = (self.stream.total_in() - before) as usize;
                out.reserve(out.capacity().min(1 << 20));
                let status = self
                    .stream
                    .decompress_vec(&part[read..], &mut out, FlushDecompress::Sync)
                    .map_err(|_| Corrupt(None))?;
                if status == Status::StreamEnd {
                    return Ok(None);
                }
                let read = (self.stream.total_in() - before) as usize;
                if read == part.len() && out.len() < out.capacity() {
                    break;
                }
            }
        }
        if afresh {
            self.stream.reset(false);
        } else {
            let tail = out.len().saturating_sub(WINDOW);
            self.window.extend_from_slice(&out[tail..]);
            let older = self.window.len().saturating_sub(WINDOW);
            self.window.drain(..older);
        }
        Ok(Some(out))
    }

    /// A judge who goes on where the library was before a message.
    fn replacement(&self) -> Judge {
        let mut judge = Judge::new(15);
        judge.remember(&self.window);
        judge
    }
}

/// The parameters of one direction.
struct Direction {
    no_context_takeover: bool,
    max_window_bits: u8,
}

impl Agreed {
    /// The parameters of the direction in which an end of that role compresses.
    const fn of(self, role: Role) -> Direction {
        match role {
            Role::Client => Direction {
                no_context_takeover: self.client_no_context_takeover,
                max_window_bits: self.client_max_window_bits,
            },
            Role::Server => Direction {
                no_context_takeover: self.server_no_context_takeover,
                max_window_bits: self.server_max_window_bits,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{RECORDS, VERSE};

    fn agreed(bits: u8, no_context_takeover: bool) -> Agreed {
        Agreed {
            server_no_context_takeover: no_context_takeover,
            client_no_context_takeover: no_context_takeover,
            server_max_window_bits: bits,
            client_max_window_bits: bits,
        }
    }

    #[test]
    fn the_suite_keeps_to_every_window_and_understands_itself() {
        for bits in 8..=15 {
            for afresh in [false, true] {
                for level in [1, 6, 9] {
                    let agreed = agreed(bits, afresh);
                    let codec = |role, measure| Codec::new(role, agreed, level, measure);
                    let mut sender = codec(Role::Client, Measure::Autobahn);
                    let mut library = codec(Role::Server, Measure::Autobahn);
                    let mut judge = codec(Role::Server, Measure::Letter);
                    for message in [
                        RECORDS.window(0, 50_000),
                        b"",
                        VERSE.window(7, 3000),
                        VERSE.window(7, 3000),
                    ] {
                        let packed = sender.compress(message);
                        let expected = Ok(message.to_vec());
                        assert!(library.inflate(&packed) == expected);
                        assert!(judge.inflate(&packed) == expected, "{bits} {level}");
                    }
                }
            }
        }
    }

    #[test]
    fn messages_go_on_and_refer_back_behind_a_final_block() {
        for measure in [Measure::Autobahn, Measure::Letter] {
            let mut codec = Codec::new(Role::Server, agreed(15, false), 1, measure);
            let hello = |message: &[u8], codec: &mut Codec| {
                assert_eq!(codec.inflate(message), Ok(b"Hello".to_vec()), "{measure:?}");
            };
            // 7.2.3.1, 7.2.3.4 and 7.2.3.2, which refers to the message before.
            hello(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], &mut codec);
            hello(&[0xf2, 0x00, 0x11, 0x00, 0x00], &mut codec);
            hello(
                &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
                &mut codec,
            );
            hello(&[0xf2, 0x00, 0x11, 0x00, 0x00], &mut codec);
            hello(
                &[
                    0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
                ],
                &mut codec,
            );
        }
    }

    #[test]
    fn only_the_letter_forbids_references_beyond_the_window() {
        use reference::deflate::{Blocks, Token};
        let far = Token::Reference {
            len: 5,
            distance: 600,
        };
        let message = Blocks::new()
            .stored(&VERSE.bytes()[..600])
            .fixed(&[far])
            .message();
        let inflate =
            |measure| Codec::new(Role::Server, agreed(9, false), 1, measure).inflate(&message);
        assert!(inflate(Measure::Autobahn).is_ok());
        let fault = Fault::BeyondWindow { distance: 600 };
        assert_eq!(inflate(Measure::Letter), Err(Corrupt(Some(fault))));
    }
}
