//! The mio driver: an echo server and one that broadcasts, on one loop.

use std::{io, net::TcpListener};

use driver_mio::{Broadcaster, Context, Handler, MessageRef, Prepared};
use wsproto::Config;

use super::Service;

/// Serves without an end.
///
/// # Errors
/// What the system reports of the listener and of waiting.
pub fn run(listener: TcpListener, mut config: Config, service: Service) -> io::Result<()> {
    // As by default on this driver: an echo server must not grow.
    config.pause_when_high = true;
    let server = driver_mio::Server::new()
        .listener(listener)?
        .loops(1)
        .config(config);
    match service {
        Service::Echo => server.serve(Echo),
        Service::Broadcast => {
            let broadcaster = server.broadcaster();
            server.serve(Everybody(broadcaster))
        }
    }
}

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, (): &mut (), message: MessageRef<'_>) {
        // How a connection ended is for the other end to report.
        let _ = connection.send(message);
    }
}

struct Everybody(Broadcaster);

impl Handler for Everybody {
    type State = ();

    fn on_message(&self, _: &mut Context<'_>, (): &mut (), message: MessageRef<'_>) {
        let prepared = match &message {
            MessageRef::Text(text) => Prepared::text(text),
            MessageRef::Binary(bytes) => Prepared::binary(bytes),
        };
        // Whom it reached is what the load generator measures.
        drop(self.0.to_all(prepared));
    }
}
