//! What every WebSocket driver needs and the protocol core does not have: [one turn](turn) of one
//! connection, [leases](lease) of read buffers, a [timer wheel](wheel), [dialling](dial), WebSocket
//! URLs ([target]), what [connecting](connect) asks for, [entropy], patience with failing [accepts](accepting), and words for failing
//! [handshakes](handshake). There is no socket and no runtime in here.
//!
//! The storeys: `wsproto` is the protocol, bytes and time in, events and bytes out; this crate is what
//! drivers would otherwise write several times; a driver waits, spawns and wakes.

pub mod accept_backoff;
pub mod connect;
pub mod dial;
pub mod entropy;
pub mod handshake;
pub mod lease;
pub mod target;
pub mod turn;
pub mod wheel;
