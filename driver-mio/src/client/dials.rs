//! Dials of one loop: addresses are tried, several at a time if need be, until one answers.

use std::{io, net::SocketAddr, os::fd::AsRawFd, time::Instant};

use driver_kit::{
    connect::{ConnectError, ConnectPlan},
    dial::{ATTEMPT_DELAY, Dial, Step},
    wheel,
};
use mio::{Registry, Token, unix::SourceFd};
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use crate::{connection::transport::INTEREST, event_loop::slab::Slab};

/// Where a connection leads, and from where.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) plan: ConnectPlan,
    /// When it has to be connected.
    pub(crate) until: Option<Instant>,
    /// The local address to connect from.
    pub(crate) source: Option<SocketAddr>,
}

/// A dial, with the state of the connection that comes of it.
pub(crate) struct Dialling<S> {
    pub(crate) route: Box<Route>,
    pub(crate) state: S,
    plan: Dial,
    attempts: Vec<u32>,
    pub(crate) timer: Option<wheel::Key>,
}

/// An address that is being tried.
struct Attempt {
    socket: Socket,
    address: SocketAddr,
    /// The place of the dial.
    dial: u32,
}

/// All dials of a loop.
pub(crate) struct Dials<S> {
    dials: Slab<Dialling<S>>,
    attempts: Slab<Attempt>,
}

/// What is to be done next about a dial.
pub(crate) enum Next<S> {
    /// Wait for the poller, and no longer than that.
    Wait(Option<Instant>),
    /// It is connected.
    Connected(Dialling<S>, Socket),
    Failed(Dialling<S>, ConnectError),
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

    /// Begins a dial, which is to be [stepped](Self::step) at once.
    pub(crate) fn begin(&mut self, route: Box<Route>, addresses: Vec<SocketAddr>, state: S) -> u32 {
        let dialling = Dialling {
            route,
            state,
            plan: Dial::new(addresses, ATTEMPT_DELAY),
            attempts: Vec::new(),
            timer: None,
        };
        self.dials.insert(dialling).index
    }

    /// The dial's timer.
    pub(crate) fn timer(&mut self, index: u32) -> Option<&mut Option<wheel::Key>> {
        self.dials.at(index).map(|(_, dial)| &mut dial.timer)
    }

    /// Does what is due.
    pub(crate) fn step(
        &mut self,
        index: u32,
        now: Instant,
        registry: &Registry,
        token: impl Fn(u32) -> Token,
    ) -> Option<Next<S>> {
        loop {
            let (_, dial) = self.dials.at(index)?;
            if dial.route.until.is_some_and(|until| until <= now) {
                return self.fail(index, |_| ConnectError::TimedOut);
            }
            let until = match dial.plan.step(now) {
                Step::Start(address) => {
                    let attempt = self.attempts.next_key().index;
                    match start(address, dial.route.source, registry, token(attempt)) {
                        Ok(socket) => {
                            dial.attempts.push(attempt);
                            self.attempts.insert(Attempt {
                                socket,
                                address,
                                dial: index,
                            });
                        }
                        Err(error) => dial.plan.failed(address, error),
                    }
                    continue;
                }
                Step::WaitUntil(until) => Some(until),
                Step::Wait => None,
                Step::GiveUp => {
                    return self.fail(index, |plan| ConnectError::Dial(plan.into_error()));
                }
            };
            let until = [until, dial.route.until].into_iter().flatten().min();
            return Some(Next::Wait(until));
        }
    }

    /// The poller has news of an attempt. Returns its dial, and what has come of it; if nothing yet, the
    /// dial is to be stepped.
    pub(crate) fn news(&mut self, attempt: u32) -> Option<(u32, Option<Next<S>>)> {
        let (_, tried) = self.attempts.at(attempt)?;
        let failed = match tried.socket.take_error() {
            Ok(None) => match tried.socket.peer_addr() {
                Ok(_) => None,
                // Neither failed nor connected: too early.
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
            dial.plan.failed(address, error);
            return Some((index, None));
        }
        let dial = self.remove(index)?;
        Some((index, Some(Next::Connected(dial, socket))))
    }

    /// Gives all of them up.
    pub(crate) fn drain(&mut self) -> Vec<Dialling<S>> {
        let indices = self.dials.indices();
        indices.filter_map(|index| self.remove(index)).collect()
    }

    fn fail(&mut self, index: u32, why: impl FnOnce(Dial) -> ConnectError) -> Option<Next<S>> {
        let mut dial = self.remove(index)?;
        let plan = std::mem::replace(&mut dial.plan, Dial::new([], ATTEMPT_DELAY));
        Some(Next::Failed(dial, why(plan)))
    }

    fn remove(&mut self, index: u32) -> Option<Dialling<S>> {
        let dial = self.dials.remove(index)?;
        for attempt in &dial.attempts {
            self.attempts.remove(*attempt);
        }
        Some(dial)
    }
}

/// Begins to connect; the poller tells how it went.
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
