//! Reads the answers: finds the ends of messages by their frame headers, and compares payloads with the
//! messages sent.

use super::{fault::Fault, script::Script};
use crate::opening::Echo;

/// 5.5: the maximum payload of a control frame.
const CONTROL_MAX: u64 = 125;

/// Expected payloads of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payloads {
    /// The payloads sent.
    Plain,
    /// Possibly compressed, of any length.
    Compressed,
}

/// Parser state of a connection between two reads.
#[derive(Debug)]
pub(super) struct Reader {
    echo: Echo,
    payloads: Payloads,
    /// Number of the next or current message.
    next: u64,
    /// Payload bytes of the current message received so far.
    have: usize,
    /// Payload bytes of the current frame still missing.
    left: u64,
    frame: Kind,
    /// True if a message has begun and its next frame has not.
    between_parts: bool,
    /// Bytes of an incomplete header.
    header: [u8; 14],
    header_have: u8,
    control: Vec<u8>,
}

/// The kind of the current frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of a message that continues.
    Part,
    /// Last part of a message.
    Last,
    Ping,
    Pong,
    Close,
}

/// The result of a read.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Messages completed.
    pub(super) messages: u32,
    /// Payload bytes of messages.
    pub(super) bytes: u64,
}

impl Reader {
    /// Creates a reader that expects message `next` and those after it.
    pub(super) const fn new(next: u64, echo: Echo, payloads: Payloads) -> Self {
        Self {
            echo,
            payloads,
            next,
            have: 0,
            left: 0,
            frame: Kind::Last,
            between_parts: false,
            header: [0; 14],
            header_have: 0,
            control: Vec::new(),
        }
    }

    /// Returns the number of the next or current message.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Consumes all of `bytes`. Messages from `end` on have not been sent. One payload in `sample` is
    /// compared. Calls `ping` with the payload of each ping.
    pub(super) fn take(
        &mut self,
        mut bytes: &[u8],
        script: &Script,
        end: u64,
        sample: u64,
        mut ping: impl FnMut(&[u8]),
    ) -> Result<Taken, Fault> {
        let mut taken = Taken::default();
        while !bytes.is_empty() {
            if self.left == 0 {
                bytes = self.begin(bytes, script, end)?;
                if self.header_have > 0 {
                    return Ok(taken);
                }
            }
            let n = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (payload, rest) = bytes.split_at(n);
            bytes = rest;
            self.left -= n as u64;
            match self.frame {
                Kind::Part | Kind::Last => {
                    if self.payloads == Payloads::Plain && self.next.is_multiple_of(sample) {
                        let expected = &script.expected(self.next, self.echo)[self.have..];
                        if !expected.starts_with(payload) {
                            return Err(Fault::WrongContent);
                        }
                    }
                    self.have += n;
                    taken.bytes += n as u64;
                    if self.left == 0 && self.frame == Kind::Last {
                        self.finish(script)?;
                        taken.messages += 1;
                    }
                }
                Kind::Ping | Kind::Pong | Kind::Close => {
                    self.control.extend_from_slice(payload);
                    if self.left == 0 {
                        self.control(&mut ping)?;
                    }
                }
            }
        }
        Ok(taken)
    }

    /// Parses a header. If it is incomplete, its bytes are kept and `header_have` is not 0.
    fn begin<'a>(&mut self, bytes: &'a [u8], script: &Script, end: u64) -> Result<&'a [u8], Fault> {
        if self.header_have == 0
            && let Some(header) = Header::read(bytes)
        {
            self.start(&header, script, end)?;
            return Ok(&bytes[header.len..]);
        }
        let have = usize::from(self.header_have);
        let n = bytes.len().min(self.header.len() - have);
        self.header[have..have + n].copy_from_slice(&bytes[..n]);
        let Some(header) = Header::read(&self.header[..have + n]) else {
            self.header_have += n as u8;
            return Ok(&bytes[n..]);
        };
        self.header_have = 0;
        self.start(&header, script, end)?;
        Ok(&bytes[header.len - have..])
    }

    fn start(&mut self, header: &Header, script: &Script, end: u64) -> Result<(), Fault> {
        // 5.1: a server MUST NOT mask; a masked frame has come back unchanged from a raw server.
        let masked = match self.echo {
            Echo::Messages => false,
            Echo::Bytes => true,
        };
        // RFC 7692 6: RSV1 of a compressed message is set.
        let reserved = match self.payloads {
            Payloads::Plain => 0x70,
            Payloads::Compressed => 0x30,
        };
        if header.masked != masked || header.first & reserved != 0 {
            return Err(Fault::BadFrame);
        }
        let end_of_message = if header.first & 0x80 == 0 {
            Kind::Part
        } else {
            Kind::Last
        };
        self.frame = match (header.first & 0x0f, self.between_parts) {
            (0x1 | 0x2, false) | (0x0, true) => end_of_message,
            (0x8, _) => Kind::Close,
            (0x9, _) => Kind::Ping,
            (0xa, _) => Kind::Pong,
            _ => return Err(Fault::BadFrame),
        };
        match self.frame {
            Kind::Part | Kind::Last => {
                let fits = match self.payloads {
                    Payloads::Plain => {
                        let missing = script.payload_len(self.next) - self.have;
                        header.payload <= missing as u64
                    }
                    Payloads::Compressed => true,
                };
                if self.next >= end || !fits {
                    return Err(Fault::WrongLength);
                }
                self.between_parts = self.frame == Kind::Part;
            }
            Kind::Ping | Kind::Pong | Kind::Close => {
                if header.payload > CONTROL_MAX {
                    return Err(Fault::BadFrame);
                }
            }
        }
        self.left = header.payload;
        Ok(())
    }

    fn finish(&mut self, script: &Script) -> Result<(), Fault> {
        if self.payloads == Payloads::Plain && self.have != script.payload_len(self.next) {
            return Err(Fault::WrongLength);
        }
        self.have = 0;
        self.next += 1;
        Ok(())
    }

    /// Handles a complete control frame.
    fn control(&mut self, ping: &mut impl FnMut(&[u8])) -> Result<(), Fault> {
        let payload = std::mem::take(&mut self.control);
        match self.frame {
            Kind::Close => {
                let code = payload
                    .first_chunk()
                    .map_or(1005, |code| u16::from_be_bytes(*code));
                return Err(Fault::Closed(code));
            }
            Kind::Ping => ping(&payload),
            Kind::Pong | Kind::Part | Kind::Last => {}
        }
        Ok(())
    }
}

