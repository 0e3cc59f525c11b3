//! Payloads that differ from message to message, so that a lost, doubled or misplaced byte shows.

use std::iter;

/// Text of `size` bytes with code points of one to four bytes.
pub(super) fn text(size: usize, number: usize) -> String {
    let characters = format!("{number:03} ");
    let characters = characters.chars().chain("grüße € 😀 ".chars().cycle());
    let mut text = String::with_capacity(size);
    for character in characters {
        if text.len() + character.len_utf8() > size {
            break;
        }
        text.push(character);
    }
    // The rest is shorter than a code point.
    text.extend(iter::repeat_n('.', size - text.len()));
    text
}

/// `size` bytes of every value.
pub(super) fn binary(size: usize, number: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().skip(number).take(size).collect()
}
