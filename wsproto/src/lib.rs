//! WebSocket ([RFC 6455]) with permessage-deflate ([RFC 7692]) as a sans-IO state machine: bytes and
//! time in, events and bytes out.
//!
//! # Why use this crate?
//!
//! A [`Connection`] is all that a peer could notice of a WebSocket: the opening handshake, framing,
//! masking, UTF-8, pings, the closing handshake, compression, limits, deadlines, backpressure. It does no
//! I/O, so it fits any: an event loop of your own, an embedded system, a simulator, a test with a virtual
//! clock. If all you want is a WebSocket on tokio, use the driver crate; it is built on this one.
//!
//! What it costs: at most 160 bytes of state, no memory beside them while a connection is idle, no
//! allocation per message in a steady state, and no copy of a message that lies whole in the read buffer.
//!
//! # How to drive it
//!
//! Keep one [`Env`] and one [`Input`] for each thread, and a [`Connection`] beside each transport.
//! Whenever the transport is ready or a deadline has passed:
//!
//! 1. [`Env::set_now`]: tell the time, on any monotonic clock. If [`Wants::deadline`] has passed, call
//!    [`Connection::handle_timeout`].
//! 2. Read into [`Input::spare`] and say how much with [`Input::filled`]; at the end of the stream call
//!    [`Connection::handle_eof`].
//! 3. Call [`Connection::next_event`] until it returns `Ok(None)` or an error, and answer what it reports.
//! 4. Write [`Connection::outgoing`], and say how much with [`Connection::sent`]. If writing fails, call
//!    [`Connection::handle_lost`] and go on reading.
//! 5. Ask [`Connection::wants`] what to wait for, whether to call `next_event` again, whether to shut the
//!    writing side, and whether to drop the transport.
//!
//! An event borrows the input, never the connection, so that this compiles:
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
//! The [`Connection`] has an example of both ends, and the repository one of a whole reactor.
//!
//! # Who is to blame?
//!
//! [`Violation`] and [`Limit`] are the peer's fault, and the peer has been told by the time you see
//! them inside the one [`Error`]. [`Refusal`] and [`ResponseError`] are the same for the opening handshake.
//! [`SendError`] is the caller's: nothing was queued, and the connection goes on. How a connection
//! ended is always a [`Closed`].
//!
//! # Features
//!
//! - `std` (default): lets the UTF-8 check choose the widest vector instructions at run time. Without it the
//!   crate needs `alloc` only.
//! - `deflate` (default): compression by `miniz_oxide`.
//! - `zlib-rs`: compression by `zlib-rs`, about twice as fast at level 1; takes precedence.
//! - `http`: handshakes whose heads another HTTP library has parsed.
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
pub use event::{Binary, Chunk, Event, Kind, Message, Text};
pub use extensions::{Extension, MalformedExtensions, Parameter};
pub use handshake::*;
pub use input::Input;
pub use prepared::Prepared;
pub use queue::Outgoing;
pub use wire::close::{CloseCode, Closed, ClosedBy};
