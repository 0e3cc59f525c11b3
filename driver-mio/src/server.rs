//! A server: addresses to listen on, and the loops that serve them.

pub(crate) mod answer;
pub(crate) mod descriptors;
pub(crate) mod listener;
pub(crate) mod upgrade;

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    os::unix::net::UnixListener,
    path::Path,
    sync::Arc,
    thread,
};

use mio::{Poll, Waker};
use wsproto::Config;

use self::listener::{Address, Listener};
use crate::{
    broadcast::Broadcaster,
    client::resolver::Resolver,
    command::{LoopMailbox, LoopWaker},
    event_loop::{
        EventLoop, Plan, WAKER,
        control::{Control, ServerHandle},
        shared::Shared,
    },
    event_loops::EventLoops,
    failure::{Failure, Observer},
    handler::Handler,
    stats::Counters,
};

/// A WebSocket server on event loops.
///
/// ```no_run
/// use driver_mio::{Context, Handler, MessageRef, Server};
///
/// struct Echo;
///
/// impl Handler for Echo {
///     type State = ();
///
///     fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
///         let _ = connection.send(message);
///     }
/// }
///
/// fn main() -> std::io::Result<()> {
///     Server::bind("127.0.0.1:9001")?.serve(Echo)
/// }
/// ```
#[derive(Debug)]
pub struct Server {
    addresses: Vec<Address>,
    loops: usize,
    events: usize,
    config: Arc<Config>,
    max_connections: usize,
    observer: Observer,
    control: Arc<Control>,
}

