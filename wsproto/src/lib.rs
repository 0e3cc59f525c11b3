//! WebSocket ([RFC 6455]) as a sans-IO state machine: bytes and time in, events and bytes out.
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod clock;
mod close;
mod config;
mod connection;
mod deadlines;
mod deflate;
mod env;
mod error;
mod event;
mod frame;
mod handshake;
mod input;
mod mask;
mod opening;
mod partial;
mod prepared;
mod queue;
mod receive;
mod send;
mod utf8;
mod whole;

pub use clock::Time;
pub use close::{CloseCode, Closed, ClosedBy};
pub use config::{Config, Delivery, Overflow};
pub use connection::{Connection, Role, Wants};
#[cfg(feature = "deflate")]
pub use deflate::miniz::Miniz;
#[cfg(feature = "zlib-rs")]
pub use deflate::zlib_rs::ZlibRs;
pub use deflate::{
    codec::{Codecs, Compressor, Corrupt, Inflated, Inflater},
    policy::{Compress, Compression, Memory},
};
pub use env::{Entropy, Env};
pub use error::{Cause, Deadline, Error, Limit, SendError, Violation};
pub use event::{Binary, Chunk, Event, Kind, Message, Text};
pub use handshake::*;
pub use input::Input;
pub use prepared::Prepared;
pub use queue::Outgoing;
