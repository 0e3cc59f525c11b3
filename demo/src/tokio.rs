//! The demo over tokio: the driver's server, a task for each connection, and an end in order.

mod signals;

use std::{
    fmt, io,
    net::SocketAddr,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use driver_tokio::{
    Accept, Closed, Error, Event, Prepared, SendError, Server, ServerFailure, Upgrade, WebSocket,
};
use tokio::{
    runtime::{self, Runtime},
    select,
    task::coop::consume_budget,
    time::{MissedTickBehavior, interval},
};
use tracing::{debug, info, warn};

use crate::{
    client::{Client, Farewell, SHUTTING_DOWN, TOO_SLOW},
    endpoint::Endpoint,
    error::ServeError,
    mailbox::Mailbox,
    options::Options,
    service::{Route, Service},
    stats::Stats,
};
use signals::Signals;

/// From this length on, a message that was put together in memory of its own is given back in it.
const WORTH_MOVING: usize = 64 << 10;

/// Serves until the process is told to stop.
///
/// # Errors
/// If it cannot begin to.
pub(crate) fn serve(options: &Options) -> Result<(), ServeError> {
    runtime(options)
        .map_err(ServeError::Driver)?
        .block_on(run(options))
}

fn runtime(options: &Options) -> io::Result<Runtime> {
    let mut builder = match options.threads.map(|threads| threads.get()) {
        None => runtime::Builder::new_multi_thread(),
        Some(1) => runtime::Builder::new_current_thread(),
        Some(threads) => {
            let mut builder = runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    builder.enable_all().build()
}

async fn run(options: &Options) -> Result<(), ServeError> {
    let listen_failed = |error| ServeError::Listen {
        addr: options.addr.clone(),
        error,
    };
    let mut signals = Signals::new().map_err(ServeError::Driver)?;
    let server = Server::bind(&options.addr).await.map_err(listen_failed)?;
    let local_addr = server.local_addr().map_err(listen_failed)?;
    let service = Arc::new(Service::new(options));
    let server = server
        .config(Arc::clone(service.opening_config()))
        .max_connections(options.max_connections)
        .on_failure(log_failure);
    let handle = server.handle();
    tokio::spawn(publish(Arc::clone(&service.stats)));
    tokio::spawn(server.serve(move |upgrade| answer(upgrade, Arc::clone(&service))));
    info!("listening on http://{local_addr}");

    signals.next().await;
    info!(connections = handle.connections(), "shutting down");
    select! {
        dropped = handle.shutdown_with(SHUTTING_DOWN, options.shutdown_timeout) => match dropped {
            0 => info!("all connections are closed"),
            dropped => warn!(dropped, "some connections did not close in time"),
        },
        () = signals.next() => warn!(dropped = handle.connections(), "stopping at once"),
    }
    Ok(())
}

/// Publishes the figures once a second.
async fn publish(stats: Arc<Stats>) {
    let mut due = interval(Duration::from_secs(1));
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        stats.publish(Instant::now());
    }
}

/// Tells what went wrong before there was a request to answer.
fn log_failure(failure: ServerFailure) {
    match failure {
        ServerFailure::Accept(error) => warn!(%error, "cannot accept a connection"),
        // Whoever finds the port can cause these.
        failure => debug!("{failure}"),
    }
}

/// Answers a request, and serves what it asked for.
async fn answer(upgrade: Upgrade, service: Arc<Service>) {
    let peer = Peer(upgrade.get_ref().0.peer_addr());
    let request = upgrade.request();
    let target = request.target().to_owned();
    match service.route(&request) {
        Route::Open {
            endpoint,
            compression,
        } => {
            let accept = Accept::new()
                .config(service.config(endpoint))
                .compression(compression);
            match upgrade.accept(&accept).await {
                Ok(socket) => connected(socket, endpoint, &service, &peer).await,
                Err(error) => debug!(%peer, target, %error, "gone before it was open"),
            }
        }
        Route::Answer(answer) => {
            debug!(%peer, method = request.method(), target, status = answer.status, "answered");
            if let Err(error) = upgrade.reject(&answer.as_reject()).await {
                debug!(%peer, target, %error, "the answer was not sent");
            }
        }
    }
}

/// Serves a connection until its end.
async fn connected(mut socket: WebSocket, endpoint: Endpoint, service: &Service, peer: &Peer) {
    let _open = service.stats.connection();
    debug!(%peer, ?endpoint, "open");
    let mailbox = service.mailbox();
    let served = match endpoint {
        Endpoint::Echo => echo(&mut socket, &service.stats).await,
        Endpoint::Chat => {
            let guest = service.guest(mailbox.clone());
            converse(&mut socket, &mailbox, guest, &service.stats).await
        }
        Endpoint::Stats => {
            let watcher = service.watcher(mailbox.clone());
            converse(&mut socket, &mailbox, watcher, &service.stats).await
        }
    };
    match served {
        Ok(()) => debug!(%peer, ?endpoint, end = socket.closed().map(Closed::to_string), "over"),
        Err(error) => debug!(%peer, ?endpoint, %error, "failed"),
    }
}

/// Sends every message back.
async fn echo(socket: &mut WebSocket, stats: &Stats) -> Result<(), Error> {
    // What is fed is written when all that has come is answered.
    while let Some((event, mut outbox)) = socket.recv_ref().await? {
        let queued = outbox.connection().queued();
        let (len, fed) = match event {
            Event::Text(text) if text.len() < WORTH_MOVING => (text.len(), outbox.feed_text(&text)),
            Event::Text(text) => (text.len(), outbox.feed(text)),
            Event::Binary(octets) if octets.len() < WORTH_MOVING => {
                (octets.len(), outbox.feed_binary(&octets))
            }
            Event::Binary(octets) => (octets.len(), outbox.feed(octets)),
            // Pings are answered already, and the end is known when there is no further event.
            _ => continue,
        };
        stats.received(len);
        // Refused only where the connection closes: the peer expects no answer any more.
        if fed.is_ok() {
            stats.sent(len, outbox.connection().queued() - queued);
        }
    }
    Ok(())
}

/// Hands messages over in both directions until one side has enough.
async fn converse(
    socket: &mut WebSocket,
    mailbox: &Mailbox,
    mut client: impl Client,
    stats: &Stats,
) -> Result<(), Error> {
    // The exchange may be dropped wherever it waits: the socket loses nothing by that.
    let farewell = select! {
        farewell = exchange(socket, mailbox, &mut client, stats) => farewell?,
        () = mailbox.overflow() => Some(TOO_SLOW),
    };
    // The client leaves now, not only when the closing handshake is through.
    drop(client);
    if let Some(Farewell { code, reason }) = farewell {
        socket.close(code, reason).await?;
    }
    Ok(())
}

/// Hands messages over until the connection ends, or the client is to be sent away.
async fn exchange(
    socket: &mut WebSocket,
    mailbox: &Mailbox,
    client: &mut impl Client,
    stats: &Stats,
) -> Result<Option<Farewell>, Error> {
    loop {
        select! {
            // What goes out has priority: who says much is slowed down by having to listen.
            biased;
            message = mailbox.take() => {
                // Refused only where the connection closes, which the receive reports.
                if let Ok(wire) = feed(socket, &message).await {
                    stats.sent(message.payload().len(), wire);
                }
            }
            received = socket.recv() => {
                let Some(message) = received? else {
                    return Ok(None);
                };
                stats.received(message.as_bytes().len());
                if let ControlFlow::Break(farewell) = client.handle(message) {
                    return Ok(Some(farewell));
                }
                // Many messages may have come in one read: lets others empty their mailboxes.
                consume_budget().await;
            }
        }
    }
}

/// Queues a message, and tells how many octets carry it.
async fn feed(socket: &mut WebSocket, message: &Prepared) -> Result<usize, SendError> {
    // Makes room beforehand: what is queued must not become less while the message joins it.
    if socket.connection().queued() >= socket.connection().config().queue_high {
        socket.flush().await?;
    }
    let queued = socket.connection().queued();
    socket.feed_prepared(message).await?;
    Ok(socket.connection().queued().saturating_sub(queued))
}

/// The other end of a connection, for the log.
struct Peer(io::Result<SocketAddr>);

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(address) => address.fmt(f),
            Err(_) => f.write_str("gone"),
        }
    }
}
