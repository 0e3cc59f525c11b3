//! Frames and messages as the faulty peer receives them (RFC 6455 5).

use super::{Defect, Peer, Phase};
use crate::{
    case::Role,
    frame::{Decoder, opcode, xor},
};

/// The payload of a frame that is being received.
#[derive(Debug)]
pub(super) struct Payload {
    fin: bool,
    reserved: u8,
    opcode: u8,
    key: Option<[u8; 4]>,
    len: usize,
    /// The bytes of a control frame; those of other frames are kept in the message.
    bytes: Vec<u8>,
    /// How many bytes have arrived.
    read: usize,
}

/// A message that is being received.
#[derive(Debug)]
pub(super) struct Message {
    opcode: u8,
    compressed: bool,
    bytes: Vec<u8>,
    /// How many bytes are known to be text.
    valid: usize,
    fragments: u64,
}

/// The verdict on the bytes of a header.
enum Header {
    Incomplete,
    /// The code with which the connection is to be failed.
    Wrong(u16),
    /// The length of the header, and the payload that it announces.
    Right(usize, Payload),
}

impl Peer {
    /// Processes the bytes of a frame that have arrived. Returns true if there were any.
    pub(super) fn take_payload(&mut self) -> bool {
        let Some(mut payload) = self.payload.take() else {
            return match self.header() {
                Header::Incomplete => false,
                Header::Wrong(code) => {
                    self.input.clear();
                    self.fail(code);
                    true
                }
                Header::Right(len, payload) => {
                    self.input.drain(..len);
                    self.begin(&payload);
                    self.payload = Some(payload);
                    true
                }
            };
        };
        let len = self.input.len().min(payload.len - payload.read);
        let mut bytes: Vec<u8> = self.input.drain(..len).collect();
        xor(&mut bytes, payload.key, payload.read);
        payload.read += len;
        if payload.opcode >= 0x8 {
            payload.bytes.extend(bytes);
        } else if let Some(message) = &mut self.message {
            message.bytes.extend(bytes);
            let early = !self.has(Defect::TextJudgedLate);
            if early && !self.is_text_so_far() {
                self.fail(1007);
                return true;
            }
        }
        if payload.read < payload.len {
            self.payload = Some(payload);
            return len > 0;
        }
        match payload.opcode {
            opcode::CLOSE => self.handle_close(payload.bytes),
            opcode::PING => {
                if self.has(Defect::ControlInHistory)
                    && let Some(deflater) = &mut self.deflater
                {
                    deflater.compress(&payload.bytes);
                }
                if self.has(Defect::PingsInHistory)
                    && let Some(inflater) = &mut self.inflater
                {
                    inflater.remember(&payload.bytes);
                }
                self.pong(payload.bytes);
            }
            opcode::PONG if self.has(Defect::PongEndsMessage) => self.message = None,
            opcode::PONG => {}
            _ if payload.fin => self.finish_message(),
            _ => {}
        }
        true
    }

    /// Judges the bytes of a header that have arrived.
    fn header(&self) -> Header {
        let whole = self.whole_frame();
        if self.has(Defect::JudgedLate) && !whole {
            return Header::Incomplete;
        }
        let [first, rest @ ..] = self.input.as_slice() else {
            return Header::Incomplete;
        };
        let fin = first & 0x80 != 0;
        let reserved = first >> 4 & 7;
        let opcode = first & 0xf;
        let control = opcode >= 0x8;
        let begins = matches!(opcode, opcode::TEXT | opcode::BINARY);
        let continues = opcode == opcode::CONTINUATION;
        let compresses = self.inflater.is_some();
        let allowed = if compresses && begins { 4 } else { 0 };
        let ignored = match self.defect {
            Some(Defect::ReservedBits) if !compresses => 7,
            Some(Defect::ReservedBitsUnderCompression) if compresses => 3,
            Some(Defect::CompressedContinuation) if compresses && continues => 7,
            Some(Defect::CompressedControl) if compresses && control => 4,
            _ => 0,
        };
        let inside = self.message.is_some();
        if reserved & !allowed & !ignored != 0
            || !matches!(opcode, 0x0..=0x2 | 0x8..=0xa) && !self.has(Defect::ReservedOpcodes)
            || control && !fin && !self.has(Defect::FragmentedControl)
            || continues && !inside && !self.has(Defect::StrayContinuation)
            || begins && inside && !self.has(Defect::NewReplacesOld)
        {
            return Header::Wrong(1002);
        }
        let [second, rest @ ..] = rest else {
            return Header::Incomplete;
        };
        let masked = second & 0x80 != 0;
        let short = second & 0x7f;
        if masked != (self.role == Role::Server) && !self.has(Defect::MaskIgnored)
            || control && short > 125 && !self.has(Defect::LongControl)
            || opcode == opcode::CLOSE && short == 1 && !self.has(Defect::HalfCode)
        {
            return Header::Wrong(1002);
        }
        let size = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let there = &rest[..size.min(rest.len())];
        if size == 8
            && there.first().is_some_and(|top| top & 0x80 != 0)
            && !self.has(Defect::TopBit)
        {
            return Header::Wrong(1002);
        }
        // Bytes of the length that have not arrived count as 0.
        let known = there
            .iter()
            .fold(0, |len, byte| len << 8 | u64::from(*byte));
        let mut least = known
            .checked_shl(8 * (size - there.len()) as u32)
            .unwrap_or(0);
        if self.has(Defect::TopBit) {
            least &= !(1 << 63);
        }
        let len = if size == 0 { u64::from(short) } else { least };
        let (so_far, fragments) = match &self.message {
            Some(message) if continues => (message.bytes.len() as u64, message.fragments),
            _ => (0, 0),
        };
        let sum = if self.has(Defect::SumUncounted) {
            0
        } else {
            so_far
        };
        let most = self.facts.max_message.unwrap_or(u64::MAX);
        let most_of_frame = self.facts.max_frame.unwrap_or(u64::MAX).min(most);
        let unlimited = self.has(Defect::LengthUnlimited);
        if !control && !unlimited && (len > most_of_frame || sum.saturating_add(len) > most) {
            return Header::Wrong(1009);
        }
        let many = self
            .facts
            .max_fragments
            .is_some_and(|most| fragments >= most);
        if continues && many && !self.has(Defect::FragmentsUncounted) {
            return Header::Wrong(1009);
        }
        if there.len() < size {
            return Header::Incomplete;
        }
        let shortest = match size {
            2 => 126,
            8 => 1 << 16,
            _ => 0,
        };
        if len < shortest && !self.has(Defect::LongLengths) {
            return Header::Wrong(1002);
        }
        let rest = &rest[size..];
        let key = match (masked, rest.first_chunk()) {
            (false, _) => None,
            (true, None) => return Header::Incomplete,
            (true, Some(key)) => Some(*key),
        };
        let header_len = 2 + size + if masked { 4 } else { 0 };
        Header::Right(
            header_len,
            Payload {
                fin,
                reserved,
                opcode,
                key: key.filter(|_| self.role == Role::Server),
                len: len as usize,
                bytes: Vec::new(),
                read: 0,
            },
        )
    }

