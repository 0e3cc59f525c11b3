//! WebSocket ([RFC 6455]) for tokio: servers, clients, and connections over any stream.
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455

mod client;
mod connections;
mod failure;
mod io;
mod listener;
mod server;
mod timers;

use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

pub use client::{Connect, ConnectError, connect};
pub use driver_async::{HandshakeError, Incoming, Outbox, TimedSendError, compressed};
pub use failure::ServerFailure;
pub use io::Io;
pub use listener::Listener;
pub use server::{Server, ServerHandle};
pub use timers::Timer;
pub use wsproto::{
    self, Accept, ClientRequest, CloseCode, Closed, ClosedBy, Compress, Compression, Config,
    Delivery, Error, Event, Kind, Memory, Message, Overflow, Prepared, Reject, Request,
    RequestHead, ResponseHead, SendError,
};

/// A WebSocket connection over a stream of tokio's.
pub type WebSocket<S = TcpStream> = driver_async::WebSocket<Io<S>, Timer>;

/// The sending half of a [split](driver_async::WebSocket::split) connection.
pub type Sender<S = TcpStream> = driver_async::Sender<Io<S>, Timer>;

/// The receiving half of a [split](driver_async::WebSocket::split) connection.
pub type Receiver<S = TcpStream> = driver_async::Receiver<Io<S>, Timer>;

/// A request that waits for an answer.
pub type Upgrade<S = TcpStream> = driver_async::Upgrade<Io<S>, Timer>;

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
    driver_async::accept(Io(stream), Timer::of_runtime(), config).await
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
    driver_async::connect(Io(stream), Timer::of_runtime(), config, request).await
}
