//! The suite's end of one connection: what it keeps of what came, and how it closes.
//!
//! It behaves as Autobahn's fuzzing peer does, timers included, so that verdicts agree. What a case
//! makes it do is decided elsewhere; see `script`, `exchange` and `opening`.

use std::time::Duration;

use crate::{
    case::{Event, Kind, Role},
    deflate::Codec,
    extension::Agreed,
    frame::{Decoder, Frame, opcode, xor},
    log::{Log, Summary, What},
    wire::{Received, Wire},
};

/// How long the suite waits for the answer to its Close frame, and then for a server to end the transport.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the suite waits for anything at all once it has nothing left to do. Autobahn would wait for
/// ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many octets are worth a write of their own.
const LONG: usize = 64 << 10;

/// What a user may want otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// By how much the suite's timers are longer than Autobahn's, which a busy machine does not always
    /// keep. A subject that answers at once never notices.
    pub patience: u32,
    /// The level at which the suite compresses, 1 to 9.
    pub level: u32,
    /// In exchanges, send this many messages at most.
    pub max_messages: usize,
    /// In exchanges, shorten messages to this many octets.
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
    /// `None`: it is over.
    wire: Option<Box<dyn Wire>>,
    ended: Duration,
    /// The role of the suite.
    pub(crate) role: Role,
    pub(crate) settings: Settings,
    reading: bool,
    /// Whether the subject took nothing more while the suite did not read.
    stalled: bool,
    /// Octets that nobody has looked at yet.
    input: Vec<u8>,
    /// Frames that go together with what comes next.
    output: Vec<u8>,
    decoder: Decoder,
    random: fastrand::Rng,
    /// The key and offset for the parts of a frame that was begun.
    begun: (Option<[u8; 4]>, usize),
    message: Option<Partial>,
    codec: Option<Codec>,
    timers: Timers,
    /// What came, in order.
    pub(crate) events: Vec<Event>,
    /// Whether pings are noted.
    pub(crate) notes_pings: bool,
    /// Whether frames behind the subject's Close frame are noted.
    pub(crate) looks_behind_close: bool,
    /// Whether pings and Close frames are answered.
    pub(crate) answering: bool,
    /// How many frames floods have sent.
    pub(crate) flooded: usize,
    pub(crate) log: Log,
    pub(crate) close: Close,
}

/// What is known of how a connection ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Close {
    /// Whether the suite has sent a Close frame.
    pub(crate) sent: bool,
    /// Whether that frame was not an answer.
    pub(crate) by_suite: bool,
    pub(crate) local: Option<(Option<u16>, String)>,
    pub(crate) remote: Option<(Option<u16>, String)>,
    /// The suite found a violation.
    pub(crate) violation: Option<String>,
    /// The suite ended the transport where the subject should have.
    pub(crate) dropped: bool,
    /// The closing handshake was complete in time.
    pub(crate) clean: bool,
    /// The subject did not answer the suite's Close frame.
    pub(crate) unanswered: bool,
    /// The subject, a server, did not end the transport.
    pub(crate) not_ended: bool,
}

#[derive(Default)]
struct Timers {
    kill: Option<Duration>,
    close: Option<Duration>,
    /// For the answer to our Close frame.
    answer: Option<Duration>,
    /// For the end of the transport after it.
    end: Option<Duration>,
    /// For anything.
    patience: Option<Duration>,
}

