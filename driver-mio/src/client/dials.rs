//! Dials of one loop: addresses are tried, several at a time if need be, until one answers.

use std::{io, mem, net::SocketAddr, os::fd::AsRawFd, time::Instant};

use driver_kit::{
    connect::ConnectError,
    dial::{ATTEMPT_DELAY, Dial, Step},
    wheel,
};
use mio::{Registry, Token, unix::SourceFd};
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use super::request::DialRequest;
use crate::{connection::transport::INTEREST, event_loop::slab::Slab};

/// A dial in progress, with the state of the connection that comes of it.
pub(crate) struct PendingDial<S> {
    pub(crate) request: Box<DialRequest>,
    pub(crate) state: S,
    addresses: Dial,
    /// Places of the attempts that are running.
    attempts: Vec<u32>,
    pub(crate) timer: Option<wheel::Key>,
}

/// An attempt to connect to one address.
struct Attempt {
    socket: Socket,
    address: SocketAddr,
    /// The place of the dial.
    dial: u32,
}

/// All dials of a loop.
pub(crate) struct Dials<S> {
    dials: Slab<PendingDial<S>>,
    attempts: Slab<Attempt>,
}

/// The next step of a dial.
pub(crate) enum Progress<S> {
    /// Wait for the poller, at the longest until this time.
    Wait(Option<Instant>),
    Connected(PendingDial<S>, Socket),
    Failed(PendingDial<S>, ConnectError),
}

impl<S> Dials<S> {
    pub(crate) const fn new() -> Self {
        Self {
            dials: Slab::new(),
            attempts: Slab::new(),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.dials.is_empty()
    }

    /// Begins a dial and returns its place. It must be [stepped](Self::step) at once.
    pub(crate) fn begin(
        &mut self,
        request: Box<DialRequest>,
        addresses: Vec<SocketAddr>,
        state: S,
    ) -> u32 {
        let dial = PendingDial {
            request,
            state,
            addresses: Dial::new(addresses, ATTEMPT_DELAY),
            attempts: Vec::new(),
            timer: None,
        };
        self.dials.insert(dial).index
    }

    /// Returns the timer of a dial that is still in progress.
    pub(crate) fn timer(&mut self, index: u32) -> Option<&mut Option<wheel::Key>> {
        self.dials.at(index).map(|(_, dial)| &mut dial.timer)
    }

    /// Starts attempts that are due, and says what to wait for. Returns `None` if there is no such dial.
    pub(crate) fn step(
        &mut self,
        index: u32,
        now: Instant,
        registry: &Registry,
        token: impl Fn(u32) -> Token,
    ) -> Option<Progress<S>> {
        loop {
            let (_, dial) = self.dials.at(index)?;
            if dial.request.deadline.is_some_and(|until| until <= now) {
                return self.fail(index, |_| ConnectError::TimedOut);
            }
            let until = match dial.addresses.step(now) {
                Step::Start(address) => {
                    let attempt = self.attempts.next_key().index;
                    match start(address, dial.request.source, registry, token(attempt)) {
                        Ok(socket) => {
                            dial.attempts.push(attempt);
                            self.attempts.insert(Attempt {
                                socket,
                                address,
                                dial: index,
                            });
                        }
                        Err(error) => dial.addresses.failed(address, error),
                    }
                    continue;
                }
                Step::WaitUntil(until) => Some(until),
                Step::Wait => None,
                Step::GiveUp => {
                    return self.fail(index, |addresses| {
                        ConnectError::Dial(addresses.into_error())
                    });
                }
            };
            let until = [until, dial.request.deadline].into_iter().flatten().min();
            return Some(Progress::Wait(until));
        }
    }

    /// Takes an event of the poller for an attempt. Returns the place of its dial, and the outcome; without one,
    /// the dial must be stepped. Returns `None` if there is nothing to do.
    pub(crate) fn attempt_ready(&mut self, attempt: u32) -> Option<(u32, Option<Progress<S>>)> {
        let (_, tried) = self.attempts.at(attempt)?;
        let failed = match tried.socket.take_error() {
            Ok(None) => match tried.socket.peer_addr() {
                Ok(_) => None,
                // Neither failed nor connected: the event came too early.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return None,
                Err(error) => Some(error),
            },
            Ok(Some(error)) | Err(error) => Some(error),
        };
        let Attempt {
            socket,
            address,
            dial: index,
        } = self.attempts.remove(attempt)?;
        let (_, dial) = self.dials.at(index)?;
        dial.attempts.retain(|&running| running != attempt);
        if let Some(error) = failed {
            dial.addresses.failed(address, error);
            return Some((index, None));
        }
        let dial = self.remove(index)?;
        Some((index, Some(Progress::Connected(dial, socket))))
    }

    /// Gives all dials up and returns them.
    pub(crate) fn drain(&mut self) -> Vec<PendingDial<S>> {
        let indices = self.dials.indices();
        indices.filter_map(|index| self.remove(index)).collect()
    }

    fn fail(
        &mut self,
        index: u32,
        error: impl FnOnce(Dial) -> ConnectError,
    ) -> Option<Progress<S>> {
        let mut dial = self.remove(index)?;
        let addresses = mem::replace(&mut dial.addresses, Dial::new([], ATTEMPT_DELAY));
        Some(Progress::Failed(dial, error(addresses)))
    }

    fn remove(&mut self, index: u32) -> Option<PendingDial<S>> {
        let dial = self.dials.remove(index)?;
        for attempt in &dial.attempts {
            self.attempts.remove(*attempt);
        }
        Some(dial)
    }
}

/// Begins to connect to an address. The poller reports how it went.
fn start(
    address: SocketAddr,
    source: Option<SocketAddr>,
    registry: &Registry,
    token: Token,
) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(source) = source {
        socket.bind(&source.into())?;
    }
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    registry.register(&mut SourceFd(&socket.as_raw_fd()), token, INTEREST)?;
    Ok(socket)
}
