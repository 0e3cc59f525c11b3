//! Payloads of any length: random bytes, and two kinds of text.

use std::fmt;

/// The payload lengths of the tables, in bytes.
const LENGTHS: [usize; 6] = [16, 125, 512, 4 << 10, 64 << 10, 1 << 20];

/// An additional length for text: that of the JSON document in a Go library's published figures.
const DOCUMENT: usize = 2263;

/// The contents of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Bytes without a pattern, in a binary message.
    Binary,
    /// Text of one byte per character.
    Ascii,
    /// Text of one to four bytes per character.
    Mixed,
}

impl Content {
    /// Returns `len` bytes of this content.
    #[must_use]
    pub fn bytes(self, len: usize) -> Vec<u8> {
        match self {
            Self::Binary => {
                let mut state = 0x9e37_79b9_u32;
                let next = || {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                };
                std::iter::repeat_with(next).take(len).collect()
            }
            Self::Ascii => text(
                r#"{"id": 4711, "name": "a plain word", "tags": [1, 2, 3]}, "#,
                len,
            ),
            Self::Mixed => text(
                "Grüße, κόσμε! 日本語のテキスト, plain words, naïve 🙂 ",
                len,
            ),
        }
    }

    /// Returns true if this content is sent as a text message.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self {
            Self::Binary => false,
            Self::Ascii | Self::Mixed => true,
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary",
            Self::Ascii => "ascii",
            Self::Mixed => "mixed",
        })
    }
}

/// The messages of one measurement: a row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Their contents.
    pub content: Content,
    /// Their length in bytes.
    pub len: usize,
}

impl Case {
    /// Returns all cells of a direction and role.
    pub fn all() -> impl Iterator<Item = Self> {
        [Content::Binary, Content::Ascii, Content::Mixed]
            .into_iter()
            .flat_map(|content| {
                let document = content.is_text().then_some(DOCUMENT);
                LENGTHS
                    .into_iter()
                    .chain(document)
                    .map(move |len| Self { content, len })
            })
    }

    /// Returns the payload.
    #[must_use]
    pub fn payload(self) -> Vec<u8> {
        self.content.bytes(self.len)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.content, self.len)
    }
}

/// `pattern` repeated, padded with spaces where the next character would not fit.
fn text(pattern: &str, len: usize) -> Vec<u8> {
    let mut text = String::with_capacity(len);
    for character in pattern.chars().cycle() {
        if text.len() + character.len_utf8() > len {
            break;
        }
        text.push(character);
    }
    let mut bytes = text.into_bytes();
    bytes.resize(len, b' ');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_met_and_text_is_text() {
        for content in [Content::Binary, Content::Ascii, Content::Mixed] {
            for len in [0, 1, 16, 125, DOCUMENT, 4096] {
                let bytes = content.bytes(len);
                assert_eq!(bytes.len(), len, "{content:?}");
                if content.is_text() {
                    assert!(str::from_utf8(&bytes).is_ok(), "{content:?} {len}");
                }
            }
        }
    }
}
