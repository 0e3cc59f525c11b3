//! Bad neighbours on the thread that measures the good connections.
//!
//! On a thread of their own they would take an unknown amount of time from the measurement. Here they
//! get one step of bounded size between two looks at the good connections, and the cost shows in the
//! delay with which the good messages are sent. The poller does not know them: each tries when its turn
//! comes.

use std::{
    io::{self, ErrorKind, Read, Write},
    mem,
    net::{Shutdown, SocketAddr},
};

use mio::net::TcpStream;

use super::{
    neighbour::{Neighbour, Pressure},
    plan::Plan,
    report::Misdeeds,
    script::Script,
};
use crate::opening::Request;

/// Maximum number of bytes written in a step: some microseconds' worth.
const WRITTEN: usize = 4 << 10;
/// Maximum number of bytes read in a step.
const READ: usize = 16 << 10;
/// Number of ping frames that are sent repeatedly.
const PINGS: usize = 1024;

// Pauses, in nanoseconds.

/// Between the bytes of slow senders, and between the connections of `half-close`.
const SECOND: u64 = 1_000_000_000;
/// Before a neighbour whose connection ended reconnects.
const ABSENCE: u64 = 10_000_000;
/// Before the next attempt at a socket that accepted or returned nothing, if there is nothing else to
/// do.
const RETRY: u64 = 1_000_000;

/// All bad neighbours of a run.
pub(super) struct Company {
    neighbour: Neighbour,
    server: SocketAddr,
    request: Request,
    tape: Tape,
    members: Vec<Member>,
    /// Index of the neighbour whose turn it is.
    turn: usize,
    buf: Box<[u8]>,
    misdeeds: Misdeeds,
}

struct Member {
    life: Life,
    /// Time of the next action.
    due: u64,
}

/// The state of a connection.
enum Life {
    /// Not connected.
    Away,
    /// Bytes of the request sent so far.
    Asking(TcpStream, usize),
    /// The part of the response received so far.
    Waiting(TcpStream, Vec<u8>),
    /// Open, with the time of opening and the bytes sent.
    Open(TcpStream, u64, u64),
    /// The sending side is shut down.
    Ending(TcpStream),
}

impl Company {
    /// The neighbours start at `now`, spread over a second if they are slow.
    pub(super) fn new(neighbour: Neighbour, plan: &Plan, now: u64) -> Self {
        let target = &plan.target;
        let members = neighbour.members() as u64;
        let apart = match neighbour {
            Neighbour::Flood(_) | Neighbour::Pings(_) | Neighbour::Deaf => 0,
            Neighbour::SlowHead | Neighbour::SlowFrame | Neighbour::HalfClose => SECOND / members,
        };
        let member = |number| Member {
            life: Life::Away,
            due: now + number * apart,
        };
        Self {
            neighbour,
            server: target.address,
            request: Request::new(&target.authority, &target.path, *b"a bad neighbour.", None),
            tape: Tape::new(neighbour, plan),
            members: (0..members).map(member).collect(),
            turn: 0,
            buf: vec![0; READ].into_boxed_slice(),
            misdeeds: Misdeeds::default(),
        }
    }

    /// Returns the totals so far.
    pub(super) const fn misdeeds(&self) -> Misdeeds {
        self.misdeeds
    }

    /// Lets one neighbour take one step, if it is due.
    pub(super) fn step(&mut self, now: u64) {
        let turn = self.turn;
        self.turn = (turn + 1) % self.members.len();
        if now < self.members[turn].due {
            return;
        }
        let life = mem::replace(&mut self.members[turn].life, Life::Away);
        // Reconnects if the server ended the connection, or if its end was awaited.
        let (life, pause) = self.live(life, now).unwrap_or_else(|_| {
            self.misdeeds.ended += 1;
            let pause = match self.neighbour {
                Neighbour::HalfClose => SECOND,
                Neighbour::Flood(_)
                | Neighbour::Pings(_)
                | Neighbour::Deaf
                | Neighbour::SlowHead
                | Neighbour::SlowFrame => ABSENCE,
            };
            (Life::Away, pause)
        });
        let due = now + pause;
        self.members[turn] = Member { life, due };
    }

