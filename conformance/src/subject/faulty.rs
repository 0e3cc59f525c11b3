//! A small peer that does everything right, unless one [`Defect`] is switched on. The suite is tested by it: without
//! a defect the peer passes every case, and with one it fails those that are [listed](DEFECTS) for the defect.
//!
//! It shares nothing with the implementations that the suite tests, and is written to be read: it saves no
//! buffers and nothing in it is fast. In memory it is a [`Subject`]. Over TCP ([`serve`], [`walk`]) it is a program
//! that other suites can test as well, so that their verdicts can be compared.

use std::{collections::VecDeque, io, time::Duration};

use super::{
    Facts, Subject,
    memory::{Endpoint, Memory, State},
};
use crate::{
    case::{Case, Need, Role},
    deflate::Codec,
    extension::{Agreed, Measure},
    frame::{Frame, opcode},
    wire::Wire,
};

mod defect;
mod framing;
mod inflater;
mod opening;
mod sabotage;
mod tcp;

pub use self::{
    defect::{DEFECTS, Defect, Listed},
    tcp::{serve, walk},
};
use self::{
    framing::{Message, Payload},
    inflater::Inflater,
    sabotage::Sent,
};

/// The peer stops reading while this many bytes wait to be sent.
const HIGH: usize = 64 << 10;

/// While this many bytes of pongs wait to be sent, a new pong replaces the newest of them.
const PONGS: usize = 4 << 10;

/// The peer in memory as a subject.
#[derive(Debug, Clone, Copy)]
pub struct Faulty {
    /// Its role.
    pub role: Role,
    /// Its defect, if it has one.
    pub defect: Option<Defect>,
}

impl Subject for Faulty {
    fn name(&self) -> &str {
        self.defect.map_or("sound", Defect::name)
    }

    fn role(&self) -> Role {
        self.role
    }

    fn facts(&self, case: &Case) -> Facts {
        facts(case.needs)
    }

