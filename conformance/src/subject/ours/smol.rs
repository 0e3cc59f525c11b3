//! driver-smol as a subject.

use std::{io, net::SocketAddr, sync::Arc};

use driver_smol::{Accept, Config, Connect, Server};

use super::{Driver, echo};

/// driver-smol on the global executor of smol.
#[derive(Debug)]
pub struct Smol;

impl Driver for Smol {
    fn name(&self) -> &'static str {
        "driver-smol"
    }

    fn serve(&self, config: Arc<Config>) -> io::Result<SocketAddr> {
        let server = smol::block_on(Server::bind("127.0.0.1:0"))?;
        let server = server.config(config);
        let address = server.local_addr()?;
        let serve = server.serve_on(
            |task| smol::spawn(task).detach(),
            |upgrade| async move {
                if let Ok(socket) = upgrade.accept(&Accept::new()).await {
                    echo(socket).await;
                }
            },
        );
        smol::spawn(serve).detach();
        Ok(address)
    }

    fn dial(&self, url: String, config: Arc<Config>) {
        smol::spawn(async move {
            // Many cases are about connections that must not open.
            if let Ok((socket, _)) = Connect::new(url).config(config).connect().await {
                echo(socket).await;
            }
        })
        .detach();
    }
}
