//! Incremental UTF-8 validation: each byte is checked once, and invalid text is found at the byte that proves
//! it.

use core::str;

/// The text is not UTF-8 (RFC 6455 8.1, RFC 3629).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotUtf8;

/// Below this length in bytes the standard library is as fast as the vector code, and has a lower fixed cost.
const SHORT: usize = 64;

/// Validates a whole text and returns it as `str`.
#[inline]
pub(crate) fn whole(bytes: &[u8]) -> Result<&str, NotUtf8> {
    if bytes.len() < SHORT {
        str::from_utf8(bytes).map_err(|_| NotUtf8)
    } else {
        simdutf8::basic::from_utf8(bytes).map_err(|_| NotUtf8)
    }
}

/// The start of a code point, carried over from one piece of a text to the next.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Carry {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Carry {
    /// Maximum number of bytes that are carried over.
    pub(crate) const MAX: usize = 3;

    /// Validates the next piece of a text, and passes the complete code points to `sink` in order.
    pub(crate) fn push(
        &mut self,
        mut piece: &[u8],
        mut sink: impl FnMut(&str),
    ) -> Result<(), NotUtf8> {
        if self.len > 0 {
            piece = self.complete(piece, &mut sink)?;
        }
        let (checked, tail) = piece.split_at(piece.len() - incomplete_tail(piece));
        let checked = whole(checked)?;
        if !checked.is_empty() {
            sink(checked);
        }
        if !tail.is_empty() {
            self.begin(tail)?;
        }
        Ok(())
    }

    /// Ends the text, which must not end inside a code point.
    pub(crate) fn finish(&mut self) -> Result<(), NotUtf8> {
        if core::mem::take(&mut self.len) == 0 {
            Ok(())
        } else {
            Err(NotUtf8)
        }
    }

    /// Completes the open code point with bytes of `piece`. Returns the rest of the piece.
    fn complete<'a>(
        &mut self,
        piece: &'a [u8],
        sink: &mut impl FnMut(&str),
    ) -> Result<&'a [u8], NotUtf8> {
        let mut open = [0; 4];
        let had = usize::from(self.len);
        open[..had].copy_from_slice(&self.bytes[..had]);
        for (taken, byte) in piece.iter().enumerate() {
            let len = had + taken + 1;
            open[len - 1] = *byte;
            match str::from_utf8(&open[..len]) {
                Ok(text) => {
                    self.len = 0;
                    sink(text);
                    return Ok(&piece[taken + 1..]);
                }
                // Still an incomplete code point, so at most three bytes.
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(NotUtf8),
            }
        }
        self.begin(&open[..had + piece.len()])?;
        Ok(&[])
    }

    /// Keeps the start of a code point, at most three bytes, or fails if no code point starts like this.
    fn begin(&mut self, tail: &[u8]) -> Result<(), NotUtf8> {
        match str::from_utf8(tail) {
            Err(error) if error.valid_up_to() == 0 && error.error_len().is_none() => {
                self.bytes[..tail.len()].copy_from_slice(tail);
                self.len = tail.len() as u8;
                Ok(())
            }
            Ok(_) | Err(_) => Err(NotUtf8),
        }
    }
}

/// Returns the number of bytes at the end of `piece` that belong to an incomplete code point.
fn incomplete_tail(piece: &[u8]) -> usize {
    for (back, byte) in piece.iter().rev().take(3).enumerate() {
        let width = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            0x00..=0x7f => 1,
        };
        return if width > back + 1 { back + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec::Vec};
    use proptest::prelude::*;

    /// Pushes `bytes` in pieces. Returns the text, or the number of bytes after which it was refused.
    fn in_pieces(bytes: &[u8], size: usize) -> Result<String, usize> {
        let (mut carry, mut text, mut seen) = (Carry::default(), String::new(), 0);
        for piece in bytes.chunks(size) {
            seen += piece.len();
            carry.push(piece, |s| text.push_str(s)).map_err(|_| seen)?;
        }
        carry.finish().map_err(|_| seen)?;
        Ok(text)
    }

    #[test]
    fn text_cut_inside_a_code_point_is_carried_over() {
        let text = "κόσμε €𤭢 \u{10ffff}";
        for size in 1..=text.len() {
            assert_eq!(in_pieces(text.as_bytes(), size).as_deref(), Ok(text));
        }
    }

    #[test]
    fn bad_text_is_refused_on_the_byte_that_proves_it() {
        for (bytes, proof) in [
            (&b"\xf4\x90\x80\x80"[..], 2), // beyond U+10FFFF
            (b"\xed\xa0\x80", 2),          // a surrogate
            (b"\xe0\x80\xaf", 2),          // overlong
            (b"\xc0\xaf", 1),
            (b"\xff", 1),
            (b"a\x80", 2),
            (b"\xe2\x82a", 3),
            (b"\xe2\x82", 2), // left open at the end
        ] {
            assert_eq!(in_pieces(bytes, 1), Err(proof), "{bytes:x?}");
        }
    }

    /// Generates bytes that are UTF-8 in large part, so that the relevant paths are taken.
    fn nearly_utf8() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            8 => any::<char>().prop_map(|c| String::from(c).into_bytes()),
            4 => "[a-z]{0,80}".prop_map(String::into_bytes),
            1 => proptest::collection::vec(any::<u8>(), 1..3),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(bytes in nearly_utf8(), size in 1_usize..40) {
            let expected = str::from_utf8(&bytes);
            prop_assert_eq!(whole(&bytes).ok(), expected.ok());
            let text = in_pieces(&bytes, size).ok();
            prop_assert_eq!(text.as_deref(), expected.ok());
        }

        #[test]
        fn fails_no_later_than_the_standard_library(bytes in nearly_utf8()) {
            let Err(error) = str::from_utf8(&bytes) else { return Ok(()) };
            let bad = in_pieces(&bytes, 1).unwrap_err();
            match error.error_len() {
                Some(len) => prop_assert!(bad <= error.valid_up_to() + len + 1),
                None => prop_assert_eq!(bad, bytes.len()),
            }
        }
    }
}
