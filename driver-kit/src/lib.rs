//! The parts of a WebSocket driver that depend on no runtime: the order of things in a [turn] of a connection,
//! [leases](lease) of read buffers, a [timer wheel](wheel), [dialling](dial), WebSocket URLs ([target]),
//! [connecting](connect) along [redirects], [entropy], the [backoff](accept_backoff) after a failed accept, and the
//! errors of opening [handshakes](handshake). There is no socket in here.
//!
//! The layers: `wsproto` is the protocol, bytes and time in, events and bytes out; this crate is the code that
//! every driver would otherwise have a copy of; a driver waits, spawns and wakes.
#![forbid(unsafe_code)]

pub mod accept_backoff;
pub mod connect;
pub mod dial;
pub mod entropy;
pub mod handshake;
pub mod lease;
pub mod redirects;
pub mod target;
pub mod turn;
pub mod wheel;
