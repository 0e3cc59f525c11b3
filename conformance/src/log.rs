//! What happened on a wire, for reports: octets, frames, timers, each with its moment.

use std::{collections::BTreeMap, time::Duration};

use crate::frame::Frame;

/// Octets of a payload or a write that are kept; of the rest only the number is.
const KEPT: usize = 512;

/// Entries that are kept, the first ones. A case of a thousand messages needs no more to be understood.
const ENTRIES: usize = 400;

/// The log of one connection.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// In order of time.
    pub entries: Vec<Entry>,
    /// How many there were beyond those that were kept.
    pub dropped: usize,
    /// What the suite sent, counted.
    pub sent: Traffic,
    /// What came, counted.
    pub received: Traffic,
}

/// What went over a wire in one direction, all of it, whether it was kept or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many writes or reads of each size there were.
    pub octets: BTreeMap<usize, usize>,
    /// How many frames of each opcode.
    pub frames: BTreeMap<u8, usize>,
    /// Octets of the payloads of data frames.
    pub payload: usize,
    /// Octets of the messages in them, inflated.
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
    /// When, counted from the start of the connection.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The suite sent octets.
    SentOctets(Excerpt),
    /// Octets came.
    ReceivedOctets(Excerpt),
    /// The suite sent a frame.
    SentFrame(Summary),
    /// A whole frame came.
    ReceivedFrame(Summary),
    /// A timer of the suite went off.
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

/// The first octets of many, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excerpt {
    /// How many there were.
    pub len: usize,
    /// The first of them.
    pub head: Vec<u8>,
}

impl From<&[u8]> for Excerpt {
    fn from(octets: &[u8]) -> Self {
        Self {
            len: octets.len(),
            head: octets[..octets.len().min(KEPT)].to_vec(),
        }
    }
}

/// A frame without most of its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Whether it was the last of its message.
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
            What::SentOctets(octets) => *self.sent.octets.entry(octets.len).or_default() += 1,
            What::ReceivedOctets(octets) => {
                *self.received.octets.entry(octets.len).or_default() += 1;
            }
            What::SentFrame(frame) => self.sent.count(frame),
            What::ReceivedFrame(frame) => self.received.count(frame),
            What::Timer(_) | What::Note(_) | What::Finished | What::End | What::Reset => {}
        }
        if self.entries.len() < ENTRIES {
            self.entries.push(Entry { at, what });
        } else {
            self.dropped += 1;
        }
    }
}
