//! A small peer that does everything right, written for this test alone and to be read: no buffers are
//! saved and nothing is fast. One [`Defect`] can be switched on.

use std::{collections::VecDeque, io, time::Duration};

use conformance::{
    Case, Facts, Role, Subject,
    case::Need,
    deflate::Codec,
    extension::{Agreed, Measure},
    frame::{Frame, opcode},
    subject::memory::{Endpoint, Memory, State},
    wire::Wire,
};

use crate::{
    defect::Defect,
    framing::{Message, Payload},
};

/// From how many bytes on that nobody has taken the peer reads no further.
const HIGH: usize = 64 << 10;

/// Bytes of pongs that nobody has taken, from which on only the newest further one is kept.
const PONGS: usize = 4 << 10;

/// The peer as a subject.
pub(crate) struct Reference {
    pub(crate) role: Role,
    pub(crate) defect: Option<Defect>,
}

impl Subject for Reference {
    fn name(&self) -> &str {
        "reference"
    }

    fn role(&self) -> Role {
        self.role
    }

    fn facts(&self, case: &Case) -> Facts {
        facts(case.needs)
    }

    fn open(&self, case: &Case) -> io::Result<Box<dyn Wire>> {
        let peer = Peer::new(self.role, self.defect, facts(case.needs));
        Ok(Box::new(Memory::new(peer)))
    }
}

/// Limits and deadlines, narrow where a case is about them.
fn facts(need: Option<Need>) -> Facts {
    let mut facts = Facts::default();
    let soon = Some(Duration::from_millis(500));
    let narrow = |other: Need| need == Some(other);
    let limit = |other, small, large| Some(if narrow(other) { small } else { large });
    facts.max_message = limit(Need::MaxMessage, 64 << 10, 16 << 20);
    facts.max_frame = limit(Need::MaxFrame, 16 << 10, 16 << 20);
    facts.max_fragments = limit(Need::MaxFragments, 100, 1 << 17);
    facts.max_head = limit(Need::MaxHead, 4 << 10, 16 << 10);
    facts.opening_timeout = soon;
    facts.close_timeout = soon;
    facts.write_timeout = Some(Duration::from_secs(30)).filter(|_| !narrow(Need::WriteTimeout));
    facts.write_timeout = facts.write_timeout.or(soon);
    if narrow(Need::PingInterval) || narrow(Need::PongTimeout) {
        facts.ping_interval = soon;
        facts.pong_timeout = soon;
    }
    if narrow(Need::IdleTimeout) || narrow(Need::CloseTimeout) {
        facts.idle_timeout = soon;
    }
    facts
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Opening,
    Open,
    /// The peer has sent a Close frame, and the other side has not.
    Closing,
    /// What is queued goes out, what comes is dropped.
    Ending,
    Gone,
}

/// One end of a connection.
pub(crate) struct Peer {
    pub(crate) role: Role,
    pub(crate) defect: Option<Defect>,
    pub(crate) facts: Facts,
    pub(crate) phase: Phase,
    pub(crate) now: Duration,
    /// What came and is not dealt with.
    pub(crate) input: Vec<u8>,
    /// What is to be sent, frame by frame.
    pub(crate) output: VecDeque<Vec<u8>>,
    /// How much of the first of them went.
    given: usize,
    /// Bytes of the output, and of the pongs among them.
    queued: usize,
    pongs: usize,
    /// An empty line in front of the head was passed over.
    pub(crate) skipped: bool,
    /// The other side has ended its direction.
    finished: bool,
    /// Nothing has been taken since the output was so full that reading stopped.
    stuck: bool,
    /// For [`Defect::EndOvertakes`]: bytes came that are looked at a moment later.
    unseen: bool,
    /// A client's key.
    pub(crate) key: String,
    /// The frame that is being received.
    pub(crate) payload: Option<Payload>,
    pub(crate) message: Option<Message>,
    pub(crate) inflater: Option<Codec>,
    pub(crate) deflater: Option<Codec>,
    pub(crate) agreed: Option<Agreed>,
    /// For [`Defect::CompressedSticks`].
    pub(crate) was_compressed: bool,
    /// For the opening, the close, or the end.
    pub(crate) until: Option<Duration>,
    heard: Duration,
    active: Duration,
    pinged: Option<Duration>,
    unsent_since: Option<Duration>,
    random: fastrand::Rng,
}

impl Peer {
    fn new(role: Role, defect: Option<Defect>, facts: Facts) -> Self {
        let mut peer = Self {
            role,
            defect,
            facts,
            phase: Phase::Opening,
            now: Duration::ZERO,
            input: Vec::new(),
            output: VecDeque::new(),
            given: 0,
            queued: 0,
            pongs: 0,
            skipped: false,
            finished: false,
            stuck: false,
            unseen: false,
            key: String::new(),
            payload: None,
            message: None,
            inflater: None,
            deflater: None,
            agreed: None,
            was_compressed: false,
            until: facts.opening_timeout,
            heard: Duration::ZERO,
            active: Duration::ZERO,
            pinged: None,
            unsent_since: None,
            random: fastrand::Rng::with_seed(7),
        };
        if peer.has(Defect::NoOpeningDeadline) {
            peer.until = None;
        }
        if role == Role::Client {
            peer.request();
        }
        peer
    }

