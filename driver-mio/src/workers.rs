//! Callbacks that may block: they run on worker threads, in order for each connection.

pub(crate) mod execute;
pub(crate) mod pool;
pub(crate) mod queue;

use std::{fmt, sync::Arc};

use wsproto::{
    Accept, Cause, Chunk, Closed, Kind, Message, Request, RequestHead, Response, ResponseHead,
};

use crate::{
    ConnectError, Context, ElasticPool, Execute, Failure, Handle, Handler, LaterUpgrade,
    MessageRef, Upgrade,
    failure::Observer,
    workers::pool::{Crew, News, WorkerState},
    workers::queue::Way,
};

/// An application whose callbacks run on worker threads, where they may block: for databases, for
/// long computations. What they are given is theirs to keep.
///
/// The callbacks of a connection are called one after the other, in the order of what happened,
/// though not always on the same thread; [`OnWorkers::parallel`] lets messages overlap. Several
/// connections have theirs at the same time. A callback that panics has its connection closed with 1011, as on a loop.
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
    /// What the application keeps for each connection. Two threads may see it at the same time only
    /// where messages are [parallel](OnWorkers::parallel).
    type State: Default + Send + Sync + 'static;

    /// Server: a request is in. The default accepts.
    fn on_request(&self, request: &RequestHead, upgrade: LaterUpgrade, state: &Self::State) {
        upgrade.accept(&Accept::new());
    }

    /// Client: no connection came about.
    fn on_connect_failed(&self, error: ConnectError) {}

    /// Messages may be sent from here on. A client is given the server's response.
    fn on_open(&self, connection: &Handle, state: &Self::State, response: Option<&ResponseHead>) {}

    /// A message is in.
    fn on_message(&self, connection: &Handle, state: &Self::State, message: Message) {}

    /// A part of a message is in, with [`Delivery::Chunks`](wsproto::Delivery::Chunks); the last one if
    /// `last`.
    fn on_chunk(
        &self,
        connection: &Handle,
        state: &Self::State,
        kind: Kind,
        part: Vec<u8>,
        last: bool,
    ) {
    }

    /// A ping is in. Its pong is queued already, unless the configuration leaves that to the application.
    fn on_ping(&self, connection: &Handle, state: &Self::State, payload: Vec<u8>) {}

    /// A pong is in, asked for or not.
    fn on_pong(&self, connection: &Handle, state: &Self::State, payload: Vec<u8>) {}

    /// The outgoing queue was high and is low again.
    fn on_drained(&self, connection: &Handle, state: &Self::State) {}

    /// The connection has ended. If the peer is to blame, or a deadline, `cause` tells.
    fn on_close(
        &self,
        connection: &Handle,
        state: &Self::State,
        closed: Closed,
        cause: Option<Cause>,
    ) {
    }
}

/// Runs the callbacks of a [`WorkerHandler`] on an executor: this is the [`Handler`] that loops know.
///
/// A connection whose messages wait for workers is read no further than 64 KiB ahead of them.
pub struct OnWorkers<H, E = ElasticPool> {
    crew: Arc<Crew<H, E>>,
}

impl<H: WorkerHandler> OnWorkers<H> {
    /// Runs callbacks on the [elastic pool](ElasticPool), in order for each connection.
    #[must_use]
    pub fn new(handler: H) -> Self {
        Self::with(ElasticPool, handler)
    }
}

impl<H: WorkerHandler, E: Execute> OnWorkers<H, E> {
    /// Runs callbacks on an executor of your choice.
    #[must_use]
    pub fn with(executor: E, handler: H) -> Self {
        Self {
            crew: Arc::new(Crew::new(executor, handler)),
        }
    }

    /// Lets the messages of one connection be handled at the same time, in no particular order. The
    /// other callbacks still come before and behind them as things happened.
    #[must_use]
    pub fn parallel(self) -> Self {
        self.change(|crew| crew.messages = Way::Beside)
    }

    /// Sets how many bytes of messages may wait for workers before their connection is not read any
    /// more. Default 64 KiB.
    #[must_use]
    pub fn read_ahead(self, bytes: usize) -> Self {
        self.change(|crew| crew.read_ahead = bytes)
    }

    /// Calls `observe` for every callback that panics. Default: nobody is told.
    #[must_use]
    pub fn on_failure(self, observe: impl Fn(Failure) + Send + Sync + 'static) -> Self {
        self.change(|crew| crew.observer = Observer::new(observe))
    }

    fn change(mut self, change: impl FnOnce(&mut Crew<H, E>)) -> Self {
        // Nobody else has it before it is handed to the loops.
        if let Some(crew) = Arc::get_mut(&mut self.crew) {
            change(crew);
        }
        self
    }

    fn tell(&self, context: &mut Context<'_>, state: &WorkerState<H::State>, news: News) {
        if state.tell(&self.crew, news) {
            context.pause();
        }
    }
}

impl<H: WorkerHandler, E: Execute> Handler for OnWorkers<H, E> {
    type State = WorkerState<H::State>;

    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, state: &mut Self::State) {
        let request = Box::new(request.to_head());
        // There is nothing that could be read ahead.
        state.tell(&self.crew, News::Request(request, upgrade.later()));
    }

    fn on_response(&self, _: &mut Context<'_>, state: &mut Self::State, response: &Response<'_>) {
        state.set_response(response.to_head());
    }

    fn on_connect_failed(&self, _: Self::State, error: ConnectError) {
        self.crew.connect_failed(error);
    }

    fn on_open(&self, connection: &mut Context<'_>, state: &mut Self::State) {
        state.set_handle(connection.handle());
        let response = state.take_response();
        self.tell(connection, state, News::Opened(response));
    }

    fn on_message(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        message: MessageRef<'_>,
    ) {
        self.tell(connection, state, News::Message(message.into_message()));
    }

    fn on_chunk(&self, connection: &mut Context<'_>, state: &mut Self::State, chunk: Chunk<'_>) {
        let news = News::Chunk(chunk.kind, chunk.data.to_vec(), chunk.last);
        self.tell(connection, state, news);
    }

    fn on_ping(&self, connection: &mut Context<'_>, state: &mut Self::State, payload: &[u8]) {
        self.tell(connection, state, News::Ping(payload.to_vec()));
    }

    fn on_pong(&self, connection: &mut Context<'_>, state: &mut Self::State, payload: &[u8]) {
        self.tell(connection, state, News::Pong(payload.to_vec()));
    }

    fn on_drained(&self, connection: &mut Context<'_>, state: &mut Self::State) {
        self.tell(connection, state, News::Drained);
    }

    fn on_close(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        closed: &Closed,
        cause: Option<&Cause>,
    ) {
        let news = News::Closed(closed.clone(), cause.cloned());
        self.tell(connection, state, news);
    }
}

impl<H, E> fmt::Debug for OnWorkers<H, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnWorkers").finish_non_exhaustive()
    }
}
