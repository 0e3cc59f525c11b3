//! driver-tokio as a subject.

use std::{io, net::SocketAddr, sync::Arc};

use driver_async::{Clock, Transport, WebSocket};
use driver_tokio::{Accept, Config, Connect, Event, Server};
use tokio::runtime::{Builder, Runtime};

use super::Driver;

/// driver-tokio on a runtime of its own.
#[derive(Debug)]
pub struct Tokio(Runtime);

impl Tokio {
    /// Starts the runtime.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        Ok(Self(runtime))
    }
}

impl Driver for Tokio {
    fn name(&self) -> &'static str {
        "driver-tokio"
    }

    fn serve(&self, config: Arc<Config>) -> io::Result<SocketAddr> {
        let server = self.0.block_on(Server::bind("127.0.0.1:0"))?;
        let server = server.config(config);
        let address = server.local_addr()?;
        self.0.spawn(server.serve(|upgrade| async move {
            if let Ok(socket) = upgrade.accept(&Accept::new()).await {
                echo(socket).await;
            }
        }));
        Ok(address)
    }

    fn dial(&self, url: String, config: Arc<Config>) {
        self.0.spawn(async move {
            // Many cases are about connections that must not open.
            if let Ok((socket, _)) = Connect::new(url).config(config).connect().await {
                echo(socket).await;
            }
        });
    }
}

/// Sends each message back with the type that it had, until the connection is over.
pub(super) async fn echo<S: Transport, C: Clock>(mut socket: WebSocket<S, C>) {
    // That a peer breaks the protocol is what most cases are about; it has been told.
    while let Ok(Some((event, mut outbox))) = socket.recv_ref().await {
        let _ = match event {
            Event::Text(text) => outbox.feed(text),
            Event::Binary(octets) => outbox.feed(octets),
            // Pings are answered already, and the rest has no echo.
            _ => Ok(()),
        };
    }
}
