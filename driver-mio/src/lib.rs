//! WebSocket ([RFC 6455]) on event loops: servers and clients with very many connections.
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455

#[cfg(not(unix))]
compile_error!("the event loops know epoll and kqueue only: use another driver on this system");

mod accepting;
mod adopt;
mod audience;
mod broadcast;
mod broadcasting;
mod closing;
mod command;
mod completion;
mod context;
mod control;
mod crew;
mod descriptors;
mod dialling;
mod entry;
mod errand;
mod event_loop;
mod event_loops;
mod execute;
mod failure;
mod handle;
mod handler;
mod line;
mod listener;
mod mailbox;
mod orders;
mod promise;
mod resolver;
mod server;
mod slab;
mod strand;
mod timer;
mod topics;
mod transport;
mod upgrade;
mod workers;

pub use adopt::{Adopt, Stream};
pub use broadcast::{Broadcast, Broadcaster, Broadcasting, Reached, SlowReceivers, compressed};
pub use completion::Sent;
pub use context::Context;
pub use control::ServerHandle;
pub use crew::WorkerState;
pub use descriptors::raise_descriptor_limit;
pub use driver_kit::{
    connect::{Connect, ConnectError},
    handshake::HandshakeError,
};
pub use event_loops::EventLoops;
pub use execute::{ElasticPool, Execute, Job};
pub use failure::Failure;
pub use handle::Handle;
pub use handler::{Handler, MessageRef};
pub use server::Server;
pub use transport::{Notifier, Registration, Transport};
pub use upgrade::{LaterUpgrade, Upgrade};
pub use workers::{OnWorkers, WorkerHandler};
pub use wsproto::{
    self, Accept, Binary, Cause, Chunk, CloseCode, Closed, ClosedBy, Compress, Compression, Config,
    Delivery, Error, Kind, Memory, Message, Overflow, Prepared, Reject, Request, RequestHead,
    Response, ResponseHead, Role, SendError, Text,
};