/// A frame header (RFC 6455 section 5.2).
#[derive(Debug, Clone, Copy)]
struct Header {
    first: u8,
    masked: bool,
    payload: u64,
    /// Its length in bytes, including the masking key.
    len: usize,
}

impl Header {
    /// Returns `None` if the header is incomplete.
    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        let [first, second, rest @ ..] = bytes else {
            return None;
        };
        let (payload, len) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
            len => (u64::from(len), 2),
        };
        let masked = second & 0x80 != 0;
        let len = if masked { len + 4 } else { len };
        (bytes.len() >= len).then_some(Self {
            first: *first,
            masked,
            payload,
            len,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::plan::{Content, Sizes};

    fn script(sizes: &str) -> Script {
        Script::new(&sizes.parse::<Sizes>().unwrap(), Content::Binary)
    }

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            len @ 0..126 => bytes.push(len as u8),
            len => {
                bytes.push(126);
                bytes.extend((len as u16).to_be_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        bytes
    }

    fn take(bytes: &[u8], script: &Script) -> Result<u32, Fault> {
        let mut reader = Reader::new(0, Echo::Messages, Payloads::Plain);
        let taken = reader.take(bytes, script, 2, 1, |_| {})?;
        Ok(taken.messages)
    }

    #[test]
    fn messages_are_counted_however_they_are_chopped() {
        let script = script("0:1,5:1,130:1,70000:1");
        let masked = script.bytes(0, script.offset(script.len() as u64));
        for step in [1, 2, 5, 1000, masked.len()] {
            let mut reader = Reader::new(0, Echo::Bytes, Payloads::Plain);
            let mut messages = 0;
            for part in masked.chunks(step) {
                let taken = reader.take(part, &script, u64::MAX, 1, |_| {});
                messages += taken.unwrap().messages;
            }
            assert_eq!(messages as usize, script.len(), "in steps of {step}");
        }
    }

    #[test]
    fn parts_and_control_frames_between_them_make_one_message() {
        let script = script("300");
        let payload = script.expected(0, Echo::Messages);
        let bytes = [
            frame(0x02, &payload[..200]),
            frame(0x89, b"ping"),
            frame(0x8a, b""),
            frame(0x00, b""),
            frame(0x80, &payload[200..]),
        ]
        .concat();
        for step in [1, 10, bytes.len()] {
            let mut reader = Reader::new(0, Echo::Messages, Payloads::Plain);
            let (mut messages, mut pings) = (0, Vec::new());
            for part in bytes.chunks(step) {
                let ping = |payload: &[u8]| pings.push(payload.to_vec());
                messages += reader.take(part, &script, 1, 1, ping).unwrap().messages;
            }
            assert_eq!((messages, &pings[..]), (1, &[b"ping".to_vec()][..]));
        }
    }

    #[test]
    fn what_is_no_echo_is_told_from_one() {
        let script = script("16");
        let payload = script.expected(0, Echo::Messages);
        let mut other = payload.to_vec();
        other[15] ^= 1;
        let whole = frame(0x82, payload);
        for (bytes, fault) in [
            (frame(0x82, &other), Fault::WrongContent),
            (frame(0x82, &payload[..15]), Fault::WrongLength),
            (frame(0x82, &[payload, b"x"].concat()), Fault::WrongLength),
            (frame(0xc2, payload), Fault::BadFrame),
            (frame(0x80, payload), Fault::BadFrame),
            (frame(0x83, payload), Fault::BadFrame),
            (
                [frame(0x02, b""), frame(0x82, payload)].concat(),
                Fault::BadFrame,
            ),
            (frame(0x89, &[0; 126]), Fault::BadFrame),
            (frame(0x88, &[0x03, 0xe9]), Fault::Closed(1001)),
            (frame(0x88, &[]), Fault::Closed(1005)),
            (script.bytes(0, 22).to_vec(), Fault::BadFrame),
            (
                [
                    &whole[..],
                    &frame(0x82, script.expected(1, Echo::Messages)),
                    &whole,
                ]
                .concat(),
                Fault::WrongLength,
            ),
        ] {
            assert_eq!(take(&bytes, &script), Err(fault), "{bytes:x?}");
        }
        assert_eq!(take(&whole, &script), Ok(1));
    }
}
