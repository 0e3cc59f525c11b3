//! Realistic text: JSON documents in which names repeat and values vary, so that it compresses like the
//! text of real applications.

use std::fmt::Write;

use crate::in_memory::Batch;

/// Distinct messages of one length.
#[derive(Debug, Clone)]
pub struct Corpus {
    messages: Vec<String>,
}

/// Bytes of all messages: several times the largest window, so that a message has left every window by
/// the time it is repeated.
const BYTES: usize = 256 << 10;

impl Corpus {
    /// Creates messages of exactly `len` bytes.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let count = (BYTES / len).clamp(4, 512);
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        let messages = (0..count).map(|n| message(&mut numbers, n, len)).collect();
        Self { messages }
    }

    /// Keeps only the first `n` messages.
    #[must_use]
    pub fn first(mut self, n: usize) -> Self {
        self.messages.truncate(n);
        self
    }

    /// The messages, in the order in which they are sent.
    #[must_use]
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// The messages that are sent together before anything is written: 16 KiB of messages, or one
    /// message.
    pub fn batches(&self) -> impl Iterator<Item = &[String]> {
        let len = self.messages.first().map_or(1, String::len);
        self.messages.chunks(Batch::default().of(len))
    }
}

/// As many records as fit, padded with spaces.
fn message(numbers: &mut Numbers, sequence: usize, len: usize) -> String {
    let mut text = String::with_capacity(len + 256);
    write!(text, r#"{{"type":"update","sequence":{sequence},"items":["#).expect("memory");
    while text.len() < len {
        record(numbers, &mut text);
    }
    text.truncate(len - 2);
    text.push_str("]}");
    text
}

fn record(numbers: &mut Numbers, out: &mut String) {
    const NAMES: [&str; 8] = [
        "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor",
    ];
    const STATES: [&str; 4] = ["open", "filled", "cancelled", "pending"];
    let id = numbers.below(10_000_000);
    let name = NAMES[numbers.below(8) as usize];
    let number = numbers.below(1000);
    let state = STATES[numbers.below(4) as usize];
    let (whole, cents) = (numbers.below(1000), numbers.below(100));
    let quantity = numbers.below(500);
    let active = numbers.below(2) == 0;
    write!(
        out,
        r#"{{"id":{id},"name":"{name}-{number}","state":"{state}","price":{whole}.{cents:02},"quantity":{quantity},"active":{active}}},"#
    )
    .expect("memory");
}

/// Pseudorandom numbers, the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn messages_have_the_length_and_are_all_different() {
        for len in [512, 2263, 4096, 64 << 10] {
            let corpus = Corpus::new(len);
            let different: HashSet<_> = corpus.messages().iter().collect();
            assert_eq!(different.len(), corpus.messages().len());
            assert!(corpus.messages().iter().all(|message| message.len() == len));
        }
    }
}
