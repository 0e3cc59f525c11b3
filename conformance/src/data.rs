//! The sets of data that the cases about compression send: as long as Autobahn's, as compressible, and
//! made by rules of their own.

mod bitmap;
mod dice;
mod document;
mod page;
mod records;
mod verse;

use std::{fmt, sync::OnceLock};

use crate::case::Kind;

/// Records in JSON, which compress to 4 %.
pub static RECORDS: Set = Set::new("records in JSON", Kind::Text, records::make);

/// A bitmap of 512 times 512 shades of grey, which compresses to 85 %.
pub static BITMAP: Set = Set::new("a grey bitmap", Kind::Binary, bitmap::make);

/// Verse with umlauts, sent as binary, which compresses to 39 %.
pub static VERSE: Set = Set::new("verse in UTF-8", Kind::Binary, verse::make);

/// A page of HTML with a few letters beyond ASCII, which compresses to 6 %.
pub static PAGE: Set = Set::new("a page of HTML", Kind::Text, page::make);

/// A document of text and pictures that are compressed already, which compresses to 76 %.
pub static DOCUMENT: Set = Set::new("a PDF document", Kind::Binary, document::make);

/// A set of data, made once, when it is needed first.
pub struct Set {
    /// What it is like.
    pub name: &'static str,
    /// How it is sent, and what it is counted in: text in code points, anything else in bytes.
    pub kind: Kind,
    make: fn() -> Vec<u8>,
    data: OnceLock<Data>,
}

struct Data {
    /// Twice over, so that each window lies in one piece.
    bytes: Vec<u8>,
    /// Where each code point of text begins.
    starts: Vec<usize>,
}

impl Set {
    const fn new(name: &'static str, kind: Kind, make: fn() -> Vec<u8>) -> Self {
        Self {
            name,
            kind,
            make,
            data: OnceLock::new(),
        }
    }

    fn data(&self) -> &Data {
        self.data.get_or_init(|| {
            let bytes = (self.make)().repeat(2);
            let starts = match self.kind {
                Kind::Binary => Vec::new(),
                Kind::Text => {
                    let text = std::str::from_utf8(&bytes).expect("text is UTF-8");
                    text.char_indices().map(|(at, _)| at).collect()
                }
            };
            Data { bytes, starts }
        })
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let bytes = &self.data().bytes;
        &bytes[..bytes.len() / 2]
    }

    /// How long it is, in code points or bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        let data = self.data();
        match self.kind {
            Kind::Text => data.starts.len() / 2,
            Kind::Binary => data.bytes.len() / 2,
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a window of `len` code points or bytes, from that place on, wrapped around the end.
    ///
    /// # Panics
    ///
    /// If the place is behind the end, or the window longer than the set.
    #[must_use]
    pub fn window(&self, at: usize, len: usize) -> &[u8] {
        let Data { bytes, starts } = self.data();
        let place = |unit: usize| match self.kind {
            Kind::Text => starts.get(unit).copied().unwrap_or(bytes.len()),
            Kind::Binary => unit,
        };
        &bytes[place(at)..place(at + len)]
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Set").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::DeflateEncoder};
    use std::io::Write;

    use super::*;

    /// How much is left of it after compression at level 6, in percent.
    fn ratio(bytes: &[u8]) -> f64 {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(bytes).unwrap();
        let compressed = encoder.finish().unwrap();
        100.0 * compressed.len() as f64 / bytes.len() as f64
    }

    #[test]
    fn sets_are_as_long_and_as_compressible_as_those_of_autobahn() {
        for (set, bytes, units, percent) in [
            (&RECORDS, 194_056, 194_056, 4.0),
            (&BITMAP, 263_222, 263_222, 85.0),
            (&VERSE, 222_218, 222_218, 39.0),
            (&PAGE, 263_647, 263_620, 6.0),
            (&DOCUMENT, 1_042_328, 1_042_328, 76.0),
        ] {
            assert_eq!((set.bytes().len(), set.len()), (bytes, units), "{set:?}");
            let ratio = ratio(set.bytes());
            assert!((ratio - percent).abs() < 1.0, "{set:?}: {ratio}");
        }
    }

    #[test]
    fn verse_is_text_with_umlauts() {
        let verse = std::str::from_utf8(VERSE.bytes()).unwrap();
        assert!(verse.chars().count() < verse.len());
    }

    #[test]
    fn windows_count_code_points_and_wrap_around_the_end() {
        let page = std::str::from_utf8(PAGE.bytes()).unwrap();
        let around = page.chars().chain(page.chars());
        let expected: String = around.skip(263_000).take(1000).collect();
        assert_eq!(PAGE.window(263_000, 1000), expected.as_bytes());

        // All of it from the middle of a byte count that is no code point count.
        let around = page.chars().chain(page.chars());
        let expected: String = around.skip(100_000).take(PAGE.len()).collect();
        assert_eq!(PAGE.window(100_000, PAGE.len()), expected.as_bytes());

        let bitmap = BITMAP.bytes();
        let expected = [&bitmap[bitmap.len() - 10..], &bitmap[..6]].concat();
        assert_eq!(BITMAP.window(bitmap.len() - 10, 16), expected);
    }
}
