//! The asynchronous WebSocket that the drivers for tokio and smol share: everything but the runtime.
//!
//! A driver brings a [`Transport`] (how to read and write from inside a task) and a [`Clock`] (what
//! time it is, and how to be woken later), and gets [`WebSocket`]: `recv` and `send`, `Stream` and
//! `Sink`, [`split`](WebSocket::split), both halves of the opening handshake. Applications use a driver,
//! not this crate.

mod clock;
mod core;
mod handshake;
mod incoming;
mod message_stream;
mod outbox;
mod outcome;
mod prepared;
mod socket;
mod split;
mod task;
mod transport;
mod waiters;

pub use self::{
    clock::Clock,
    handshake::{HandshakeError, Upgrade, accept, connect},
    incoming::Incoming,
    outbox::Outbox,
    prepared::compressed,
    socket::{TimedSendError, WebSocket},
    split::{Receiver, Sender},
    transport::Transport,
};
