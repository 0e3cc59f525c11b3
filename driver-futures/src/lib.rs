//! The asynchronous WebSocket that the drivers for tokio and smol share: everything but the runtime.
//!
//! A [`WebSocket`] has `recv` and `send`, `Stream` and `Sink`, [`split`](WebSocket::split), and both sides of the
//! opening handshake. It needs a [`Transport`], which reads and writes inside a task, and a [`Clock`], which tells
//! the time and wakes the task later. [`Server`] and [`Connect`] need a [`Runtime`], which waits, spawns, keeps time
//! ([`Alarm`]) and resolves names. A driver implements these, and gives the types shorter names. Applications use a
//! driver, not this crate.
#![forbid(unsafe_code)]

mod clock;
mod connect;
mod connections;
mod engine;
mod failure;
mod handshake;
mod incoming;
mod message_stream;
mod outbox;
mod outcome;
mod poll;
mod prepared;
mod resolve;
mod runtime;
mod server;
mod socket;
mod split;
mod timers;
mod transport;
mod waiters;
mod waiting;

pub use self::{
    clock::Clock,
    connect::Connect,
    failure::ServerFailure,
    handshake::{Upgrade, accept, connect},
    incoming::Incoming,
    outbox::Outbox,
    prepared::compressed,
    runtime::{AcceptFrom, Runtime, Spawn},
    server::{Server, ServerHandle},
    socket::{TimedSendError, WebSocket},
    split::{Receiver, Sender},
    timers::{Alarm, Purpose, Timer, Timers},
    transport::Transport,
};
pub use driver_kit::{connect::ConnectError, handshake::HandshakeError};
