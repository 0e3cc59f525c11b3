//! A WebSocket in two halves, or one receiver and any number of senders.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use wsproto::{CloseCode, Closed, Connection, Env, Error, Message, Prepared, SendError};

use crate::{
    clock::Clock,
    core::Core,
    incoming::Incoming,
    socket::{MAX_HEADER, WebSocket},
    task::Receiving,
    transport::Transport,
    waiters::{Waiter, Waiters},
};

impl<S: Transport, C: Clock> WebSocket<S, C> {
    /// Splits into a sender, which can be cloned, and a receiver, for tasks of their own.
    ///
    /// Whichever half waits drives the whole connection: a receiver alone still sends pongs and answers
    /// a Close; a sender alone still sees the peer's Close, reading up to 64 KiB ahead. If the receiver
    /// is dropped, what would have come to it is dropped too.
    #[must_use]
    pub fn split(self) -> (Sender<S, C>, Receiver<S, C>) {
        let waiters = Arc::new(Waiters::default());
        let waker = Waker::from(Arc::clone(&waiters));
        let state = Mutex::new(State {
            core: self.core,
            receiving: Receiving::Keep,
        });
        let shared = Arc::new(Shared {
            state,
            waiters,
            waker,
        });
        (Sender::new(Arc::clone(&shared)), Receiver::new(shared))
    }
}

/// What the halves share.
struct Shared<S, C> {
    state: Mutex<State<S, C>>,
    /// Who waits for anything of this connection.
    waiters: Arc<Waiters>,
    /// Wakes them all: the transport and the clock remember only one waker.
    waker: Waker,
}

struct State<S, C> {
    core: Core<S, C>,
    receiving: Receiving,
}

impl<S: Transport, C: Clock> Shared<S, C> {
    fn lock(&self) -> MutexGuard<'_, State<S, C>> {
        // Nothing in here leaves the state half changed if it panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls for a waiter: when something happens, all are woken, and the others are if this poll has
    /// changed what they may wait for.
    fn poll<T>(
        &self,
        waiter: &Waiter,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut State<S, C>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut state = self.lock();
        // Before anything is tried, so that no wake-up falls between.
        waiter.register(cx.waker());
        let before = state.visible();
        let polled = poll(&mut state, &mut Context::from_waker(&self.waker));
        let changed = state.visible() != before;
        drop(state);
        if polled.is_ready() {
            waiter.unregister();
        }
        if changed {
            waiter.wake_others();
        }
        polled
    }

    fn waiter(&self) -> Waiter {
        Waiter::new(Arc::clone(&self.waiters))
    }

    fn closed(&self) -> Option<Closed> {
        self.lock()
            .core
            .outcome
            .as_ref()
            .map(|outcome| outcome.closed.clone())
    }
}

/// What another half may wait for.
#[derive(PartialEq, Eq)]
struct Visible {
    queued: usize,
    is_flushed: bool,
    read_ahead: usize,
    reads_ahead: bool,
    is_open: bool,
    is_over: bool,
}

impl<S: Transport, C: Clock> State<S, C> {
    fn visible(&self) -> Visible {
        let core = &self.core;
        Visible {
            queued: core.connection.queued(),
            is_flushed: core.is_flushed(),
            read_ahead: core.read_ahead(),
            reads_ahead: core.reads_ahead(),
            is_open: core.connection.is_open(),
            is_over: core.is_over(),
        }
    }

    fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        is_done: impl Fn(&Core<S, C>) -> bool,
    ) -> Poll<()> {
        self.core.poll_until(cx, self.receiving, None, is_done)
    }
}

/// The receiving half of a [split](WebSocket::split) WebSocket; a stream of messages.
pub struct Receiver<S: Transport, C: Clock> {
    shared: Arc<Shared<S, C>>,
    waiter: Waiter,
}

impl<S: Transport, C: Clock> Receiver<S, C> {
    fn new(shared: Arc<Shared<S, C>>) -> Self {
        let waiter = shared.waiter();
        Self { shared, waiter }
    }

    /// Receives the next message, as [`WebSocket::recv`] does.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Receives whatever comes next, pings and pongs too.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv_incoming(&mut self) -> Result<Option<Incoming>, Error> {
        poll_fn(|cx| self.poll_recv_incoming(cx)).await
    }

    /// How the connection ended, once that is known.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.shared.closed()
    }

    fn poll_recv_incoming(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Incoming>, Error>> {
        self.shared.poll(&self.waiter, cx, |state, cx| {
            match ready!(state.core.poll_incoming(cx)) {
                Some(incoming) => Poll::Ready(Ok(Some(incoming))),
                None => Poll::Ready(state.core.take_error().map_or(Ok(None), Err)),
            }
        })
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        loop {
            let incoming = ready!(self.poll_recv_incoming(cx))?;
            let Some(incoming) = incoming else {
                return Poll::Ready(Ok(None));
            };
            if let Some(message) = incoming.into_message() {
                return Poll::Ready(Ok(Some(message)));
            }
        }
    }
}

/// The messages, then at most one error, then the end.
impl<S: Transport, C: Clock> Stream for Receiver<S, C> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Result::transpose)
    }
}

impl<S: Transport, C: Clock> Drop for Receiver<S, C> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.receiving = Receiving::Discard;
        state.core.clear_inbox();
        drop(state);
        // A sender that waits has to read on in the receiver's place.
        self.waiter.wake_others();
    }
}

