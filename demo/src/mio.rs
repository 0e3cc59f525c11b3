//! The demo over event loops: the same service, driven by callbacks.

mod pump;

use std::{num::NonZeroUsize, sync::Arc, thread, time::Duration};

use driver_mio::{
    Accept, Cause, Closed, Context, Failure, Handler, MessageRef, Request, Server, ServerHandle,
    Upgrade,
};
use driver_smol::Smol;
use tracing::{debug, info, warn};

use crate::{
    client::Client,
    endpoint::Endpoint,
    error::ServeError,
    mailbox::Mailbox,
    options::Options,
    service::{Route, Service},
    serving::{Running, run_until_stopped},
    smol::Signals,
    stats::{OpenConnection, Stats},
};
use pump::Pump;

/// From this length on, a message that was assembled in its own buffer is sent back in that buffer.
const WORTH_MOVING: usize = 32 << 10;

/// Serves until the process is told to stop.
///
/// # Errors
/// If serving cannot start.
pub(crate) fn serve(options: &Options) -> Result<(), ServeError> {
    let listen_failed = |error| ServeError::Listen {
        addr: options.addr.clone(),
        error,
    };
    let signals = Signals::new().map_err(ServeError::Driver)?;
    let server = Server::bind(&options.addr).map_err(listen_failed)?;
    let local_addr = server.local_addr().map_err(listen_failed)?;
    let service = Service::new(options);
    let stats = Arc::clone(&service.stats);
    let threads = match options.threads {
        Some(threads) => threads.get(),
        None => thread::available_parallelism().map_or(1, NonZeroUsize::get),
    };
    let loops = server
        .loops(threads)
        .config(Arc::clone(service.opening_config()))
        .max_connections(options.max_connections)
        .on_failure(log_failure)
        .start(Callbacks(service))
        .map_err(ServeError::Driver)?;
    info!("listening on http://{local_addr}");
    // Signals and statistics need a runtime; connections do not.
    smol::block_on(run_until_stopped::<Smol>(
        options,
        &stats,
        loops.handle(),
        signals,
    ));
    Ok(())
}

impl Running for ServerHandle {
    fn connections(&self) -> usize {
        self.connections()
    }

    async fn shut_down(&self, reason: &'static str, patience: Duration) -> usize {
        let handle = self.clone();
        smol::unblock(move || handle.shutdown_with(reason, patience)).await
    }
}

/// The callbacks of the loops.
struct Callbacks(Service);

/// State of a connection.
#[derive(Debug, Default)]
enum Stage {
    /// No request yet, or a request that is not for a WebSocket.
    #[default]
    New,
    /// The request was accepted.
    Accepted(Endpoint),
    /// The connection is open.
    Open {
        endpoint: Endpoint,
        /// Counts the connection as open.
        _counted: OpenConnection,
        /// `None` for `/echo`, which sends no unsolicited messages.
        pump: Option<Arc<Pump>>,
    },
}

impl Callbacks {
    /// Creates the client of an endpoint that sends unsolicited messages.
    fn pump(&self, endpoint: Endpoint, connection: &mut Context<'_>) -> Option<Arc<Pump>> {
        let mailbox: Mailbox = self.0.mailbox();
        let client: Box<dyn Client + Send> = match endpoint {
            Endpoint::Echo => return None,
            Endpoint::Chat => Box::new(self.0.guest(mailbox.clone())),
            Endpoint::Stats => Box::new(self.0.watcher(mailbox.clone())),
        };
        let (handle, stats) = (connection.handle(), Arc::clone(&self.0.stats));
        Some(Pump::new(client, mailbox, handle, stats))
    }
}

impl Handler for Callbacks {
    type State = Stage;

    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, state: &mut Stage) {
        let (method, target) = (request.method(), request.target());
        let peer = upgrade.peer_addr().ok();
        let answered = match self.0.route(request) {
            Route::Open {
                endpoint,
                compression,
            } => {
                *state = Stage::Accepted(endpoint);
                let accept = Accept::new()
                    .config(self.0.config(endpoint))
                    .compression(compression);
                debug!(?peer, target, "accepted");
                upgrade.accept(&accept)
            }
            Route::Answer(answer) => {
                debug!(?peer, method, target, status = answer.status, "answered");
                upgrade.reject(&answer.as_reject())
            }
        };
        if let Err(error) = answered {
            debug!(?peer, target, %error, "the answer was not sent");
        }
    }

    fn on_open(&self, connection: &mut Context<'_>, state: &mut Stage) {
        let Stage::Accepted(endpoint) = *state else {
            return;
        };
        debug!(?endpoint, "open");
        let counted = self.0.stats.connection();
        let pump = self.pump(endpoint, connection);
        if let Some(pump) = &pump {
            pump.run(connection);
        }
        *state = Stage::Open {
            endpoint,
            _counted: counted,
            pump,
        };
    }

    fn on_message(&self, connection: &mut Context<'_>, state: &mut Stage, message: MessageRef<'_>) {
        let Stage::Open { pump, .. } = state else {
            return;
        };
        self.0.stats.received(message.as_bytes().len());
        match pump {
            None => echo(connection, message, &self.0.stats),
            Some(pump) => pump.handle(connection, message.into_message()),
        }
    }

    fn on_drained(&self, connection: &mut Context<'_>, state: &mut Stage) {
        if let Stage::Open {
            pump: Some(pump), ..
        } = state
        {
            pump.run(connection);
        }
    }

    fn on_close(
        &self,
        _: &mut Context<'_>,
        state: &mut Stage,
        closed: &Closed,
        cause: Option<&Cause>,
    ) {
        if let Stage::Open { endpoint, .. } = state {
            debug!(?endpoint, end = %closed, ?cause, "over");
        }
        if let Stage::Open {
            pump: Some(pump), ..
        } = state
        {
            pump.leave();
        }
        // Drops the client and the count.
        *state = Stage::New;
    }
}

/// Sends a message back.
fn echo(connection: &mut Context<'_>, message: MessageRef<'_>, stats: &Stats) {
    let len = message.as_bytes().len();
    let queued = connection.buffered();
    let sent = if len < WORTH_MOVING {
        connection.send(message)
    } else {
        connection.send_message(message.into_message())
    };
    // Refused only if the connection is closing: the peer expects no more answers.
    if sent.is_ok() {
        stats.sent(len, connection.buffered() - queued);
    }
}

/// Logs failures that no callback reports.
fn log_failure(failure: Failure) {
    match failure {
        Failure::Accept(error) => warn!(%error, "cannot accept a connection"),
        Failure::Panicked(message) => warn!(%message, "a callback panicked"),
        // Anybody who connects to the port can cause these.
        failure => debug!("{failure}"),
    }
}