    /// Takes one step, and returns the time to wait before the next one. An error ends the connection.
    fn live(&mut self, life: Life, now: u64) -> io::Result<(Life, u64)> {
        match life {
            Life::Away => {
                let stream = TcpStream::connect(self.server)?;
                Ok((Life::Asking(stream, 0), 0))
            }
            Life::Asking(mut stream, mut sent) => {
                let rest = &self.request.bytes()[sent..];
                if self.neighbour == Neighbour::SlowHead {
                    // Without the last byte the request is never complete.
                    let next = &rest[..rest.len().min(2) - 1];
                    sent += write(&mut stream, next, &mut self.misdeeds)?;
                    self.take(&mut stream)?;
                    return Ok((Life::Asking(stream, sent), SECOND));
                }
                let n = write(&mut stream, rest, &mut self.misdeeds)?;
                if n < rest.len() {
                    return Ok((Life::Asking(stream, sent + n), 0));
                }
                stream.set_nodelay(true)?;
                Ok((Life::Waiting(stream, Vec::new()), 0))
            }
            Life::Waiting(mut stream, mut head) => {
                let n = read(&mut stream, &mut self.buf)?;
                head.extend_from_slice(&self.buf[..n]);
                match self.request.response(&head).map_err(io::Error::other)? {
                    None => Ok((Life::Waiting(stream, head), 0)),
                    Some(_) => {
                        self.misdeeds.opened += 1;
                        Ok((Life::Open(stream, now, 0), 0))
                    }
                }
            }
            Life::Open(stream, since, sent) => self.misbehave(stream, since, sent, now),
            Life::Ending(mut stream) => {
                self.take(&mut stream)?;
                Ok((Life::Ending(stream), RETRY))
            }
        }
    }

    /// Takes a step on an open connection.
    fn misbehave(
        &mut self,
        mut stream: TcpStream,
        since: u64,
        sent: u64,
        now: u64,
    ) -> io::Result<(Life, u64)> {
        let most = match self.neighbour {
            Neighbour::Flood(pressure) | Neighbour::Pings(pressure) => {
                let allowed = match pressure {
                    Pressure::All => u64::MAX,
                    Pressure::Rate(rate) => self.tape.bytes_in(now - since, rate),
                };
                allowed.saturating_sub(sent)
            }
            Neighbour::Deaf => u64::MAX,
            Neighbour::SlowHead | Neighbour::SlowFrame => 1,
            Neighbour::HalfClose => self.tape.torn - sent,
        };
        let part = self.tape.part(sent, most);
        let n = write(&mut stream, part, &mut self.misdeeds)?;
        let sent = sent + n as u64;
        let pause = match self.neighbour {
            Neighbour::Flood(_) | Neighbour::Pings(_) => {
                self.take(&mut stream)?;
                0
            }
            Neighbour::Deaf if n == 0 => RETRY,
            Neighbour::Deaf => 0,
            Neighbour::SlowHead | Neighbour::SlowFrame => {
                self.take(&mut stream)?;
                SECOND
            }
            Neighbour::HalfClose if sent == self.tape.torn => {
                stream.shutdown(Shutdown::Write)?;
                return Ok((Life::Ending(stream), RETRY));
            }
            Neighbour::HalfClose => 0,
        };
        Ok((Life::Open(stream, since, sent), pause))
    }

    /// Reads available bytes up to a limit, and discards them.
    fn take(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        self.misdeeds.bytes_received += read(stream, &mut self.buf)? as u64;
        Ok(())
    }
}

/// Returns the number of bytes that the socket accepted.
fn write(stream: &mut TcpStream, bytes: &[u8], misdeeds: &mut Misdeeds) -> io::Result<usize> {
    let n = match stream.write(bytes) {
        Ok(n) => n,
        Err(error) if is_temporary(&error) => 0,
        Err(error) => return Err(error),
    };
    misdeeds.bytes_sent += n as u64;
    Ok(n)
}

/// Returns the number of bytes read; the end of the stream is an error.
fn read(stream: &mut TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    match stream.read(buf) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(n) => Ok(n),
        Err(error) if is_temporary(&error) => Ok(0),
        Err(error) => Err(error),
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::NotConnected
    )
}

/// Frames that are sent repeatedly.
struct Tape {
    bytes: Vec<u8>,
    frames: usize,
    /// Length of the first frame and half of the second.
    torn: u64,
}

impl Tape {
    fn new(neighbour: Neighbour, plan: &Plan) -> Self {
        match neighbour {
            Neighbour::Pings(_) => {
                // 5.5.2: a ping's opcode is 9. The masking key is zero, because no intermediary needs
                // protection.
                let mut ping = vec![0x89, 0x80 | 16, 0, 0, 0, 0];
                ping.extend_from_slice(b"are you there???");
                Self {
                    bytes: ping.repeat(PINGS),
                    frames: PINGS,
                    torn: ping.len() as u64 * 3 / 2,
                }
            }
            Neighbour::Flood(_)
            | Neighbour::Deaf
            | Neighbour::SlowHead
            | Neighbour::SlowFrame
            | Neighbour::HalfClose => {
                let script = Script::new(&plan.sizes, plan.content);
                let end = script.offset(script.len() as u64);
                Self {
                    bytes: script.bytes(0, end).to_vec(),
                    frames: script.len(),
                    torn: u64::midpoint(script.offset(1), script.offset(2)),
                }
            }
        }
    }

