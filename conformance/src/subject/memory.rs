//! A wire to something in memory: bytes in, bytes out, and a clock that jumps to whatever happens next.

use std::{io, time::Duration};

use crate::wire::{Received, Wire};

/// How many bytes the transport takes before anybody has read some.
const CAPACITY: usize = 64 << 10;

/// One end of a connection without any I/O, seen from outside. Time is counted from when it was made.
pub trait Endpoint: Send {
    /// Takes the first of `bytes` and returns how many; 0: it does not read for now.
    fn take(&mut self, bytes: &[u8]) -> usize;

    /// Moves at most `room` bytes that are to be sent to the end of `transport`, and takes the steps that this makes
    /// possible.
    fn give(&mut self, transport: &mut Vec<u8>, room: usize);

    /// The number of bytes that it holds to be sent.
    fn held(&self) -> usize;

    /// The state of its connection, once nothing is left to [give](Self::give).
    fn state(&mut self) -> State;

    /// The next time at which it acts without further bytes.
    fn deadline(&self) -> Option<Duration>;

    /// Acts on the time. Afterwards the next deadline is later, or there is none.
    fn handle_time(&mut self, now: Duration);

    /// The peer has ended its direction.
    fn handle_end(&mut self);

    /// The transport is lost.
    fn handle_lost(&mut self);
}

/// The state of the connection of an [`Endpoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may still send.
    Open,
    /// It has ended its direction of the transport, but still takes bytes.
    Finished,
    /// It has left the transport.
    Gone,
    /// It has reset the transport.
    Reset,
}

/// A wire to an [`Endpoint`].
///
/// Each write is read by itself, so that a cut in what is sent is a cut in what is read.
#[derive(Debug)]
pub struct Memory<E> {
    endpoint: E,
    now: Duration,
    /// Bytes that the endpoint has sent and the suite has not read.
    transport: Vec<u8>,
}

impl<E: Endpoint> Memory<E> {
    /// Makes a wire to an end of a connection that has just begun.
    #[must_use]
    pub const fn new(endpoint: E) -> Self {
        Self {
            endpoint,
            now: Duration::ZERO,
            transport: Vec::new(),
        }
    }

    /// Moves bytes from the endpoint to the transport while there is room.
    fn flow(&mut self) {
        let room = CAPACITY.saturating_sub(self.transport.len());
        if room > 0 {
            self.endpoint.give(&mut self.transport, room);
        }
    }

    /// Lets time pass until then, or until the next deadline of the endpoint.
    fn pass(&mut self, until: Duration) {
        let next = self.endpoint.deadline().filter(|at| *at <= until);
        self.now = next.unwrap_or(until).max(self.now);
        self.endpoint.handle_time(self.now);
        self.flow();
    }
}

impl<E: Endpoint> Wire for Memory<E> {
    fn now(&self) -> Duration {
        self.now
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flow();
        match self.endpoint.state() {
            State::Open | State::Finished => {}
            State::Gone | State::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
        }
        let taken = self.endpoint.take(bytes);
        self.flow();
        Ok(taken)
    }

    fn receive(&mut self, buf: &mut Vec<u8>, until: Duration) -> Received {
        loop {
            self.flow();
            let len = self.transport.len();
            if len > 0 {
                buf.append(&mut self.transport);
                return Received::Bytes(len);
            }
            match self.endpoint.state() {
                State::Open => {}
                State::Finished | State::Gone => return Received::End,
                State::Reset => return Received::Reset,
            }
            if self.now >= until {
                return Received::Nothing;
            }
            self.pass(until);
        }
    }

    fn wait(&mut self, until: Duration) {
        while self.now < until {
            self.pass(until);
        }
    }

    fn held(&self) -> Option<usize> {
        Some(self.endpoint.held())
    }

    fn finish(&mut self) {
        self.endpoint.handle_end();
        self.flow();
    }

    fn abort(mut self: Box<Self>) {
        self.endpoint.handle_lost();
    }
}
