//! The log of a wire, for reports: bytes, frames and timers with their times.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::frame::Frame;

/// The bytes of a payload or a write that are kept. Of the rest only the number is kept.
const KEPT: usize = 256;

/// Entries that are kept from the start. A case of a thousand messages needs no more to be understood.
const FIRST: usize = 200;

/// Entries that are kept from the end: that is where it goes wrong.
const LAST: usize = 100;

/// The log of one connection.
#[derive(Debug, Clone, Default)]
pub struct Log {
    first: Vec<Entry>,
    /// The number of entries between the first and the last that were not kept.
    dropped: usize,
    last: VecDeque<Entry>,
    /// Counts of what the suite sent.
    pub sent: Traffic,
    /// Counts of what it received.
    pub received: Traffic,
}

/// Counts of everything that went over a wire in one direction, logged or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many writes or reads of each size there were.
    pub bytes: BTreeMap<usize, usize>,
    /// How many frames of each opcode.
    pub frames: BTreeMap<u8, usize>,
    /// Bytes of the payloads of data frames.
    pub payload: usize,
    /// Bytes of the messages in them, inflated.
    pub messages: usize,
}

impl Traffic {
    fn count(&mut self, frame: &Summary) {
        *self.frames.entry(frame.opcode).or_default() += 1;
        if frame.opcode < 0x8 {
            self.payload += frame.payload.len;
        }
    }
}

/// Something that happened at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The time since the start of the connection.
    pub at: Duration,
    /// The entry.
    pub what: What,
}

impl Entry {
    /// Returns true if it is about a frame.
    #[must_use]
    pub const fn is_frame(&self) -> bool {
        matches!(self.what, What::SentFrame(_) | What::ReceivedFrame(_))
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The suite sent bytes.
    SentBytes(Excerpt),
    /// The suite received bytes.
    ReceivedBytes(Excerpt),
    /// The suite sent a frame.
    SentFrame(Summary),
    /// The suite received a frame.
    ReceivedFrame(Summary),
    /// A timer of the suite expired.
    Timer(&'static str),
    /// Something else that a reader should know.
    Note(String),
    /// The suite ended its direction, or the transport as a whole.
    Finished,
    /// The subject ended its direction.
    End,
    /// The transport was reset by the subject.
    Reset,
}

/// The first bytes of many, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excerpt {
    /// How many there were.
    pub len: usize,
    /// The first of them.
    pub head: Vec<u8>,
}

impl From<&[u8]> for Excerpt {
    fn from(bytes: &[u8]) -> Self {
        Self {
            len: bytes.len(),
            head: bytes[..bytes.len().min(KEPT)].to_vec(),
        }
    }
}

/// A frame without most of its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// True if it was the last of its message.
    pub fin: bool,
    /// RSV1, RSV2 and RSV3, as the bits 4, 2 and 1.
    pub reserved: u8,
    /// Its opcode.
    pub opcode: u8,
    /// The masking key, if there was one.
    pub mask: Option<[u8; 4]>,
    /// The payload without a mask.
    pub payload: Excerpt,
}

impl Summary {
    /// Sums up a frame.
    #[must_use]
    pub fn new(frame: &Frame, mask: Option<[u8; 4]>) -> Self {
        Self {
            fin: frame.fin,
            reserved: frame.reserved,
            opcode: frame.opcode,
            mask,
            payload: frame.payload.as_slice().into(),
        }
    }
}

impl Log {
    /// Adds an entry, if there is room.
    pub(crate) fn add(&mut self, at: Duration, what: What) {
        match &what {
            What::SentBytes(bytes) => *self.sent.bytes.entry(bytes.len).or_default() += 1,
            What::ReceivedBytes(bytes) => {
                *self.received.bytes.entry(bytes.len).or_default() += 1;
            }
            What::SentFrame(frame) => self.sent.count(frame),
            What::ReceivedFrame(frame) => self.received.count(frame),
            What::Timer(_) | What::Note(_) | What::Finished | What::End | What::Reset => {}
        }
        if self.first.len() < FIRST {
            self.first.push(Entry { at, what });
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.dropped += 1;
        }
        self.last.push_back(Entry { at, what });
    }

    /// The entries that were kept, in order of time.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.first.iter().chain(&self.last)
    }

    /// An excerpt: the first and the last entries that are `wanted`.
    pub fn lines<'a>(
        &'a self,
        first: usize,
        last: usize,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Vec<Line<'a>> {
        let wanted = |entry: &&Entry| wanted(entry);
        let kept: Vec<_> = self.entries().filter(wanted).collect();
        // Lines from the start end, at the latest, where entries are missing; those from the end begin there.
        let (before, behind) = match self.dropped {
            0 => (kept.len(), kept.len()),
            _ => {
                let before = self.first.iter().filter(wanted).count();
                (before, kept.len() - before)
            }
        };
        let start = first.min(before);
        let end = last.min(behind).min(kept.len() - start);
        let left_out = kept.len() - start - end + self.dropped;
        let gap = (left_out > 0).then_some(Line::LeftOut(left_out));
        let (start, end) = (&kept[..start], &kept[kept.len() - end..]);
        let line = |entry: &&'a Entry| Line::Entry(entry);
        let (start, end) = (start.iter().map(line), end.iter().map(line));
        start.chain(gap).chain(end).collect()
    }
}

/// A line of an excerpt of a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line<'a> {
    /// Something that happened.
    Entry(&'a Entry),
    /// This many entries are left out here.
    LeftOut(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(notes: usize) -> Log {
        let mut log = Log::default();
        for at in 0..notes {
            log.add(Duration::from_secs(at as u64), What::Note(String::new()));
        }
        log
    }

    /// The moments of the lines in seconds; what is left out is negative.
    fn moments(lines: &[Line<'_>]) -> Vec<i64> {
        let moment = |line: &Line<'_>| match line {
            Line::Entry(entry) => entry.at.as_secs() as i64,
            Line::LeftOut(count) => -(*count as i64),
        };
        lines.iter().map(moment).collect()
    }

    #[test]
    fn lines_are_those_from_the_start_and_from_the_end() {
        for (notes, expected) in [
            (0, vec![]),
            (4, vec![0, 1, 2, 3]),
            (5, vec![0, 1, -1, 3, 4]),
            (250, vec![0, 1, -246, 248, 249]),
            (1000, vec![0, 1, -996, 998, 999]),
        ] {
            assert_eq!(moments(&log(notes).lines(2, 2, |_| true)), expected);
        }
        assert_eq!(moments(&log(200).lines(0, 1, |_| true)), [-199, 199]);
    }

    #[test]
    fn only_the_start_and_the_end_are_kept() {
        let log = log(1000);
        let moments: Vec<_> = log.entries().map(|entry| entry.at.as_secs()).collect();
        let kept = (0..FIRST as u64).chain(1000 - LAST as u64..1000);
        assert_eq!(moments, kept.collect::<Vec<_>>());
    }
}
