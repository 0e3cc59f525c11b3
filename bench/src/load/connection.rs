//! One connection: its socket, its position in the script, and the start times of the messages in
//! flight.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr},
};

use mio::net::TcpStream;
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use super::{
    fault::Fault,
    reader::{Reader, Taken},
    script::Script,
    witness::Witness,
};
use crate::opening::{Request, Response};

/// A connection to the server.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) stage: Stage,
    /// Bytes of the script written so far.
    written: u64,
    /// Messages before this one are to be written.
    owed: u64,
    /// Answers to pings, which are written between messages.
    pongs: Vec<u8>,
    flights: Flights,
}

/// The state of a connection.
#[derive(Debug)]
pub(super) enum Stage {
    /// The request has not been sent.
    Connecting,
    /// The part of the response received so far.
    Opening(Vec<u8>),
    Open(Reading),
}

/// The way in which answers are read.
#[derive(Debug)]
pub(super) enum Reading {
    /// Headers only.
    Headers(Reader),
    /// Inflates and compares everything.
    Whole(Box<Witness>),
}

impl Reading {
    /// Returns the number of the next or current message.
    const fn next(&self) -> u64 {
        match self {
            Self::Headers(reader) => reader.next(),
            Self::Whole(witness) => witness.next(),
        }
    }

    /// Consumes all of `bytes`; see [`Reader::take`].
    fn take(
        &mut self,
        bytes: &[u8],
        script: &Script,
        end: u64,
        sample: u64,
        ping: impl FnMut(&[u8]),
    ) -> Result<Taken, Fault> {
        match self {
            Self::Headers(reader) => reader.take(bytes, script, end, sample, ping),
            Self::Whole(witness) => witness.take(bytes, script, end, ping),
        }
    }
}

/// The result of one read.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) taken: Taken,
    /// True if the socket may have more.
    pub(super) more: bool,
}

impl Connection {
    /// Starts connecting. The connection sends the script from message `first` on.
    pub(super) fn connect(
        server: SocketAddr,
        source: Option<IpAddr>,
        first: u64,
        script: &Script,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        match socket.connect(&server.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            stream: TcpStream::from_std(socket.into()),
            stage: Stage::Connecting,
            written: script.offset(first),
            owed: first,
            pongs: Vec::new(),
            flights: Flights::default(),
        })
    }

    /// Sends the request once the socket is connected.
    pub(super) fn handle_connected(&mut self, request: &Request) -> Result<(), Fault> {
        let failed = |error: io::Error| Fault::Connect(error.kind());
        if let Some(error) = self.stream.take_error().map_err(failed)? {
            return Err(failed(error));
        }
        match self.stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
            Err(error) => return Err(failed(error)),
        }
        // A new socket accepts a head of some hundred bytes completely.
        self.stream.write_all(request.bytes()).map_err(failed)?;
        self.stage = Stage::Opening(Vec::new());
        Ok(())
    }

    /// Reads the response; returns it once it is complete, together with the bytes after it.
    pub(super) fn read_response(
        &mut self,
        request: &Request,
        buf: &mut [u8],
    ) -> Result<Option<(Response, Vec<u8>)>, Fault> {
        let Stage::Opening(head) = &mut self.stage else {
            return Ok(None);
        };
        while let Some(n) = read(&mut self.stream, buf)? {
            head.extend_from_slice(&buf[..n]);
            if let Some(response) = request.response(head).map_err(Fault::Opening)? {
                let rest = head.split_off(response.len);
                return Ok(Some((response, rest)));
            }
        }
        Ok(None)
    }

    /// Enters the open state; `bytes` have been received already.
    pub(super) fn begin(
        &mut self,
        mut reading: Reading,
        bytes: &[u8],
        script: &Script,
    ) -> Result<(), Fault> {
        let pongs = &mut self.pongs;
        reading.take(bytes, script, self.owed, 1, |ping| push_pong(pongs, ping))?;
        self.stage = Stage::Open(reading);
        Ok(())
    }

    /// Returns the number of the next message to be sent.
    pub(super) const fn next(&self) -> u64 {
        self.owed
    }

    /// Schedules `n` more messages, whose latency counts from `at`.
    pub(super) fn owe(&mut self, n: u32, at: u64) {
        self.owed += u64::from(n);
        self.flights.start(n, at);
    }

    /// Expects one more message, sent by another connection, whose latency counts from `at`.
    pub(super) fn expect(&mut self, at: u64, script: &Script) {
        self.owe(1, at);
        self.written = script.offset(self.owed);
    }

    /// Returns the number of unanswered messages.
    pub(super) fn in_flight(&self) -> u64 {
        match &self.stage {
            Stage::Connecting | Stage::Opening(_) => 0,
            Stage::Open(reading) => self.owed - reading.next(),
        }
    }

    /// Reads once.
    pub(super) fn read(
        &mut self,
        buf: &mut [u8],
        script: &Script,
        sample: u64,
    ) -> Result<Option<Arrived>, Fault> {
        let Stage::Open(reading) = &mut self.stage else {
            return Ok(None);
        };
        let Some(n) = read(&mut self.stream, buf)? else {
            return Ok(None);
        };
        let pongs = &mut self.pongs;
        let taken = reading.take(&buf[..n], script, self.owed, sample, |ping| {
            push_pong(pongs, ping);
        })?;
        let more = n == buf.len();
        Ok(Some(Arrived { taken, more }))
    }

    /// Removes `n` answered messages: calls `each` with their start times and the number of messages
    /// for each.
    pub(super) fn land(&mut self, n: u32, each: impl FnMut(u64, u32)) {
        self.flights.land(n, each);
    }

    /// Writes pending bytes, as far as the socket accepts them.
    pub(super) fn flush(&mut self, script: &Script) -> Result<(), Fault> {
        let end = script.offset(self.owed);
        while self.written < end {
            match write(&mut self.stream, script.bytes(self.written, end))? {
                None => return Ok(()),
                Some(n) => self.written += n as u64,
            }
        }
        while !self.pongs.is_empty() {
            match write(&mut self.stream, &self.pongs)? {
                None => return Ok(()),
                Some(n) => drop(self.pongs.drain(..n)),
            }
        }
        Ok(())
    }
}

