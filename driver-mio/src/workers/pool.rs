//! The workers' side of callbacks that run off the loops: what they are told, one connection at a time.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use wsproto::{Cause, CloseCode, Closed, Kind, Message, RequestHead, ResponseHead};

use crate::{
    ConnectError, Execute, Handle, LaterUpgrade, WorkerHandler,
    failure::{Observer, panicked},
    workers::queue::{Level, Strand, Way, Work},
};

/// Bytes of messages of one connection that may wait for workers, unless set otherwise.
const READ_AHEAD: usize = 64 << 10;

/// News of one connection that a job takes before others get their turn.
const BATCH: usize = 64;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum News {
    Request(Box<RequestHead>, LaterUpgrade),
    Opened(Option<Box<ResponseHead>>),
    Message(Message),
    Chunk(Kind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Drained,
    Closed(Closed, Option<Cause>),
}

/// An application, and who works for it.
pub(crate) struct Crew<H, E> {
    handler: H,
    executor: E,
    /// How messages are taken; everything else goes alone.
    pub(crate) messages: Way,
    pub(crate) read_ahead: usize,
    pub(crate) observer: Observer,
}

/// What a loop keeps for a connection whose callbacks run on workers.
#[derive(Debug, Default)]
pub struct WorkerState<S> {
    connection: Arc<Connection<S>>,
    /// Between the two callbacks of a client's opening.
    response: Option<Box<ResponseHead>>,
}

/// A connection as workers see it.
#[derive(Debug)]
struct Connection<S> {
    state: S,
    news: Strand<News>,
    handle: OnceLock<Handle>,
    /// A callback has panicked: of the others only that of the end is called.
    panicked: AtomicBool,
}

impl<S: Default> Default for Connection<S> {
    fn default() -> Self {
        Self {
            state: S::default(),
            news: Strand::new(),
            handle: OnceLock::new(),
            panicked: AtomicBool::new(false),
        }
    }
}

impl<S: Send + Sync + 'static> WorkerState<S> {
    pub(crate) fn set_handle(&self, handle: Handle) {
        // It opens once.
        let _ = self.connection.handle.set(handle);
    }

    pub(crate) fn set_response(&mut self, response: ResponseHead) {
        self.response = Some(Box::new(response));
    }

    pub(crate) fn take_response(&mut self) -> Option<Box<ResponseHead>> {
        self.response.take()
    }

    /// Has workers told. Returns whether there is so much now that nothing more should be read.
    pub(crate) fn tell<H, E>(&self, crew: &Arc<Crew<H, E>>, news: News) -> bool
    where
        H: WorkerHandler<State = S>,
        E: Execute,
    {
        let (way, bytes) = match &news {
            News::Message(message) => (crew.messages, message.as_bytes().len()),
            News::Chunk(_, part, _) => (Way::Alone, part.len()),
            News::Ping(payload) | News::Pong(payload) => (Way::Alone, payload.len()),
            News::Request(..) | News::Opened(_) | News::Drained | News::Closed(..) => {
                (Way::Alone, 0)
            }
        };
        let fills = self.connection.news.push(news, way, bytes, crew.read_ahead);
        crew.begin(&self.connection);
        fills
    }
}

impl<H: WorkerHandler, E: Execute> Crew<H, E> {
    pub(crate) fn new(executor: E, handler: H) -> Self {
        Self {
            handler,
            executor,
            messages: Way::Alone,
            read_ahead: READ_AHEAD,
            observer: Observer::default(),
        }
    }

    /// No connection came about.
    pub(crate) fn connect_failed(self: &Arc<Self>, error: ConnectError) {
        let crew = Arc::clone(self);
        self.executor.execute(Box::new(move || {
            let told = catch_unwind(AssertUnwindSafe(|| crew.handler.on_connect_failed(error)));
            if let Err(panic) = told {
                crew.observer.tell(panicked(&*panic));
            }
        }));
    }

    /// Begins with everything that may be worked on and is not.
    fn begin(self: &Arc<Self>, connection: &Arc<Connection<H::State>>) {
        while let Some(work) = connection.news.next() {
            self.hand_out(connection, work);
        }
    }

    fn hand_out(self: &Arc<Self>, connection: &Arc<Connection<H::State>>, work: Work<News>) {
        let (crew, connection) = (Arc::clone(self), Arc::clone(connection));
        self.executor
            .execute(Box::new(move || crew.work(&connection, work)));
    }

    /// Works on one thing, then on what is next.
    fn work(self: &Arc<Self>, connection: &Arc<Connection<H::State>>, mut work: Work<News>) {
        for _ in 0..BATCH {
            let (news, done) = work.into_parts();
            self.call(connection, news);
            if connection.news.finish(done, self.read_ahead) == Level::Drained
                && let Some(handle) = connection.handle.get()
            {
                // A connection that is over is not read anyway.
                let _ = handle.resume();
            }
            match connection.news.next() {
                Some(next) => work = next,
                None => return,
            }
            // What may go beside it is for others.
            self.begin(connection);
        }
        self.hand_out(connection, work);
    }

    /// Calls the handler.
    fn call(&self, connection: &Connection<H::State>, news: News) {
        let end = matches!(news, News::Closed(..));
        if connection.panicked.load(Ordering::Relaxed) && !end {
            return;
        }
        let called = catch_unwind(AssertUnwindSafe(|| self.dispatch(connection, news)));
        if let Err(panic) = called {
            connection.panicked.store(true, Ordering::Relaxed);
            if let Some(handle) = connection.handle.get() {
                // It may be over already.
                let _ = handle.close(CloseCode::INTERNAL_ERROR, "");
            }
            self.observer.tell(panicked(&*panic));
        }
    }

    fn dispatch(&self, connection: &Connection<H::State>, news: News) {
        let (handler, state) = (&self.handler, &connection.state);
        if let News::Request(request, upgrade) = news {
            return handler.on_request(&request, upgrade, state);
        }
        let Some(handle) = connection.handle.get() else {
            // Everything else comes behind the opening, which brings it.
            return;
        };
        match news {
            News::Request(..) => {}
            News::Opened(response) => handler.on_open(handle, state, response.as_deref()),
            News::Message(message) => handler.on_message(handle, state, message),
            News::Chunk(kind, part, last) => handler.on_chunk(handle, state, kind, part, last),
            News::Ping(payload) => handler.on_ping(handle, state, payload),
            News::Pong(payload) => handler.on_pong(handle, state, payload),
            News::Drained => handler.on_drained(handle, state),
            News::Closed(closed, cause) => handler.on_close(handle, state, closed, cause),
        }
    }
}
