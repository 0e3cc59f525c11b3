//! Callbacks that may block: they run on worker threads, in order for each connection.

pub(crate) mod execute;
pub(crate) mod handler;
pub(crate) mod pool;
pub(crate) mod queue;

use std::{fmt, sync::Arc};

use driver_kit::connect::ConnectError;
use wsproto::{Cause, Chunk, Closed, Request, Response};

use self::{
    execute::{ElasticPool, Execute},
    handler::WorkerHandler,
    pool::{LoopEvent, WorkerPool, WorkerState},
    queue::Concurrency,
};
use crate::{
    connection::context::Context,
    failure::{Failure, Observer},
    handler::Handler,
    message::MessageRef,
    server::upgrade::Upgrade,
};

/// A [`Handler`] that runs the callbacks of a [`WorkerHandler`] on an executor.
///
/// While messages of a connection wait for workers, its loop reads at most 64 KiB ahead of them.
pub struct OnWorkers<H, E = ElasticPool> {
    pool: Arc<WorkerPool<H, E>>,
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
            pool: Arc::new(WorkerPool::new(executor, handler)),
        }
    }

    /// Lets the messages of one connection be handled at the same time, in no particular order. The other
    /// callbacks keep their place before or behind them.
    #[must_use]
    pub fn parallel(self) -> Self {
        self.change(|pool| pool.messages = Concurrency::Shared)
    }

    /// Sets the number of bytes of messages that may wait for workers before their connection is paused. It is resumed
    /// when half of them are left. Default 64 KiB.
    #[must_use]
    pub fn read_ahead(self, bytes: usize) -> Self {
        self.change(|pool| pool.read_ahead = bytes)
    }

    /// Calls `observe` for every callback that panics. Default: failures are ignored.
    #[must_use]
    pub fn on_failure(self, observe: impl Fn(Failure) + Send + Sync + 'static) -> Self {
        self.change(|pool| pool.observer = Observer::new(observe))
    }

    fn change(mut self, change: impl FnOnce(&mut WorkerPool<H, E>)) -> Self {
        // There is no other reference before the loops start.
        if let Some(pool) = Arc::get_mut(&mut self.pool) {
            change(pool);
        }
        self
    }

    /// Passes an event on to workers, and pauses the connection if too much waits for them.
    fn pass_on(&self, context: &mut Context<'_>, state: &WorkerState<H::State>, event: LoopEvent) {
        if state.push(&self.pool, event) {
            context.pause();
        }
    }
}

impl<H: WorkerHandler, E: Execute> Handler for OnWorkers<H, E> {
    type State = WorkerState<H::State>;

    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, state: &mut Self::State) {
        let request = Box::new(request.to_head());
        // Nothing is read ahead of an answer.
        state.push(&self.pool, LoopEvent::Request(request, upgrade.later()));
    }

    fn on_response(&self, _: &mut Context<'_>, state: &mut Self::State, response: &Response<'_>) {
        state.set_response(response.to_head());
    }

    fn on_connect_failed(&self, _: Self::State, error: ConnectError) {
        self.pool.connect_failed(error);
    }

    fn on_open(&self, connection: &mut Context<'_>, state: &mut Self::State) {
        state.set_handle(connection.handle());
        let response = state.take_response();
        self.pass_on(connection, state, LoopEvent::Opened(response));
    }

    fn on_message(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        message: MessageRef<'_>,
    ) {
        self.pass_on(
            connection,
            state,
            LoopEvent::Message(message.into_message()),
        );
    }

    fn on_chunk(&self, connection: &mut Context<'_>, state: &mut Self::State, chunk: Chunk<'_>) {
        let event = LoopEvent::Chunk(chunk.kind, chunk.data.to_vec(), chunk.last);
        self.pass_on(connection, state, event);
    }

    fn on_ping(&self, connection: &mut Context<'_>, state: &mut Self::State, payload: &[u8]) {
        self.pass_on(connection, state, LoopEvent::Ping(payload.to_vec()));
    }

    fn on_pong(&self, connection: &mut Context<'_>, state: &mut Self::State, payload: &[u8]) {
        self.pass_on(connection, state, LoopEvent::Pong(payload.to_vec()));
    }

    fn on_drained(&self, connection: &mut Context<'_>, state: &mut Self::State) {
        self.pass_on(connection, state, LoopEvent::Drained);
    }

    fn on_close(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        closed: &Closed,
        cause: Option<&Cause>,
    ) {
        let event = LoopEvent::Closed(closed.clone(), cause.cloned());
        self.pass_on(connection, state, event);
    }
}

impl<H, E> fmt::Debug for OnWorkers<H, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnWorkers").finish_non_exhaustive()
    }
}
