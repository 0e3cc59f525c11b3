//! A small echo server in memory, made of what the suite itself is made of, and what can be wrong with it.

use std::{io, time::Duration};

use conformance::{
    Case, Facts, Role, Subject,
    deflate::Codec,
    extension::{Agreed, Measure, Wish},
    frame::{Decoder, Frame, Header, Part, opcode},
    handshake::{Head, accept_key},
    wire::{Received, Wire},
};
use flate2::{Decompress, FlushDecompress};
use reference::inflate::Judge;

/// Bytes of the longest message that it takes, and of the longest where a case is about that.
const LIMITS: [usize; 2] = [16 << 20, 64 << 10];

/// The four bytes that do not travel (RFC 7692 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// What is wrong with a server: each was seen in published libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// What a ping carries can be referred to.
    PingsEnterTheHistory,
    /// What came uncompressed can be referred to.
    PlainMessagesEnterTheHistory,
    /// What was sent as a pong can be referred to, or so it thinks.
    PongsEnterItsHistory,
    /// It inflates each message by itself, though it agreed to context takeover.
    ForgetsTheHistory,
    /// A message in fragments is inflated if the one before was.
    RemembersThatItInflates,
    /// A final block ends the message, and the history.
    StopsAtAFinalBlock,
    /// The limit is one of the bytes that come.
    LimitsCompressedBytes,
    /// Text is checked before it is inflated only.
    ChecksPlainTextOnly,
    /// RSV1 is taken on continuations.
    TakesRsv1OnContinuations,
    /// RSV1 is taken on control frames.
    TakesRsv1OnControlFrames,
    /// RSV2 and RSV3 are ignored.
    IgnoresRsv2AndRsv3,
    /// A message that does not inflate is ignored.
    IgnoresCorruptMessages,
    /// A message that does not inflate is an internal error.
    BlamesItselfForCorruptMessages,
    /// It compresses with the largest window, whatever was agreed on.
    UsesTheWholeWindow,
    /// It refers to messages before, whatever was agreed on.
    KeepsItsContext,
    /// The last four bytes of a flush travel too.
    SendsTheTail,
    /// An empty message is compressed to no bytes.
    CompressesNothingToNothing,
    /// It accepts any offer of that name.
    TakesBadOffers,
    /// It answers 400 to an offer that it should decline.
    RefusesBadOffers,
    /// One offer that it has to decline makes it decline all.
    DeclinesAllOffers,
    /// It asks for a window that the client has not offered.
    AnswersMoreThanWasOffered,
}

/// A server with that defect, or without any.
pub(crate) struct Mutant(pub(crate) Option<Defect>);

impl Subject for Mutant {
    fn name(&self) -> &str {
        "mutant"
    }

    fn role(&self) -> Role {
        Role::Server
    }

    fn facts(&self, case: &Case) -> Facts {
        let mut facts = Facts::default();
        facts.max_message = Some(limit(case) as u64);
        facts
    }

    fn open(&self, case: &Case) -> io::Result<Box<dyn Wire>> {
        Ok(Box::new(Peer {
            defect: self.0,
            limit: limit(case),
            now: Duration::ZERO,
            head: Some(Vec::new()),
            decoder: Decoder::default(),
            output: Vec::new(),
            message: None,
            inflated_last: false,
            compression: None,
            closed: false,
        }))
    }
}

fn limit(case: &Case) -> usize {
    LIMITS[usize::from(case.needs.is_some())]
}

/// One connection.
struct Peer {
    defect: Option<Defect>,
    limit: usize,
    now: Duration,
    /// What has come of the head; `None` behind it.
    head: Option<Vec<u8>>,
    decoder: Decoder,
    output: Vec<u8>,
    message: Option<Message>,
    inflated_last: bool,
    compression: Option<Compression>,
    closed: bool,
}

/// A message of which not everything has come.
struct Message {
    opcode: u8,
    compressed: bool,
    bytes: Vec<u8>,
}

struct Compression {
    agreed: Agreed,
    judge: Judge,
    codec: Codec,
}

