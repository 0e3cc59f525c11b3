//! WebSocket ([RFC 6455]) for smol, and for every other executor: servers, clients, and connections over
//! any stream of the futures traits.
//!
//! The only part of a runtime that it uses is [`async_io`], whose reactor runs wherever it is needed. Any executor may
//! poll the futures: `smol::block_on`, a `LocalExecutor`, the global executor with several threads, async-std's.
//!
//! An idle connection owns no buffer, everything that one read brings is answered in one write, and all futures are
//! cancel-safe. The protocol itself is the crate [`wsproto`], which has no sockets.
//!
//! An echo server:
//!
//! ```no_run
//! use driver_smol::{Accept, Server};
//!
//! fn main() -> std::io::Result<()> {
//!     smol::block_on(async {
//!         let server = Server::bind("127.0.0.1:9001").await?;
//!         server
//!             .serve(|upgrade| async move {
//!                 let Ok(mut socket) = upgrade.accept(&Accept::new()).await else { return };
//!                 while let Ok(Some(message)) = socket.recv().await {
//!                     let _ = socket.feed(message).await;
//!                 }
//!             })
//!             .await;
//!         Ok(())
//!     })
//! }
//! ```
//!
//! A client:
//!
//! ```no_run
//! use driver_smol::{CloseCode, connect};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     smol::block_on(async {
//!         let mut socket = connect("ws://127.0.0.1:9001/").await?;
//!         socket.send("hello").await?;
//!         println!("{:?}", socket.recv().await?);
//!         println!("{}", socket.close(CloseCode::NORMAL, "done").await?);
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # Where to begin
//!
//! Names and behaviour are those of the driver for tokio: both share one implementation.
//!
//! | for | there is |
//! |---|---|
//! | a server on a port or a Unix socket | [`Server`], whose handler accepts or rejects each request ([`Upgrade`]) |
//! | its connections on several threads | [`serve_on`](driver_futures::Server::serve_on) with [`OnExecutor`], or a closure that spawns |
//! | a client | [`connect`], or [`Connect`] for headers, subprotocols, timeouts, redirects |
//! | any other stream: TLS, a pipe in memory | [`accept()`] and [`connect_over`]; your own [`Listener`] for a whole server |
//! | one task per connection | [`WebSocket`]: `recv`, `send`; also a `Stream` and a `Sink` |
//! | several tasks for one connection | [`WebSocket::split`](driver_futures::WebSocket::split): a [`Receiver`], and a [`Sender`] that can be cloned |
//! | no copy and no allocation | [`WebSocket::recv_ref`](driver_futures::WebSocket::recv_ref), and that of a [`Receiver`] |
//! | one message to many | [`Prepared`] |
//! | messages larger than memory | `start`, `write`, `finish` to send; [`Delivery::Chunks`] to receive |
//! | a limit to the time of a send | `send_timeout`; with a timeout of zero, a message that has to wait is refused at once |
//! | limits, deadlines, policies | [`Config`] |
//!
//! # Who runs a server's tasks
//!
//! `serve` is an executor of its own: the tasks run on the thread that polls it, whatever executor that is. If it is
//! dropped, its connections are dropped too. `serve_on` gives each connection to an executor that is run elsewhere:
//!
//! ```no_run
//! # async fn run(server: driver_smol::Server) {
//! server
//!     .serve_on(
//!         |task| smol::spawn(task).detach(),
//!         |upgrade| async move { drop(upgrade) },
//!     )
//!     .await;
//! # }
//! ```
//!
//! A closure gets each task in a box; [`OnExecutor`], and any other [`Spawn`], gets it unboxed.
//!
//! # Cancel safety
//!
//! All futures of a socket may be dropped at any await. The state of a connection is in the socket and none in a
//! future: a dropped receive has taken no message, and a dropped send has queued all of its message or nothing.
//! Queued messages are written the next time that a future of the socket waits.
//!
//! The task that waits for a socket drives it: it reads, answers pings, writes queued messages, and keeps deadlines.
//! All connections of a server share one timer, and so do all others. It needs no task: its waker wakes the
//! connections that are due.
//!
//! # Batches, backpressure, and the end
//!
//! `send` waits until the transport has taken the message. `feed` only queues: queued messages leave in one write when
//! a receive has to wait, or on `flush`, which is many times faster than a write per message. Both wait while
//! [`Config::queue_high`] bytes or more are queued, unless [`Config::overflow`] drops messages. A connection whose peer
//! takes nothing for [`Config::write_timeout`] is ended.
//!
//! A receive returns `None` when the connection is over. Before that it returns an error, once, if the peer violated
//! the protocol or a deadline. [`Closed`] has the code, the reason and the side that closed.
//! [`ServerHandle::shutdown`] ends a server gracefully: every peer gets its queued messages, then a Close with 1001.
//!
//! # Memory
//!
//! An idle connection of an echo server costs about 930 bytes of resident memory, its task and its
//! registration with the reactor included; a bare task that waits for a TCP stream costs 545.
//! `examples/smol_idle.rs` measures it. Variables of the handler that live across an await come on top.
//!
//! # Features
//!
//! - `zlib-rs`: compresses with `zlib-rs` instead of `miniz_oxide`; see the feature of [`wsproto`].
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455
//! [`ServerHandle::shutdown`]: driver_futures::ServerHandle::shutdown
#![forbid(unsafe_code)]

