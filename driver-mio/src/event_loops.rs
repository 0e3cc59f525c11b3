//! Loops that run, on threads of their own: what they can be asked for from outside.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use driver_kit::target::Target;

use crate::{
    Adopt, Broadcaster, Connect, Handler, Server, ServerHandle, Stream,
    connect::ConnectError,
    control::Control,
    errand::{DialOrder, Errand},
    failure::Observer,
    resolver::Resolver,
};

/// What all loops share.
pub(crate) struct Shared<H> {
    pub(crate) handler: H,
    pub(crate) observer: Observer,
    pub(crate) control: Arc<Control>,
    pub(crate) resolver: Arc<Resolver>,
}

/// Event loops that run, each on a thread of its own, with one [`Handler`] for all their connections.
///
/// They serve what [`Server`] listens on, and connections that are made here: [dialled](Self::connect) or
/// [adopted](Self::adopt). Dropping this ends them at once; [`shutdown`](ServerHandle::shutdown) ends
/// them in order.
///
/// ```no_run
/// use driver_mio::{Connect, Context, EventLoops, Handler};
///
/// struct Hello;
///
/// impl Handler for Hello {
///     type State = ();
///
///     fn on_open(&self, connection: &mut Context<'_>, _: &mut ()) {
///         let _ = connection.send("hello");
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let loops = EventLoops::start(Hello)?;
/// let connect = Connect::new("ws://127.0.0.1:9001");
/// for _ in 0..1000 {
///     loops.connect(&connect)?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct EventLoops<H: Handler> {
    shared: Arc<Shared<H>>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    /// The loop that gets the next connection.
    next: AtomicUsize,
}

impl<H: Handler> EventLoops<H> {
    /// Starts as many loops as there are cores, to dial or adopt connections. To listen, or to choose
    /// otherwise, see [`Server`].
    ///
    /// # Errors
    /// What the system reports.
    pub fn start(handler: H) -> io::Result<Self> {
        Server::new().start(handler)
    }

    pub(crate) const fn new(
        shared: Arc<Shared<H>>,
        threads: Vec<JoinHandle<io::Result<()>>>,
    ) -> Self {
        Self {
            shared,
            threads,
            next: AtomicUsize::new(0),
        }
    }

    /// Connects to a server. What comes of it, the handler is told: by
    /// [`on_open`](Handler::on_open) or [`on_connect_failed`](Handler::on_connect_failed).
    ///
    /// A name is resolved on another thread, and its addresses are tried as RFC 8305 says.
    ///
    /// # Errors
    /// [`Url`](ConnectError::Url), [`TlsUnsupported`](ConnectError::TlsUnsupported) and
    /// [`ShutDown`](ConnectError::ShutDown).
    pub fn connect(&self, connect: &Connect) -> Result<(), ConnectError> {
        self.connect_with(connect, H::State::default())
    }

    /// As [`connect`](Self::connect), for a connection that begins with this state.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with(&self, connect: &Connect, state: H::State) -> Result<(), ConnectError> {
        let target = connect.target()?;
        let number = self.next_loop()?;
        let port = target.port();
        let dial = |target: Target, addresses| DialOrder {
            connect: connect.clone(),
            target,
            addresses,
            state,
        };
        if let Ok(address) = target.host().parse::<IpAddr>() {
            let addresses = vec![SocketAddr::new(address, port)];
            let dial = dial(target, Ok(addresses));
            return Errand::Dial(Box::new(dial))
                .send(&self.shared.control.mailboxes()[number])
                .map_err(|_| ConnectError::ShutDown);
        }
        let host = target.host().to_owned();
        let shared = Arc::clone(&self.shared);
        let order = dial(target, Ok(Vec::new()));
        self.shared.resolver.resolve(host, port, move |addresses| {
            let dial = DialOrder { addresses, ..order };
            let mailbox = &shared.control.mailboxes()[number];
            if let Err(errand) = Errand::Dial(Box::new(dial)).send(mailbox)
                && let Errand::Dial(dial) = *errand
            {
                let error = ConnectError::ShutDown;
                shared.handler.on_connect_failed(dial.state, error);
            }
        });
        Ok(())
    }

    /// Takes a connection over from elsewhere: see [`Adopt`].
    ///
    /// # Errors
    /// If the stream's socket cannot be used without blocking, or the loops have ended.
    pub fn adopt(&self, stream: impl Into<Stream>, adopt: Adopt) -> io::Result<()> {
        self.adopt_with(stream, adopt, H::State::default())
    }

    /// As [`adopt`](Self::adopt), for a connection that begins with this state.
    ///
    /// # Errors
    /// As [`adopt`](Self::adopt).
    pub fn adopt_with(
        &self,
        stream: impl Into<Stream>,
        adopt: Adopt,
        state: H::State,
    ) -> io::Result<()> {
        let stream = stream.into();
        stream.prepare()?;
        let ended = || io::Error::other("the event loops have ended");
        let number = self.next_loop().map_err(|_| ended())?;
        Errand::Adopt(stream, adopt, state)
            .send(&self.shared.control.mailboxes()[number])
            .map_err(|_| ended())
    }

    /// The handler.
    #[must_use]
    pub fn handler(&self) -> &H {
        &self.shared.handler
    }

    /// Shuts the loops down from elsewhere, and counts their connections.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(Arc::clone(&self.shared.control))
    }

    /// Sends to many connections at once.
    #[must_use]
    pub fn broadcaster(&self) -> Broadcaster {
        Broadcaster::new(Arc::clone(&self.shared.control))
    }

    /// How many connections there are; see [`ServerHandle::connections`].
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.control.connections()
    }

    /// Waits until the loops have been [shut down](ServerHandle::shutdown) by somebody.
    ///
    /// # Errors
    /// If the system did not let a loop wait for its sockets.
    pub fn join(mut self) -> io::Result<()> {
        self.join_threads()
    }

    fn join_threads(&mut self) -> io::Result<()> {
        let mut result = Ok(());
        for thread in self.threads.drain(..) {
            let ended = thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("an event loop panicked")));
            result = result.and(ended);
        }
        result
    }

    fn next_loop(&self) -> Result<usize, ConnectError> {
        if self.shared.control.shutdown().is_some() {
            return Err(ConnectError::ShutDown);
        }
        let loops = self.shared.control.mailboxes().len();
        Ok(self.next.fetch_add(1, Ordering::Relaxed) % loops)
    }
}

impl<H: Handler> Drop for EventLoops<H> {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.shared.control.shut_down("", Duration::ZERO);
            // There is nobody to tell how a loop has ended.
            let _ = self.join_threads();
        }
    }
}

impl<H: Handler> fmt::Debug for EventLoops<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoops")
            .field("loops", &self.threads.len())
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}