    /// Whether that is wrong with it.
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// The opening handshake is complete.
    pub(crate) fn open(&mut self, agreed: Option<Agreed>) {
        self.phase = Phase::Open;
        self.until = None;
        self.heard = self.now;
        self.active = self.now;
        self.agreed = agreed;
        let codec = |agreed| Codec::new(self.role, agreed, 6, Measure::Letter);
        self.inflater = agreed.map(codec);
        self.deflater = agreed.map(codec);
    }

    /// Queues bytes.
    pub(crate) fn queue(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.unsent_since.get_or_insert(self.now);
        self.queued += bytes.len();
        if is_pong(&bytes) {
            self.pongs += bytes.len();
        }
        self.output.push_back(bytes);
    }

    /// What a frame is on the wire.
    pub(crate) fn encode(&mut self, frame: &Frame) -> Vec<u8> {
        let masks = self.role == Role::Client;
        frame.encode(masks.then(|| self.random.u32(..).to_be_bytes()))
    }

    /// Sends a message back.
    pub(crate) fn echo(&mut self, opcode: u8, bytes: Vec<u8>) {
        self.active = self.now;
        if self.phase != Phase::Open && !self.has(Defect::DataAfterClose) {
            return;
        }
        let frame = match &mut self.deflater {
            Some(deflater) => Frame::new(opcode, deflater.compress(&bytes)).reserved(4),
            None => Frame::new(opcode, bytes),
        };
        let frame = self.encode(&frame);
        self.queue(frame);
        let last = self.output.len() - 1;
        if self.has(Defect::Disorder) && last > 1 {
            self.output.swap(last, last - 1);
        }
    }

    /// Answers a ping.
    pub(crate) fn pong(&mut self, payload: Vec<u8>) {
        if self.phase != Phase::Open || self.has(Defect::PingsUnanswered) {
            return;
        }
        let payload = if self.has(Defect::PongsEmpty) {
            Vec::new()
        } else {
            payload
        };
        let pong = self.encode(&Frame::new(opcode::PONG, payload));
        let newest = self.output.iter().skip(1).rposition(|bytes| is_pong(bytes));
        match newest {
            Some(at) if self.pongs > PONGS && !self.has(Defect::PongsUnbounded) => {
                if !self.has(Defect::OldestPongsWin) {
                    let passed_over = std::mem::replace(&mut self.output[at + 1], pong);
                    let grown = self.output[at + 1].len();
                    self.queued = self.queued + grown - passed_over.len();
                    self.pongs = self.pongs + grown - passed_over.len();
                }
            }
            _ => self.queue(pong),
        }
    }

    /// Sends a Close frame. What was queued before goes first.
    pub(crate) fn send_close(&mut self, payload: Vec<u8>) {
        let close = self.encode(&Frame::new(opcode::CLOSE, payload));
        self.queue(close);
        if self.has(Defect::CloseOvertakes) && self.given == 0 {
            self.output.rotate_right(1);
        }
    }

    /// Fails the connection (RFC 6455 7.1.7).
    pub(crate) fn fail(&mut self, code: u16) {
        if self.phase == Phase::Open {
            self.send_close(code.to_be_bytes().to_vec());
        }
        self.end();
    }

    /// Nothing further is received.
    pub(crate) fn end(&mut self) {
        self.phase = Phase::Ending;
        self.until = self.after(self.facts.close_timeout);
        if self.has(Defect::KeepsTransport) {
            self.until = None;
        }
        self.pinged = None;
    }

    fn after(&self, span: Option<Duration>) -> Option<Duration> {
        let span = span.filter(|_| !self.has(Defect::NoCloseDeadline));
        span.map(|span| self.now + span)
    }

    /// Deals with what came.
    fn work(&mut self) {
        while match self.phase {
            Phase::Opening => self.take_head(),
            Phase::Open | Phase::Closing => {
                self.take_payload() && !(self.has(Defect::OneFrameARead) && self.payload.is_none())
            }
            Phase::Ending if self.has(Defect::DataAfterClose) => self.take_payload(),
            Phase::Ending | Phase::Gone => {
                self.input.clear();
                false
            }
        } {}
        if self.finished && matches!(self.phase, Phase::Opening | Phase::Open | Phase::Closing) {
            self.end();
        }
    }

    fn forget_output(&mut self) {
        self.output.clear();
        (self.given, self.queued, self.pongs) = (0, 0, 0);
        self.unsent_since = None;
    }

    fn reads(&mut self) -> bool {
        if self.has(Defect::OutputUnbounded) {
            return true;
        }
        // Pongs have a bound of their own.
        if self.queued - self.pongs >= HIGH {
            self.stuck |= self.has(Defect::NeverResumes);
            return false;
        }
        !self.stuck
    }

