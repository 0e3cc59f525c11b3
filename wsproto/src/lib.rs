//! WebSocket ([RFC 6455]) with permessage-deflate ([RFC 7692]) as a sans-IO state machine: bytes and time in,
//! events and bytes out.
//!
//! # Why use this crate?
//!
//! A [`Connection`] implements everything that a peer can observe of a WebSocket: the opening handshake,
//! framing, masking, UTF-8 validation, pings, the closing handshake, compression, limits, deadlines and
//! backpressure. It does no I/O, so it fits any kind: an event loop of your own, an embedded system, a
//! simulator, a test with a virtual clock. For a WebSocket on tokio, use the driver crate, which is built on
//! this one.
//!
//! A connection is at most 160 bytes. It owns no other memory while it is idle, unless it keeps a compression
//! context. In a steady state no message allocates, and a message that lies whole in the read buffer is not
//! copied.
//!
//! # How to drive it
//!
//! Keep one [`Env`] and one [`Input`] for each thread, and a [`Connection`] beside each transport.
//! Whenever the transport is ready or a deadline has passed:
//!
//! 1. Call [`Env::set_now`] with the time of any monotonic clock. If [`Wants::deadline`] has passed, call
//!    [`Connection::handle_timeout`].
//! 2. Read into [`Input::spare`], and report the number of bytes with [`Input::filled`]. At the end of the
//!    stream, call [`Connection::handle_eof`].
//! 3. Call [`Connection::next_event`] until it returns `Ok(None)` or an error, and respond to its events.
//! 4. Write [`Connection::outgoing`], and report the number of bytes with [`Connection::sent`]. If a write
//!    fails, call [`Connection::handle_lost`] and continue reading.
//! 5. Call [`Connection::wants`], which says what to wait for, whether to call `next_event` again, whether to
//!    shut the writing side of the transport, and whether to drop the transport.
//!
//! An event borrows the input and never the connection, so this compiles:
//!
//! ```
//! # use wsproto::{Connection, Env, Event, Input};
//! # fn turn(connection: &mut Connection, env: &mut Env, input: &mut Input<Vec<u8>>) -> Result<(), Box<dyn core::error::Error>> {
//! while let Some(event) = connection.next_event(env, input)? {
//!     if let Event::Text(text) = event {
//!         connection.send_text(env, &text)?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The documentation of [`Connection`] has an example of both ends; `examples/reactor.rs` is a complete event
//! loop.
//!
//! # Errors and their causes
//!
//! [`Violation`] and [`Limit`] are the peer's fault. They are inside the one [`Error`] of a connection, and
//! when it is returned, the Close frame that tells the peer is queued or sent. [`Refusal`] and
//! [`ResponseError`] are the peer's fault in the opening handshake: a server answers the request, a client
//! sends nothing. [`SendError`] is the caller's: the message was not queued, and the connection continues
//! unless [`Overflow::Close`] closes it. A [`Closed`] describes how a connection ended.
//!
//! # Features
//!
//! - `std` (default): the UTF-8 check selects the widest vector instructions at run time. Without it the
//!   crate needs `alloc` only.
//! - `deflate` (default): compression by `miniz_oxide`.
//! - `zlib-rs`: compression by `zlib-rs`, about twice as fast at level 1; takes precedence over `deflate`.
//! - `http`: handshakes whose heads were parsed by an HTTP library.
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455
//! [RFC 7692]: https://www.rfc-editor.org/rfc/rfc7692
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod clock;
mod config;
mod connection;
mod deflate;
mod env;
mod error;
mod event;
mod extensions;
mod handshake;
mod input;
mod message;
mod partial;
mod prepared;
mod queue;
mod spare;
mod wire;

pub use clock::Time;
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
pub use event::{Binary, Chunk, Event, Kind, Text};
pub use extensions::{Extension, MalformedExtensions, Parameter};
pub use handshake::*;
pub use input::Input;
pub use message::{Message, NotText};
pub use prepared::Prepared;
pub use queue::Outgoing;
pub use wire::close::{CloseCode, Closed, ClosedBy, InvalidCloseCode};
