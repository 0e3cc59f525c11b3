//! Frames and messages as the reference peer takes them (RFC 6455 5).

use conformance::{
    Role,
    deflate::Codec,
    extension::Measure,
    frame::{opcode, xor},
};

use crate::{
    defect::Defect,
    peer::{Peer, Phase},
};

/// The payload of a frame that is being received.
pub(crate) struct Payload {
    fin: bool,
    reserved: u8,
    opcode: u8,
    key: Option<[u8; 4]>,
    len: usize,
    /// Of a control frame, all that came; of others, the bytes are with the message.
    bytes: Vec<u8>,
    /// How many came.
    read: usize,
}

/// A message that is being received.
pub(crate) struct Message {
    opcode: u8,
    compressed: bool,
    bytes: Vec<u8>,
    /// How many bytes are known to be text.
    valid: usize,
    fragments: u64,
}

/// What the bytes of a header say.
enum Header {
    Incomplete,
    /// The code with which the connection is to be failed.
    Wrong(u16),
    /// Bytes of the header, and what it announces.
    Right(usize, Payload),
}

impl Peer {
    /// Takes what there is of a frame, and tells whether there was anything.
    pub(crate) fn take_payload(&mut self) -> bool {
        let Some(mut payload) = self.payload.take() else {
            return match self.header() {
                Header::Incomplete => false,
                Header::Wrong(code) => {
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
                self.pong(payload.bytes);
            }
            opcode::PONG if self.has(Defect::PongEndsMessage) => self.message = None,
            opcode::PONG => {}
            _ if payload.fin => self.finish_message(),
            _ => {}
        }
        true
    }

    /// Judges a header by what there is of it.
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
        let lenient = (self.has(Defect::ReservedBits) && !compresses)
            || (self.has(Defect::ReservedBitsUnderCompression) && compresses && reserved & 4 == 0)
            || (self.has(Defect::CompressedContinuation) && compresses && continues);
        let inside = self.message.is_some();
        if reserved & !allowed != 0 && !lenient
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
        // What is missing of a length counts as nothing.
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

    /// Whether all bytes are there that the next frame says it has.
    fn whole_frame(&self) -> bool {
        let mut decoder = conformance::frame::Decoder::default();
        decoder.push(&self.input);
        decoder.part().is_some() && decoder.part().is_some()
    }

    /// A header is right: what it begins or continues.
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
            compressed: compressed || (self.has(Defect::CompressedSticks) && self.was_compressed),
            bytes: Vec::new(),
            valid: 0,
            fragments: 1,
        });
        self.was_compressed |= compressed;
    }

    /// Whether the message can still become text, as far as it came.
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
        if message.compressed {
            if self.has(Defect::TakeoverForgotten)
                && let Some(agreed) = self.agreed
            {
                self.inflater = Some(Codec::new(self.role, agreed, 6, Measure::Letter));
            }
            let inflated = self
                .inflater
                .as_mut()
                .map(|inflater| inflater.inflate(&message.bytes));
            match inflated {
                Some(Ok(bytes)) => message.bytes = bytes,
                Some(Err(_)) | None => return self.fail(1007),
            }
            if Some(message.bytes.len() as u64) > self.facts.max_message
                && !self.has(Defect::InflatedUnlimited)
            {
                return self.fail(1009);
            }
        }
        let checks = message.opcode == opcode::TEXT && !self.has(Defect::TextUnchecked);
        if checks && std::str::from_utf8(&message.bytes).is_err() {
            return self.fail(1007);
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
