//! The drivers for tokio and smol, which share their interface: an echo server and a broadcast server,
//! written once for both.

use std::{
    io,
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
};

use async_io::Async;
use driver_futures::{AcceptFrom, Clock, Sender, Server, Transport, Upgrade};
use driver_smol::Smol;
use driver_tokio::Tokio;
use tokio::runtime::Builder;
use wsproto::{Accept, Config, Event, Message, Prepared};

use super::Service;

/// Ownership of received messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// `recv_ref`: a borrowed message.
    Lent,
    /// `recv`: an owned message.
    Owned,
}

/// Serves forever, on tokio's current-thread runtime.
///
/// # Errors
/// System errors of the listener and of the runtime.
pub fn on_tokio(
    listener: TcpListener,
    config: Config,
    service: Service,
    interface: Interface,
) -> io::Result<()> {
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            serve(
                Server::<_, Tokio>::new(listener).config(config),
                service,
                interface,
            )
            .await;
            Ok(())
        })
}

/// Serves forever, on async-io's reactor in this thread.
///
/// # Errors
/// System errors of the listener.
pub fn on_smol(
    listener: TcpListener,
    config: Config,
    service: Service,
    interface: Interface,
) -> io::Result<()> {
    async_io::block_on(async {
        let listener = Async::new(listener)?;
        serve(
            Server::<_, Smol>::new(listener).config(config),
            service,
            interface,
        )
        .await;
        Ok(())
    })
}

async fn serve<L: Send, R: AcceptFrom<L>>(
    server: Server<L, R>,
    service: Service,
    interface: Interface,
) {
    match (service, interface) {
        (Service::Echo, Interface::Lent) => server.serve(lent).await,
        (Service::Echo, Interface::Owned) => server.serve(owned).await,
        (Service::Broadcast, _) => {
            let members = Members::default();
            server
                .serve(move |upgrade| join(upgrade, Arc::clone(&members)))
                .await;
        }
    }
}

// In all of these, the other end reports how a connection ended. None of them passes the socket to
// another async function, because a future that does so has room for the socket twice.

async fn lent<S: Transport, C: Clock>(upgrade: Upgrade<S, C>) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some((event, mut outbox))) = socket.recv_ref().await {
        let _ = match event {
            Event::Text(text) => outbox.feed_text(&text),
            Event::Binary(bytes) => outbox.feed_binary(&bytes),
            _ => Ok(()),
        };
    }
}

async fn owned<S: Transport, C: Clock>(upgrade: Upgrade<S, C>) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        let _ = socket.feed(message).await;
    }
}

/// All connections.
type Members<S, C> = Arc<Mutex<Vec<Sender<S, C>>>>;

/// Sends each message to all connections, encoded once. Connections are not removed before the end.
async fn join<S: Transport, C: Clock>(upgrade: Upgrade<S, C>, members: Members<S, C>) {
    let Ok(socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    let (sender, mut receiver) = socket.split();
    let members = || members.lock().unwrap_or_else(PoisonError::into_inner);
    members().push(sender);
    while let Ok(Some(message)) = receiver.recv().await {
        let prepared = match &message {
            Message::Text(text) => Prepared::text(text),
            Message::Binary(bytes) => Prepared::binary(bytes),
        };
        // Cloned one by one, so that the lock is not held while a send waits.
        let mut next = 0;
        loop {
            let member = members().get(next).cloned();
            let Some(member) = member else { break };
            let _ = member.send_prepared(&prepared).await;
            next += 1;
        }
    }
}
