//! The mio driver: an echo server and a broadcast server, on one loop.

use std::{io, net::TcpListener};

use driver_mio::{Broadcaster, Context, Handler, MessageRef, Prepared};
use wsproto::Config;

use super::Service;

/// Serves forever.
///
/// # Errors
/// System errors of the listener and of waiting.
pub fn run(listener: TcpListener, mut config: Config, service: Service) -> io::Result<()> {
    // The driver's default: an echo server's memory must not grow.
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
        // The other end reports how a connection ended.
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
        // The load generator measures which connections it reached.
        drop(self.0.to_all(prepared));
    }
}
