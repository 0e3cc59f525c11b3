//! A connection of the demo over an async driver: answers the request, and serves the requested
//! endpoint.

use std::{fmt, io, net::SocketAddr, ops::ControlFlow, sync::Arc};

use driver_futures::{Clock, Transport, Upgrade, WebSocket};
use futures_lite::future::{or, yield_now};
use tracing::debug;
use wsproto::{Accept, Closed, Error, Event, Message, Prepared, SendError};

use crate::{
    client::{Client, Farewell, TOO_SLOW},
    endpoint::Endpoint,
    mailbox::Mailbox,
    service::{Route, Service},
    stats::Stats,
};

/// From this length on, a message that was assembled in its own buffer is sent back in that buffer.
const WORTH_MOVING: usize = 64 << 10;

/// Messages of one client that are handled before other tasks get a turn.
const IN_A_ROW: usize = 32;

/// Answers a request, and serves the requested endpoint.
pub(crate) async fn answer<S: Peer, C: Clock>(upgrade: Upgrade<S, C>, service: Arc<Service>) {
    let peer = Name(upgrade.get_ref().address());
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

/// Serves a connection until it ends.
async fn connected<S: Peer, C: Clock>(
    mut socket: WebSocket<S, C>,
    endpoint: Endpoint,
    service: &Service,
    peer: &Name,
) {
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
async fn echo<S: Peer, C: Clock>(socket: &mut WebSocket<S, C>, stats: &Stats) -> Result<(), Error> {
    // Fed messages are written once all received messages have been answered.
    while let Some((event, mut outbox)) = socket.recv_ref().await? {
        let queued = outbox.connection().queued();
        let (len, fed) = match event {
            Event::Text(text) if text.len() < WORTH_MOVING => (text.len(), outbox.feed_text(&text)),
            Event::Text(text) => (text.len(), outbox.feed(text)),
            Event::Binary(bytes) if bytes.len() < WORTH_MOVING => {
                (bytes.len(), outbox.feed_binary(&bytes))
            }
            Event::Binary(bytes) => (bytes.len(), outbox.feed(bytes)),
            // Pings have been answered already, and `recv_ref` returns `None` at the end.
            _ => continue,
        };
        stats.received(len);
        // Refused only if the connection is closing: the peer expects no more answers.
        if fed.is_ok() {
            stats.sent(len, outbox.connection().queued() - queued);
        }
    }
    Ok(())
}

/// Passes messages in both directions until one side ends the conversation.
async fn converse<S: Peer, C: Clock>(
    socket: &mut WebSocket<S, C>,
    mailbox: &Mailbox,
    mut client: impl Client,
    stats: &Stats,
) -> Result<(), Error> {
    // The exchange may be dropped at any await: the socket is cancel-safe.
    let farewell = or(exchange(socket, mailbox, &mut client, stats), async {
        mailbox.overflow().await;
        Ok(Some(TOO_SLOW))
    })
    .await?;
    // Removes the client now instead of at the end of the closing handshake.
    drop(client);
    if let Some(Farewell { code, reason }) = farewell {
        socket.close(code, reason).await?;
    }
    Ok(())
}

/// Passes messages until the connection ends, or until the client is to be disconnected.
async fn exchange<S: Peer, C: Clock>(
    socket: &mut WebSocket<S, C>,
    mailbox: &Mailbox,
    client: &mut impl Client,
    stats: &Stats,
) -> Result<Option<Farewell>, Error> {
    let mut received = 0;
    loop {
        // Outgoing messages have priority, so a client that sends much is slowed down by having to
        // receive.
        let posted = async { News::Posted(mailbox.take().await) };
        let said = async { News::Said(socket.recv().await) };
        match or(posted, said).await {
            News::Posted(message) => {
                // Refused only if the connection is closing, which `recv` reports.
                if let Ok(wire) = feed(socket, &message).await {
                    stats.sent(message.payload().len(), wire);
                }
            }
            News::Said(message) => {
                let Some(message) = message? else {
                    return Ok(None);
                };
                stats.received(message.as_bytes().len());
                if let ControlFlow::Break(farewell) = client.handle(message) {
                    return Ok(Some(farewell));
                }
                received += 1;
                // One read may bring many messages: let other tasks empty their mailboxes.
                if received % IN_A_ROW == 0 {
                    yield_now().await;
                }
            }
        }
    }
}

/// The next event of a connection.
enum News {
    /// A message from the mailbox.
    Posted(Prepared),
    /// A message from the peer, or the end of the connection.
    Said(Result<Option<Message>, Error>),
}

/// Queues a message, and returns the number of its frame bytes.
async fn feed<S: Peer, C: Clock>(
    socket: &mut WebSocket<S, C>,
    message: &Prepared,
) -> Result<usize, SendError> {
    // Makes room first: bytes written while the message is queued would falsify the difference below.
    if socket.connection().queued() >= socket.connection().config().queue_high {
        socket.flush().await?;
    }
    let queued = socket.connection().queued();
    socket.feed_prepared(message).await?;
    Ok(socket.connection().queued().saturating_sub(queued))
}

/// A transport that knows its peer's address.
pub(crate) trait Peer: Transport {
    /// The peer's address.
    ///
    /// # Errors
    /// If the peer is no longer connected.
    fn address(&self) -> io::Result<SocketAddr>;
}

/// The peer of a connection, for the log.
struct Name(io::Result<SocketAddr>);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(address) => address.fmt(f),
            Err(_) => f.write_str("gone"),
        }
    }
}