impl<S: Transport, C: Clock> fmt::Debug for Receiver<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// The sending half of a [split](WebSocket::split) WebSocket. Clones send on the same connection, each
/// message as a whole.
pub struct Sender<S: Transport, C: Clock> {
    shared: Arc<Shared<S, C>>,
    /// For the sink; each future has its own.
    waiter: Waiter,
}

impl<S: Transport, C: Clock> Clone for Sender<S, C> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl<S: Transport, C: Clock> Sender<S, C> {
    fn new(shared: Arc<Shared<S, C>>) -> Self {
        let waiter = shared.waiter();
        Self { shared, waiter }
    }

    /// Sends a message, as [`WebSocket::send`] does.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        self.submit(message.as_bytes().len(), Then::Flush, |connection, env| {
            connection.send_message(env, message)
        })
        .await
    }

    /// Sends a message that many connections get.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        let len = message.payload().len() + MAX_HEADER;
        self.submit(len, Then::Flush, |connection, env| {
            connection.send_prepared(env, message)
        })
        .await
    }

    /// Queues a message as soon as the queue has room. It is written when a half of the connection waits.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        self.submit(message.as_bytes().len(), Then::Return, |connection, env| {
            connection.send_message(env, message)
        })
        .await
    }

    /// Queues a message that many connections get, as [`feed`](Self::feed) does.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        let len = message.payload().len() + MAX_HEADER;
        self.submit(len, Then::Return, |connection, env| {
            connection.send_prepared(env, message)
        })
        .await
    }

    /// Waits until the transport has taken everything that is queued.
    ///
    /// # Errors
    /// As [`WebSocket::flush`].
    pub async fn flush(&self) -> Result<(), SendError> {
        let waiter = self.shared.waiter();
        poll_fn(|cx| self.poll_flush(&waiter, cx)).await
    }

    /// Sends a ping, which overtakes queued messages.
    ///
    /// # Errors
    /// See [`Connection::send_ping`].
    pub async fn ping(&self, payload: &[u8]) -> Result<(), SendError> {
        let waiter = self.shared.waiter();
        let mut queued = false;
        poll_fn(|cx| {
            self.shared.poll(&waiter, cx, |state, cx| {
                if !std::mem::replace(&mut queued, true) {
                    state
                        .core
                        .queue(|connection, env| connection.send_ping(env, payload))?;
                }
                state.core.poll_flush(cx, state.receiving)
            })
        })
        .await
    }

    /// Starts the closing handshake, and waits for its end, as [`WebSocket::close`] does. The receiver
    /// gets what comes in between; while nobody receives more than is read ahead, this waits, at most
    /// until the deadline of the closing handshake.
    pub async fn close(&self, code: CloseCode, reason: &str) {
        let waiter = self.shared.waiter();
        poll_fn(|cx| self.poll_close(&waiter, cx, code, reason)).await;
    }

    /// How the connection ended, once that is known.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.shared.closed()
    }

    /// Queues a message of `len` octets as soon as there is room, in the same breath, so that no other
    /// sender can take the room away.
    async fn submit(
        &self,
        len: usize,
        then: Then,
        queue: impl FnOnce(&mut Connection, &mut Env) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let waiter = self.shared.waiter();
        let mut queue = Some(queue);
        poll_fn(|cx| {
            self.shared.poll(&waiter, cx, |state, cx| {
                if queue.is_some() {
                    ready!(state.poll_until(cx, |core| core.has_room(len)));
                }
                if let Some(queue) = queue.take() {
                    state.core.queue(queue)?;
                }
                match then {
                    Then::Flush => state.core.poll_flush(cx, state.receiving),
                    Then::Return => Poll::Ready(Ok(())),
                }
            })
        })
        .await
    }

    fn poll_flush(&self, waiter: &Waiter, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.shared.poll(waiter, cx, |state, cx| {
            state.core.poll_flush(cx, state.receiving)
        })
    }

    fn poll_close(
        &self,
        waiter: &Waiter,
        cx: &mut Context<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Poll<()> {
        self.shared.poll(waiter, cx, |state, cx| {
            state.core.close(code, reason);
            state.poll_until(cx, Core::is_over)
        })
    }
}

/// What to do when a message is queued.
#[derive(Clone, Copy)]
enum Then {
    /// Wait until the transport has it.
    Flush,
    /// Leave it to whoever waits next.
    Return,
}

/// As that of [`WebSocket`]. Closing it closes the connection with code 1000 and waits for its end, as
/// [`close`](Self::close) does.
impl<S: Transport, C: Clock> Sink<Message> for Sender<S, C> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.shared.poll(&self.waiter, cx, |state, cx| {
            ready!(state.poll_until(cx, |core| core.has_room(0)));
            Poll::Ready(if state.core.connection.is_open() {
                Ok(())
            } else {
                Err(SendError::Closed)
            })
        })
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        let mut state = self.shared.lock();
        let queued = state
            .core
            .queue(|connection, env| connection.send_message(env, message));
        drop(state);
        self.waiter.wake_others();
        queued
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Self::poll_flush(&self, &self.waiter, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Self::poll_close(&self, &self.waiter, cx, CloseCode::NORMAL, "").map(Ok)
    }
}

impl<S: Transport, C: Clock> fmt::Debug for Sender<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
