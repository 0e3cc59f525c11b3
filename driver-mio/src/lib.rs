//! WebSocket ([RFC 6455]) on event loops: servers and clients with very many connections.
//!
//! For programs that count bytes and system calls: an idle connection costs about 210 bytes of memory
//! in all, an echo is one read and one write, and a message is lent from the read buffer it came in. There is no
//! runtime: a few threads wait for epoll or kqueue and call back. The protocol itself is the crate
//! [`wsproto`], which knows no sockets.
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
//! | for | there is |
//! |---|---|
//! | what to do when something happens | [`Handler`], with a state for each connection |
//! | sending, closing, deadlines in a callback | [`Context`] |
//! | the same from any other thread | [`Handle`], also with a callback or a future when it is done |
//! | a server on ports and Unix sockets | [`Server`] |
//! | clients, on the same loops if you like | [`EventLoops::connect`], with [`Connect`] |
//! | requests: authorization that takes its time | [`Upgrade`], [`Upgrade::later`] |
//! | callbacks that block | [`OnWorkers`], with a [`WorkerHandler`] |
//! | one message to many, topics | [`Broadcaster`] |
//! | connections that come from elsewhere | [`EventLoops::adopt`], with [`Adopt`] |
//! | what is no socket: TLS, protocols over datagrams | [`Transport`] |
//! | limits, deadlines, policies | [`Config`] |
//!
//! # Which thread does what
//!
//! A connection belongs to one loop, and everything about it happens on the thread of that loop. The
//! callbacks of one connection are called one after the other; those of different loops at the same time. A
//! callback must not block: all connections of its loop would wait.
//!
//! Handles can be used anywhere. They put orders into the loop's mailbox, which wakes it once for all that
//! comes until it looks.
//!
//! # Batches and backpressure
//!
//! What callbacks send is written when everything that has come in is handled: frames of one read leave
//! in one write. After two mebibytes or some thousand messages of one connection the others have their turn.
//!
//! Nothing here waits, so queues are bounded instead, see [`Config::queue_limit`] and [`Config::overflow`].
//! By default a peer that does not read its answers is not read either ([`Config::pause_when_high`], which is
//! on in [`Server`]): an echo server does not grow.
//!
//! # How it ends
//!
//! [`Handler::on_close`] tells how, once for each connection that was open. [`ServerHandle::shutdown`] ends
//! everything in order: every peer gets what was sent, then a Close with 1001; those that do not answer are
//! dropped when patience ends. A callback that panics has its connection closed with 1011 and is reported to
//! [`Server::on_failure`]; the loop goes on.
//!
//! # Memory
//!
//! An idle connection costs 192 bytes in its loop's slab, and those of its [`State`](Handler::State), and
//! 20 for its deadline. The first [`Handle`] of a connection, a subscription, a deadline of the
//! application's, or a transport that is no socket adds an allocation of its own. One read buffer of 256 KiB
//! serves all connections of a loop.
//!
//! A process starts with few descriptors on most systems: [`raise_descriptor_limit`].
//!
//! # Features
//!
//! - `zlib-rs`: compresses with `zlib-rs` instead of `miniz_oxide`; see the feature of [`wsproto`].
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455

#[cfg(not(unix))]
compile_error!("the event loops know epoll and kqueue only: use another driver on this system");

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
