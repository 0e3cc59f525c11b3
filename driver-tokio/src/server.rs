//! A server: accepts streams, gives each connection a task, and shuts down in order.

#[cfg(unix)]
use std::path::Path;
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use driver_kit::accepting::{AfterFailure, BACKLOG, Failures};
use tokio::{
    net::{TcpListener, TcpSocket, ToSocketAddrs, lookup_host},
    time::{sleep, timeout},
};
use wsproto::Config;

use crate::{
    Upgrade,
    connections::Connections,
    failure::{Observer, ServerFailure},
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
    observer: Option<Observer>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    timers: Arc<Timers>,
    connections: Arc<Connections>,
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
        Self {
            listener,
            config: Arc::default(),
            max_connections: usize::MAX,
            observer: None,
            shared: Arc::new(Shared {
                timers: Timers::start(true),
                connections: Arc::default(),
            }),
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

    /// Has `observe` told what goes wrong where no handler sees it, for a log or a counter. It is called
    /// from the tasks that serve, and must not block.
    #[must_use]
    pub fn on_failure(mut self, observe: impl Fn(ServerFailure) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer::new(observe));
        self
    }

    /// What shuts the server down from elsewhere, and counts its connections.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Accepts connections and runs `handler` for each in a task of its own. The handler gets the
    /// request and answers it; should it panic, its connection ends and no other.
    ///
    /// Returns when the server was [shut down](ServerHandle::shutdown), and all handlers have returned
    /// or were dropped.
    pub async fn serve<H, F>(self, handler: H)
    where
        H: Fn(Upgrade<L::Stream>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let connections = Arc::clone(&self.shared.connections);
        tokio::select! {
            biased;
            () = connections.stopped() => {}
            () = self.accept_all(handler) => {}
        }
        connections.fewer_than(1).await;
    }

    /// Accepts without an end. The listener is closed when this is dropped.
    async fn accept_all<H, F>(mut self, handler: H)
    where
        H: Fn(Upgrade<L::Stream>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let service = Arc::new(Service {
            handler,
            observer: self.observer.take(),
        });
        let mut failures = Failures::default();
        loop {
            self.shared
                .connections
                .fewer_than(self.max_connections)
                .await;
            match self.listener.accept().await {
                Ok(stream) => {
                    failures.accepted();
                    self.spawn(stream, &service);
                }
                Err(error) => {
                    let after = failures.failed(&error);
                    service.tell(ServerFailure::Accept(error));
                    if let AfterFailure::Pause(pause) = after {
                        sleep(pause).await;
                    }
                }
            }
        }
    }

    fn spawn<H, F>(&self, stream: L::Stream, service: &Arc<Service<H>>)
    where
        H: Fn(Upgrade<L::Stream>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let timer = Timer::new(Arc::clone(&self.shared.timers));
        // In memory of its own, which is free again when the handler begins.
        let opening = Box::pin(driver_async::accept(
            Io(stream),
            timer,
            Arc::clone(&self.config),
        ));
        let service = Arc::clone(service);
        self.shared.connections.spawn(|counted| async move {
            match opening.await {
                Ok(upgrade) => (service.handler)(upgrade).await,
                Err(error) => service.tell(ServerFailure::Handshake(error)),
            }
            drop(counted);
        });
    }
}

/// What all connections of a server share.
#[derive(Debug)]
struct Service<H> {
    handler: H,
    observer: Option<Observer>,
}

impl<H> Service<H> {
    fn tell(&self, failure: ServerFailure) {
        if let Some(observer) = &self.observer {
            observer.tell(failure);
        }
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
        self.shared.connections.count()
    }

    /// Shuts down in order: accepts nothing further, closes every connection with 1001 behind what it
    /// has queued, and waits until all handlers have returned; after `patience` it drops those that
    /// have not. Returns how many those were.
    ///
    /// A handler notices by its receive returning `None`. A request that has not come completely is
    /// not waited for; one that the handler has is still answered by it, and what it accepts is closed
    /// at once.
    pub async fn shutdown(&self, patience: Duration) -> usize {
        self.shutdown_with("", patience).await
    }

    /// [Shuts down](Self::shutdown), and tells the peers why: a reason of up to 123 octets
    /// (RFC 6455 5.5.1).
    pub async fn shutdown_with(&self, reason: &str, patience: Duration) -> usize {
        let Shared {
            timers,
            connections,
        } = &*self.shared;
        connections.stop();
        timers.shut_down(reason);
        if timeout(patience, connections.fewer_than(1)).await.is_ok() {
            return 0;
        }
        let dropped = connections.count();
        connections.abort();
        dropped
    }
}
