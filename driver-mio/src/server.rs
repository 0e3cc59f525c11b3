//! A server: what loops listen on, and how many there are.

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

use crate::{
    Broadcaster, EventLoops, Failure, Handler, ServerHandle,
    client::resolver::Resolver,
    command::{Doorbell, Mailbox},
    event_loop::control::Control,
    event_loop::{EventLoop, Plan, WAKER},
    event_loops::Shared,
    failure::Observer,
    server::listener::Address,
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
    /// On Linux every loop gets a socket of its own, among which the kernel spreads connections
    /// (`SO_REUSEPORT`); elsewhere one loop accepts and hands them over. The backlog is 1024.
    ///
    /// # Errors
    /// If no address works: the name is unknown, the port is in use, and the like.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::new().listen(address)
    }

    /// Listens on a Unix socket, which must not exist yet. One loop accepts and hands over to the others.
    ///
    /// # Errors
    /// What the system reports.
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::new().listen_unix(path)
    }

    /// Listens on nothing yet: enough for loops that dial or adopt.
    #[must_use]
    pub fn new() -> Self {
        let mut config = Config::default();
        // Callbacks do not wait: a peer that does not read its answers is not read either.
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

    /// Listens on one address more, as [`bind`](Self::bind) does.
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

    /// Listens on a Unix socket more, as [`bind_unix`](Self::bind_unix) does.
    ///
    /// # Errors
    /// What the system reports.
    pub fn listen_unix(mut self, path: impl AsRef<Path>) -> io::Result<Self> {
        self.addresses.push(Address::unix(path.as_ref())?);
        Ok(self)
    }

    /// Serves a listener that somebody else has bound, a service manager for example. One loop accepts and
    /// hands over to the others.
    ///
    /// # Errors
    /// What the system reports.
    pub fn listener(mut self, listener: TcpListener) -> io::Result<Self> {
        self.addresses.push(Address::tcp(listener)?);
        Ok(self)
    }

    /// As [`listener`](Self::listener), for a Unix socket.
    ///
    /// # Errors
    /// What the system reports.
    pub fn unix_listener(mut self, listener: UnixListener) -> io::Result<Self> {
        self.addresses.push(Address::unix_listener(listener)?);
        Ok(self)
    }

    /// Sets how many loops there are, each on a thread of its own; at least one. Default: as many as
    /// cores.
    #[must_use]
    pub fn loops(mut self, loops: usize) -> Self {
        self.loops = loops.max(1);
        self
    }

    /// Sets how many events a loop takes from the system at a time; at least one. Default 1024.
    #[must_use]
    pub fn events(mut self, events: usize) -> Self {
        self.events = events.max(1);
        self
    }

    /// Sets limits, deadlines and policies of accepted connections. The default is that of [`Config`],
    /// but for [`pause_when_high`](Config::pause_when_high), which is `true`.
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Sets how many connections there may be at a time. While there are so many, those who connect wait
    /// in the system's backlog. Default: no limit.
    #[must_use]
    pub const fn max_connections(mut self, max: usize) -> Self {
        self.max_connections = max;
        self
    }

    /// Calls `observe`, on some loop, for everything that goes wrong where no callback sees it. Default:
    /// nobody is told.
    #[must_use]
    pub fn on_failure(mut self, observe: impl Fn(Failure) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observe);
        self
    }

    /// The addresses that the server listens on, in the order in which they were given, Unix sockets left
    /// out; useful after binding port 0.
    pub fn local_addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses.iter().filter_map(Address::local_addr)
    }

    /// The first of the [addresses](Self::local_addrs).
    ///
    /// # Errors
    /// If the server listens on none.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addrs()
            .next()
            .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    /// Shuts the server down from elsewhere, and counts its connections.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(Arc::clone(&self.control))
    }

    /// Sends to many of the server's connections at once, as soon as it has been started.
    #[must_use]
    pub fn broadcaster(&self) -> Broadcaster {
        Broadcaster::new(Arc::clone(&self.control))
    }

    /// Serves until it is [shut down](ServerHandle::shutdown).
    ///
    /// # Errors
    /// If the loops cannot be started, or the system does not let one wait for its sockets.
    pub fn serve(self, handler: impl Handler) -> io::Result<()> {
        self.start(handler)?.join()
    }

    /// Starts the loops.
    ///
    /// # Errors
    /// What the system reports.
    pub fn start<H: Handler>(self, handler: H) -> io::Result<EventLoops<H>> {
        let mut polls = Vec::new();
        let mut mailboxes = Vec::new();
        for _ in 0..self.loops {
            let poll = Poll::new()?;
            let waker = Waker::new(poll.registry(), WAKER)?;
            let counters = Counters::default();
            mailboxes.push(Arc::new(Mailbox::new(Doorbell { waker, counters })));
            polls.push(poll);
        }
        let mut listeners: Vec<_> = (0..self.loops).map(|_| Vec::new()).collect();
        for (number, address) in self.addresses.into_iter().enumerate() {
            let shared = address.share(self.loops, &self.config)?;
            for (turn, listener) in shared.into_iter().enumerate() {
                // Those that hand over are spread as well.
                listeners[(number + turn) % self.loops].push(listener);
            }
        }
        self.control.start(mailboxes.clone(), self.max_connections);
        let shared = Arc::new(Shared {
            handler,
            observer: self.observer,
            control: self.control,
            resolver: Arc::<Resolver>::default(),
        });
        // If one of them cannot be started, this is dropped, which ends the others.
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

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}
