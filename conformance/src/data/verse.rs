//! Verse that sounds like German and means nothing: words of a vocabulary, some far more frequent than others.

use super::dice::Dice;

const LEN: usize = 222_218;

const ONSETS: &[&str] = &[
    "", "b", "br", "d", "f", "g", "gl", "h", "k", "l", "m", "n", "r", "s", "sch", "st", "t", "tr",
    "v", "w", "z",
];
const NUCLEI: &[&str] = &[
    "a", "e", "e", "e", "i", "ie", "o", "u", "au", "ei", "ä", "ö", "ü",
];
const CODAS: &[&str] = &[
    "", "", "ch", "l", "ll", "n", "nd", "nn", "r", "rt", "s", "ss", "ß", "t", "tz", "ng",
];
const ENDINGS: &[&str] = &["", "", "e", "en", "er", "es", "lich", "ung"];

/// Words in the vocabulary.
const WORDS: u64 = 9000;

pub(super) fn make() -> Vec<u8> {
    let mut dice = Dice::new(3);
    let vocabulary: Vec<_> = (0..WORDS).map(|rank| word(&mut dice, rank)).collect();
    let mut text = String::new();
    while text.len() < LEN {
        for at in 0..5 + dice.below(3) {
            // The product of two numbers prefers the low ones, which are the frequent words.
            let rank = dice.below(WORDS) * dice.below(WORDS) / WORDS;
            let word = &vocabulary[rank as usize];
            text += if at == 0 { "" } else { " " };
            text += word;
        }
        text += dice.pick(&["\n", ",\n", ",\n", ".\n", "!\n", "?\n\n"]);
    }
    while text.len() > LEN {
        text.pop();
    }
    text += &"\n".repeat(LEN - text.len());
    text.into_bytes()
}

/// Frequent words are short.
fn word(dice: &mut Dice, rank: u64) -> String {
    let mut word = String::new();
    for _ in 0..1 + rank.min(900) / 500 + dice.below(2) {
        word += dice.pick(ONSETS);
        word += dice.pick(NUCLEI);
        word += dice.pick(CODAS);
    }
    word + dice.pick(ENDINGS)
}
