//! What drivers differ in: how a runtime waits, spawns, keeps time and resolves names.

#[cfg(unix)]
use std::path::Path;
use std::{fmt, future::Future, io, net::SocketAddr, pin::Pin, time::Instant};

use crate::{alarm::Alarm, transport::Transport};

/// A runtime, as far as [`Server`](crate::Server) and [`Connect`](crate::Connect) need one.
pub trait Runtime: fmt::Debug + Clone + Send + Sync + 'static {
    /// Keeps the deadlines.
    type Alarm: Alarm;
    /// A TCP connection that delays no small packets (`TCP_NODELAY`): whole batches of frames are
    /// written at once, and waiting for more would only hold them up.
    type Tcp: Transport + Send + 'static;
    /// What accepts TCP connections.
    type TcpListener;
    /// What accepts connections on a Unix socket.
    #[cfg(unix)]
    type UnixListener;
    /// Runs the tasks of a server unless another is chosen.
    type Spawner: Spawn + Default;

    /// The addresses of a host that is not an address itself.
    fn resolve(host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects to an address.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// Listens on an address with a backlog of [`BACKLOG`](driver_kit::accept_backoff::BACKLOG).
    ///
    /// # Errors
    /// What the system reports.
    fn listen(address: SocketAddr) -> io::Result<Self::TcpListener>;

    /// The address that is listened on.
    ///
    /// # Errors
    /// What the system reports.
    fn local_addr(listener: &Self::TcpListener) -> io::Result<SocketAddr>;

    /// Listens on a Unix socket, which must not exist yet.
    ///
    /// # Errors
    /// What the system reports.
    #[cfg(unix)]
    fn listen_unix(path: &Path) -> io::Result<Self::UnixListener>;

    /// Waits until a moment of the clock of [`Alarm::now`].
    fn sleep_until(moment: Instant) -> impl Future<Output = ()> + Send;
}

/// A runtime that can accept from a listener.
pub trait AcceptFrom<L>: Runtime {
    /// What comes of it.
    type Transport: Transport + Send + 'static;

    /// Waits for the next connection. May be dropped and called again.
    fn accept(listener: &mut L) -> impl Future<Output = io::Result<Self::Transport>> + Send;
}

/// Runs tasks: the way to the executor of one's choice. A closure that takes boxed futures is one as well.
pub trait Spawn: Send + Sync {
    /// Runs a future until it ends, or the executor does. Called from inside of the executor. The
    /// future never panics.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);

    /// Waits for a future. Whoever runs tasks by themselves, without an executor that is there anyway,
    /// does it meanwhile.
    fn run_until<F: Future + Send>(&self, future: F) -> impl Future<Output = F::Output> + Send {
        future
    }
}

impl<S: Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync> Spawn for S {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self(Box::pin(task));
    }
}