impl Peer {
    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn read(&mut self, bytes: &[u8]) {
        let Some(head) = &mut self.head else {
            return self.decode(bytes);
        };
        head.extend(bytes);
        let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
            return;
        };
        let rest = head.split_off(end + 4);
        let text = String::from_utf8(std::mem::take(head)).expect("a head is text");
        self.head = None;
        self.answer(&Head::parse(&text).expect("a head is one"));
        self.decode(&rest);
    }

    fn answer(&mut self, request: &Head) {
        let Ok(extensions) = self.choose(request) else {
            self.output.extend(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            self.closed = true;
            return;
        };
        let key = request.one("Sec-WebSocket-Key").unwrap_or_default();
        let mut text = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n",
            accept_key(key)
        );
        if let Some(extensions) = extensions {
            text += &format!("Sec-WebSocket-Extensions: {extensions}\r\n");
        }
        self.output.extend(text.bytes());
        self.output.extend(b"\r\n");
    }

    /// The answer to the first offer that is one. An error: the request is refused.
    fn choose(&mut self, request: &Head) -> Result<Option<String>, ()> {
        let lines: Vec<_> = request.all("Sec-WebSocket-Extensions").collect();
        let lines = lines.join(",");
        let mut offers = lines
            .split(',')
            .map(|offer| Agreed::answer(offer, &[Wish::NOTHING]));
        if self.has(Defect::RefusesBadOffers) && offers.clone().any(|offer| offer.is_err()) {
            return Err(());
        }
        if self.has(Defect::DeclinesAllOffers) && offers.clone().any(|offer| offer.is_err()) {
            return Ok(None);
        }
        let mut chosen = offers.find_map(|offer| offer.ok().flatten());
        if self.has(Defect::TakesBadOffers) && lines.starts_with("permessage-deflate;") {
            chosen = chosen.or_else(|| Some((Agreed::DEFAULT, "permessage-deflate".to_owned())));
        }
        let Some((agreed, mut text)) = chosen else {
            return Ok(None);
        };
        if self.has(Defect::AnswersMoreThanWasOffered) {
            text += "; client_max_window_bits=15";
        }
        let mut ours = agreed;
        if self.has(Defect::UsesTheWholeWindow) {
            ours.server_max_window_bits = 15;
        }
        if self.has(Defect::KeepsItsContext) {
            ours.server_no_context_takeover = false;
        }
        self.compression = Some(Compression {
            agreed,
            judge: Judge::new(15),
            codec: Codec::new(Role::Server, ours, 6, Measure::Autobahn),
        });
        Ok(Some(text))
    }

    fn decode(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
        while !self.closed
            && let Some(part) = self.decoder.part()
        {
            match part {
                Part::Header(header) if !self.may_come(&header) => self.fail(1002),
                Part::Header(_) => {}
                Part::Frame(frame, _) => self.handle(frame),
            }
        }
    }

    fn may_come(&self, header: &Header) -> bool {
        let control = header.opcode >= 0x8;
        let inside = self.message.is_some();
        let takes_rsv1 = match header.opcode {
            opcode::TEXT | opcode::BINARY => true,
            opcode::CONTINUATION => self.has(Defect::TakesRsv1OnContinuations),
            _ => control && self.has(Defect::TakesRsv1OnControlFrames),
        };
        let reserved = match header.reserved {
            bits if self.has(Defect::IgnoresRsv2AndRsv3) => bits & 4,
            bits => bits,
        };
        let reserved_is_right = match reserved {
            0 => true,
            4 => self.compression.is_some() && takes_rsv1,
            _ => false,
        };
        let opcode_is_right = match header.opcode {
            opcode::TEXT | opcode::BINARY => !inside,
            opcode::CONTINUATION => inside,
            opcode::CLOSE | opcode::PING | opcode::PONG => header.fin && header.len <= 125,
            _ => false,
        };
        reserved_is_right && opcode_is_right
    }

    fn handle(&mut self, frame: Frame) {
        match frame.opcode {
            opcode::CLOSE => {
                self.send(opcode::CLOSE, 0, frame.payload);
                self.closed = true;
            }
            opcode::PING => self.handle_ping(frame.payload),
            opcode::PONG => {}
            _ => self.handle_data(frame),
        }
    }

    fn handle_ping(&mut self, payload: Vec<u8>) {
        let defect = self.defect;
        if let Some(compression) = &mut self.compression {
            if defect == Some(Defect::PingsEnterTheHistory) {
                compression.judge.remember(&payload);
            }
            if defect == Some(Defect::PongsEnterItsHistory) {
                compression.codec.compress(&payload);
            }
        }
        self.send(opcode::PONG, 0, payload);
    }

    fn handle_data(&mut self, frame: Frame) {
        let sticks = self.has(Defect::RemembersThatItInflates) && self.inflated_last && !frame.fin;
        let message = self.message.get_or_insert_with(|| Message {
            opcode: frame.opcode,
            compressed: frame.reserved & 4 != 0 || sticks,
            bytes: Vec::new(),
        });
        message.bytes.extend(frame.payload);
        if message.bytes.len() > self.limit {
            return self.fail(1009);
        }
        if !frame.fin {
            return;
        }
        let Some(mut message) = self.message.take() else {
            return;
        };
        self.inflated_last = message.compressed;
        if message.compressed {
            match self.inflate(&message.bytes) {
                Some(bytes) => message.bytes = bytes,
                None if self.has(Defect::IgnoresCorruptMessages) => return,
                None if self.has(Defect::BlamesItselfForCorruptMessages) => return self.fail(1011),
                None => return self.fail(1007),
            }
        } else if self.has(Defect::PlainMessagesEnterTheHistory)
            && let Some(compression) = &mut self.compression
        {
            compression.judge.remember(&message.bytes);
        }
        if message.bytes.len() > self.limit && !self.has(Defect::LimitsCompressedBytes) {
            return self.fail(1009);
        }
        let unchecked = self.has(Defect::ChecksPlainTextOnly) && message.compressed;
        if message.opcode == opcode::TEXT
            && !unchecked
            && std::str::from_utf8(&message.bytes).is_err()
        {
            return self.fail(1007);
        }
        self.echo(message.opcode, message.bytes);
    }

    fn inflate(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let defect = self.defect;
        let compression = self.compression.as_mut()?;
        let forgets = compression.agreed.client_no_context_takeover;
        if forgets || defect == Some(Defect::ForgetsTheHistory) {
            compression.judge.forget();
        }
        let message = [message, &TAIL].concat();
        if defect == Some(Defect::StopsAtAFinalBlock) && message[0] & 1 == 1 {
            let mut out = Vec::with_capacity(1 << 16);
            let mut library = Decompress::new(false);
            let inflated = library.decompress_vec(&message, &mut out, FlushDecompress::Sync);
            compression.judge.forget();
            return inflated.ok().map(|_| out);
        }
        compression.judge.message(&message).ok()
    }

    fn echo(&mut self, opcode: u8, bytes: Vec<u8>) {
        let defect = self.defect;
        let Some(compression) = &mut self.compression else {
            return self.send(opcode, 0, bytes);
        };
        let mut message = compression.codec.compress(&bytes);
        if defect == Some(Defect::SendsTheTail) {
            message.extend(TAIL);
        }
        if defect == Some(Defect::CompressesNothingToNothing) && bytes.is_empty() {
            message.clear();
        }
        self.send(opcode, 4, message);
    }

    fn fail(&mut self, code: u16) {
        self.send(opcode::CLOSE, 0, code.to_be_bytes().to_vec());
        self.closed = true;
    }

    fn send(&mut self, opcode: u8, reserved: u8, payload: Vec<u8>) {
        let frame = Frame::new(opcode, payload).reserved(reserved);
        self.output.extend(frame.encode(None));
    }
}

impl Wire for Peer {
    fn now(&self) -> Duration {
        self.now
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.closed {
            self.read(bytes);
        }
        Ok(bytes.len())
    }

    fn receive(&mut self, buf: &mut Vec<u8>, until: Duration) -> Received {
        if !self.output.is_empty() {
            buf.append(&mut self.output);
            // Nobody counts on how much came at once.
            return Received::Bytes(1);
        }
        if self.closed {
            return Received::End;
        }
        self.now = self.now.max(until);
        Received::Nothing
    }

    fn wait(&mut self, until: Duration) {
        self.now = self.now.max(until);
    }

    fn finish(&mut self) {
        self.closed = true;
    }

    fn abort(self: Box<Self>) {}
}
