//! What bad neighbours do, on the thread that measures the good ones.
//!
//! On a thread of their own they would take time from the measuring without anybody knowing. Here they get
//! one step of bounded size between two looks at the good ones, and what that costs shows in how late the
//! good ones send. The poller knows nothing of them: each tries when its turn comes.

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

/// Bytes that are written in a step at most: some microseconds' worth.
const WRITTEN: usize = 4 << 10;
/// Bytes that are read in a step at most.
const READ: usize = 16 << 10;
/// Frames of pings that are sent over and over.
const PINGS: usize = 1024;

// Pauses, in nanoseconds.

/// Between the bytes of those that are slow, and between the lives of one that half-closes.
const SECOND: u64 = 1_000_000_000;
/// Before somebody returns who was thrown out.
const ABSENCE: u64 = 10_000_000;
/// Before a socket is tried again that took or gave nothing, where that is all there is to do.
const RETRY: u64 = 1_000_000;

/// All bad neighbours of a run.
pub(super) struct Company {
    neighbour: Neighbour,
    server: SocketAddr,
    request: Request,
    tape: Tape,
    members: Vec<Member>,
    /// Whose turn it is.
    turn: usize,
    buf: Box<[u8]>,
    misdeeds: Misdeeds,
}

struct Member {
    life: Life,
    /// When it does something next.
    due: u64,
}

/// How far a connection is.
enum Life {
    /// It is not there.
    Away,
    /// So many bytes of its request were sent.
    Asking(TcpStream, usize),
    /// So much came of the answer.
    Waiting(TcpStream, Vec<u8>),
    /// Open since a moment, with so many bytes sent.
    Open(TcpStream, u64, u64),
    /// It has shut its sending side.
    Ending(TcpStream),
}

impl Company {
    /// They begin to come at `now`, evenly over a second if what they do is slow.
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

    /// What they have done so far.
    pub(super) const fn misdeeds(&self) -> Misdeeds {
        self.misdeeds
    }

    /// One of them does one thing, if it is time.
    pub(super) fn step(&mut self, now: u64) {
        let turn = self.turn;
        self.turn = (turn + 1) % self.members.len();
        if now < self.members[turn].due {
            return;
        }
        let life = mem::replace(&mut self.members[turn].life, Life::Away);
        // Who was thrown out comes again, and so does who has waited for the end.
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

    /// Goes one step on, and says how long to wait before the next. An error ends the connection.
    fn live(&mut self, life: Life, now: u64) -> io::Result<(Life, u64)> {
        match life {
            Life::Away => {
                let stream = TcpStream::connect(self.server)?;
                Ok((Life::Asking(stream, 0), 0))
            }
            Life::Asking(mut stream, mut sent) => {
                let rest = &self.request.bytes()[sent..];
                if self.neighbour == Neighbour::SlowHead {
                    // Without the last byte it is never complete.
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

    /// What an open one does.
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

    /// Reads what is there, up to a limit, and forgets it.
    fn take(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        self.misdeeds.bytes_received += read(stream, &mut self.buf)? as u64;
        Ok(())
    }
}

/// How many bytes the socket took.
fn write(stream: &mut TcpStream, bytes: &[u8], misdeeds: &mut Misdeeds) -> io::Result<usize> {
    let n = match stream.write(bytes) {
        Ok(n) => n,
        Err(error) if is_temporary(&error) => 0,
        Err(error) => return Err(error),
    };
    misdeeds.bytes_sent += n as u64;
    Ok(n)
}

/// How many bytes came; the end is an error.
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

/// Frames that are sent over and over.
struct Tape {
    bytes: Vec<u8>,
    frames: usize,
    /// Bytes of the first frame and half of the second.
    torn: u64,
}

impl Tape {
    fn new(neighbour: Neighbour, plan: &Plan) -> Self {
        match neighbour {
            Neighbour::Pings(_) => {
                // 5.5.2: a ping's opcode is 9. It is masked with zeros: there is nobody to protect.
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

    /// What comes behind `sent` bytes: `most` at most, and no more than a step may write.
    fn part(&self, sent: u64, most: u64) -> &[u8] {
        let from = (sent % self.bytes.len() as u64) as usize;
        let rest = &self.bytes[from..];
        let n = usize::try_from(most).unwrap_or(usize::MAX);
        &rest[..rest.len().min(n).min(WRITTEN)]
    }

    /// Bytes of all frames that are due in that time, in nanoseconds, if so many are due in a second.
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

    /// Far more than anything takes that is not broken.
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

    /// Lets a millisecond pass at each step, until they have done enough.
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
