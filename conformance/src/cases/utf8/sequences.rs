//! Byte sequences that are UTF-8 and that are not, by what makes them so (RFC 3629).

use super::KOSME;

/// Byte sequences of one section.
pub(super) struct Sequences {
    /// Their content.
    pub(super) topic: &'static str,
    pub(super) valid: Valid,
    pub(super) payloads: Vec<Vec<u8>>,
}

/// Which sequences of a section are valid UTF-8.
pub(super) enum Valid {
    All,
    Some,
    None,
}

/// The sequences of each section from 6.5 on.
pub(super) fn all() -> Vec<Sequences> {
    /// The shortest and the longest sequence of each length, without its last byte.
    const CUT: [&[u8]; 10] = [
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ];
    let list = |bytes: &[&[u8]]| bytes.iter().map(|bytes| bytes.to_vec()).collect();
    let of = |topic, valid, payloads| Sequences {
        topic,
        valid,
        payloads,
    };
    vec![
        of(
            "text",
            Valid::All,
            list(&[
                b"hello$world",
                "hello¢world".as_bytes(),
                "hello€world".as_bytes(),
                b"hello\xf0\xa4\xad\xa2world",
                KOSME,
            ]),
        ),
        of(
            "a prefix of text",
            Valid::Some,
            (1..=KOSME.len()).map(|len| KOSME[..len].to_vec()).collect(),
        ),
        of(
            "the first code point of a length",
            Valid::All,
            list(&[b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
        ),
        of(
            "the first sequence of five or six bytes",
            Valid::None,
            list(&[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
        ),
        of(
            "the last code point of a length",
            Valid::All,
            list(&[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
        ),
        of(
            "the last sequence of four, five or six bytes",
            Valid::None,
            list(&[
                b"\xf7\xbf\xbf\xbf",
                b"\xfb\xbf\xbf\xbf\xbf",
                b"\xfd\xbf\xbf\xbf\xbf\xbf",
            ]),
        ),
        of(
            "what borders on what is not allowed",
            Valid::Some,
            list(&[
                b"\xed\x9f\xbf",
                b"\xee\x80\x80",
                b"\xef\xbf\xbd",
                b"\xf4\x8f\xbf\xbf",
                b"\xf4\x90\x80\x80",
            ]),
        ),
        of(
            "continuations of nothing",
            Valid::None,
            [b"\x80".to_vec(), b"\xbf".to_vec()]
                .into_iter()
                .chain((2..=6).map(|len| b"\x80\xbf".iter().copied().cycle().take(len).collect()))
                .chain([(0x80..0xbf).collect()])
                .collect(),
        ),
        of(
            "first bytes, a space behind each",
            Valid::None,
            [0xc0..0xdf, 0xe0..0xef, 0xf0..0xf7, 0xf8..0xfb, 0xfc..0xfd]
                .map(|bytes| bytes.flat_map(|byte| [byte, b' ']).collect())
                .into(),
        ),
        of(
            "a sequence whose last byte is missing",
            Valid::None,
            list(&CUT),
        ),
        of(
            "sequences whose last bytes are missing",
            Valid::None,
            vec![CUT.concat()],
        ),
        of(
            "bytes that UTF-8 does not have",
            Valid::None,
            list(&[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
        ),
        of(
            "a slash in too many bytes",
            Valid::None,
            list(&[
                b"\xc0\xaf",
                b"\xe0\x80\xaf",
                b"\xf0\x80\x80\xaf",
                b"\xf8\x80\x80\x80\xaf",
                b"\xfc\x80\x80\x80\x80\xaf",
            ]),
        ),
        of(
            "the last code point in too many bytes",
            Valid::None,
            list(&[
                b"\xc1\xbf",
                b"\xe0\x9f\xbf",
                b"\xf0\x8f\xbf\xbf",
                b"\xf8\x87\xbf\xbf\xbf",
                b"\xfc\x83\xbf\xbf\xbf\xbf",
            ]),
        ),
        of(
            "zero in too many bytes",
            Valid::None,
            list(&[
                b"\xc0\x80",
                b"\xe0\x80\x80",
                b"\xf0\x80\x80\x80",
                b"\xf8\x80\x80\x80\x80",
                b"\xfc\x80\x80\x80\x80\x80",
            ]),
        ),
        of(
            "a surrogate",
            Valid::None,
            list(&[
                b"\xed\xa0\x80",
                b"\xed\xad\xbf",
                b"\xed\xae\x80",
                b"\xed\xaf\xbf",
                b"\xed\xb0\x80",
                b"\xed\xbe\x80",
                b"\xed\xbf\xbf",
            ]),
        ),
        of(
            "a pair of surrogates",
            Valid::None,
            [
                b"\xed\xa0\x80",
                b"\xed\xad\xbf",
                b"\xed\xae\x80",
                b"\xed\xaf\xbf",
            ]
            .iter()
            .flat_map(|high| {
                [b"\xed\xb0\x80", b"\xed\xbf\xbf"].map(|low| [high.as_slice(), low].concat())
            })
            .collect(),
        ),
        of(
            "a code point that is no character",
            Valid::All,
            noncharacters(),
        ),
        of(
            "a special code point",
            Valid::All,
            ('\u{fff9}'..='\u{ffff}')
                .map(|special| special.to_string().into())
                .collect(),
        ),
    ]
}

/// The last two code points of each plane.
fn noncharacters() -> Vec<Vec<u8>> {
    (0..=0x10)
        .flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff])
        .filter_map(char::from_u32)
        .map(|last| last.to_string().into())
        .collect()
}
