//! The suite's end of one connection: its input, its events, and how it closes.
//!
//! It behaves like Autobahn's fuzzing peer, timers included, so that verdicts agree. The steps of a case
//! are elsewhere: see `script`, `exchange` and `opening`.

use std::time::Duration;

use self::{
    closing::{Close, Timers},
    incoming::Incoming,
};
use crate::{
    case::{Event, Extent, Role},
    deflate::Codec,
    extension::{Agreed, Measure},
    frame::{Frame, xor},
    log::{Log, Summary, What},
    outcome::Ending,
    wire::Wire,
};

mod closing;
mod incoming;
#[cfg(test)]
mod tests;

/// How long the suite waits for any event once it has nothing left to do. Autobahn would wait for
/// ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the suite waits between writes that are to be read one by one.
const PAUSE: Duration = Duration::from_micros(10);

/// The number of queued bytes that are worth a write of their own.
const LONG: usize = 64 << 10;

/// Settings of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The factor by which the suite's timers are longer than Autobahn's, which a busy machine does not always
    /// meet. A subject that answers at once is not affected.
    pub patience: u32,
    /// The level at which the suite compresses, 1 to 9.
    pub level: u32,
    /// In exchanges, send this many messages at most.
    pub max_messages: usize,
    /// In exchanges, shorten messages to this many bytes.
    pub max_payload: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            patience: 1,
            level: 1,
            max_messages: usize::MAX,
            max_payload: usize::MAX,
        }
    }
}

/// The suite's end of one connection.
pub(crate) struct Session {
    /// `None` once the connection is over.
    wire: Option<Box<dyn Wire>>,
    ended: Duration,
    /// The role of the suite.
    pub(crate) role: Role,
    pub(crate) settings: Settings,
    reading: bool,
    /// True if the subject took nothing more while the suite did not read.
    stalled: bool,
    /// True if the opening handshake succeeded.
    open: bool,
    /// Frames that are sent together with the next ones.
    output: Vec<u8>,
    /// True while the output is held back until a head precedes it.
    held: bool,
    random: fastrand::Rng,
    /// The key and offset for the parts of a frame that was begun.
    begun: (Option<[u8; 4]>, usize),
    started: Started,
    incoming: Incoming,
    codec: Option<Codec>,
    timers: Timers,
    /// The received events, in order.
    pub(crate) events: Vec<Event>,
    /// The masking keys of the first frames that came, in order.
    pub(crate) masks: Vec<[u8; 4]>,
    /// True if pings are noted.
    pub(crate) notes_pings: bool,
    /// True if frames after the subject's Close frame are noted.
    pub(crate) looks_behind_close: bool,
    /// True if pings and Close frames are answered.
    pub(crate) answering: bool,
    /// The number of frames that floods have sent.
    pub(crate) flooded: usize,
    pub(crate) log: Log,
    pub(crate) close: Close,
}

/// A frame that is sent in parts.
#[derive(Default)]
struct Started {
    bytes: Vec<u8>,
    header_len: usize,
    sent: usize,
}

impl Session {
    /// Takes over a wire. `role` is that of the suite.
    pub(crate) fn new(wire: Box<dyn Wire>, role: Role, settings: Settings) -> Self {
        Self {
            wire: Some(wire),
            ended: Duration::ZERO,
            role,
            settings,
            reading: true,
            stalled: false,
            open: false,
            output: Vec::new(),
            held: false,
            random: fastrand::Rng::new(),
            begun: (None, 0),
            started: Started::default(),
            incoming: Incoming::default(),
            codec: None,
            timers: Timers::default(),
            events: Vec::new(),
            masks: Vec::new(),
            notes_pings: false,
            looks_behind_close: false,
            answering: true,
            flooded: 0,
            log: Log::default(),
            close: Close::default(),
        }
    }

    /// The current time, or the time at which the connection ended.
    pub(crate) fn now(&self) -> Duration {
        self.wire.as_ref().map_or(self.ended, |wire| wire.now())
    }

    /// Returns true if the connection is over.
    pub(crate) fn is_over(&self) -> bool {
        self.wire.is_none()
    }

    /// The opening handshake has succeeded.
    pub(crate) fn enter_open(&mut self) {
        self.open = true;
    }

    /// The port at which the subject found the suite, if it dialled one.
    pub(crate) fn port(&self) -> Option<u16> {
        self.wire.as_ref().and_then(|wire| wire.port())
    }

    /// How the connection ended, as far as it is known.
    pub(crate) fn ending(&self) -> Ending {
        let close = &self.close;
        Ending {
            by_suite: close.by_suite,
            violation: close.violation.clone(),
            dropped: close.dropped,
            clean: close.clean,
            unanswered: close.unanswered,
            not_ended: close.not_ended,
            never_open: !self.open,
            suite_dialled: self.role == Role::Client,
            local: close.local.clone(),
            remote: close.remote.clone(),
        }
    }

    /// Compresses and inflates from now on.
    pub(crate) fn agree(&mut self, agreed: Agreed, measure: Measure) {
        let level = self.settings.level;
        self.codec = Some(Codec::new(self.role, agreed, level, measure));
    }

    /// Returns true if compression was agreed on.
    pub(crate) fn has_compression(&self) -> bool {
        self.codec.is_some()
    }