    /// When that much time has passed since a moment.
    fn ping_at(&self) -> Option<Duration> {
        let silent =
            self.has(Defect::NoPings) || self.phase != Phase::Open || self.pinged.is_some();
        Some(self.heard + self.facts.ping_interval.filter(|_| !silent)?)
    }

    fn pong_at(&self) -> Option<Duration> {
        let patient = self.has(Defect::NoPongDeadline);
        Some(self.pinged? + self.facts.pong_timeout.filter(|_| !patient)?)
    }

    fn idle_at(&self) -> Option<Duration> {
        let patient = self.has(Defect::NoIdleDeadline) || self.phase != Phase::Open;
        Some(self.active + self.facts.idle_timeout.filter(|_| !patient)?)
    }

    fn write_at(&self) -> Option<Duration> {
        let patient = self.has(Defect::NoWriteDeadline) || self.phase == Phase::Gone;
        Some(self.unsent_since? + self.facts.write_timeout.filter(|_| !patient)?)
    }
}

impl Endpoint for Peer {
    fn take(&mut self, bytes: &[u8]) -> usize {
        if !self.reads() {
            return 0;
        }
        if self.has(Defect::UnreadResets) && self.phase == Phase::Ending {
            self.phase = Phase::Gone;
            self.forget_output();
        }
        if self.unseen {
            self.work();
        }
        let len = bytes.len().min(HIGH);
        self.heard = self.now;
        self.pinged = None;
        self.input.extend_from_slice(&bytes[..len]);
        if self.has(Defect::EndOvertakes) {
            self.unseen = true;
        } else {
            self.work();
        }
        len
    }

    fn give(&mut self, transport: &mut Vec<u8>, mut room: usize) {
        if self.has(Defect::UnreadResets)
            && self.phase == Phase::Ending
            && self.until > Some(self.now)
        {
            // It sends a moment later, if it still can.
            let soon = self.now + Duration::from_millis(1);
            self.until = self.until.min(Some(soon));
            return;
        }
        while let Some(bytes) = self.output.front()
            && room > 0
        {
            let rest = &bytes[self.given..];
            let len = rest.len().min(room);
            transport.extend_from_slice(&rest[..len]);
            room -= len;
            self.given += len;
            self.unsent_since = Some(self.now);
            if self.given == bytes.len() {
                self.given = 0;
                self.queued -= bytes.len();
                if is_pong(bytes) {
                    self.pongs -= bytes.len();
                }
                self.output.pop_front();
            }
        }
        if self.output.is_empty() {
            self.unsent_since = None;
        }
    }

    fn held(&self) -> usize {
        self.queued - self.given
    }

    fn state(&mut self) -> State {
        let keeps = self.role == Role::Client || self.has(Defect::KeepsTransport);
        match self.phase {
            Phase::Gone => State::Gone,
            Phase::Ending if !self.output.is_empty() => State::Open,
            Phase::Ending if self.finished => {
                self.phase = Phase::Gone;
                State::Gone
            }
            Phase::Ending if keeps => State::Open,
            Phase::Ending => State::Finished,
            Phase::Opening | Phase::Open | Phase::Closing => State::Open,
        }
    }

    fn deadline(&self) -> Option<Duration> {
        [
            self.until,
            self.ping_at(),
            self.pong_at(),
            self.idle_at(),
            self.write_at(),
            self.unseen.then_some(self.now),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn handle_time(&mut self, now: Duration) {
        self.now = now;
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if self.unseen {
            self.unseen = false;
            self.work();
        }
        if due(self.write_at()) {
            self.forget_output();
            self.phase = Phase::Gone;
        }
        if due(self.until) {
            self.until = None;
            match self.phase {
                Phase::Opening => self.opening_timed_out(),
                Phase::Ending if self.has(Defect::UnreadResets) => {}
                Phase::Closing | Phase::Ending => self.phase = Phase::Gone,
                Phase::Open | Phase::Gone => {}
            }
        }
        if due(self.pong_at()) {
            self.fail(1011);
        }
        if due(self.idle_at()) {
            self.send_close(1001_u16.to_be_bytes().to_vec());
            self.phase = Phase::Closing;
            self.until = self.after(self.facts.close_timeout);
        }
        if due(self.ping_at()) {
            let ping = self.encode(&Frame::new(opcode::PING, ""));
            self.queue(ping);
            self.pinged = Some(now);
        }
    }

    fn handle_end(&mut self) {
        self.finished = true;
        if self.has(Defect::EndOvertakes) {
            self.input.clear();
        }
        self.work();
    }

    fn handle_lost(&mut self) {
        self.forget_output();
        self.phase = Phase::Gone;
    }
}

/// Whether a frame in the output is a pong.
fn is_pong(frame: &[u8]) -> bool {
    frame[0] == 0x8a
}
