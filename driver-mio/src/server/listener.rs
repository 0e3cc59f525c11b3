//! Listening sockets, and how loops share them.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixListener,
    },
    path::Path,
    sync::Arc,
    time::Duration,
};

use driver_kit::accept_backoff::{AfterFailure, BACKLOG, Failures};
use mio::{Interest, Registry, Token, unix::SourceFd};
use socket2::{Domain, Socket, Type};
use wsproto::Config;

/// True if every loop can have a socket of its own for an address, and the kernel spreads connections among them.
/// Other systems have the option `SO_REUSEPORT`, but do not spread.
const SPREADS: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// An address to listen on, before there are loops.
#[derive(Debug)]
pub(crate) enum Address {
    /// One socket. The loop that has it hands connections over to the others.
    One(Source),
    /// An address for which every loop binds a socket of its own. The first is bound already.
    Each(SocketAddr, TcpListener),
}

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Source {
    Tcp(mio::net::TcpListener),
    Unix(mio::net::UnixListener),
}

impl Address {
    /// Binds a TCP address.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        if SPREADS && address.port() != 0 {
            // Sockets that share a port share it with every other process of the same user: two instances of a server
            // would each get half of the connections. A socket that does not share finds out.
            let exclusive = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
            exclusive.set_reuse_address(true)?;
            exclusive.bind(&address.into())?;
        }
        let listener = listen(address)?;
        if SPREADS {
            // If the port was 0, it is known only now.
            Ok(Self::Each(listener.local_addr()?, listener))
        } else {
            Self::tcp(listener)
        }
    }

    pub(crate) fn unix(path: &Path) -> io::Result<Self> {
        mio::net::UnixListener::bind(path).map(|listener| Self::One(Source::Unix(listener)))
    }

    pub(crate) fn tcp(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = mio::net::TcpListener::from_std(listener);
        Ok(Self::One(Source::Tcp(listener)))
    }

    pub(crate) fn unix_listener(listener: UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = mio::net::UnixListener::from_std(listener);
        Ok(Self::One(Source::Unix(listener)))
    }

    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::One(Source::Tcp(listener)) => listener.local_addr().ok(),
            Self::One(Source::Unix(_)) => None,
            Self::Each(address, _) => Some(*address),
        }
    }

    /// Returns the listeners for `loops` loops: one for each, or a single one that hands over.
    pub(crate) fn share(self, loops: usize, config: &Arc<Config>) -> io::Result<Vec<Listener>> {
        let listener = |source, sharing| Listener {
            source,
            sharing,
            config: Arc::clone(config),
            failures: Failures::default(),
            state: State::Ready,
        };
        match self {
            Self::One(source) => Ok(vec![listener(source, Sharing::HandOver { next: 0 })]),
            Self::Each(address, first) => {
                let mut all = vec![first];
                for _ in 1..loops {
                    all.push(listen(address)?);
                }
                let own = |one| {
                    let source = Source::Tcp(mio::net::TcpListener::from_std(one));
                    listener(source, Sharing::Own)
                };
                Ok(all.into_iter().map(own).collect())
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Without it, a restarted server waits until connections of the previous process have timed out.
    socket.set_reuse_address(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit it. Batches of frames are written at once, so waiting for more would only delay them.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG as i32)?;
    Ok(socket.into())
}

/// A listener of one loop.
#[derive(Debug)]
pub(crate) struct Listener {
    source: Source,
    sharing: Sharing,
    pub(crate) config: Arc<Config>,
    failures: Failures,
    state: State,
}

/// The way in which a listener's connections reach all loops.
#[derive(Debug)]
enum Sharing {
    /// Every loop has a listener of its own.
    Own,
    /// Connections are handed over, one to each loop in turn.
    HandOver { next: usize },
}

/// The state of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Connections are accepted when the poller reports some.
    Ready,
    /// Nothing is accepted for now, because there are too many connections or accepting has failed.
    Waiting,
}

/// The outcome of an attempt to accept.
pub(crate) enum Accepted {
    Socket(Socket),
    /// No connection waits.
    Nothing,
    /// It failed. Try again at once, or after a pause.
    Failed(io::Error, Option<Duration>),
}

impl Listener {
    pub(crate) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let descriptor = match &self.source {
            Source::Tcp(listener) => listener.as_raw_fd(),
            Source::Unix(listener) => listener.as_raw_fd(),
        };
        registry.register(&mut SourceFd(&descriptor), token, Interest::READABLE)
    }

    pub(crate) fn accept(&mut self) -> Accepted {
        let accepted = match &self.source {
            Source::Tcp(listener) => listener
                .accept()
                .map(|(stream, _)| Socket::from(OwnedFd::from(stream))),
            Source::Unix(listener) => listener
                .accept()
                .map(|(stream, _)| Socket::from(OwnedFd::from(stream))),
        };
        match accepted {
            Ok(socket) => {
                self.failures.accepted();
                self.prepare(&socket);
                Accepted::Socket(socket)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Accepted::Nothing,
            Err(error) => {
                let pause = match self.failures.failed(&error) {
                    AfterFailure::Retry => None,
                    AfterFailure::Pause(pause) => Some(pause),
                };
                Accepted::Failed(error, pause)
            }
        }
    }

    /// Sets the option that a socket does not inherit from a listener that somebody else has bound.
    fn prepare(&self, socket: &Socket) {
        match (&self.sharing, &self.source) {
            (Sharing::HandOver { .. }, Source::Tcp(_)) => {
                // It fails only if the peer is gone already.
                let _ = socket.set_tcp_nodelay(true);
            }
            (Sharing::Own, _) | (_, Source::Unix(_)) => {}
        }
    }

    /// Returns the number of the loop that gets the next connection; `None` if it stays on this loop.
    pub(crate) fn next_loop(&mut self, loops: usize) -> Option<usize> {
        match &mut self.sharing {
            Sharing::Own => None,
            Sharing::HandOver { next } => {
                let chosen = *next % loops;
                *next = chosen + 1;
                Some(chosen)
            }
        }
    }

    /// Stops accepting until it is [resumed](Self::resume).
    pub(crate) fn wait(&mut self) {
        self.state = State::Waiting;
    }

    /// Returns true if nothing is accepted for now.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Accepts again. Returns true if it had waited.
    pub(crate) fn resume(&mut self) -> bool {
        let before = std::mem::replace(&mut self.state, State::Ready);
        before == State::Waiting
    }
}
