//! Compression of messages (RFC 7692 7.2), by a library that none of this project's crates uses for it by default.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::{case::Role, extension::Agreed};

/// Both directions of a connection on which permessage-deflate was agreed.
#[derive(Debug)]
pub struct Codec {
    compress: Compress,
    compress_afresh: bool,
    decompress: Decompress,
    decompress_afresh: bool,
}

/// A message that does not inflate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt;

/// The four octets that end a flushed block, and that do not travel (RFC 7692 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

impl Codec {
    /// Makes the codec of an end: `role` is that of the suite.
    #[must_use]
    pub fn new(role: Role, agreed: Agreed, level: u32) -> Self {
        let (ours, theirs) = (agreed.of(role), agreed.of(role.other()));
        // The library has no window of 8 bits; one of 9 bits is only right if nothing reaches far
        // back, and the cases which agree on 8 see to that.
        let bits = ours.max_window_bits.max(9);
        Self {
            compress: Compress::new_with_window_bits(Compression::new(level), false, bits),
            compress_afresh: ours.no_context_takeover,
            decompress: Decompress::new_with_window_bits(false, theirs.max_window_bits.max(9)),
            decompress_afresh: theirs.no_context_takeover,
        }
    }

    /// Compresses a message.
    pub fn compress(&mut self, message: &[u8]) -> Vec<u8> {
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
    pub fn decompress(&mut self, message: &[u8]) -> Result<Vec<u8>, Corrupt> {
        let mut out = Vec::with_capacity(message.len() * 3 + 64);
        for part in [message, &TAIL] {
            let before = self.decompress.total_in();
            loop {
                let read = (self.decompress.total_in() - before) as usize;
                out.reserve(out.capacity().min(1 << 20));
                let status = self
                    .decompress
                    .decompress_vec(&part[read..], &mut out, FlushDecompress::Sync)
                    .map_err(|_| Corrupt)?;
                if status == Status::StreamEnd {
                    // 7.2.3.4: a final block is allowed; what follows begins another stream.
                    self.decompress.reset(false);
                    break;
                }
                let read = (self.decompress.total_in() - before) as usize;
                if read == part.len() && out.len() < out.capacity() {
                    break;
                }
            }
        }
        if self.decompress_afresh {
            self.decompress.reset(false);
        }
        Ok(out)
    }
}

/// What was agreed on for one direction.
struct Direction {
    no_context_takeover: bool,
    max_window_bits: u8,
}

impl Agreed {
    /// For what an end of that role compresses.
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
