//! The peer's byte stream: frames written in the simplest way, and read repeatedly.

use wsproto::Role;

use crate::payload::{Case, Content};

/// The sender's role: only a client masks (RFC 6455 section 5.3).
pub type Sender = Role;

/// A wire that repeats the same batch of frames.
///
/// Reading copies, as a kernel does, so every subject includes one copy into its own buffer.
#[derive(Debug, Clone)]
pub struct Source {
    bytes: Vec<u8>,
    at: usize,
    /// Messages per batch.
    pub messages: usize,
}

impl Source {
    /// Creates a batch of `messages` messages of one frame each, all with the same payload. Each
    /// message of a client has its own masking key.
    #[must_use]
    pub fn new(sender: Sender, case: Case, messages: usize) -> Self {
        let payload = case.payload();
        let mut bytes = Vec::new();
        for n in 0..messages as u32 {
            let key = (n + 1).wrapping_mul(0x9e37_79b9).to_be_bytes();
            write_frame(&mut bytes, sender, case.content, &payload, key);
        }
        Self {
            bytes,
            at: 0,
            messages,
        }
    }

    /// Creates a batch of `messages` messages from recorded bytes.
    #[must_use]
    pub const fn recorded(bytes: Vec<u8>, messages: usize) -> Self {
        Self {
            bytes,
            at: 0,
            messages,
        }
    }

    /// Fills the front of `buf`, at most to the end of a batch; returns the number of bytes.
    #[inline]
    pub fn read(&mut self, buf: &mut [u8]) -> usize {
        let bytes = self.peek(buf.len());
        let n = bytes.len();
        buf[..n].copy_from_slice(bytes);
        self.skip(n);
        n
    }

    /// Returns the next bytes: at most `max`, and at most to the end of a batch.
    #[must_use]
    #[inline]
    pub fn peek(&self, max: usize) -> &[u8] {
        let rest = &self.bytes[self.at..];
        &rest[..rest.len().min(max)]
    }

    /// Skips `n` bytes returned by [`peek`](Self::peek).
    #[inline]
    pub fn skip(&mut self, n: usize) {
        self.at += n;
        if self.at == self.bytes.len() {
            self.at = 0;
        }
    }
}

/// A literal implementation of RFC 6455 section 5.2.
pub(crate) fn write_frame(
    out: &mut Vec<u8>,
    sender: Sender,
    content: Content,
    payload: &[u8],
    key: [u8; 4],
) {
    out.push(if content.is_text() { 0x81 } else { 0x82 });
    let mask = match sender {
        Role::Client => 0x80,
        Role::Server => 0,
    };
    match payload.len() {
        len @ 0..126 => out.push(mask | len as u8),
        len @ 126..0x1_0000 => {
            out.push(mask | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(mask | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    match sender {
        Role::Client => {
            out.extend_from_slice(&key);
            out.extend(payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
        }
        Role::Server => out.extend_from_slice(payload),
    }
}
