//! The frame header (RFC 6455 5.2): strict parsing, byte by byte if need be, and encoding.

use alloc::vec::Vec;

use crate::{
    error::{Cause, Limit, Violation},
    event::Kind,
    wire::mask,
};

/// FIN: this is the last frame of its message.
pub(crate) const FIN: u8 = 0x80;
/// RSV1: the message is compressed, if permessage-deflate was negotiated (RFC 7692 6).
pub(crate) const RSV1: u8 = 0x40;
const RESERVED: u8 = 0x70;
pub(crate) const MASK: u8 = 0x80;
/// 5.5: maximum payload length of a control frame in bytes.
pub(crate) const MAX_CONTROL: usize = 125;
/// Maximum length of a header in bytes: two bytes, a 64-bit length and a masking key.
pub(crate) const MAX_HEADER: usize = 14;

/// The opcode of a frame (RFC 6455 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

impl Opcode {
    fn from_wire(first: u8) -> Result<Self, Violation> {
        Ok(match first & 0x0f {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            reserved => return Err(Violation::ReservedOpcode(reserved)),
        })
    }

    /// Returns the type of the message that the frame begins, if it begins one.
    pub(crate) const fn kind(self) -> Option<Kind> {
        match self {
            Self::Text => Some(Kind::Text),
            Self::Binary => Some(Kind::Binary),
            Self::Continuation | Self::Close | Self::Ping | Self::Pong => None,
        }
    }

    /// Returns true for a control frame. 5.5: their most significant bit is set.
    pub(crate) const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

impl Kind {
    /// Returns the opcode of a message's first frame.
    #[inline]
    pub(crate) const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

/// A parsed frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    /// True if RSV1 is set.
    pub(crate) compressed: bool,
    pub(crate) opcode: Opcode,
    /// Length of the payload in bytes.
    pub(crate) len: u64,
    /// The masking key; [`mask::NONE`] if the frame is not masked.
    pub(crate) key: [u8; 4],
    /// Length of the header in bytes.
    pub(crate) size: usize,
}

/// The rules that the next frame must follow, which depend on the state of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// True if the peer is a client, so that its frames must be masked. A server's must not be (RFC 6455
    /// 5.1).
    pub(crate) masked: bool,
    /// True if permessage-deflate was negotiated, so that RSV1 is allowed.
    pub(crate) compression: bool,
    /// True if a message is under way.
    pub(crate) in_message: bool,
    /// True if that message may have further fragments.
    pub(crate) fragments_left: bool,
    /// Maximum payload length of a data frame in bytes.
    pub(crate) max_frame: u64,
    /// Number of bytes by which the message may still grow.
    pub(crate) room: u64,
}

/// Parses the header at the front of `bytes`. Returns `None` if more bytes are needed.
///
/// A violation is reported as soon as a byte proves it, even if the header is incomplete.
#[inline]
pub(crate) fn parse(bytes: &[u8], rules: &Rules) -> Result<Option<Header>, Cause> {
    let [first, rest @ ..] = bytes else {
        return Ok(None);
    };
    let opcode = check_first(*first, rules)?;
    let [second, rest @ ..] = rest else {
        return Ok(None);
    };
    let masked = second & MASK != 0;
    if masked != rules.masked {
        // 5.1: a server must close on an unmasked frame, a client on a masked one.
        let violation = if masked {
            Violation::MaskPresent
        } else {
            Violation::MaskMissing
        };
        return Err(Cause::Violation(violation));
    }
    let short = second & !MASK;
    let (len, size) = if opcode.is_control() {
        if usize::from(short) > MAX_CONTROL {
            return Err(Cause::Violation(Violation::ControlTooLong));
        }
        if opcode == Opcode::Close && short == 1 {
            // 5.5.1: the body of a Close frame is empty, or begins with a code of two bytes.
            return Err(Cause::Violation(Violation::CloseTooShort));
        }
        (u64::from(short), 0)
    } else {
        let size = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some(len) = check_length(short, rest, size, rules)? else {
            return Ok(None);
        };
        (len, size)
    };
    let mut key = mask::NONE;
    let mut size = 2 + size;
    if masked {
        let Some(bytes) = bytes.get(size..size + 4) else {
            return Ok(None);
        };
        key.copy_from_slice(bytes);
        size += 4;
    }
    let (fin, compressed) = (first & FIN != 0, first & RSV1 != 0);
    Ok(Some(Header {
        fin,
        compressed,
        opcode,
        len,
        key,
        size,
    }))
}

