//! The tokio driver as an echo server: its public interface for whole messages with the default
//! configuration (limits, UTF-8 checks and deadlines are on), on one thread like its peers.

use std::{io, net::TcpListener};

use driver_tokio::{Accept, Error, Event, Upgrade, WebSocket};
use tokio::{net::TcpListener as Listener, runtime::Builder};

/// How the driver hands messages over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// `recv_ref`: a message is lent.
    Lent,
    /// `recv`: a message is the application's.
    Owned,
}

/// Serves without an end.
///
/// # Errors
/// What the system reports of the listener and of the runtime.
pub fn run(listener: TcpListener, interface: Interface) -> io::Result<()> {
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let server = driver_tokio::Server::new(Listener::from_std(listener)?);
            match interface {
                Interface::Lent => server.serve(lent).await,
                Interface::Owned => server.serve(owned).await,
            }
            Ok(())
        })
}

async fn lent(upgrade: Upgrade) {
    let Ok(socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    // How a connection ended is for the other end to report.
    let _ = echo(socket).await;
}

async fn echo(mut socket: WebSocket) -> Result<(), Error> {
    while let Some((event, mut outbox)) = socket.recv_ref().await? {
        let _ = match event {
            Event::Text(text) => outbox.feed_text(&text),
            Event::Binary(octets) => outbox.feed_binary(&octets),
            _ => Ok(()),
        };
    }
    Ok(())
}

async fn owned(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        let _ = socket.feed(message).await;
    }
}
