//! Loops that run, on threads of their own: what they can be asked for from outside.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Instant,
};

use crate::{
    Adopt, Broadcaster, Connect, ConnectError, Handler, Server, ServerHandle, Stream,
    client::dials::Route, client::resolver::Resolver, command::Mailbox,
    command::loop_command::Errand, connection::dispatcher::Audience, event_loop::control::Control,
    failure::Observer,
};

/// What all loops share.
pub(crate) struct Shared<H> {
    pub(crate) handler: H,
    pub(crate) observer: Observer,
    pub(crate) control: Arc<Control>,
    pub(crate) resolver: Arc<Resolver>,
}

impl<H: Handler> Shared<H> {
    /// Has a loop dial, as soon as the name is resolved. If there is no use in trying, the state comes
    /// back.
    pub(crate) fn dial(
        self: &Arc<Self>,
        mailbox: &Arc<Mailbox>,
        route: Box<Route>,
        state: H::State,
    ) -> Result<(), (ConnectError, H::State)> {
        let target = route.plan.target();
        if target.is_secure() {
            return Err((ConnectError::TlsUnsupported, state));
        }
        let port = target.port();
        if let Ok(address) = target.host().parse::<IpAddr>() {
            let addresses = Ok(vec![SocketAddr::new(address, port)]);
            return send(mailbox, Errand::Dial(route, addresses, state));
        }
        let host = target.host().to_owned();
        let (shared, mailbox) = (Arc::clone(self), Arc::clone(mailbox));
        self.resolver.resolve(host, port, move |addresses| {
            let dial = Errand::Dial(route, addresses, state);
            if let Err((error, state)) = send(&mailbox, dial) {
                shared.handler.on_connect_failed(state, error);
            }
        });
        Ok(())
    }
}

/// Sends a dial to a loop. If that has ended, the state comes back.
fn send<S: Send + 'static>(mailbox: &Mailbox, dial: Errand<S>) -> Result<(), (ConnectError, S)> {
    dial.send(mailbox).map_err(|errand| match *errand {
        Errand::Dial(_, _, state) => (ConnectError::ShutDown, state),
        Errand::Accepted(..) | Errand::Adopt(..) | Errand::Redirected(..) => {
            unreachable!("what comes back is what was sent")
        }
    })
}

impl<H> Shared<H> {
    /// Who is told what happens on the loop with that mailbox.
    pub(crate) const fn audience<'a>(&'a self, mailbox: &'a Arc<Mailbox>) -> Audience<'a, H> {
        Audience {
            handler: &self.handler,
            observer: &self.observer,
            mailbox,
        }
    }
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

    pub(crate) const fn new(shared: Arc<Shared<H>>) -> Self {
        Self {
            shared,
            threads: Vec::new(),
            next: AtomicUsize::new(0),
        }
    }

    /// A loop more has been started.
    pub(crate) fn push(&mut self, thread: JoinHandle<io::Result<()>>) {
        self.threads.push(thread);
    }

    /// Connects to a server. What comes of it, the handler is told: by
    /// [`on_open`](Handler::on_open) or [`on_connect_failed`](Handler::on_connect_failed).
    ///
    /// A name is resolved on another thread, and its addresses are tried as RFC 8305 says. The
    /// [timeout](Connect::timeout) counts up to the opening handshake, for which
    /// [`opening_timeout`](wsproto::Config::opening_timeout) holds.
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
        self.dial(connect, None, state)
    }

    /// As [`connect_with`](Self::connect_with), from a local address. With port 0 the system chooses the
    /// port. To have more connections to one server than there are ports takes several addresses.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_from(
        &self,
        source: SocketAddr,
        connect: &Connect,
        state: H::State,
    ) -> Result<(), ConnectError> {
        self.dial(connect, Some(source), state)
    }

    fn dial(
        &self,
        connect: &Connect,
        source: Option<SocketAddr>,
        state: H::State,
    ) -> Result<(), ConnectError> {
        let plan = connect.plan()?;
        let mailbox = self.next_mailbox()?;
        let until = Instant::now().checked_add(connect.time_limit());
        let route = Box::new(Route {
            plan,
            until,
            source,
        });
        let dialled = self.shared.dial(mailbox, route, state);
        dialled.map_err(|(error, _)| error)
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
        let mailbox = self.next_mailbox().map_err(|_| ended())?;
        let adopted = Errand::Adopt(stream, adopt, state).send(mailbox);
        adopted.map_err(|_| ended())
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

    /// That of the loop that gets the next connection.
    fn next_mailbox(&self) -> Result<&Arc<Mailbox>, ConnectError> {
        let control = &self.shared.control;
        if control.shutdown().is_some() {
            return Err(ConnectError::ShutDown);
        }
        let mailboxes = control.mailboxes();
        Ok(&mailboxes[self.next.fetch_add(1, Ordering::Relaxed) % mailboxes.len()])
    }
}

impl<H: Handler> Drop for EventLoops<H> {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.shared.control.abandon();
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