/// Checks the first byte of a header.
#[inline]
fn check_first(first: u8, rules: &Rules) -> Result<Opcode, Cause> {
    let opcode = Opcode::from_wire(first);
    let reserved = first & RESERVED;
    if reserved != 0 {
        // RFC 7692 6.1: RSV1 is allowed only on the first frame of a message, and never on control frames.
        let starts = matches!(opcode, Ok(Opcode::Text | Opcode::Binary));
        if reserved != RSV1 || !rules.compression || !starts {
            return Err(Cause::Violation(Violation::ReservedBits));
        }
    }
    let opcode = opcode.map_err(Cause::Violation)?;
    let violation = match opcode {
        Opcode::Close | Opcode::Ping | Opcode::Pong if first & FIN == 0 => {
            Violation::ControlFragmented
        }
        Opcode::Continuation if !rules.in_message => Violation::ContinuationWithoutStart,
        Opcode::Continuation if !rules.fragments_left => {
            return Err(Cause::Limit(Limit::Fragments));
        }
        Opcode::Text | Opcode::Binary if rules.in_message => Violation::MessageInterrupted,
        Opcode::Continuation
        | Opcode::Text
        | Opcode::Binary
        | Opcode::Close
        | Opcode::Ping
        | Opcode::Pong => {
            return Ok(opcode);
        }
    };
    Err(Cause::Violation(violation))
}

/// Returns the length of a data frame, or `None` if more bytes are needed.
///
/// `short` is the 7-bit length. The extended length has `size` bytes, the first of which are at the front of
/// `bytes`, perhaps not all of them yet. Missing bytes are 0x00 for the lower bound and 0xff for the upper: a
/// partial length is refused only if every completion of it would be.
#[inline]
fn check_length(short: u8, bytes: &[u8], size: usize, rules: &Rules) -> Result<Option<u64>, Cause> {
    let known = bytes.len().min(size);
    let (least, most) = if size == 0 {
        (u64::from(short), u64::from(short))
    } else {
        let mut least = [0; 8];
        let mut most = [0; 8];
        most[8 - size..].fill(0xff);
        least[8 - size..][..known].copy_from_slice(&bytes[..known]);
        most[8 - size..][..known].copy_from_slice(&bytes[..known]);
        (u64::from_be_bytes(least), u64::from_be_bytes(most))
    };
    // 5.2: the most significant bit must be 0, and the minimal number of bytes must be used.
    if least >> 63 != 0 {
        return Err(Cause::Violation(Violation::LengthOutOfRange));
    }
    let shortest = match size {
        0 => 0,
        2 => 126,
        _ => 1 << 16,
    };
    if most < shortest {
        return Err(Cause::Violation(Violation::LengthNotMinimal));
    }
    if least > rules.max_frame.min(rules.room) {
        let limit = if rules.room < rules.max_frame {
            Limit::Message
        } else {
            Limit::Frame
        };
        return Err(Cause::Limit(limit));
    }
    Ok((known == size).then_some(least))
}

/// An encoded header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoded {
    bytes: [u8; Self::ROOM],
    len: usize,
}

impl Encoded {
    /// Number of bytes that [`append_to`](Self::append_to) writes before it truncates, whatever the length of
    /// the header.
    pub(crate) const ROOM: usize = size_of::<u128>();

    /// Encodes the header of a frame with a payload of `len` bytes, masked if there is a key.
    #[inline]
    pub(crate) fn new(first: u8, len: usize, key: Option<[u8; 4]>) -> Self {
        // 5.2: the minimal number of bytes must be used. The header is put together in a register, with the
        // first byte lowest.
        let (second, extended, mut size) = if len < 126 {
            (len as u8, 0, 2)
        } else if let Ok(len) = u16::try_from(len) {
            (126, u64::from(len.swap_bytes()), 4)
        } else {
            (127, (len as u64).swap_bytes(), 10)
        };
        let mut bytes = u128::from(first) | u128::from(second) << 8 | u128::from(extended) << 16;
        if let Some(key) = key {
            bytes |= u128::from(MASK) << 8 | u128::from(u32::from_le_bytes(key)) << (8 * size);
            size += 4;
        }
        Self {
            bytes: bytes.to_le_bytes(),
            len: size,
        }
    }

    /// Returns the bytes of the header.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Appends the header to `out`.
    #[inline]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.len;
        // A copy of fixed length compiles to two instructions, one of variable length to a call.
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }
}