/// A message of which not all fragments have come.
struct Partial {
    kind: Kind,
    compressed: bool,
    octets: Vec<u8>,
    /// How many of the octets are known to be UTF-8.
    valid: usize,
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
            input: Vec::new(),
            output: Vec::new(),
            decoder: Decoder::default(),
            random: fastrand::Rng::new(),
            begun: (None, 0),
            message: None,
            codec: None,
            timers: Timers::default(),
            events: Vec::new(),
            notes_pings: false,
            looks_behind_close: false,
            answering: true,
            flooded: 0,
            log: Log::default(),
            close: Close::default(),
        }
    }

    /// The present, or the moment at which the connection was over.
    pub(crate) fn now(&self) -> Duration {
        self.wire.as_ref().map_or(self.ended, |wire| wire.now())
    }

    /// Whether the connection is over.
    pub(crate) fn is_over(&self) -> bool {
        self.wire.is_none()
    }

    /// Compresses and inflates from now on.
    pub(crate) fn agree(&mut self, agreed: Agreed) {
        self.codec = Some(Codec::new(self.role, agreed, self.settings.level));
    }

    /// Whether compression was agreed on.
    pub(crate) fn has_compression(&self) -> bool {
        self.codec.is_some()
    }

    /// Adds a line for readers to the log.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.write_down(|| What::Note(note.into()));
    }

    fn write_down(&mut self, what: impl FnOnce() -> What) {
        let now = self.now();
        self.log.add(now, what);
    }

    /// Sets the timer that ends a connection that should be over.
    pub(crate) fn kill_after(&mut self, span: Duration) {
        self.timers.kill = Some(self.now() + span * self.settings.patience);
    }

    /// Sets the timer that closes a connection on which nothing more is to come.
    pub(crate) fn close_after(&mut self, span: Duration) {
        self.timers.close = Some(self.now() + span * self.settings.patience);
    }

    /// Stops reading, or goes on.
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

    /// Sends a frame together with those before it, at the latest when something is waited for.
    pub(crate) fn queue(&mut self, frame: &Frame) {
        let mask = self.mask();
        self.write_down(|| What::SentFrame(Summary::new(frame, mask)));
        self.output.extend(frame.encode(mask));
    }

    /// What was queued and not sent, which is now the caller's to send.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Whether so much is queued that it should be sent before more is.
    pub(crate) fn is_output_long(&self) -> bool {
        self.output.len() >= LONG
    }

    /// Sends a frame in pieces, after those before it.
    pub(crate) fn send_chopped(&mut self, frame: &Frame, size: usize) {
        self.flush();
        self.queue(frame);
        let octets = self.take_output();
        for piece in octets.chunks(size.max(1)) {
            self.send(piece);
        }
    }

    /// Sends the header of a frame whose payload follows by [`part`](Self::part).
    pub(crate) fn begin(&mut self, frame: &Frame) {
        let mask = self.mask();
        self.begun = (mask, 0);
        self.write_down(|| What::SentFrame(Summary::new(frame, mask)));
        self.output.extend(frame.header(mask));
    }

    /// Sends the next octets of the payload of the frame that was begun.
    pub(crate) fn part(&mut self, octets: &[u8]) {
        let (mask, offset) = &mut self.begun;
        let mut octets = octets.to_vec();
        xor(&mut octets, *mask, *offset);
        *offset += octets.len();
        self.output.extend(octets);
    }

    /// Compresses a message, if that was agreed on.
    pub(crate) fn compress(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        self.codec.as_mut().map(|codec| codec.compress(message))
    }

    /// Sends what was queued, and tells whether all of it went.
    pub(crate) fn flush(&mut self) -> bool {
        if self.stalled {
            return false;
        }
        let octets = std::mem::take(&mut self.output);
        octets.is_empty() || self.send(&octets)
    }

    /// Sends octets as they are, and tells whether all of them went. What did not, while the suite does
    /// not read, goes when it does.
    pub(crate) fn send(&mut self, octets: &[u8]) -> bool {
        self.write_down(|| What::SentOctets(octets.into()));
        let mut left = octets;
        let mut since = self.now();
        while !left.is_empty() {
            let Some(wire) = &mut self.wire else {
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
                        CLOSE_TIMEOUT
                    };
                    if now >= since + limit || self.timers.kill.is_some_and(|at| at <= now) {
                        self.note("the subject takes no more octets");
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

    /// Sends a Close frame and begins the closing handshake, unless one has begun.
    pub(crate) fn begin_close(&mut self, payload: Vec<u8>) {
        if self.close.sent {
            return;
        }
        self.close.by_suite = true;
        self.send_close(payload);
        self.timers.answer = Some(self.now() + CLOSE_TIMEOUT * self.settings.patience);
    }

    fn send_close(&mut self, payload: Vec<u8>) {
        self.close.sent = true;
        self.close.local = Some(read_close(&payload));
        self.queue(&Frame::new(opcode::CLOSE, payload));
        self.flush();
    }

    /// Ends our direction.
    pub(crate) fn finish(&mut self) {
        self.flush();
        if let Some(wire) = &mut self.wire {
            wire.finish();
        }
        self.write_down(|| What::Finished);
    }

    /// Ends the connection, gracefully or not.
    pub(crate) fn drop_wire(&mut self, abort: bool) {
        self.flush();
        self.write_down(|| What::Finished);
        self.ended = self.now();
        let Some(mut wire) = self.wire.take() else {
            return;
        };
        if abort {
            wire.abort();
        } else {
            wire.finish();
        }
    }

    /// Reports a violation by the subject, as the RFC wants it reported.
    fn fail(&mut self, code: u16, why: impl Into<String>) {
        let why = why.into();
        self.note(format!("violation: {why}"));
        if self.close.violation.is_none() {
            self.close.violation = Some(why);
        }
        if self.close.sent {
            self.drop_wire(true);
            return;
        }
        self.begin_close(code.to_be_bytes().to_vec());
    }
}

/// Receiving.
impl Session {
    /// Waits for the next frame, the next timer or the end, and deals with it; at most until `until`.
    /// Tells whether that moment has come first.
    pub(crate) fn turn(&mut self, until: Option<Duration>) -> bool {
        self.flush();
        if self.is_over() {
            return true;
        }
        if self.reading && self.take_frame() {
            return false;
        }
        let now = self.now();
        let timers = &self.timers;
        let next = [timers.kill, timers.close, timers.answer, timers.end];
        let patience = if until.is_none() && next.iter().all(Option::is_none) {
            let patience = PATIENCE * self.settings.patience;
            Some(*self.timers.patience.get_or_insert(now + patience))
        } else {
            None
        };
        let next = next.into_iter().chain([until, patience]).flatten().min();
        let next = next.unwrap_or(now);
        if self.reading {
            if self.receive(next) != Received::Nothing {
                return false;
            }
        } else if let Some(wire) = &mut self.wire {
            wire.wait(next);
        }
        self.fire_timers();
        until.is_some_and(|until| until <= self.now())
    }

    /// Takes what comes until the connection is over.
    pub(crate) fn run_out(&mut self) {
        while !self.is_over() {
            self.turn(None);
        }
    }

    /// Appends what comes to the input.
    pub(crate) fn receive(&mut self, until: Duration) -> Received {
        let Some(wire) = &mut self.wire else {
            return Received::End;
        };
        let received = wire.receive(&mut self.input, until);
        let now = wire.now();
        match received {
            Received::Octets(n) => {
                self.timers.patience = None;
                let new = &self.input[self.input.len() - n..];
                self.log.add(now, || What::ReceivedOctets(new.into()));
            }
            Received::End => {
                self.take_frames();
                self.log.add(now, || What::End);
                self.ended = now;
                self.wire = None;
            }
            Received::Reset => {
                self.take_frames();
                self.log.add(now, || What::Reset);
                self.ended = now;
                self.wire = None;
            }
            Received::Nothing => {}
        }
        received
    }

    /// What came and was not looked at, as octets.
    pub(crate) fn input(&mut self) -> &mut Vec<u8> {
        &mut self.input
    }

    fn take_frames(&mut self) {
        while self.take_frame() {}
    }

    /// Deals with a frame, if a whole one has come.
    fn take_frame(&mut self) -> bool {
        if !self.input.is_empty() {
            let input = std::mem::take(&mut self.input);
            self.decoder.push(&input);
        }
        match self.decoder.frame(self.role == Role::Server) {
            Ok(Some(frame)) => {
                let summary = Summary::new(&frame, None);
                self.write_down(|| What::ReceivedFrame(summary));
                self.handle(frame);
                true
            }
            Ok(None) => false,
            Err(malformed) => {
                // What follows makes no sense any more.
                self.decoder = Decoder::default();
                if self.close.violation.is_none() {
                    self.fail(
                        1002,
                        format!("a frame whose header is wrong: {malformed:?}"),
                    );
                }
                false
            }
        }
    }

    fn handle(&mut self, frame: Frame) {
        if self.looks_behind_close && self.close.remote.is_some() {
            self.events.push(Event::Late);
            return;
        }
        let control = frame.opcode >= 0x8;
        let may_be_compressed = self.codec.is_some()
            && matches!(frame.opcode, opcode::TEXT | opcode::BINARY)
            && frame.reserved == 4;
        if frame.reserved != 0 && !may_be_compressed {
            return self.fail(1002, "reserved bits");
        }
        if control && (!frame.fin || frame.payload.len() > 125) {
            return self.fail(1002, "a control frame that is fragmented or too long");
        }
        match frame.opcode {
            opcode::CLOSE => self.handle_close(&frame.payload),
            opcode::PING => {
                if self.notes_pings {
                    self.events.push(Event::Ping);
                }
                if !self.close.sent && self.reading && self.answering {
                    self.queue(&Frame::new(opcode::PONG, frame.payload));
                }
            }
            opcode::PONG if self.close.violation.is_none() => {
                self.events.push(Event::Pong(frame.payload.into()));
            }
            opcode::PONG => {}
            opcode::TEXT | opcode::BINARY | opcode::CONTINUATION => self.handle_data(frame),
            _ => self.fail(1002, "a reserved opcode"),
        }
    }

    fn handle_data(&mut self, frame: Frame) {
        let first = match frame.opcode {
            opcode::TEXT => Some(Kind::Text),
            opcode::BINARY => Some(Kind::Binary),
            _ => None,
        };
        match (first, &mut self.message) {
            (Some(_), Some(_)) => return self.fail(1002, "a message inside another"),
            (None, None) => return self.fail(1002, "a continuation of nothing"),
            (None, Some(partial)) => partial.octets.extend(frame.payload),
            (Some(kind), partial @ None) => {
                *partial = Some(Partial {
                    kind,
                    compressed: frame.reserved == 4,
                    octets: frame.payload,
                    valid: 0,
                });
            }
        }
        let Some(mut partial) = self.message.take() else {
            return;
        };
        if frame.fin
            && partial.compressed
            && let Some(codec) = &mut self.codec
        {
            match codec.decompress(&partial.octets) {
                Ok(octets) => partial.octets = octets,
                Err(_) => return self.fail(1007, "a message that does not inflate"),
            }
        }
        if (frame.fin || !partial.compressed) && !partial.is_text_so_far(frame.fin) {
            return self.fail(1007, "text that is not UTF-8");
        }
        if !frame.fin {
            self.message = Some(partial);
        } else if self.close.violation.is_none() {
            let event = Event::Message(partial.kind, partial.octets.into());
            self.events.push(event);
        }
    }

    fn handle_close(&mut self, payload: &[u8]) {
        if self.close.remote.is_some() {
            return;
        }
        let (code, reason) = read_close(payload);
        let refused = match code {
            _ if payload.len() == 1 => Some((1002, "a Close frame of one octet")),
            // 1012 to 1014 were registered after Autobahn was written; it refuses them, we need not.
            Some(code) if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) => {
                Some((1002, "a code that does not go onto the wire"))
            }
            Some(_) if std::str::from_utf8(&payload[2..]).is_err() => {
                Some((1007, "a reason that is not UTF-8"))
            }
            _ => None,
        };
        self.close.remote = Some((code, reason));
        if let Some((code, why)) = refused {
            return self.fail(code, why);
        }
        self.close.clean = self.close.sent || self.answering;
        self.timers.answer = None;
        if !self.answering {
            return;
        }
        if self.looks_behind_close {
            self.take_frames();
        }
        if !self.close.sent {
            self.send_close(1000_u16.to_be_bytes().to_vec());
            if self.role == Role::Server {
                self.drop_wire(false);
            }
            return;
        }
        match self.role {
            // 7.1.1: the server ends the transport first, which is us ...
            Role::Server => self.drop_wire(false),
            // ... or the subject.
            Role::Client => {
                self.timers.end = Some(self.now() + CLOSE_TIMEOUT * self.settings.patience);
            }
        }
    }

    fn fire_timers(&mut self) {
        let now = self.now();
        let due = |timer: &mut Option<Duration>| timer.take_if(|at| *at <= now).is_some();
        if due(&mut self.timers.kill) {
            self.write_down(|| What::Timer("kill"));
            if self.close.sent {
                self.close.dropped = true;
                self.drop_wire(true);
            } else {
                let payload = [&1001_u16.to_be_bytes()[..], b"Going Away"].concat();
                self.begin_close(payload);
            }
        }
        if due(&mut self.timers.close) && !self.close.sent {
            self.write_down(|| What::Timer("close"));
            self.begin_close(Vec::new());
        }
        if due(&mut self.timers.answer) && !self.is_over() {
            self.write_down(|| What::Timer("no answer to Close"));
            self.close.unanswered = true;
            self.close.dropped = true;
            self.close.clean = false;
            self.drop_wire(true);
        }
        if due(&mut self.timers.end) && !self.is_over() {
            self.write_down(|| What::Timer("the server did not end the transport"));
            self.close.not_ended = true;
            self.close.dropped = true;
            self.close.clean = false;
            self.drop_wire(true);
        }
        if due(&mut self.timers.patience) && !self.is_over() {
            self.write_down(|| What::Timer("nothing happens any more"));
            self.close.dropped = true;
            self.drop_wire(true);
        }
    }
}

impl Partial {
    /// Whether it can still become text, or is text if it is whole; checks what was not checked before.
    fn is_text_so_far(&mut self, whole: bool) -> bool {
        if self.kind == Kind::Binary {
            return true;
        }
        match std::str::from_utf8(&self.octets[self.valid..]) {
            Ok(_) => {
                self.valid = self.octets.len();
                true
            }
            Err(error) => {
                self.valid += error.valid_up_to();
                error.error_len().is_none() && !whole
            }
        }
    }
}

/// The code and the reason of a Close frame, as far as there are any.
fn read_close(payload: &[u8]) -> (Option<u16>, String) {
    match payload {
        [high, low, reason @ ..] => (
            Some(u16::from_be_bytes([*high, *low])),
            String::from_utf8_lossy(reason).into_owned(),
        ),
        _ => (None, String::new()),
    }
}