    /// Returns the bytes after `sent`: at most `most`, and no more than the limit of a step.
    fn part(&self, sent: u64, most: u64) -> &[u8] {
        let from = (sent % self.bytes.len() as u64) as usize;
        let rest = &self.bytes[from..];
        let n = usize::try_from(most).unwrap_or(usize::MAX);
        &rest[..rest.len().min(n).min(WRITTEN)]
    }

    /// Returns the bytes of all frames that are due within that time, in nanoseconds, at `rate` frames
    /// per second.
    fn bytes_in(&self, nanos: u64, rate: f64) -> u64 {
        let each = self.bytes.len() as f64 / self.frames as f64;
        (nanos as f64 / 1e9 * rate * each) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        thread,
        time::{Duration, Instant},
    };

    use super::*;
    use crate::{
        load::plan::{Sizes, Target},
        serve::{Server, Service, listen},
    };

    /// Far more than a correct run needs.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn serve() -> SocketAddr {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(|| Server::Mio.run(listener, Service::Echo, None));
        address
    }

    fn plan(server: SocketAddr) -> Plan {
        Plan {
            sizes: Sizes::one(100),
            ..Plan::new(Target::at(server))
        }
    }

    /// Advances the time by a millisecond per step until the neighbours have done enough.
    fn watch(neighbour: Neighbour, enough: impl Fn(&Misdeeds) -> bool) -> (Misdeeds, u64) {
        let mut company = Company::new(neighbour, &plan(serve()), 0);
        let patience = Instant::now() + PATIENCE;
        let mut now = 0;
        while !enough(&company.misdeeds) {
            now += RETRY;
            company.step(now);
            assert!(Instant::now() < patience, "{:?}", company.misdeeds);
            thread::yield_now();
        }
        (company.misdeeds, now)
    }

    #[test]
    fn floods_are_answered_and_never_thrown_out() {
        for (neighbour, answer) in [
            (Neighbour::Flood(Pressure::All), 102),
            (Neighbour::Pings(Pressure::All), 18),
        ] {
            let (misdeeds, _) = watch(neighbour, |misdeeds| {
                misdeeds.bytes_received > 10_000 * answer
            });
            assert_eq!((misdeeds.opened, misdeeds.ended), (1, 0), "{neighbour}");
        }
    }

    #[test]
    fn a_flood_sends_no_more_than_its_rate() {
        let neighbour = Neighbour::Flood(Pressure::Rate(5000.0));
        let server = serve();
        let request = Company::new(neighbour, &plan(server), 0).request;
        let enough = 1000 * 102;
        let (misdeeds, now) = watch(neighbour, |misdeeds| misdeeds.bytes_received >= enough);
        // A frame of 100 bytes has a header of six.
        let frames = (misdeeds.bytes_sent - request.bytes().len() as u64).div_ceil(106);
        assert!(frames <= now / (SECOND / 5000) + 1, "{frames} in {now}");
    }

    #[test]
    fn the_deaf_send_until_nothing_more_is_taken() {
        let (sent, idle) = (Cell::new(0), Cell::new(0));
        let (misdeeds, _) = watch(Neighbour::Deaf, |misdeeds| {
            let was_idle = sent.replace(misdeeds.bytes_sent) == misdeeds.bytes_sent;
            idle.set(if was_idle { idle.get() + 1 } else { 0 });
            misdeeds.opened == 10 && misdeeds.bytes_sent > 2 << 20 && idle.get() > 100
        });
        assert_eq!(misdeeds.bytes_received, 0);
    }

    #[test]
    fn the_slow_send_a_byte_a_second() {
        let (misdeeds, now) = watch(Neighbour::SlowHead, |misdeeds| misdeeds.bytes_sent >= 300);
        assert_eq!((misdeeds.opened, misdeeds.bytes_received), (0, 0));
        assert!(now >= 2 * SECOND, "a hundred a second");
        let (misdeeds, now) = watch(Neighbour::SlowFrame, |misdeeds| misdeeds.opened == 100);
        assert_eq!(misdeeds.ended, 0);
        assert!(now >= SECOND / 100 * 99, "evenly over a second");
    }

    #[test]
    fn those_that_half_close_come_again() {
        let (misdeeds, now) = watch(Neighbour::HalfClose, |misdeeds| misdeeds.ended >= 40);
        assert!(misdeeds.opened >= 40);
        assert!(now >= SECOND, "each once a second");
    }
}
