//! The fast path for the usual frame: a complete, uncompressed, unfragmented message in the read buffer.

use super::{Backlog, Connection, Phase, Role};
use crate::{
    config::Delivery,
    env::Env,
    event::Kind,
    input::{Input, Span},
    wire::{
        frame::{FIN, MASK, Opcode},
        mask,
    },
};

impl Connection {
    /// Returns the next message if it lies whole in the input and nothing has to be done before it.
    ///
    /// `None` is inconclusive, and changes nothing: call [`advance`](Self::advance) to find out.
    #[inline(always)]
    pub(super) fn receive_whole<B: AsMut<[u8]>>(
        &mut self,
        env: &Env,
        input: &mut Input<B>,
    ) -> Option<(Kind, Span)> {
        let config = &*self.config;
        let usual = self.phase == Phase::Open
            && self.reassembly.is_between_messages()
            && self.partial.is_none()
            && self.notice.is_none()
            && self.backlog != Backlog::Drained
            && input.is_plain()
            && config.delivery == Delivery::Messages;
        if !usual {
            return None;
        }
        let bytes = input.unread();
        let masked = self.role == Role::Server;
        let max = config.max_frame.min(config.max_message);
        let whole = parse(bytes, masked, max)?;
        mask::apply(&mut bytes[whole.size..][..whole.len], whole.key);
        self.timers.byte_received(env.now());
        self.timers.last_message_at = env.now();
        Some((whole.kind, input.consume_plain(whole.size, whole.len)))
    }
}

/// An unfragmented message of which every byte has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WholeMessage {
    kind: Kind,
    key: [u8; 4],
    /// Length of the header in bytes.
    size: usize,
    /// Length of the payload in bytes.
    len: usize,
}

/// Parses the frame at the front of `bytes` if it is a complete, unfragmented, uncompressed and valid message
/// of at most `max` bytes. Everything else is left to [`frame::parse`](crate::wire::frame::parse).
#[inline(always)]
fn parse(bytes: &[u8], masked: bool, max: u64) -> Option<WholeMessage> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    const TEXT: u8 = FIN | Opcode::Text as u8;
    const BINARY: u8 = FIN | Opcode::Binary as u8;
    let kind = match *first {
        TEXT => Kind::Text,
        BINARY => Kind::Binary,
        _ => return None,
    };
    let short = if masked { second ^ MASK } else { *second };
    let (len, rest, size) = match short {
        0..=125 => (u64::from(short), rest, 2),
        126 => {
            let (len, rest) = rest.split_first_chunk()?;
            (u64::from(u16::from_be_bytes(*len)), rest, 4)
        }
        127 => {
            let (len, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*len), rest, 10)
        }
        // The mask bit is wrong for this role.
        128.. => return None,
    };
    let shortest = match size {
        2 => 0,
        4 => 126,
        _ => 1 << 16,
    };
    if len < shortest || len > max {
        return None;
    }
    let (key, rest, size) = if masked {
        let (key, rest) = rest.split_first_chunk()?;
        (*key, rest, size + 4)
    } else {
        (mask::NONE, rest, size)
    };
    let len = usize::try_from(len).ok()?;
    (len <= rest.len()).then_some(WholeMessage {
        kind,
        key,
        size,
        len,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::{self, Header, Rules};
    use proptest::prelude::*;

    const ANY: Rules = Rules {
        masked: false,
        compression: false,
        in_message: false,
        fragments_left: true,
        max_frame: u64::MAX,
        room: u64::MAX,
    };

    proptest! {
        /// Compares the fast path with `frame::parse`, which also tells violations apart.
        #[test]
        fn the_short_way_finds_what_the_long_way_finds(
            first in prop_oneof![4 => Just(0x81_u8), 4 => Just(0x82), 1 => any::<u8>()],
            second: u8,
            extended in prop_oneof![Just([0_u8; 6]), any::<[u8; 6]>()],
            rest in proptest::collection::vec(any::<u8>(), 0..300),
            masked: bool,
            max in prop_oneof![1 => 0_u64..200, 3 => Just(1 << 24)],
        ) {
            let bytes = [&[first, second][..], &extended, &rest].concat();
            let rules = Rules { masked, max_frame: max, room: max, ..ANY };
            let expected = match frame::parse(&bytes, &rules) {
                Ok(Some(Header { fin: true, compressed: false, opcode, len, key, size })) => {
                    let there = (bytes.len() - size) as u64 >= len;
                    opcode.kind().filter(|_| there).map(|kind| WholeMessage { kind, key, size, len: len as usize })
                }
                Ok(_) | Err(_) => None,
            };
            prop_assert_eq!(parse(&bytes, masked, max), expected);
        }
    }
}