/// Returns the length of a whole frame that we encoded, header included, from its first bytes.
pub(crate) fn own_len(bytes: &[u8]) -> usize {
    let second = bytes[1];
    let mut be = [0; 8];
    let (len, size) = match second & !MASK {
        126 => {
            be[6..].copy_from_slice(&bytes[2..4]);
            (u64::from_be_bytes(be) as usize, 4)
        }
        127 => {
            be.copy_from_slice(&bytes[2..10]);
            (u64::from_be_bytes(be) as usize, 10)
        }
        short => (usize::from(short), 2),
    };
    len + size + if second & MASK != 0 { 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Rules = Rules {
        masked: false,
        compression: false,
        in_message: false,
        fragments_left: true,
        max_frame: u64::MAX,
        room: u64::MAX,
    };

    /// Returns the number of bytes after which the front of `bytes` is refused, and the cause.
    fn refused(bytes: &[u8], rules: &Rules) -> Option<(usize, Cause)> {
        (0..=bytes.len()).find_map(|n| Some((n, parse(&bytes[..n], rules).err()?)))
    }

    #[test]
    fn every_violation_is_found_on_the_byte_that_proves_it() {
        let in_message = Rules {
            in_message: true,
            ..OPEN
        };
        let exhausted = Rules {
            fragments_left: false,
            ..in_message
        };
        let masked = Rules {
            masked: true,
            ..OPEN
        };
        let compression = Rules {
            compression: true,
            ..OPEN
        };
        let small = Rules {
            max_frame: 1000,
            room: 70_000,
            ..OPEN
        };
        let little = Rules {
            max_frame: 1000,
            room: 10,
            ..OPEN
        };
        use Violation::*;
        for (bytes, rules, proof, cause) in [
            (&[0xc1, 0][..], OPEN, 1, Cause::Violation(ReservedBits)),
            (&[0xa1, 0], OPEN, 1, Cause::Violation(ReservedBits)),
            (&[0x91, 0], compression, 1, Cause::Violation(ReservedBits)),
            (&[0xf1, 0], compression, 1, Cause::Violation(ReservedBits)),
            (&[0xc9, 0], compression, 1, Cause::Violation(ReservedBits)),
            (
                &[0xc0, 0],
                Rules {
                    compression: true,
                    ..in_message
                },
                1,
                Cause::Violation(ReservedBits),
            ),
            (&[0x83, 0], OPEN, 1, Cause::Violation(ReservedOpcode(3))),
            (&[0x8f, 0], OPEN, 1, Cause::Violation(ReservedOpcode(15))),
            (&[0x09, 0], OPEN, 1, Cause::Violation(ControlFragmented)),
            (
                &[0x80, 0],
                OPEN,
                1,
                Cause::Violation(ContinuationWithoutStart),
            ),
            (
                &[0x81, 0],
                in_message,
                1,
                Cause::Violation(MessageInterrupted),
            ),
            (&[0x80, 0], exhausted, 1, Cause::Limit(Limit::Fragments)),
            (&[0x81, 0x80], OPEN, 2, Cause::Violation(MaskPresent)),
            (&[0x81, 0x05], masked, 2, Cause::Violation(MaskMissing)),
            (
                &[0x89, 126, 0, 126],
                OPEN,
                2,
                Cause::Violation(ControlTooLong),
            ),
            (&[0x88, 127, 0], OPEN, 2, Cause::Violation(ControlTooLong)),
            (&[0x88, 1, 3], OPEN, 2, Cause::Violation(CloseTooShort)),
            (
                &[0x82, 126, 0, 125],
                OPEN,
                4,
                Cause::Violation(LengthNotMinimal),
            ),
            (
                &[0x82, 127, 0, 0, 0, 0, 0, 0, 1, 0],
                OPEN,
                8,
                Cause::Violation(LengthNotMinimal),
            ),
            (
                &[0x82, 127, 0x80, 0, 0, 0],
                OPEN,
                3,
                Cause::Violation(LengthOutOfRange),
            ),
            (&[0x82, 126, 4, 0], small, 3, Cause::Limit(Limit::Frame)),
            (&[0x82, 126, 3, 0xe9], small, 4, Cause::Limit(Limit::Frame)),
            (
                &[0x82, 127, 0, 0, 0, 1, 0],
                small,
                6,
                Cause::Limit(Limit::Frame),
            ),
            (&[0x82, 11], little, 2, Cause::Limit(Limit::Message)),
        ] {
            assert_eq!(refused(bytes, &rules), Some((proof, cause)), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for len in [0_usize, 1, 125, 126, 127, 65_535, 65_536, 1 << 40] {
            for key in [None, Some([1, 2, 3, 4])] {
                let encoded = Encoded::new(FIN | Opcode::Binary as u8, len, key);
                let (bytes, size) = (encoded.as_slice(), encoded.len());
                let rules = Rules {
                    masked: key.is_some(),
                    ..OPEN
                };
                for short in 0..size {
                    assert_eq!(parse(&bytes[..short], &rules), Ok(None));
                }
                let header = parse(&bytes[..size], &rules);
                let expected = Header {
                    fin: true,
                    compressed: false,
                    opcode: Opcode::Binary,
                    len: len as u64,
                    key: key.unwrap_or_default(),
                    size,
                };
                assert_eq!(header, Ok(Some(expected)));
                assert_eq!(own_len(bytes), size + len);
            }
        }
    }

    #[test]
    fn compression_allows_rsv1_on_the_first_frame_of_a_message() {
        let rules = Rules {
            compression: true,
            ..OPEN
        };
        let compressed: Vec<_> = [0xc1, 0x41, 0xc2]
            .map(|first| parse(&[first, 0], &rules).map(|h| h.map(|h| h.compressed)))
            .into();
        assert_eq!(compressed, [Ok(Some(true)), Ok(Some(true)), Ok(Some(true))]);
    }
}
