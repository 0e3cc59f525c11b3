//! WebSocket ([RFC 6455]) for tokio: servers, clients, and connections over any stream.
//!
//! For programs that hold many connections, send a lot, or must not lose anything: an idle connection owns no buffer,
//! everything that one read brings is answered in one write, and all futures are cancel-safe. The protocol itself is
//! the crate [`wsproto`], which has no sockets; this one waits, spawns and wakes.
//!
//! An echo server:
//!
//! ```no_run
//! use driver_tokio::{Accept, Server};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let server = Server::bind("127.0.0.1:9001").await?;
//!     server
//!         .serve(|upgrade| async move {
//!             let Ok(mut socket) = upgrade.accept(&Accept::new()).await else { return };
//!             while let Ok(Some(message)) = socket.recv().await {
//!                 let _ = socket.feed(message).await;
//!             }
//!         })
//!         .await;
//!     Ok(())
//! }
//! ```
//!
//! A client:
//!
//! ```no_run
//! use driver_tokio::{CloseCode, connect};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut socket = connect("ws://127.0.0.1:9001/").await?;
//!     socket.send("hello").await?;
//!     println!("{:?}", socket.recv().await?);
//!     println!("{}", socket.close(CloseCode::NORMAL, "done").await?);
//!     Ok(())
//! }
//! ```
//!
//! # Where to begin
//!
//! | for | there is |
//! |---|---|
//! | a server on a port or a Unix socket | [`Server`], whose handler accepts or rejects each request ([`Upgrade`]), and may take its time |
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
//! # Cancel safety
//!
//! All futures may be dropped at any await. The state of a connection is in the socket and none in a future: in
//! `select!` or under a timeout, a dropped receive has taken no message, and a dropped send has queued all of its
//! message or nothing. Queued messages are written the next time that a future of the socket waits.
//!
//! # Who does the work
//!
//! There is no task in the background. The task that waits for a socket drives it: it reads, answers pings, writes
//! queued messages, and keeps deadlines. A program that neither receives nor sends for long answers no pings, and its
//! peer may take it for dead. One that only sends still handles pings and the peer's Close, by reading up to 64 KiB
//! ahead. All connections of a server share one timer and its task.
//!
//! # Batches and backpressure
//!
//! `send` waits until the transport has taken the message. `feed` only queues: queued messages leave in one write when
//! a receive has to wait, or on `flush`. A server that feeds its answers reads everything that a client has sent and
//! answers it with one write, which is many times faster than a write per message.
//!
//! Messages do not pile up: both wait while [`Config::queue_high`] bytes or more are queued, unless
//! [`Config::overflow`] drops messages. A peer that does not read slows its own sender down, and after
//! [`Config::write_timeout`] the connection ends.
//!
//! # How it ends
//!
//! A receive returns `None` when the connection is over. Before that it returns an error, once, if the peer violated
//! the protocol or a deadline. In both cases [`Closed`] has the code, the reason and the side that closed.
//! [`ServerHandle::shutdown`] ends a server gracefully: every peer gets its queued messages, then a Close with 1001;
//! those that do not answer are dropped when the grace period ends.
//!
//! # Memory
//!
//! An idle connection of an echo server costs about 1200 bytes of resident memory, of which a bare
//! task that reads from a TCP stream makes up 1025: tokio's task, which is allocated in steps of 128
//! bytes, and its registration with the reactor. `examples/idle.rs` measures it. Variables
//! of the handler that live across an await come on top.
//!
//! # Features
//!
//! - `zlib-rs`: compresses with `zlib-rs` instead of `miniz_oxide`; see the feature of [`wsproto`].
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455
#![forbid(unsafe_code)]

mod alarm;
mod io;
mod listener;
mod runtime;

use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};

pub use alarm::Alarm;
pub use driver_futures::{
    ConnectError, HandshakeError, Incoming, ServerFailure, Spawn, TimedSendError, compressed,
};
pub use io::Io;
pub use listener::Listener;
pub use runtime::Tokio;
pub use wsproto::{
    self, Accept, ClientRequest, CloseCode, Closed, ClosedBy, Compress, Compression, Config,
    Delivery, Error, Event, Kind, Memory, Message, Overflow, Prepared, Reject, Request,
    RequestHead, ResponseHead, SendError,
};

/// A WebSocket server, whose connections are tasks of the current runtime.
///
/// ```no_run
/// use driver_tokio::{Accept, Server};
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
pub type Server<L = TcpListener> = driver_futures::Server<L, Tokio>;

/// Shuts a [`Server`] down from elsewhere, and counts its connections.
pub type ServerHandle = driver_futures::ServerHandle<Tokio>;

/// A request for a connection, and a limit to the time it may take.
pub type Connect = driver_futures::Connect<Tokio>;

/// A WebSocket connection over a stream of tokio.
pub type WebSocket<S = TcpStream> = driver_futures::WebSocket<Io<S>, Timer>;

/// The sending half of a [split](driver_futures::WebSocket::split) connection.
pub type Sender<S = TcpStream> = driver_futures::Sender<Io<S>, Timer>;

/// The receiving half of a [split](driver_futures::WebSocket::split) connection.
pub type Receiver<S = TcpStream> = driver_futures::Receiver<Io<S>, Timer>;

/// Sends answers while an event is lent.
pub type Outbox<'a> = driver_futures::Outbox<'a, Timer>;

/// A request that waits for an answer.
pub type Upgrade<S = TcpStream> = driver_futures::Upgrade<Io<S>, Timer>;

/// The clock of a connection, on tokio's time.
pub type Timer = driver_futures::Timer<Alarm>;

/// Connects to a `ws://` URL with the defaults: see [`Connect`].
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = driver_tokio::connect("ws://127.0.0.1:9001/echo").await?;
/// socket.send("hello").await?;
/// println!("{:?}", socket.recv().await?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// See [`ConnectError`].
///
/// # Panics
/// Outside of a tokio runtime with I/O and time enabled.
pub async fn connect(url: &str) -> Result<WebSocket, ConnectError> {
    Connect::new(url).connect().await.map(|(socket, _)| socket)
}

/// Waits for the request on a stream that was just accepted.
///
/// # Errors
/// If no acceptable request comes in time. Every refusal is answered.
///
/// # Panics
/// Outside of a tokio runtime with time enabled.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: Arc<Config>,
) -> Result<Upgrade<S>, HandshakeError> {
    driver_futures::accept(Io(stream), Timer::of_runtime(), config).await
}

/// Opens a connection on a stream that was just connected.
///
/// # Errors
/// If the server refuses, breaks the protocol, or takes too long.
///
/// # Panics
/// Outside of a tokio runtime with time enabled.
pub async fn connect_over<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: Arc<Config>,
    request: &ClientRequest<'_>,
) -> Result<(WebSocket<S>, ResponseHead), HandshakeError> {
    driver_futures::connect(Io(stream), Timer::of_runtime(), config, request).await
}

/// The programs of the project's front page.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
