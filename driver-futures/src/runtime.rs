//! The traits of a runtime: how it waits, spawns, keeps time and resolves names.

#[cfg(unix)]
use std::path::Path;
use std::{fmt, future::Future, io, net::SocketAddr, pin::Pin, time::Instant};

use crate::{timers::Alarm, transport::Transport};

/// The parts of a runtime that [`Server`](crate::Server) and [`Connect`](crate::Connect) need.
pub trait Runtime: fmt::Debug + Clone + Send + Sync + 'static {
    /// Keeps the deadlines.
    type Alarm: Alarm;
    /// A TCP connection with `TCP_NODELAY`: whole batches of frames are written at once, so Nagle's algorithm
    /// would only delay them.
    type Tcp: Transport + Send + 'static;
    /// A TCP listener.
    type TcpListener;
    /// A listener on a Unix socket.
    #[cfg(unix)]
    type UnixListener;
    /// The default executor of a server's tasks.
    type Spawner: Spawn + Default;

    /// Resolves the name of a host.
    fn resolve(host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects to an address.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// Listens on an address with a backlog of [`BACKLOG`](driver_kit::accept_backoff::BACKLOG).
    ///
    /// # Errors
    /// The error that the system reports.
    fn listen(address: SocketAddr) -> io::Result<Self::TcpListener>;

    /// The address that a listener is bound to.
    ///
    /// # Errors
    /// The error that the system reports.
    fn local_addr(listener: &Self::TcpListener) -> io::Result<SocketAddr>;

    /// Listens on a Unix socket, which must not exist yet.
    ///
    /// # Errors
    /// The error that the system reports.
    #[cfg(unix)]
    fn listen_unix(path: &Path) -> io::Result<Self::UnixListener>;

    /// Waits until a moment on the clock of [`Alarm::now`].
    fn sleep_until(moment: Instant) -> impl Future<Output = ()> + Send;
}

/// A runtime that can accept from a listener.
pub trait AcceptFrom<L>: Runtime {
    /// An accepted connection.
    type Transport: Transport + Send + 'static;

    /// Waits for the next connection. Cancel-safe.
    fn accept(listener: &mut L) -> impl Future<Output = io::Result<Self::Transport>> + Send;
}

/// An executor. A closure that takes boxed futures is one as well.
pub trait Spawn: Send + Sync {
    /// Runs a future until it ends, or the executor does. Called on the executor. The future never panics.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);

    /// Waits for a future. An executor that runs only while it is polled runs its tasks meanwhile.
    fn run_until<F: Future + Send>(&self, future: F) -> impl Future<Output = F::Output> + Send {
        future
    }
}

impl<S: Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync> Spawn for S {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self(Box::pin(task));
    }
}
