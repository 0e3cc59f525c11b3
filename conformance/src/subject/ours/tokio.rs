//! driver-tokio as a subject.

use std::{io, net::SocketAddr, sync::Arc};

use driver_tokio::{Accept, Config, Connect, Server};
use tokio::runtime::{Builder, Runtime};

use super::{Driver, echo};

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