    /// Returns true if all bytes of the next frame have arrived.
    fn whole_frame(&self) -> bool {
        let mut decoder = Decoder::default();
        decoder.push(&self.input);
        decoder.part().is_some() && decoder.part().is_some()
    }

    /// Begins or continues a message after a valid header.
    fn begin(&mut self, payload: &Payload) {
        if payload.opcode >= 0x8 {
            return;
        }
        if payload.opcode == opcode::CONTINUATION && self.message.is_some() {
            if let Some(message) = &mut self.message {
                message.fragments += 1;
            }
            return;
        }
        let compressed = payload.reserved & 4 != 0 && self.inflater.is_some();
        self.message = Some(Message {
            opcode: match payload.opcode {
                opcode::TEXT => opcode::TEXT,
                _ => opcode::BINARY,
            },
            compressed: compressed || self.sticks(payload.fin),
            bytes: Vec::new(),
            valid: 0,
            fragments: 1,
        });
        self.was_compressed |= compressed;
    }

    /// Returns true if a plain message is taken for a compressed one.
    fn sticks(&self, fin: bool) -> bool {
        match self.defect {
            Some(Defect::CompressedSticks) => self.was_compressed,
            Some(Defect::CompressedSticksInFragments) => self.last_compressed && !fin,
            _ => false,
        }
    }

    /// Returns false if the bytes of the message so far cannot be the start of UTF-8.
    fn is_text_so_far(&mut self) -> bool {
        if self.has(Defect::TextUnchecked) {
            return true;
        }
        let Some(message) = &mut self.message else {
            return true;
        };
        if message.opcode != opcode::TEXT || message.compressed {
            return true;
        }
        match std::str::from_utf8(&message.bytes[message.valid..]) {
            Ok(_) => message.valid = message.bytes.len(),
            Err(error) => {
                message.valid += error.valid_up_to();
                return error.error_len().is_none();
            }
        }
        true
    }

    fn finish_message(&mut self) {
        let Some(mut message) = self.message.take() else {
            return;
        };
        self.last_compressed = message.compressed;
        if message.compressed {
            let defect = self.defect;
            let inflater = self.inflater.as_mut();
            match inflater.and_then(|inflater| inflater.inflate(&message.bytes, defect)) {
                Some(bytes) => message.bytes = bytes,
                None if self.has(Defect::CorruptIgnored) => return,
                None if self.has(Defect::CorruptIsInternal) => return self.fail(1011),
                None => return self.fail(1007),
            }
            if Some(message.bytes.len() as u64) > self.facts.max_message
                && !self.has(Defect::InflatedUnlimited)
            {
                return self.fail(1009);
            }
        }
        if !message.compressed
            && self.has(Defect::PlainInHistory)
            && let Some(inflater) = &mut self.inflater
        {
            inflater.remember(&message.bytes);
        }
        let unchecked = self.has(Defect::TextUnchecked)
            || self.has(Defect::InflatedTextUnchecked) && message.compressed;
        let checks = message.opcode == opcode::TEXT && !unchecked;
        if checks && std::str::from_utf8(&message.bytes).is_err() {
            return self.fail(1007);
        }
        if message.opcode == opcode::TEXT {
            self.last_text = String::from_utf8_lossy(&message.bytes).into_owned();
        }
        self.echo(message.opcode, message.bytes);
    }

    fn handle_close(&mut self, payload: Vec<u8>) {
        match self.phase {
            Phase::Closing => return self.end(),
            Phase::Ending => return,
            Phase::Opening | Phase::Open | Phase::Gone => {}
        }
        let code = match payload.as_slice() {
            [high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        };
        let valid = |code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        if code.is_some_and(|code| !valid(code)) && !self.has(Defect::AnyCode) {
            return self.fail(1002);
        }
        let reason = payload.get(2..).unwrap_or_default();
        if std::str::from_utf8(reason).is_err() && !self.has(Defect::AnyReason) {
            return self.fail(1007);
        }
        if self.has(Defect::CloseUnanswered) {
            return self.end();
        }
        let code = if self.has(Defect::CodeNotEchoed) {
            Some(1011)
        } else {
            code
        };
        let answer = code.map(|code| code.to_be_bytes().to_vec());
        self.send_close(answer.unwrap_or_default());
        self.end();
    }
}
