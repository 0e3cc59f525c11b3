//! A server: accepts streams, gives each connection a task, and shuts down in order.

#[cfg(unix)]
use std::path::Path;
use std::{fmt, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use driver_kit::accept_backoff::{AfterFailure, Failures};
use wsproto::Config;

use crate::{
    connections::Connections,
    failure::{Observer, ServerFailure},
    handshake::{self, Upgrade},
    resolve,
    runtime::{AcceptFrom, Runtime, Spawn},
    timers::{Purpose, Timer, Timers},
    waiting::{First, after, first},
};

/// A WebSocket server.
///
/// ```no_run
/// use driver_futures::{AcceptFrom, Server};
/// use wsproto::Accept;
///
/// # async fn run<L: Send, R: AcceptFrom<L>>(listener: L) {
/// Server::<L, R>::new(listener)
///     .serve(|upgrade| async move {
///         let Ok(mut socket) = upgrade.accept(&Accept::new()).await else { return };
///         while let Ok(Some(message)) = socket.recv().await {
///             let _ = socket.feed(message).await;
///         }
///     })
///     .await;
/// # }
/// ```
#[derive(Debug)]
pub struct Server<L, R: Runtime> {
    listener: L,
    config: Arc<Config>,
    max_connections: usize,
    observer: Option<Observer>,
    shared: Arc<Shared<R>>,
}

#[derive(Debug)]
struct Shared<R: Runtime> {
    timers: Arc<Timers<R::Alarm>>,
    connections: Arc<Connections>,
}

impl<R: Runtime> Server<R::TcpListener, R> {
    /// Listens on the first address of `address` that works, with a backlog of 1024. Examples are
    /// `localhost:9001`, `127.0.0.1:0` and `[::1]:80`; a [`SocketAddr`] works as well.
    ///
    /// # Errors
    /// If no address works, for example because the name is unknown or the port is in use.
    pub async fn bind(address: impl fmt::Display) -> io::Result<Self> {
        let mut failed = None;
        for address in resolve::host_and_port::<R>(&address.to_string()).await? {
            match R::listen(address) {
                Ok(listener) => return Ok(Self::over(listener)),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed
            .unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
    }

    /// The address that the server listens on; useful after binding port 0.
    ///
    /// # Errors
    /// The error that the system reports.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        R::local_addr(&self.listener)
    }
}

#[cfg(unix)]
impl<R: Runtime> Server<R::UnixListener, R> {
    /// Listens on a Unix socket, which must not exist yet.
    ///
    /// # Errors
    /// The error that the system reports.
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        R::listen_unix(path.as_ref()).map(Self::over)
    }
}

impl<L, R: Runtime> Server<L, R> {
    fn over(listener: L) -> Self {
        Self {
            listener,
            config: Arc::default(),
            max_connections: usize::MAX,
            observer: None,
            shared: Arc::new(Shared {
                timers: Timers::start(Purpose::Server),
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

    /// Limits the number of connections at a time; further ones wait in the listener's backlog. Unlimited by
    /// default.
    #[must_use]
    pub const fn max_connections(mut self, max: usize) -> Self {
        self.max_connections = max;
        self
    }

    /// Calls `observe` for failures that no handler sees, for a log or a counter. It is called on the tasks that
    /// serve, and must not block.
    #[must_use]
    pub fn on_failure(mut self, observe: impl Fn(ServerFailure) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer::new(observe));
        self
    }

    /// A handle that shuts the server down from elsewhere, and counts its connections.
    #[must_use]
    pub fn handle(&self) -> ServerHandle<R> {
        ServerHandle {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<L: Send, R: AcceptFrom<L>> Server<L, R> {
    /// Serves the connections that `listener` accepts.
    #[must_use]
    pub fn new(listener: L) -> Self {
        Self::over(listener)
    }

    /// Accepts connections and runs `handler` for each in a task of its own. The handler gets the request and
    /// answers it. If it panics, its connection ends and no other.
    ///
    /// Returns after the server was [shut down](ServerHandle::shutdown), when all handlers have returned or were
    /// dropped.
    pub async fn serve<H, F>(self, handler: H)
    where
        H: Fn(Upgrade<R::Transport, Timer<R::Alarm>>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.serve_on(R::Spawner::default(), handler).await;
    }

    /// As [`serve`](Self::serve), with the tasks on the given executor.
    pub async fn serve_on<E, H, F>(self, executor: E, handler: H)
    where
        E: Spawn,
        H: Fn(Upgrade<R::Transport, Timer<R::Alarm>>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let connections = Arc::clone(&self.shared.connections);
        let serve = async {
            first(connections.stopped(), self.accept_all(&executor, handler)).await;
            connections.fewer_than(1).await;
        };
        executor.run_until(serve).await;
    }

    /// Accepts connections for ever. The listener is closed when this future is dropped.
    async fn accept_all<H, F>(mut self, executor: &impl Spawn, handler: H)
    where
        H: Fn(Upgrade<R::Transport, Timer<R::Alarm>>) -> F + Send + Sync + 'static,
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
            match R::accept(&mut self.listener).await {
                Ok(transport) => {
                    failures.accepted();
                    self.spawn(transport, executor, &service);
                }
                Err(error) => {
                    let then = failures.failed(&error);
                    service.report(ServerFailure::Accept(error));
                    if let AfterFailure::Pause(pause) = then {
                        after::<R>(pause).await;
                    }
                }
            }
        }
    }

    fn spawn<H, F>(&self, transport: R::Transport, executor: &impl Spawn, service: &Arc<Service<H>>)
    where
        H: Fn(Upgrade<R::Transport, Timer<R::Alarm>>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(counted) = self.shared.connections.begin() else {
            return;
        };
        let timer = Timer::new(Arc::clone(&self.shared.timers));
        // Boxed: the memory is free again when the handler begins.
        let opening = Box::pin(handshake::accept(
            transport,
            timer,
            Arc::clone(&self.config),
        ));
        let service = Arc::clone(service);
        executor.spawn(counted.task(async move {
            match opening.await {
                Ok(upgrade) => (service.handler)(upgrade).await,
                Err(error) => service.report(ServerFailure::Handshake(error)),
            }
        }));
    }
}

/// The handler and the observer, which all connections of a server share.
#[derive(Debug)]
struct Service<H> {
    handler: H,
    observer: Option<Observer>,
}

impl<H> Service<H> {
    fn report(&self, failure: ServerFailure) {
        if let Some(observer) = &self.observer {
            observer.report(failure);
        }
    }
}

/// Shuts a [`Server`] down from elsewhere, and counts its connections.
#[derive(Debug, Clone)]
pub struct ServerHandle<R: Runtime> {
    shared: Arc<Shared<R>>,
}

impl<R: Runtime> ServerHandle<R> {
    /// The number of connections, opening and closing ones included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.count()
    }

    /// Shuts down gracefully: stops accepting, closes every connection with 1001 behind its queued messages, and
    /// waits until all handlers have returned. After the grace period `patience` it drops those that have not, and
    /// returns their number.
    ///
    /// In a handler, receiving returns `None`. An incomplete request is not waited for. A handler still answers a
    /// request that it has; a connection that it accepts is closed at once.
    pub async fn shutdown(&self, patience: Duration) -> usize {
        self.shutdown_with("", patience).await
    }

    /// [Shuts down](Self::shutdown), with a reason of up to 123 bytes in the Close frames (RFC 6455 5.5.1).
    pub async fn shutdown_with(&self, reason: &str, patience: Duration) -> usize {
        let Shared {
            timers,
            connections,
        } = &*self.shared;
        connections.stop();
        timers.shut_down(reason);
        match first(connections.fewer_than(1), after::<R>(patience)).await {
            First::Left(()) => 0,
            First::Right(()) => {
                let dropped = connections.count();
                connections.abort();
                dropped
            }
        }
    }
}