mod alarm;
mod apart;
mod bulk;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod edges;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "no_edges.rs"]
mod edges;
mod io;
mod listener;
mod runtime;

use std::{
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};

pub use alarm::Alarm;
pub use driver_futures::{
    ConnectError, HandshakeError, Incoming, ServerFailure, Spawn, TimedSendError, compressed,
};
pub use io::Io;
pub use listener::Listener;
pub use runtime::{Inside, OnExecutor, Smol};
pub use wsproto::{
    self, Accept, ClientRequest, CloseCode, Closed, ClosedBy, Compress, Compression, Config,
    Delivery, Error, Event, Kind, Memory, Message, Overflow, Prepared, Reject, Request,
    RequestHead, ResponseHead, SendError,
};

/// A WebSocket server, whose connections are tasks inside the future that serves, or on an executor of your choice:
/// see [`serve_on`](driver_futures::Server::serve_on).
///
/// ```no_run
/// use driver_smol::{Accept, Server};
///
/// # async fn run() -> std::io::Result<()> {
/// let server = Server::bind("127.0.0.1:9001").await?;
/// server
///     .serve(|upgrade| async move {
///         let Ok(mut socket) = upgrade.accept(&Accept::new()).await else { return };
///         while let Ok(Some(message)) = socket.recv().await {
///             let _ = socket.feed(message).await;
///         }
///     })
///     .await;
/// # Ok(())
/// # }
/// ```
pub type Server<L = Async<TcpListener>> = driver_futures::Server<L, Smol>;

/// Shuts a [`Server`] down from elsewhere, and counts its connections.
pub type ServerHandle = driver_futures::ServerHandle<Smol>;

/// A request for a connection, and a limit to the time it may take.
pub type Connect = driver_futures::Connect<Smol>;

/// A WebSocket connection over a stream of the futures traits.
pub type WebSocket<S = Async<TcpStream>> = driver_futures::WebSocket<Io<S>, Timer>;

/// The sending half of a [split](driver_futures::WebSocket::split) connection.
pub type Sender<S = Async<TcpStream>> = driver_futures::Sender<Io<S>, Timer>;

/// The receiving half of a [split](driver_futures::WebSocket::split) connection.
pub type Receiver<S = Async<TcpStream>> = driver_futures::Receiver<Io<S>, Timer>;

/// Sends answers while an event is lent.
pub type Outbox<'a> = driver_futures::Outbox<'a, Timer>;

/// A request that waits for an answer.
pub type Upgrade<S = Async<TcpStream>> = driver_futures::Upgrade<Io<S>, Timer>;

/// One connection's clock.
pub type Timer = driver_futures::Timer<Alarm>;

/// Connects to a `ws://` URL with the defaults: see [`Connect`].
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = driver_smol::connect("ws://127.0.0.1:9001/echo").await?;
/// socket.send("hello").await?;
/// println!("{:?}", socket.recv().await?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(url: &str) -> Result<WebSocket, ConnectError> {
    Connect::new(url).connect().await.map(|(socket, _)| socket)
}

/// Waits for the request on a stream that was just accepted.
///
/// # Errors
/// If no acceptable request comes in time. Every refusal is answered.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    stream: S,
    config: Arc<Config>,
) -> Result<Upgrade<S>, HandshakeError> {
    driver_futures::accept(Io::new(stream), Timer::of_runtime(), config).await
}

/// Opens a connection on a stream that was just connected.
///
/// # Errors
/// If the server refuses, breaks the protocol, or takes too long.
pub async fn connect_over<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    stream: S,
    config: Arc<Config>,
    request: &ClientRequest<'_>,
) -> Result<(WebSocket<S>, ResponseHead), HandshakeError> {
    driver_futures::connect(Io::new(stream), Timer::of_runtime(), config, request).await
}
