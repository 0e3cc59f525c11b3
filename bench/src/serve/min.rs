//! The minimum of a WebSocket: every frame is unmasked and sent back piece by piece as it arrives,
//! without limits, checks or answers to control frames. A reference for the best possible result on the
//! same loop, not usable for anything else.

use super::event_loop::Answer;
use crate::{in_memory::minimum::mask, opening::Echo};

/// Echoes frames.
#[derive(Debug, Default)]
pub struct Min {
    /// Bytes to send back; one buffer serves all connections.
    out: Vec<u8>,
}

/// Parser state of a connection between two reads.
#[derive(Debug, Default)]
pub struct Frame {
    /// Bytes of an incomplete header.
    header: [u8; HEADER_MAX],
    have: u8,
    /// The masking key, rotated for the next payload byte.
    key: [u8; 4],
    /// Payload bytes still missing.
    left: u64,
}

/// Maximum length of a client's header: two bytes, an extended length of eight, and a key (RFC 6455
/// section 5.2).
const HEADER_MAX: usize = 14;

impl Answer for Min {
    const ECHO: Echo = Echo::Messages;
    type State = Frame;

    fn answer<'a>(&'a mut self, frame: &mut Frame, mut bytes: &'a [u8]) -> &'a [u8] {
        self.out.clear();
        loop {
            bytes = frame.echo_payload(bytes, &mut self.out);
            if bytes.is_empty() {
                return &self.out;
            }
            bytes = frame.echo_header(bytes, &mut self.out);
        }
    }
}

impl Frame {
    fn echo_payload<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let n = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let (payload, rest) = bytes.split_at(n);
        let start = out.len();
        out.extend_from_slice(payload);
        mask(&mut out[start..], self.key);
        self.key.rotate_left(n % 4);
        self.left -= n as u64;
        rest
    }

    /// Nothing is written until the header is complete.
    fn echo_header<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        if self.have == 0
            && let Some(header) = Header::read(bytes)
        {
            return self.begin(header, bytes, out);
        }
        let have = usize::from(self.have);
        let n = bytes.len().min(HEADER_MAX - have);
        self.header[have..have + n].copy_from_slice(&bytes[..n]);
        let Some(header) = Header::read(&self.header[..have + n]) else {
            self.have += n as u8;
            return &bytes[n..];
        };
        self.have = 0;
        let collected = self.header;
        self.begin(header, &collected, out);
        &bytes[header.len - have..]
    }

    fn begin<'a>(&mut self, header: Header, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        // 5.1: a server MUST NOT mask. The rest of the header, up to the key, is the same.
        out.extend_from_slice(&[bytes[0], bytes[1] & 0x7f]);
        out.extend_from_slice(&bytes[2..header.len - 4]);
        self.key = header.key;
        self.left = header.payload;
        &bytes[header.len..]
    }
}

/// A header of a client's frame.
#[derive(Debug, Clone, Copy)]
struct Header {
    len: usize,
    payload: u64,
    key: [u8; 4],
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (payload, len) = match bytes.get(1)? & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*bytes[2..].first_chunk()?)), 8),
            127 => (u64::from_be_bytes(*bytes[2..].first_chunk()?), 14),
            len => (u64::from(len), 6),
        };
        Some(Self {
            len,
            payload,
            key: *bytes.get(..len)?.last_chunk()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        in_memory::{Role, Source},
        payload::{Case, Content},
    };

    #[test]
    fn frames_come_back_unmasked_however_they_are_chopped() {
        for len in [0, 1, 16, 125, 126, 512, 0xffff, 0x1_0000] {
            let case = Case {
                content: Content::Binary,
                len,
            };
            let [sent, expected] = [Role::Client, Role::Server].map(|role| {
                let mut source = Source::new(role, case, 3);
                let mut bytes = vec![0; 3 * (len + 14)];
                let n = source.read(&mut bytes);
                bytes.truncate(n);
                bytes
            });
            for step in [1, 3, 7, 100, sent.len()] {
                let (mut min, mut frame) = (Min::default(), Frame::default());
                let echoed: Vec<u8> = sent
                    .chunks(step)
                    .flat_map(|part| min.answer(&mut frame, part).to_vec())
                    .collect();
                assert!(echoed == expected, "{len} bytes in steps of {step}");
            }
        }
    }
}
