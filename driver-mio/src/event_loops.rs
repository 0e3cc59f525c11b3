//! Loops that run on threads of their own, as the application sees them.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Instant,
};

use driver_kit::connect::{Connect, ConnectError};

use crate::{
    broadcast::Broadcaster,
    client::request::DialRequest,
    command::{LoopMailbox, loop_command::LoopCommand},
    connection::adopt::{Adopt, Stream},
    event_loop::{control::ServerHandle, shared::Shared},
    handler::Handler,
};

/// Event loops that run, each on a thread of its own, with one [`Handler`] for all their connections.
///
/// They serve the addresses that a [`Server`](crate::Server) listens on, and connections that are
/// [dialled](Self::connect) or [adopted](Self::adopt) here. Dropping this ends them at once;
/// [`shutdown`](ServerHandle::shutdown) ends them in order.
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
    /// Counts connections that were made here. Each loop gets one in turn.
    next: AtomicUsize,
}

impl<H: Handler> EventLoops<H> {
    pub(crate) const fn new(shared: Arc<Shared<H>>) -> Self {
        Self {
            shared,
            threads: Vec::new(),
            next: AtomicUsize::new(0),
        }
    }

    /// Adds the thread of a loop that was started.
    pub(crate) fn push(&mut self, thread: JoinHandle<io::Result<()>>) {
        self.threads.push(thread);
    }

    /// Connects to a server. The handler is told of the outcome, by [`on_open`](Handler::on_open) or
    /// [`on_connect_failed`](Handler::on_connect_failed).
    ///
    /// A name is resolved on another thread, and its addresses are tried as RFC 8305 says. The
    /// [timeout](Connect::timeout) applies until the transport is connected; for the opening handshake,
    /// [`opening_timeout`](wsproto::Config::opening_timeout) applies.
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
    /// port. It takes several local addresses to have more connections to one server than there are ports.
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
        let request = Box::new(DialRequest {
            plan,
            deadline: Instant::now().checked_add(connect.time_limit()),
            source,
        });
        let dialled = self.shared.dial(mailbox, request, state);
        dialled.map_err(|(error, _)| error)
    }

    /// Takes over a connection that comes from elsewhere; see [`Adopt`].
    ///
    /// # Errors
    /// If the stream's socket cannot be made non-blocking, or the loops have ended.
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
        let adopted = LoopCommand::Adopt(stream, adopt, state).send(mailbox);
        adopted.map_err(|_| ended())
    }

    /// Returns the handler.
    #[must_use]
    pub fn handler(&self) -> &H {
        &self.shared.handler
    }

    /// Returns a handle that shuts the loops down from any thread, and returns their figures.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(Arc::clone(&self.shared.control))
    }

    /// Returns a broadcaster, which sends to many connections at once.
    #[must_use]
    pub fn broadcaster(&self) -> Broadcaster {
        Broadcaster::new(Arc::clone(&self.shared.control))
    }

    /// Returns the number of connections; see [`ServerHandle::connections`].
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.control.connections()
    }

    /// Blocks until the loops have been [shut down](ServerHandle::shutdown).
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

    /// Returns the mailbox of the loop that gets the next connection.
    fn next_mailbox(&self) -> Result<&Arc<LoopMailbox>, ConnectError> {
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
            // There is nobody to report an error to.
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