    /// Adds a line for readers to the log.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.write_down(What::Note(note.into()));
    }

    fn write_down(&mut self, what: What) {
        let now = self.now();
        self.log.add(now, what);
    }

    /// The number of bytes that the subject holds to be sent, if it reveals that.
    pub(crate) fn held(&self) -> Option<usize> {
        self.wire.as_ref()?.held()
    }

    /// Stops or resumes reading.
    pub(crate) fn set_reading(&mut self, reading: bool) {
        self.reading = reading;
        self.stalled = false;
    }
}

/// Sending.
impl Session {
    /// A fresh masking key, if the suite has to mask (RFC 6455 5.3).
    pub(crate) fn mask(&mut self) -> Option<[u8; 4]> {
        (self.role == Role::Client).then(|| self.random.u32(..).to_be_bytes())
    }

    /// Queues a frame, which is sent with those before it when the suite next waits at the latest.
    pub(crate) fn queue(&mut self, frame: &Frame) {
        let mask = self.mask();
        self.write_down(What::SentFrame(Summary::new(frame, mask)));
        self.output.extend(frame.encode(mask));
    }

    /// Takes the queued bytes, which the caller has to send.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Returns true if the queue should be sent before more is added.
    pub(crate) fn is_output_long(&self) -> bool {
        self.output.len() >= LONG
    }

    /// Sends a frame in pieces, after those before it.
    pub(crate) fn send_chopped(&mut self, frame: &Frame, size: usize) {
        self.flush();
        self.queue(frame);
        let bytes = self.take_output();
        for piece in bytes.chunks(size.max(1)) {
            self.send(piece);
            self.pause();
        }
    }

    /// Gives the subject a moment to read what was sent before more is: as long as Autobahn does.
    pub(crate) fn pause(&mut self) {
        if let Some(wire) = &mut self.wire {
            wire.wait(wire.now() + PAUSE);
        }
    }

    /// Sends the first part of a frame.
    pub(crate) fn start(&mut self, frame: &Frame, extent: Extent) {
        self.flush();
        self.queue(frame);
        let bytes = self.take_output();
        self.started = Started {
            header_len: bytes.len() - frame.payload.len(),
            bytes,
            sent: 0,
        };
        self.send_next(extent);
    }

    /// Sends the next part of the frame that was started.
    pub(crate) fn send_next(&mut self, extent: Extent) {
        let Started {
            bytes,
            header_len,
            sent,
        } = &mut self.started;
        let from = *sent;
        let to = match extent {
            Extent::Bytes(count) => from + count,
            Extent::Header => *header_len,
            Extent::All => bytes.len(),
        };
        *sent = to.clamp(from, bytes.len());
        let part = bytes[from..*sent].to_vec();
        self.send(&part);
    }

    /// Sends the header of a frame whose payload follows by [`part`](Self::part).
    pub(crate) fn begin(&mut self, frame: &Frame) {
        let mask = self.mask();
        self.begun = (mask, 0);
        self.write_down(What::SentFrame(Summary::new(frame, mask)));
        self.output.extend(frame.header(mask));
    }

    /// Sends the next bytes of the payload of the frame that was begun.
    pub(crate) fn part(&mut self, bytes: &[u8]) {
        let (mask, offset) = &mut self.begun;
        let mut bytes = bytes.to_vec();
        xor(&mut bytes, *mask, *offset);
        *offset += bytes.len();
        self.output.extend(bytes);
    }

    /// Compresses a message, if that was agreed on.
    pub(crate) fn compress(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        self.codec.as_mut().map(|codec| codec.compress(message))
    }

    /// Keeps what is queued from now on until it is [released](Self::release).
    pub(crate) fn hold(&mut self) {
        self.held = true;
    }

    /// Takes the bytes that were held back. Later ones are sent again.
    pub(crate) fn release(&mut self) -> Vec<u8> {
        self.held = false;
        self.take_output()
    }

    /// Sends the queue unless it is held back. Returns true if all of it was sent.
    pub(crate) fn flush(&mut self) -> bool {
        if self.stalled || self.held {
            return self.held;
        }
        let bytes = self.take_output();
        bytes.is_empty() || self.send(&bytes)
    }

    /// Sends bytes as they are. Returns true if all of them were sent. The rest, while the suite does
    /// not read, is sent when it does.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.write_down(What::SentBytes(bytes.into()));
        let mut left = bytes;
        let mut since = self.now();
        while !left.is_empty() {
            let Some(wire) = self.wire.as_mut().filter(|_| self.incoming.end().is_none()) else {
                return false;
            };
            match wire.send(left) {
                // The subject has ended; what it sent before can still be read.
                Err(_) => return false,
                Ok(0) => {
                    let now = wire.now();
                    let limit = if self.reading {
                        PATIENCE * self.settings.patience
                    } else {
                        closing::TIMEOUT
                    };
                    if now >= since + limit || self.timers.kills(now) {
                        self.note("the subject takes no more bytes");
                        if !self.reading {
                            self.stalled = true;
                            self.output.splice(..0, left.iter().copied());
                        }
                        return false;
                    }
                    if self.reading {
                        // It may not take any before it has got rid of some.
                        self.receive(now + Duration::from_millis(1));
                    } else {
                        wire.wait(now + Duration::from_millis(1));
                    }
                }
                Ok(n) => {
                    left = &left[n..];
                    since = wire.now();
                }
            }
        }
        true
    }
}
