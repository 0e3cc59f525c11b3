//! The asynchronous WebSocket that the drivers for tokio and smol share: everything but the runtime.
//!
//! The socket needs a [`Transport`] (how to read and write from inside a task) and a [`Clock`] (what time
//! it is, and how to be woken later), and is [`WebSocket`]: `recv` and `send`, `Stream` and `Sink`,
//! [`split`](WebSocket::split), both halves of the opening handshake. [`Server`] and [`Connect`] need a
//! [`Runtime`]: how it waits, spawns, keeps time ([`Alarm`]) and resolves names. That is what a driver
//! brings, and it gives all this shorter names. Applications use a driver, not this crate.

mod alarm;
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
    alarm::Alarm,
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
    timers::{Purpose, Timer, Timers},
    transport::Transport,
};
pub use driver_kit::{connect::ConnectError, handshake::HandshakeError};
