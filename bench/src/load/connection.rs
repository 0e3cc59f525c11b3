//! One connection: its socket, how far it has written the script, and since when it waits for what.

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
    /// Bytes of the script that were written.
    written: u64,
    /// The messages before this one are to be written.
    owed: u64,
    /// Answers to pings, which leave when no message is half written.
    pongs: Vec<u8>,
    flights: Flights,
}

/// How far a connection is.
#[derive(Debug)]
pub(super) enum Stage {
    /// The request has not been sent.
    Connecting,
    /// What came of the answer.
    Opening(Vec<u8>),
    Open(Reading),
}

/// How what comes back is read.
#[derive(Debug)]
pub(super) enum Reading {
    /// Headers only.
    Headers(Reader),
    /// All of it, compressed.
    Whole(Box<Witness>),
}

impl Reading {
    /// The message that comes next or is coming.
    const fn next(&self) -> u64 {
        match self {
            Self::Headers(reader) => reader.next(),
            Self::Whole(witness) => witness.next(),
        }
    }

    /// Takes all of `bytes`, see [`Reader::take`].
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

/// What one read brought.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) taken: Taken,
    /// Whether the socket may have more.
    pub(super) more: bool,
}

impl Connection {
    /// Begins to connect; will send the script from message `first` on.
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
        // A new socket takes a head of some hundred bytes whole.
        self.stream.write_all(request.bytes()).map_err(failed)?;
        self.stage = Stage::Opening(Vec::new());
        Ok(())
    }

    /// Reads the answer to the request; returns it once it is complete, and the bytes behind it.
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

    /// The connection is open, and `bytes` came already.
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

    /// The number of the next message that is sent.
    pub(super) const fn next(&self) -> u64 {
        self.owed
    }

    /// Has `n` more messages sent, for which an answer is waited from the moment `at` on.
    pub(super) fn owe(&mut self, n: u32, at: u64) {
        self.owed += u64::from(n);
        self.flights.start(n, at);
    }

    /// Waits for one more message that another connection sends, from the moment `at` on.
    pub(super) fn expect(&mut self, at: u64, script: &Script) {
        self.owe(1, at);
        self.written = script.offset(self.owed);
    }

    /// Messages that were not answered.
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

    /// Takes back since when `n` answered messages were waited for: calls `each` with moments and how
    /// many messages share each.
    pub(super) fn land(&mut self, n: u32, each: impl FnMut(u64, u32)) {
        self.flights.land(n, each);
    }

    /// Writes what is owed, as far as the socket takes it.
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

/// `None` if nothing is there.
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

/// `None` if the socket is full.
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

/// 5.5.3: the answer has the ping's payload. It is masked with zeros: there is nobody to protect.
fn push_pong(pongs: &mut Vec<u8>, ping: &[u8]) {
    pongs.extend_from_slice(&[0x8a, 0x80 | ping.len() as u8, 0, 0, 0, 0]);
    pongs.extend_from_slice(ping);
}

/// Since when messages are waited for, oldest first.
#[derive(Debug, Default)]
struct Flights {
    /// A moment, and how many messages share it: what is sent together has one.
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
