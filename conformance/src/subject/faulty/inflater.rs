//! Decompression of messages (RFC 7692 7.2.2), strict and slow, with the defects that concern its history.

use flate2::{Decompress, FlushDecompress};
use reference::inflate::Judge;

use super::Defect;
use crate::{case::Role, extension::Agreed};

/// The four bytes that end a flushed block and are not sent (RFC 7692 7.2.1).
pub(super) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Inflates the messages of the other end.
#[derive(Debug)]
pub(super) struct Inflater {
    judge: Judge,
    /// There is no context takeover.
    afresh: bool,
}

impl Inflater {
    /// Makes the one of an end with that role.
    pub(super) fn new(role: Role, agreed: Agreed) -> Self {
        let (bits, afresh) = match role {
            Role::Server => (
                agreed.client_max_window_bits,
                agreed.client_no_context_takeover,
            ),
            Role::Client => (
                agreed.server_max_window_bits,
                agreed.server_no_context_takeover,
            ),
        };
        Self {
            judge: Judge::new(bits),
            afresh,
        }
    }

    /// Adds bytes to the history that were never compressed, which is wrong.
    pub(super) fn remember(&mut self, bytes: &[u8]) {
        self.judge.remember(bytes);
    }

    /// Inflates a message; `None` if it is corrupt.
    pub(super) fn inflate(&mut self, message: &[u8], defect: Option<Defect>) -> Option<Vec<u8>> {
        if self.afresh || defect == Some(Defect::TakeoverForgotten) {
            self.judge.forget();
        }
        let message = [message, &TAIL].concat();
        if defect == Some(Defect::FinalBlockEnds) && message[0] & 1 == 1 {
            let mut out = Vec::with_capacity(1 << 16);
            let mut library = Decompress::new(false);
            let inflated = library.decompress_vec(&message, &mut out, FlushDecompress::Sync);
            self.judge.forget();
            return inflated.ok().map(|_| out);
        }
        self.judge.message(&message).ok()
    }
}
