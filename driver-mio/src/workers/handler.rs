//! The application's callbacks, as they run on workers.

use wsproto::{Accept, Cause, Closed, Kind, Message, RequestHead, ResponseHead};

use crate::{ConnectError, handle::Handle, server::upgrade::LaterUpgrade};

/// An application whose callbacks run on worker threads, where they may block, for databases or long
/// computations. Their arguments are owned.
///
/// The callbacks of a connection are called one after the other, in the order of the events, though not always on
/// the same thread; [`OnWorkers::parallel`](crate::OnWorkers::parallel) lets messages overlap. Callbacks of different
/// connections run at the same time. If a callback panics, its connection is closed with 1011, as on a loop.
///
/// ```no_run
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use driver_mio::{Handle, Message, OnWorkers, Server, WorkerHandler};
///
/// struct Reports;
///
/// impl WorkerHandler for Reports {
///     type State = AtomicU64;
///
///     fn on_message(&self, connection: &Handle, asked: &AtomicU64, question: Message) {
///         asked.fetch_add(1, Ordering::Relaxed);
///         let answer = std::fs::read_to_string("report.txt").unwrap_or_default(); // may take its time
///         let _ = connection.send(answer);
///         drop(question);
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// Server::bind("127.0.0.1:9001")?.serve(OnWorkers::new(Reports))
/// # }
/// ```
#[expect(
    unused_variables,
    reason = "the defaults do nothing with their arguments"
)]
pub trait WorkerHandler: Send + Sync + 'static {
    /// State of the application for each connection. Two threads use it at the same time only if messages are
    /// [parallel](crate::OnWorkers::parallel).
    type State: Default + Send + Sync + 'static;

    /// Server: a request has come in. An `upgrade` that is dropped without an answer is answered 503. The default
    /// accepts.
    fn on_request(&self, request: &RequestHead, upgrade: LaterUpgrade, state: &Self::State) {
        upgrade.accept(&Accept::new());
    }

    /// Client: the connection could not be established.
    fn on_connect_failed(&self, error: ConnectError) {}

    /// The connection is open. Messages may be sent from here on. On a client, `response` is that of the server.
    fn on_open(&self, connection: &Handle, state: &Self::State, response: Option<&ResponseHead>) {}

    /// A message has come in.
    fn on_message(&self, connection: &Handle, state: &Self::State, message: Message) {}

    /// A part of a message has come in. Only with [`Delivery::Chunks`](wsproto::Delivery::Chunks).
    fn on_chunk(
        &self,
        connection: &Handle,
        state: &Self::State,
        kind: Kind,
        part: Vec<u8>,
        last: bool,
    ) {
    }

    /// A ping has come in. Its pong is queued already, unless
    /// [`answer_pings`](wsproto::Config::answer_pings) is off.
    fn on_ping(&self, connection: &Handle, state: &Self::State, payload: Vec<u8>) {}

    /// A pong has come in, solicited or not.
    fn on_pong(&self, connection: &Handle, state: &Self::State, payload: Vec<u8>) {}

    /// The outgoing queue was [high](wsproto::Config::queue_high) and is [low](wsproto::Config::queue_low)
    /// again.
    fn on_drained(&self, connection: &Handle, state: &Self::State) {}

    /// The connection has ended. `cause` is there if the peer or a deadline is to blame.
    fn on_close(
        &self,
        connection: &Handle,
        state: &Self::State,
        closed: Closed,
        cause: Option<Cause>,
    ) {
    }
}
