//! The workers' side of callbacks that run off the loops: events are handled, connection by connection.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use driver_kit::connect::ConnectError;
use wsproto::{Cause, CloseCode, Closed, Kind, Message, RequestHead, ResponseHead};

use super::{
    execute::Execute,
    handler::WorkerHandler,
    queue::{Concurrency, Level, SerialQueue, Work},
};
use crate::{
    failure::{Observer, panicked},
    handle::Handle,
    server::upgrade::LaterUpgrade,
};

/// Bytes of messages of one connection that may wait for workers, by default.
const READ_AHEAD: usize = 64 << 10;

/// Events of one connection that a job handles before it lets other jobs run.
const BATCH: usize = 64;

/// An event that a loop passes on to workers.
#[derive(Debug)]
pub(crate) enum LoopEvent {
    Request(Box<RequestHead>, LaterUpgrade),
    Opened(Option<Box<ResponseHead>>),
    Message(Message),
    Chunk(Kind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Drained,
    Closed(Closed, Option<Cause>),
}

/// An application, and the executor that its callbacks run on.
pub(crate) struct WorkerPool<H, E> {
    handler: H,
    executor: E,
    /// The concurrency of messages. All other events are exclusive.
    pub(crate) messages: Concurrency,
    pub(crate) read_ahead: usize,
    pub(crate) observer: Observer,
}

/// The state that a loop keeps for a connection whose callbacks run on workers.
#[derive(Debug, Default)]
pub struct WorkerState<S> {
    connection: Arc<Connection<S>>,
    /// Client: the server's response, between `on_response` and `on_open`.
    response: Option<Box<ResponseHead>>,
}

/// The part of a connection that workers use.
#[derive(Debug)]
struct Connection<S> {
    state: S,
    events: SerialQueue<LoopEvent>,
    handle: OnceLock<Handle>,
    /// A callback has panicked. Only that of the end is still called.
    panicked: AtomicBool,
}

impl<S: Default> Default for Connection<S> {
    fn default() -> Self {
        Self {
            state: S::default(),
            events: SerialQueue::new(),
            handle: OnceLock::new(),
            panicked: AtomicBool::new(false),
        }
    }
}

impl<S: Send + Sync + 'static> WorkerState<S> {
    pub(crate) fn set_handle(&self, handle: Handle) {
        // A connection opens once.
        let _ = self.connection.handle.set(handle);
    }

    pub(crate) fn set_response(&mut self, response: ResponseHead) {
        self.response = Some(Box::new(response));
    }

    pub(crate) fn take_response(&mut self) -> Option<Box<ResponseHead>> {
        self.response.take()
    }

    /// Passes an event on to workers. Returns true if so much waits for them now that the connection should be
    /// paused.
    pub(crate) fn push<H, E>(&self, pool: &Arc<WorkerPool<H, E>>, event: LoopEvent) -> bool
    where
        H: WorkerHandler<State = S>,
        E: Execute,
    {
        let (concurrency, bytes) = match &event {
            LoopEvent::Message(message) => (pool.messages, message.as_bytes().len()),
            LoopEvent::Chunk(_, part, _) => (Concurrency::Exclusive, part.len()),
            LoopEvent::Ping(payload) | LoopEvent::Pong(payload) => {
                (Concurrency::Exclusive, payload.len())
            }
            LoopEvent::Request(..)
            | LoopEvent::Opened(_)
            | LoopEvent::Drained
            | LoopEvent::Closed(..) => (Concurrency::Exclusive, 0),
        };
        let fills = self
            .connection
            .events
            .push(event, concurrency, bytes, pool.read_ahead);
        pool.begin(&self.connection);
        fills
    }
}

impl<H: WorkerHandler, E: Execute> WorkerPool<H, E> {
    pub(crate) fn new(executor: E, handler: H) -> Self {
        Self {
            handler,
            executor,
            messages: Concurrency::Exclusive,
            read_ahead: READ_AHEAD,
            observer: Observer::default(),
        }
    }

    /// Has a worker tell the application that a connection could not be established.
    pub(crate) fn connect_failed(self: &Arc<Self>, error: ConnectError) {
        let pool = Arc::clone(self);
        self.executor.execute(Box::new(move || {
            let called = catch_unwind(AssertUnwindSafe(|| pool.handler.on_connect_failed(error)));
            if let Err(panic) = called {
                pool.observer.report(panicked(&*panic));
            }
        }));
    }

    /// Starts a job for every event that may be handled now.
    fn begin(self: &Arc<Self>, connection: &Arc<Connection<H::State>>) {
        while let Some(work) = connection.events.next() {
            self.hand_out(connection, work);
        }
    }

    fn hand_out(self: &Arc<Self>, connection: &Arc<Connection<H::State>>, work: Work<LoopEvent>) {
        let (pool, connection) = (Arc::clone(self), Arc::clone(connection));
        self.executor
            .execute(Box::new(move || pool.work(&connection, work)));
    }

    /// Handles one event, then the next ones.
    fn work(self: &Arc<Self>, connection: &Arc<Connection<H::State>>, mut work: Work<LoopEvent>) {
        for _ in 0..BATCH {
            let (event, done) = work.into_parts();
            self.call(connection, event);
            if connection.events.finish(done, self.read_ahead) == Level::Drained
                && let Some(handle) = connection.handle.get()
            {
                // It fails only if the connection is over.
                let _ = handle.resume();
            }
            match connection.events.next() {
                Some(next) => work = next,
                None => return,
            }
            // Other jobs handle the events that may be handled beside it.
            self.begin(connection);
        }
        self.hand_out(connection, work);
    }

    /// Calls the handler for an event. After a panic, only for that of the end.
    fn call(&self, connection: &Connection<H::State>, event: LoopEvent) {
        let end = matches!(event, LoopEvent::Closed(..));
        if connection.panicked.load(Ordering::Relaxed) && !end {
            return;
        }
        let called = catch_unwind(AssertUnwindSafe(|| self.dispatch(connection, event)));
        if let Err(panic) = called {
            connection.panicked.store(true, Ordering::Relaxed);
            if let Some(handle) = connection.handle.get() {
                // It fails only if the connection is over.
                let _ = handle.close(CloseCode::INTERNAL_ERROR, "");
            }
            self.observer.report(panicked(&*panic));
        }
    }

    fn dispatch(&self, connection: &Connection<H::State>, event: LoopEvent) {
        let (handler, state) = (&self.handler, &connection.state);
        if let LoopEvent::Request(request, upgrade) = event {
            return handler.on_request(&request, upgrade, state);
        }
        let Some(handle) = connection.handle.get() else {
            // All other events come behind the opening, which sets the handle.
            return;
        };
        match event {
            LoopEvent::Request(..) => {}
            LoopEvent::Opened(response) => handler.on_open(handle, state, response.as_deref()),
            LoopEvent::Message(message) => handler.on_message(handle, state, message),
            LoopEvent::Chunk(kind, part, last) => handler.on_chunk(handle, state, kind, part, last),
            LoopEvent::Ping(payload) => handler.on_ping(handle, state, payload),
            LoopEvent::Pong(payload) => handler.on_pong(handle, state, payload),
            LoopEvent::Drained => handler.on_drained(handle, state),
            LoopEvent::Closed(closed, cause) => handler.on_close(handle, state, closed, cause),
        }
    }
}
