//! Input from the subject: bytes, frames, messages, and their violations.

use std::time::Duration;

use super::{PATIENCE, Session};
use crate::{
    case::{Event, Kind, Role},
    frame::{Decoder, Frame, Header, Length, Part, opcode},
    log::{Summary, What},
    wire::Received,
};

/// Masking keys that are kept, the first ones.
const MASKS: usize = 64;

/// Received input that is not processed yet.
#[derive(Default)]
pub(super) struct Incoming {
    /// Bytes that are not decoded yet.
    bytes: Vec<u8>,
    decoder: Decoder,
    message: Option<Partial>,
    /// How the transport ended after the bytes.
    end: Option<Received>,
}

/// A message with outstanding fragments.
struct Partial {
    kind: Kind,
    compressed: bool,
    bytes: Vec<u8>,
    /// The number of bytes that are known to be UTF-8.
    valid: usize,
}

/// The result of checking bytes for UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    /// All of them.
    Whole,
    /// The last code point is cut off.
    Cut,
    /// No further bytes can make them so.
    Broken,
}

impl Incoming {
    /// How the subject has ended the transport, though earlier input may not be processed yet.
    pub(super) const fn end(&self) -> Option<Received> {
        self.end
    }
}

impl Session {
    /// Waits for the next frame, the next timer or the end, and processes it; at most until `until`.
    /// Returns true if that moment came first.
    pub(crate) fn turn(&mut self, until: Option<Duration>) -> bool {
        self.flush();
        if self.is_over() {
            return true;
        }
        if self.reading && self.take_part() {
            return false;
        }
        if let Some(end) = self.incoming.end {
            self.end(end);
            return false;
        }
        let now = self.now();
        let next = match (self.timers.next(), until) {
            (None, None) => self
                .timers
                .patience(now + PATIENCE * self.settings.patience),
            (timer, until) => timer.into_iter().chain(until).min().unwrap_or(now),
        };
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

    /// Processes input until the connection is over.
    pub(crate) fn run_out(&mut self) {
        while !self.is_over() {
            self.turn(None);
        }
    }

    /// Appends received bytes to the input. The end of the transport follows all earlier bytes, again
    /// and again.
    pub(crate) fn receive(&mut self, until: Duration) -> Received {
        if let Some(end) = self.incoming.end {
            return end;
        }
        let Some(wire) = &mut self.wire else {
            return Received::End;
        };
        let received = wire.receive(&mut self.incoming.bytes, until);
        match received {
            Received::Bytes(n) => {
                self.timers.forget_patience();
                let now = wire.now();
                let bytes = &self.incoming.bytes;
                let new = &bytes[bytes.len() - n..];
                self.log.add(now, What::ReceivedBytes(new.into()));
            }
            Received::End | Received::Reset => self.incoming.end = Some(received),
            Received::Nothing => {}
        }
        received
    }

    /// Lets time pass, and keeps received bytes.
    pub(crate) fn listen(&mut self, span: Duration) {
        let until = self.now() + span;
        while matches!(self.receive(until), Received::Bytes(_)) {}
    }

    /// Received bytes that were not processed.
    pub(crate) fn input(&mut self) -> &mut Vec<u8> {
        &mut self.incoming.bytes
    }

    /// The transport is over.
    pub(super) fn end(&mut self, end: Received) {
        let Some(wire) = self.wire.take() else {
            return;
        };
        self.ended = wire.now();
        self.write_down(match end {
            Received::Reset => What::Reset,
            Received::End | Received::Bytes(_) | Received::Nothing => What::End,
        });
    }

    /// Processes the next header or frame, if it is complete.
    pub(super) fn take_part(&mut self) -> bool {
        if self.is_over() {
            return false;
        }
        let Incoming { bytes, decoder, .. } = &mut self.incoming;
        if !bytes.is_empty() {
            decoder.push(bytes);
            bytes.clear();
        }
        match decoder.part() {
            Some(Part::Header(header)) => self.judge(&header),
            Some(Part::Frame(frame, mask)) => {
                self.masks.extend(mask.filter(|_| self.masks.len() < MASKS));
                self.write_down(What::ReceivedFrame(Summary::new(&frame, mask)));
                self.handle(frame);
            }
            None => return false,
        }
        true
    }

    /// Checks a header (RFC 6455 5.1, 5.2, 5.4, 5.5; RFC 7692 6). Every violation counts.
    fn judge(&mut self, header: &Header) {
        let control = header.opcode >= 0x8;
        let first = matches!(header.opcode, opcode::TEXT | opcode::BINARY);
        let compressed = self.codec.is_some() && header.reserved == 4;
        let inside = self.incoming.message.is_some();
        let flaws = [
            (header.reserved != 0 && !compressed, "reserved bits"),
            (
                header.mask.is_none() && self.role == Role::Server,
                "a frame of a client without a mask",
            ),
            (
                header.mask.is_some() && self.role == Role::Client,
                "a frame of a server with a mask",
            ),
            (control && !header.fin, "a fragment of a control frame"),
            (
                control && header.len > 125,
                "a control frame that is too long",
            ),
            (
                !matches!(header.opcode, 0x0..=0x2 | 0x8..=0xa),
                "a reserved opcode",
            ),
            (
                header.opcode == opcode::CLOSE && header.len == 1,
                "a Close frame of one byte",
            ),
            (
                header.opcode == opcode::CONTINUATION && !inside,
                "a continuation of nothing",
            ),
            (first && inside, "a message inside another"),
            (
                compressed && (control || inside),
                "RSV1 where no message begins",
            ),
            (
                header.length != Length::Shortest,
                "a length that is not in its shortest form",
            ),
            (header.len >> 63 != 0, "a length beyond all bounds"),
        ];
        for (is_there, flaw) in flaws {
            if is_there {
                self.refuse(1002, flaw);
            }
        }
    }

    /// Processes a frame, whatever was wrong with its header.
    fn handle(&mut self, frame: Frame) {
        if self.looks_behind_close && self.close.remote.is_some() {
            self.events.push(Event::Late);
            return;
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
            opcode::PONG => self.events.push(Event::Pong(frame.payload.into())),
            0x0..=0x7 => self.handle_data(frame),
            _ => {}
        }
    }

    fn handle_data(&mut self, frame: Frame) {
        let mut message = self.incoming.message.take().unwrap_or_else(|| Partial {
            kind: match frame.opcode {
                opcode::TEXT => Kind::Text,
                _ => Kind::Binary,
            },
            compressed: self.codec.is_some() && frame.reserved == 4,
            bytes: Vec::new(),
            valid: 0,
        });
        let grown = !frame.payload.is_empty();
        if message.bytes.is_empty() {
            message.bytes = frame.payload;
        } else {
            message.bytes.extend(frame.payload);
        }
        if frame.fin
            && message.compressed
            && let Some(codec) = &mut self.codec
        {
            message.bytes = match codec.inflate(&message.bytes) {
                Ok(bytes) => bytes,
                Err(corrupt) => {
                    // Autobahn's fuzzing peer has no answer to this but to drop the connection.
                    self.note(format!("violation: {corrupt}"));
                    self.close.violation = Some(corrupt.to_string());
                    return self.drop_wire(true);
                }
            };
        }
        if message.kind == Kind::Text && (frame.fin || !message.compressed) {
            let text = message.text();
            if grown && text == Text::Broken {
                self.refuse(1007, "text that is not UTF-8");
            }
            if frame.fin && text != Text::Whole {
                self.refuse(1007, "text that ends inside a code point");
            }
        }
        if !frame.fin {
            self.incoming.message = Some(message);
        } else if !self.close.failed {
            self.log.received.messages += message.bytes.len();
            self.events
                .push(Event::Message(message.kind, message.bytes.into()));
        }
    }
}

impl Partial {
    /// Checks the bytes that were not checked before.
    fn text(&mut self) -> Text {
        match std::str::from_utf8(&self.bytes[self.valid..]) {
            Ok(_) => {
                self.valid = self.bytes.len();
                Text::Whole
            }
            Err(error) => {
                self.valid += error.valid_up_to();
                match error.error_len() {
                    None => Text::Cut,
                    Some(_) => Text::Broken,
                }
            }
        }
    }
}
