//! A peer in memory that does as it is told.

use std::{collections::VecDeque, io, sync::mpsc, time::Duration};

use self::Does::{Closes, Echoes, Ends, Resets, Says};
use crate::{
    case::Role,
    frame::{Decoder, Frame, Part, opcode},
    handshake::accept_key,
    wire::{Received, Wire},
};

/// An action of the peer.
#[derive(Debug, Clone)]
pub(super) enum Does {
    /// Says this, in which `{accept}` fits the key that it has heard.
    Says(&'static str),
    /// Echoes frames, masked with keys that differ by this, until it is asked to close.
    Echoes(u32),
    /// Sends an empty Close frame.
    Closes,
    Ends,
    Resets,
}

/// A peer in memory. When it has nothing to do any more, it waits.
pub(super) struct Puppet {
    role: Role,
    now: Duration,
    heard: Vec<u8>,
    writes: mpsc::Sender<Vec<u8>>,
    decoder: Decoder,
    does: VecDeque<Does>,
    key: u32,
}

impl Puppet {
    /// Makes a peer that does these things, and tells what the suite writes.
    pub(super) fn new(role: Role, does: &[Does]) -> (Self, mpsc::Receiver<Vec<u8>>) {
        let (writes, seen) = mpsc::channel();
        let puppet = Self {
            role,
            now: Duration::ZERO,
            heard: Vec::new(),
            writes,
            decoder: Decoder::default(),
            does: does.to_vec().into(),
            key: 0x1234_5678,
        };
        (puppet, seen)
    }

    /// The next frames to send, and whether the connection is closed with them.
    fn echoes(&mut self, step: u32) -> (Vec<u8>, bool) {
        // The head is in front of what the suite sends.
        if let Some(end) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") {
            self.heard.drain(..end + 4);
        }
        self.decoder.push(&std::mem::take(&mut self.heard));
        let (mut bytes, mut closes) = (Vec::new(), false);
        while let Some(part) = self.decoder.part() {
            if let Part::Frame(frame, _) = part {
                closes |= frame.opcode == opcode::CLOSE;
                bytes.extend(frame.encode(self.mask(step)));
            }
        }
        (bytes, closes)
    }

    fn mask(&mut self, step: u32) -> Option<[u8; 4]> {
        // Not quite random, but not counted up either.
        self.key = self.key.wrapping_add(step).rotate_left(u32::from(step > 1));
        (self.role == Role::Client).then(|| self.key.to_be_bytes())
    }
}

impl Wire for Puppet {
    fn now(&self) -> Duration {
        self.now
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.extend(bytes);
        // The test may have seen enough.
        let _ = self.writes.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn receive(&mut self, buf: &mut Vec<u8>, until: Duration) -> Received {
        let before = buf.len();
        match self.does.pop_front() {
            Some(Says(text)) => {
                let heard = String::from_utf8_lossy(&self.heard);
                let key = heard
                    .lines()
                    .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                    .unwrap_or_default();
                buf.extend(text.replace("{accept}", &accept_key(key)).bytes());
            }
            Some(Echoes(step)) => {
                let (bytes, closes) = self.echoes(step);
                buf.extend(bytes);
                self.does
                    .push_front(if closes { Ends } else { Echoes(step) });
            }
            Some(Closes) => {
                let mask = self.mask(1);
                buf.extend(Frame::new(opcode::CLOSE, "").encode(mask));
            }
            Some(Ends) => return Received::End,
            Some(Resets) => return Received::Reset,
            None => {}
        }
        if buf.len() == before {
            self.now = self.now.max(until);
            return Received::Nothing;
        }
        Received::Bytes(buf.len() - before)
    }

    fn wait(&mut self, until: Duration) {
        self.now = self.now.max(until);
    }

    fn port(&self) -> Option<u16> {
        Some(8080)
    }

    fn finish(&mut self) {}

    fn abort(self: Box<Self>) {}
}
