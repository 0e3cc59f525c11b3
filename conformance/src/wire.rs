//! The connection between the suite and its subject: bytes in both directions, and a clock.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

/// The result of receiving from a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// This many bytes were appended to the buffer.
    Bytes(usize),
    /// The end of the stream.
    End,
    /// The transport was reset: sent bytes may be lost.
    Reset,
    /// Nothing arrived in time.
    Nothing,
}

/// A connection to a subject, below the protocol.
///
/// Time is counted from the creation of the wire. It need not be real time: a subject in
/// memory advances it to the next event.
pub trait Wire: Send {
    /// The current time.
    fn now(&self) -> Duration;

    /// The port at which a client found the suite, if there are ports.
    fn port(&self) -> Option<u16> {
        None
    }

    /// Sends the first of `bytes` and returns how many; 0 if the subject does not take any for now.
    ///
    /// # Errors
    ///
    /// If the subject is gone.
    fn send(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Receives until `until`, appends the bytes, and returns as soon as there are any.
    fn receive(&mut self, buf: &mut Vec<u8>, until: Duration) -> Received;

    /// Lets time pass without receiving.
    fn wait(&mut self, until: Duration);

    /// The number of bytes that the subject holds to be sent, if it reveals that.
    fn held(&self) -> Option<usize> {
        None
    }

    /// Ends our direction; the other stays open.
    fn finish(&mut self);

    /// Ends both directions at once, with a reset where the transport has one.
    fn abort(self: Box<Self>);
}

/// How long a send may wait for the subject to take bytes before it looks whether some have come.
const SLICE: Duration = Duration::from_millis(2);

/// A wire over TCP.
#[derive(Debug)]
pub struct TcpWire {
    stream: TcpStream,
    start: Instant,
    buf: Box<[u8]>,
}

impl TcpWire {
    /// Takes over a connected socket.
    ///
    /// # Errors
    ///
    /// If the socket cannot be configured.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(SLICE))?;
        Ok(Self {
            stream,
            start: Instant::now(),
            buf: vec![0; 256 << 10].into(),
        })
    }
}

impl Wire for TcpWire {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn port(&self) -> Option<u16> {
        self.stream.local_addr().ok().map(|address| address.port())
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.write(bytes) {
            Err(error) if not_yet(&error) => Ok(0),
            sent => sent,
        }
    }

    fn receive(&mut self, buf: &mut Vec<u8>, until: Duration) -> Received {
        loop {
            let wait = until.saturating_sub(self.start.elapsed());
            // A timeout of zero would mean none at all.
            let poll = wait.is_zero();
            let ready = if poll {
                self.stream.set_nonblocking(true)
            } else {
                self.stream.set_read_timeout(Some(wait))
            };
            let read = ready.and_then(|()| self.stream.read(&mut self.buf));
            if poll && self.stream.set_nonblocking(false).is_err() {
                return Received::Reset;
            }
            match read {
                Ok(0) => return Received::End,
                Ok(n) => {
                    buf.extend_from_slice(&self.buf[..n]);
                    return Received::Bytes(n);
                }
                Err(error) if not_yet(&error) => {
                    // The kernel's timers may be a little early.
                    if self.start.elapsed() >= until {
                        return Received::Nothing;
                    }
                }
                Err(_) => return Received::Reset,
            }
        }
    }

    fn wait(&mut self, until: Duration) {
        std::thread::sleep(until.saturating_sub(self.start.elapsed()));
    }

    fn finish(&mut self) {
        // If it fails, the subject is gone, which the next receive tells.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn abort(self: Box<Self>) {
        // Closing a socket that lingers for no time resets the connection.
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }
}

fn not_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
