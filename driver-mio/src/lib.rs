//! WebSocket ([RFC 6455]) on event loops: servers and clients with very many connections.
//!
//! For programs in which bytes and system calls count: an idle connection costs about 210 bytes of memory in all,
//! an echo is one read and one write, and a message is lent from the read buffer that it came in. There is no
//! asynchronous runtime: a few threads wait for epoll or kqueue and call back. The protocol is implemented by the
//! crate [`wsproto`], which has no sockets.
//!
//! An echo server:
//!
//! ```no_run
//! use driver_mio::{Context, Handler, MessageRef, Server};
//!
//! struct Echo;
//!
//! impl Handler for Echo {
//!     type State = ();
//!
//!     fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
//!         let _ = connection.send(message);
//!     }
//! }
//!
//! fn main() -> std::io::Result<()> {
//!     Server::bind("127.0.0.1:9001")?.serve(Echo)
//! }
//! ```
//!
//! A client:
//!
//! ```no_run
//! use driver_mio::{CloseCode, Connect, Context, EventLoops, Handler, MessageRef};
//!
//! struct Hello;
//!
//! impl Handler for Hello {
//!     type State = ();
//!
//!     fn on_open(&self, connection: &mut Context<'_>, _: &mut ()) {
//!         let _ = connection.send("hello");
//!     }
//!
//!     fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
//!         println!("{:?}", message.as_text());
//!         connection.close(CloseCode::NORMAL, "done");
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let loops = EventLoops::start(Hello)?;
//!     loops.connect(&Connect::new("ws://127.0.0.1:9001"))?;
//!     Ok(loops.join()?)
//! }
//! ```
//!
//! # Where to begin
//!
//! | for | see |
//! |---|---|
//! | callbacks for events, with a state for each connection | [`Handler`] |
//! | sending, closing and deadlines in a callback | [`Context`] |
//! | the same from any other thread, with callbacks or futures for the outcome | [`Handle`] |
//! | servers on ports and Unix sockets | [`Server`] |
//! | clients, also on the loops of a server | [`EventLoops::connect`], [`Connect`] |
//! | requests and authorization that takes its time | [`Upgrade`], [`Upgrade::later`] |
//! | callbacks that block | [`OnWorkers`], [`WorkerHandler`] |
//! | one message to many connections, topics | [`Broadcaster`] |
//! | connections that come from elsewhere | [`EventLoops::adopt`], [`Adopt`] |
//! | transports that are no sockets: TLS, protocols over datagrams | [`Transport`] |
//! | limits, deadlines and policies | [`Config`] |
//!
//! # Threads
//!
//! A connection belongs to one loop, and all its callbacks are called on the thread of that loop, one after the
//! other. Callbacks of different loops are called at the same time. A callback must not block: all connections of
//! its loop would wait.
//!
//! Handles can be used on any thread. They send commands to the loop's mailbox, which wakes the loop once for all
//! commands that come until it looks.
//!
//! # Batches and backpressure
//!
//! Messages that callbacks send are written when all input is handled: the answers to one read leave in one write.
//! After two mebibytes or 1024 events of one connection, the others have their turn.
//!
//! Nothing here waits for room, so queues are bounded instead; see [`Config::queue_limit`] and
//! [`Config::overflow`]. By default, a [`Server`] stops reading from a peer that does not read its answers
//! ([`Config::pause_when_high`]), so that the memory of an echo server does not grow.
//!
//! # The end of a connection
//!
//! [`Handler::on_close`] is called once for each connection that was open. [`ServerHandle::shutdown`] ends all
//! connections in order: every peer gets the messages that were sent before, and a Close frame with 1001. Peers that
//! do not answer it are dropped at the end of the grace period. If a callback panics, its connection is closed with
//! 1011 and the panic is reported to [`Server::on_failure`]. The loop goes on.
//!
//! # Memory
//!
//! An idle connection costs 192 bytes in its loop's slab, its [`State`](Handler::State), and 20 bytes for its
//! deadline. The first [`Handle`] of a connection, a subscription, a deadline of the application or a
//! transport that is no socket adds an allocation. One read buffer of 256 KiB serves all connections of a loop.
//!
//! Most systems start programs with a low limit of descriptors, which [`raise_descriptor_limit`] raises.
//!
//! # Features
//!
//! - `zlib-rs`: compresses with `zlib-rs` instead of `miniz_oxide`; see the feature of [`wsproto`].
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455
#![forbid(unsafe_code)]

#[cfg(not(unix))]
compile_error!("the event loops need epoll or kqueue: use another driver on this system");

mod broadcast;
mod client;
mod command;
mod connection;
mod event_loop;
mod event_loops;
mod failure;
mod handle;
mod handler;
mod message;
mod server;
mod stats;
mod workers;

pub use broadcast::{Broadcast, Broadcaster, Broadcasting, Reached, SlowReceivers, compressed};
pub use connection::{
    adopt::{Adopt, Stream},
    context::Context,
    transport::{Notifier, Registration, Transport},
};
pub use driver_kit::{
    connect::{Connect, ConnectError},
    handshake::HandshakeError,
};
pub use event_loop::control::ServerHandle;
pub use event_loops::EventLoops;
pub use failure::Failure;
pub use handle::{Handle, completion::Sent};
pub use handler::Handler;
pub use message::MessageRef;
pub use server::{
    Server,
    descriptors::raise_descriptor_limit,
    upgrade::{LaterUpgrade, Upgrade},
};
pub use stats::Stats;
pub use workers::{
    OnWorkers,
    execute::{ElasticPool, Execute, Job},
    handler::WorkerHandler,
    pool::WorkerState,
};
pub use wsproto::{
    self, Accept, Binary, Cause, Chunk, CloseCode, Closed, ClosedBy, Compress, Compression, Config,
    Delivery, Error, Kind, Memory, Message, Overflow, Prepared, Reject, Request, RequestHead,
    Response, ResponseHead, Role, SendError, Text,
};