/// Returns `None` if no bytes are available.
fn read(stream: &mut TcpStream, buf: &mut [u8]) -> Result<Option<usize>, Fault> {
    loop {
        match stream.read(buf) {
            Ok(0) => return Err(Fault::Ended),
            Ok(n) => return Ok(Some(n)),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => return Ok(None),
                ErrorKind::Interrupted => {}
                kind => return Err(Fault::Lost(kind)),
            },
        }
    }
}

/// Returns `None` if the socket is full.
fn write(stream: &mut TcpStream, bytes: &[u8]) -> Result<Option<usize>, Fault> {
    loop {
        match stream.write(bytes) {
            Ok(n) => return Ok(Some(n)),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => return Ok(None),
                ErrorKind::Interrupted => {}
                kind => return Err(Fault::Lost(kind)),
            },
        }
    }
}

/// 5.5.3: a pong has the ping's payload. The masking key is zero, because no intermediary needs
/// protection.
fn push_pong(pongs: &mut Vec<u8>, ping: &[u8]) {
    pongs.extend_from_slice(&[0x8a, 0x80 | ping.len() as u8, 0, 0, 0, 0]);
    pongs.extend_from_slice(ping);
}

/// Start times of the messages in flight, oldest first.
#[derive(Debug, Default)]
struct Flights {
    /// A start time, and the number of messages that share it: messages sent together do.
    runs: VecDeque<(u64, u32)>,
}

impl Flights {
    fn start(&mut self, n: u32, at: u64) {
        match self.runs.back_mut() {
            Some((moment, count)) if *moment == at => *count += n,
            Some(_) | None => self.runs.push_back((at, n)),
        }
    }

    fn land(&mut self, mut n: u32, mut each: impl FnMut(u64, u32)) {
        while n > 0
            && let Some((at, count)) = self.runs.front_mut()
        {
            let landed = n.min(*count);
            each(*at, landed);
            n -= landed;
            *count -= landed;
            if *count == 0 {
                self.runs.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_land_in_the_order_in_which_they_started() {
        let mut flights = Flights::default();
        for (n, at) in [(2, 10), (1, 10), (4, 20), (1, 30)] {
            flights.start(n, at);
        }
        let mut landed = Vec::new();
        for n in [1, 3, 4] {
            flights.land(n, |at, count| landed.push((at, count)));
        }
        assert_eq!(landed, [(10, 1), (10, 2), (20, 1), (20, 3), (30, 1)]);
        assert!(flights.runs.is_empty());
    }
}
