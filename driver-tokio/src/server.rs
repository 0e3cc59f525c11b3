//! A server: accepts streams, gives each connection a task, and shuts down in order.

#[cfg(unix)]
use std::path::Path;
use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use driver_kit::accepting::{AfterFailure, BACKLOG, Failures};
use tokio::{
    net::{TcpListener, TcpSocket, ToSocketAddrs, lookup_host},
    sync::Notify,
    time::{sleep, timeout},
};
use wsproto::Config;

use crate::{
    Upgrade,
    io::Io,
    listener::Listener,
    timers::{Timer, Timers},
};

/// A WebSocket server.
///
/// ```no_run
/// use driver_tokio::{Accept, Server};
///
/// # async fn run() -> std::io::Result<()> {
/// let server = Server::bind("127.0.0.1:9001").await?;
/// server
///     .serve(|upgrade| async move {
///         let Ok(mut socket) = upgrade.accept(&Accept::new()).await else { return };
///         while let Ok(Some(message)) = socket.recv().await {
///             let _ = socket.feed(message).await;
///         }
///     })
///     .await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server<L = TcpListener> {
    listener: L,
    config: Arc<Config>,
    max_connections: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    timers: Arc<Timers>,
    connections: AtomicUsize,
    /// Something happened: a connection ended, or the server shuts down.
    changed: Notify,
    shutting_down: AtomicBool,
    /// Connections that are still there are to be dropped.
    out_of_patience: AtomicBool,
}

impl Server<TcpListener> {
    /// Listens on the first address of `address` that works, with a backlog of 1024.
    ///
    /// # Errors
    /// If no address works: the name is unknown, the port is in use, and the like.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let mut failed = None;
        for address in lookup_host(address).await? {
            match listen(address) {
                Ok(listener) => return Ok(Self::new(listener)),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed
            .unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
    }

    /// The address that the server listens on; useful after binding port 0.
    ///
    /// # Errors
    /// What the system reports.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Else a restarted server waits for the connections of the one before to time out.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(unix)]
impl Server<tokio::net::UnixListener> {
    /// Listens on a Unix socket, which must not exist yet.
    ///
    /// # Errors
    /// What the system reports.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::new(tokio::net::UnixListener::bind(path)?))
    }
}

impl<L: Listener> Server<L> {
    /// Serves what `listener` accepts.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    #[must_use]
    pub fn new(listener: L) -> Self {
        let shared = Shared {
            timers: Timers::start(true),
            connections: AtomicUsize::new(0),
            changed: Notify::new(),
            shutting_down: AtomicBool::new(false),
            out_of_patience: AtomicBool::new(false),
        };
        Self {
            listener,
            config: Arc::default(),
            max_connections: usize::MAX,
            shared: Arc::new(shared),
        }
    }

    /// Sets limits, deadlines and policies of all connections.
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Sets how many connections there may be at a time; further ones wait in the listener's backlog.
    /// Unlimited by default.
    #[must_use]
    pub const fn max_connections(mut self, max: usize) -> Self {
        self.max_connections = max;
        self
    }

    /// What shuts the server down from elsewhere, and counts its connections.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Accepts connections and runs `handler` for each in a task of its own, until the server is shut
    /// down. The handler gets the request and answers it.
    pub async fn serve<H, F>(mut self, handler: H)
    where
        H: Fn(Upgrade<L::Stream>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let mut failures = Failures::default();
        while let Some(accepted) = self.next_stream().await {
            match accepted {
                Ok(stream) => {
                    failures.accepted();
                    self.spawn(stream, &handler);
                }
                Err(error) => {
                    if let AfterFailure::Pause(pause) = failures.failed(&error) {
                        sleep(pause).await;
                    }
                }
            }
        }
    }

    /// Waits for a stream, or for the order to shut down.
    async fn next_stream(&mut self) -> Option<io::Result<L::Stream>> {
        loop {
            let shared = Arc::clone(&self.shared);
            let mut changed = pin!(shared.changed.notified());
            changed.as_mut().enable();
            if shared.shutting_down.load(Ordering::Acquire) {
                return None;
            }
            if shared.connections.load(Ordering::Acquire) >= self.max_connections {
                changed.await;
                continue;
            }
            let mut accept = pin!(self.listener.accept());
            let accepted = poll_fn(|cx| match accept.as_mut().poll(cx) {
                Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
                Poll::Pending => changed.as_mut().poll(cx).map(|()| None),
            })
            .await;
            if accepted.is_some() {
                return accepted;
            }
        }
    }

    fn spawn<H, F>(&self, stream: L::Stream, handler: &Arc<H>)
    where
        H: Fn(Upgrade<L::Stream>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let timer = Timer::new(Arc::clone(&self.shared.timers));
        let (config, handler) = (Arc::clone(&self.config), Arc::clone(handler));
        self.shared.connections.fetch_add(1, Ordering::AcqRel);
        let counted = Counted {
            shared: Arc::clone(&self.shared),
        };
        tokio::spawn(async move {
            let serve = async {
                // A handshake that fails was answered; there is nobody else to tell.
                if let Ok(upgrade) = driver_async::accept(Io(stream), timer, config).await {
                    handler(upgrade).await;
                }
            };
            let mut serve = pin!(serve);
            poll_fn(|cx| {
                if counted.shared.out_of_patience.load(Ordering::Acquire) {
                    Poll::Ready(())
                } else {
                    serve.as_mut().poll(cx)
                }
            })
            .await;
        });
    }
}

/// A connection that is counted.
#[derive(Debug)]
struct Counted {
    shared: Arc<Shared>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.shared.connections.fetch_sub(1, Ordering::AcqRel);
        self.shared.changed.notify_waiters();
    }
}

/// Shuts a [`Server`] down from elsewhere, and counts its connections.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

impl ServerHandle {
    /// How many connections there are, opening and closing ones included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Acquire)
    }

    /// Shuts down in order: accepts nothing further, closes every connection with 1001 behind what it
    /// has queued, and waits until all handlers have returned; after `patience` it drops those that
    /// have not. Returns how many those were.
    ///
    /// A handler notices by its receive returning `None`.
    pub async fn shutdown(&self, patience: Duration) -> usize {
        let shared = &self.shared;
        shared.shutting_down.store(true, Ordering::Release);
        shared.changed.notify_waiters();
        shared.timers.shut_down();
        if timeout(patience, self.idle()).await.is_ok() {
            return 0;
        }
        let dropped = self.connections();
        shared.out_of_patience.store(true, Ordering::Release);
        shared.timers.shut_down();
        dropped
    }

    async fn idle(&self) {
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            if self.connections() == 0 {
                return;
            }
            changed.await;
        }
    }
}
