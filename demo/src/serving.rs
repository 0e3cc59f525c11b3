//! The demo's server over async drivers: a task for each connection, statistics once per second, and
//! graceful shutdown.

use std::{
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use driver_futures::{AcceptFrom, Alarm, Runtime, Server, ServerFailure, ServerHandle, Spawn};
use futures_lite::future::or;
use tracing::{debug, info, warn};

use crate::{
    client::SHUTTING_DOWN,
    error::ServeError,
    options::Options,
    service::Service,
    session::{Peer, answer},
    stats::Stats,
};

/// Signals from the user who started the process.
pub(crate) trait Signals {
    /// Waits for the next signal that asks the process to stop.
    async fn next(&mut self);
}

/// Serves until a signal comes.
///
/// # Errors
/// If serving cannot start.
pub(crate) async fn serve<L, R>(
    options: &Options,
    executor: impl Spawn,
    signals: impl Signals,
) -> Result<(), ServeError>
where
    L: Send,
    R: AcceptFrom<L, Transport: Peer> + Runtime<TcpListener = L>,
{
    let listen_failed = |error| ServeError::Listen {
        addr: options.addr.clone(),
        error,
    };
    let server = Server::<L, R>::bind(&options.addr)
        .await
        .map_err(listen_failed)?;
    let local_addr = server.local_addr().map_err(listen_failed)?;
    let service = Arc::new(Service::new(options));
    let stats = Arc::clone(&service.stats);
    let server = server
        .config(Arc::clone(service.opening_config()))
        .max_connections(options.max_connections)
        .on_failure(log_failure);
    let handle = server.handle();
    info!("listening on http://{local_addr}");
    let serve = async {
        let answer = move |upgrade| answer(upgrade, Arc::clone(&service));
        server.serve_on(executor, answer).await;
        // `run_until_stopped` reports the outcome.
        pending::<()>().await;
    };
    or(
        run_until_stopped::<R>(options, &stats, handle, signals),
        serve,
    )
    .await;
    Ok(())
}

/// A server that can be shut down.
pub(crate) trait Running {
    /// Number of connections.
    fn connections(&self) -> usize;

    /// Closes all connections with `reason`, and returns how many did not close in time.
    async fn shut_down(&self, reason: &'static str, patience: Duration) -> usize;
}

impl<R: Runtime> Running for ServerHandle<R> {
    fn connections(&self) -> usize {
        self.connections()
    }

    async fn shut_down(&self, reason: &'static str, patience: Duration) -> usize {
        self.shutdown_with(reason, patience).await
    }
}

/// Publishes statistics until a signal comes, then shuts the server down. A second signal stops it at
/// once.
pub(crate) async fn run_until_stopped<R: Runtime>(
    options: &Options,
    stats: &Stats,
    server: impl Running,
    mut signals: impl Signals,
) {
    let stop = async {
        signals.next().await;
        info!(connections = server.connections(), "shutting down");
        let in_order = async {
            let patience = options.shutdown_timeout;
            match server.shut_down(SHUTTING_DOWN, patience).await {
                0 => info!("all connections are closed"),
                dropped => warn!(dropped, "some connections did not close in time"),
            }
        };
        let at_once = async {
            signals.next().await;
            warn!(dropped = server.connections(), "stopping at once");
        };
        or(in_order, at_once).await;
    };
    or(stop, publish::<R>(stats)).await;
}

/// Publishes the statistics once per second.
async fn publish<R: Runtime>(stats: &Stats) {
    loop {
        R::sleep_until(R::Alarm::now() + Duration::from_secs(1)).await;
        stats.publish(Instant::now());
    }
}

/// Logs failures that occur before a request could be answered.
fn log_failure(failure: ServerFailure) {
    match failure {
        ServerFailure::Accept(error) => warn!(%error, "cannot accept a connection"),
        // Anybody who connects to the port can cause these.
        failure => debug!("{failure}"),
    }
}