impl Server {
    /// Listens on the first address of `address` that works.
    ///
    /// On Linux every loop gets a socket of its own (`SO_REUSEPORT`), and the kernel spreads connections among them.
    /// Elsewhere one loop accepts and hands over to the others. The backlog is 1024.
    ///
    /// # Errors
    /// If no address works, for example because the name is unknown or the port is in use.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::new().listen(address)
    }

    /// Listens on a Unix socket, whose path must not exist yet. One loop accepts and hands over to the others.
    ///
    /// # Errors
    /// The system's error.
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::new().listen_unix(path)
    }

    /// Creates a server that listens on no address, which is enough for loops that dial or adopt.
    #[must_use]
    pub fn new() -> Self {
        let mut config = Config::default();
        // Callbacks do not wait. So the server stops reading from a peer that does not read its answers.
        config.pause_when_high = true;
        Self {
            addresses: Vec::new(),
            loops: thread::available_parallelism().map_or(1, usize::from),
            events: 1024,
            config: Arc::new(config),
            max_connections: usize::MAX,
            observer: Observer::default(),
            control: Arc::new(Control::new()),
        }
    }

    /// Listens on one more address, as [`bind`](Self::bind) does.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn listen(mut self, address: impl ToSocketAddrs) -> io::Result<Self> {
        let mut failed = None;
        for address in address.to_socket_addrs()? {
            match Address::bind(address) {
                Ok(address) => {
                    self.addresses.push(address);
                    return Ok(self);
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(failed
            .unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
    }

    /// Listens on one more Unix socket, as [`bind_unix`](Self::bind_unix) does.
    ///
    /// # Errors
    /// The system's error.
    pub fn listen_unix(mut self, path: impl AsRef<Path>) -> io::Result<Self> {
        self.addresses.push(Address::unix(path.as_ref())?);
        Ok(self)
    }

    /// Serves a listener that was bound elsewhere, for example by a service manager. One loop accepts and hands over
    /// to the others.
    ///
    /// # Errors
    /// The system's error.
    pub fn listener(mut self, listener: TcpListener) -> io::Result<Self> {
        self.addresses.push(Address::tcp(listener)?);
        Ok(self)
    }

    /// As [`listener`](Self::listener), for a Unix socket.
    ///
    /// # Errors
    /// The system's error.
    pub fn unix_listener(mut self, listener: UnixListener) -> io::Result<Self> {
        self.addresses.push(Address::unix_listener(listener)?);
        Ok(self)
    }

    /// Sets the number of loops, each on a thread of its own; at least one. Default: the number of cores.
    #[must_use]
    pub fn loops(mut self, loops: usize) -> Self {
        self.loops = loops.max(1);
        self
    }

    /// Sets the number of events that a loop takes from the system at a time; at least one. Default 1024.
    #[must_use]
    pub fn events(mut self, events: usize) -> Self {
        self.events = events.max(1);
        self
    }

    /// Sets limits, deadlines and policies of accepted connections. Default: those of [`Config`], with
    /// [`pause_when_high`](Config::pause_when_high) set to `true`.
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Sets the maximum number of connections. While it is reached, further ones wait in the system's backlog.
    /// Default: no limit.
    #[must_use]
    pub const fn max_connections(mut self, max: usize) -> Self {
        self.max_connections = max;
        self
    }

    /// Calls `observe`, on some loop, for every [`Failure`]. Default: failures are ignored.
    #[must_use]
    pub fn on_failure(mut self, observe: impl Fn(Failure) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observe);
        self
    }

    /// Returns the addresses that the server listens on, in the order in which they were given and without Unix
    /// sockets. Useful after binding port 0.
    pub fn local_addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses.iter().filter_map(Address::local_addr)
    }

    /// Returns the first of the [addresses](Self::local_addrs).
    ///
    /// # Errors
    /// [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) if the server listens on none.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addrs()
            .next()
            .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    /// Returns a handle that shuts the server down from any thread, and returns its figures.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(Arc::clone(&self.control))
    }

    /// Returns a broadcaster, which sends to many of the server's connections at once, once the server is started.
    #[must_use]
    pub fn broadcaster(&self) -> Broadcaster {
        Broadcaster::new(Arc::clone(&self.control))
    }

    /// Serves until the server is [shut down](ServerHandle::shutdown).
    ///
    /// # Errors
    /// If the loops cannot be started, or the system does not let a loop wait for its sockets.
    pub fn serve(self, handler: impl Handler) -> io::Result<()> {
        self.start(handler)?.join()
    }

    /// Starts the loops.
    ///
    /// # Errors
    /// The system's error.
    pub fn start<H: Handler>(self, handler: H) -> io::Result<EventLoops<H>> {
        let mut polls = Vec::new();
        let mut mailboxes = Vec::new();
        for _ in 0..self.loops {
            let poll = Poll::new()?;
            let waker = Waker::new(poll.registry(), WAKER)?;
            let counters = Counters::default();
            let mailbox = LoopMailbox::new(LoopWaker { waker, counters });
            mailboxes.push(Arc::new(mailbox));
            polls.push(poll);
        }
        let listeners = share_listeners(self.addresses, self.loops, &self.config)?;
        self.control.start(mailboxes.clone(), self.max_connections);
        let shared = Arc::new(Shared {
            handler,
            observer: self.observer,
            control: self.control,
            resolver: Arc::<Resolver>::default(),
        });
        // If a loop cannot be started, dropping this ends the others.
        let mut loops = EventLoops::new(Arc::clone(&shared));
        for (number, ((poll, mailbox), listeners)) in
            polls.into_iter().zip(mailboxes).zip(listeners).enumerate()
        {
            let plan = Plan {
                shared: Arc::clone(&shared),
                mailbox,
                poll,
                events: self.events,
                listeners,
            };
            let run = move || EventLoop::new(plan).run();
            let name = format!("websocket-{number}");
            shared.control.loop_begins();
            let spawned = thread::Builder::new().name(name).spawn(run);
            loops.push(spawned.inspect_err(|_| shared.control.loop_ended(0))?);
        }
        Ok(loops)
    }
}

/// Returns the listeners of each loop.
fn share_listeners(
    addresses: Vec<Address>,
    loops: usize,
    config: &Arc<Config>,
) -> io::Result<Vec<Vec<Listener>>> {
    let mut listeners: Vec<_> = (0..loops).map(|_| Vec::new()).collect();
    for (number, address) in addresses.into_iter().enumerate() {
        let shared = address.share(loops, config)?;
        for (turn, listener) in shared.into_iter().enumerate() {
            // Single listeners, which hand over, are on different loops as well.
            listeners[(number + turn) % loops].push(listener);
        }
    }
    Ok(listeners)
}

impl<H: Handler> EventLoops<H> {
    /// Starts as many loops as there are cores, to dial or adopt connections. To listen, or to choose
    /// otherwise, see [`Server`].
    ///
    /// # Errors
    /// The system's error.
    pub fn start(handler: H) -> io::Result<Self> {
        Server::new().start(handler)
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}