    fn open(&self, case: &Case) -> io::Result<Box<dyn Wire>> {
        let facts = facts(case.needs);
        let peer = match self.role {
            Role::Server => Peer::server(self.defect, facts),
            Role::Client => Peer::client(self.defect, facts, "localhost", "/"),
        };
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
enum Phase {
    Opening,
    Open,
    /// The peer has sent a Close frame, and the other side has not.
    Closing,
    /// Queued bytes are sent, received ones are dropped.
    Ending,
    Gone,
}

/// One end of a connection.
#[derive(Debug)]
struct Peer {
    role: Role,
    defect: Option<Defect>,
    facts: Facts,
    phase: Phase,
    now: Duration,
    /// Bytes that arrived and were not processed yet.
    input: Vec<u8>,
    /// Frames and heads that wait to be sent.
    output: VecDeque<Vec<u8>>,
    /// How many bytes of the first of them were sent.
    given: usize,
    /// Bytes of the output, and of the pongs among them.
    queued: usize,
    pongs: usize,
    /// An empty line in front of the head was passed over.
    skipped: bool,
    /// The other side has ended its direction.
    finished: bool,
    /// Nothing has been taken since the output was so full that reading stopped.
    stuck: bool,
    /// For [`Defect::EndOvertakes`]: bytes came that are looked at a moment later.
    unseen: bool,
    /// A client's key.
    key: String,
    /// The frame that is being received.
    payload: Option<Payload>,
    message: Option<Message>,
    inflater: Option<Inflater>,
    deflater: Option<Codec>,
    agreed: Option<Agreed>,
    /// For [`Defect::CompressedSticks`]: a message so far was compressed.
    was_compressed: bool,
    /// For [`Defect::CompressedSticksInFragments`]: the message before was compressed.
    last_compressed: bool,
    /// For defects that end or reset the transport in the place of a frame.
    cut: Option<State>,
    /// The text of the last message, which tells a client how many cases there are.
    last_text: String,
    /// The deadline of the opening, of the closing handshake, or of the end.
    until: Option<Duration>,
    heard: Duration,
    active: Duration,
    pinged: Option<Duration>,
    unsent_since: Option<Duration>,
    random: fastrand::Rng,
}

impl Peer {
    fn server(defect: Option<Defect>, facts: Facts) -> Self {
        Self::new(Role::Server, defect, facts)
    }

    /// Makes a client that asks for a resource.
    fn client(defect: Option<Defect>, facts: Facts, host: &str, resource: &str) -> Self {
        let mut peer = Self::new(Role::Client, defect, facts);
        peer.request(host, resource);
        peer
    }

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
            last_compressed: false,
            cut: None,
            last_text: String::new(),
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
        peer
    }

    /// Returns true if the peer has that defect.
    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// The opening handshake is complete.
    fn open(&mut self, agreed: Option<Agreed>) {
        self.phase = Phase::Open;
        self.until = None;
        self.heard = self.now;
        self.active = self.now;
        self.agreed = agreed;
        self.inflater = agreed.map(|agreed| Inflater::new(self.role, agreed));
        self.deflater = agreed.map(|agreed| {
            let kept_to = self.kept_to(agreed);
            Codec::new(self.role, kept_to, 6, Measure::Letter)
        });
    }

    /// The parameters that the compressor keeps to.
    fn kept_to(&self, mut agreed: Agreed) -> Agreed {
        let (bits, afresh) = match self.role {
            Role::Server => (
                &mut agreed.server_max_window_bits,
                &mut agreed.server_no_context_takeover,
            ),
            Role::Client => (
                &mut agreed.client_max_window_bits,
                &mut agreed.client_no_context_takeover,
            ),
        };
        if self.has(Defect::WindowIgnored) {
            *bits = 15;
        }
        if self.has(Defect::ContextKept) {
            *afresh = false;
        }
        agreed
    }

    /// Queues a frame, or what a defect sends in its place.
    fn transmit(&mut self, frame: Frame) {
        let sent = match self.defect {
            Some(defect) => sabotage::frames(defect, frame),
            None => vec![Sent::Frame(frame)],
        };
        for sent in sent {
            match sent {
                Sent::Frame(frame) => {
                    let bytes = self.encode(&frame);
                    self.queue(bytes);
                }
                Sent::End => self.cut(State::Finished),
                Sent::Reset => self.cut(State::Reset),
            }
        }
    }

    /// Leaves the transport once everything that is queued was sent.
    fn cut(&mut self, how: State) {
        self.cut.get_or_insert(how);
        self.end();
    }

    /// Queues bytes.
    fn queue(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() || self.cut.is_some() {
            return;
        }
        self.unsent_since.get_or_insert(self.now);
        self.queued += bytes.len();
        if is_pong(&bytes) {
            self.pongs += bytes.len();
        }
        self.output.push_back(bytes);
    }

    /// Returns the bytes of a frame on the wire.
    fn encode(&mut self, frame: &Frame) -> Vec<u8> {
        let masks = (self.role == Role::Client) != self.has(Defect::OtherMask);
        frame.encode(masks.then(|| self.random.u32(..).to_be_bytes()))
    }

    /// Sends a message back.
    fn echo(&mut self, opcode: u8, bytes: Vec<u8>) {
        self.active = self.now;
        if self.phase != Phase::Open && !self.has(Defect::DataAfterClose) {
            return;
        }
        let frame = self.compressed(opcode, bytes);
        self.transmit(frame);
        let last = self.output.len().saturating_sub(1);
        if self.has(Defect::Disorder) && last > 1 {
            self.output.swap(last, last - 1);
        }
    }

    /// The frame of a message, compressed if that was agreed on.
    fn compressed(&mut self, opcode: u8, bytes: Vec<u8>) -> Frame {
        let Some(deflater) = &mut self.deflater else {
            return Frame::new(opcode, bytes);
        };
        let mut message = deflater.compress(&bytes);
        if self.defect == Some(Defect::TailSent) {
            message.extend(inflater::TAIL);
        }
        if self.defect == Some(Defect::EmptyUncompressed) && bytes.is_empty() {
            message.clear();
        }
        Frame::new(opcode, message).reserved(4)
    }

    /// Answers a ping.
    fn pong(&mut self, payload: Vec<u8>) {
        if self.phase != Phase::Open || self.has(Defect::PingsUnanswered) {
            return;
        }
        let payload = if self.has(Defect::PongsEmpty) {
            Vec::new()
        } else {
            payload
        };
        if self.defect.is_some_and(Defect::changes_pongs) {
            return self.transmit(Frame::new(opcode::PONG, payload));
        }
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
    fn send_close(&mut self, payload: Vec<u8>) {
        self.transmit(Frame::new(opcode::CLOSE, payload));
        if self.has(Defect::CloseOvertakes) && self.given == 0 {
            self.output.rotate_right(1.min(self.output.len()));
        }
    }

    /// Fails the connection (RFC 6455 7.1.7).
    fn fail(&mut self, code: u16) {
        if self.phase == Phase::Open {
            self.send_close(code.to_be_bytes().to_vec());
        }
        self.end();
    }

    /// Nothing further is received.
    fn end(&mut self) {
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
        let end = if self.has(Defect::ResetAtEnd) {
            State::Reset
        } else {
            State::Gone
        };
        match self.phase {
            _ if self.output.is_empty() && self.cut == Some(State::Reset) => State::Reset,
            Phase::Ending if self.output.is_empty() && !self.finished && self.cut.is_some() => {
                State::Finished
            }
            Phase::Gone => end,
            Phase::Ending if !self.output.is_empty() => State::Open,
            Phase::Ending if self.finished => {
                self.phase = Phase::Gone;
                end
            }
            Phase::Ending if keeps => State::Open,
            Phase::Ending if end == State::Reset => end,
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
            self.transmit(Frame::new(opcode::PING, ""));
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

/// Returns true if a frame in the output is a pong.
fn is_pong(frame: &[u8]) -> bool {
    frame[0] == 0x8a
}
