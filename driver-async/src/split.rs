//! A WebSocket in two halves, or one receiver and any number of senders.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use wsproto::{CloseCode, Closed, Connection, Env, Error, Message, Prepared, SendError};

use crate::{
    clock::Clock,
    core::{Core, Receiving},
    incoming::Incoming,
    socket::WebSocket,
    transport::Transport,
};

impl<S: Transport, C: Clock> WebSocket<S, C> {
    /// Splits into a sender, which can be cloned, and a receiver, for tasks of their own.
    ///
    /// Whichever half waits drives the whole connection: a receiver alone still sends pongs and answers
    /// a Close; a sender alone still sees the peer's Close, reading up to 64 KiB ahead. If the receiver
    /// is dropped, what would have come to it is dropped too.
    #[must_use]
    pub fn split(self) -> (Sender<S, C>, Receiver<S, C>) {
        let wakers = Arc::new(Wakers::default());
        let waker = Waker::from(Arc::clone(&wakers));
        let state = Mutex::new(State {
            core: self.core,
            receiving: Receiving::Keep,
        });
        let shared = Arc::new(Shared {
            state,
            wakers,
            waker,
        });
        (
            Sender {
                shared: Arc::clone(&shared),
            },
            Receiver { shared },
        )
    }
}

/// What the halves share.
struct Shared<S, C> {
    state: Mutex<State<S, C>>,
    /// The tasks that wait for anything of this connection.
    wakers: Arc<Wakers>,
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

    /// Polls for a half: wakes all halves when something happens, and the others if this one has
    /// changed what they may wait for.
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut State<S, C>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut state = self.lock();
        // Before anything is tried, so that no wake-up falls between.
        self.wakers.register(cx.waker());
        let before = state.visible();
        let polled = poll(&mut state, &mut Context::from_waker(&self.waker));
        let changed = state.visible() != before;
        drop(state);
        if changed {
            self.wakers.wake_except(cx.waker());
        }
        polled
    }

    /// Queues something, and wakes whoever may have to write it.
    fn queue<T>(&self, queue: impl FnOnce(&mut Connection, &mut Env) -> T) -> T {
        let mut state = self.lock();
        let (connection, lease) = state.core.lease();
        let queued = queue(connection, &mut lease.env);
        state.core.release();
        drop(state);
        self.wakers.wake_all();
        queued
    }
}

impl<S: Transport, C: Clock> State<S, C> {
    /// What another half may wait for.
    fn visible(&self) -> (usize, bool, usize, bool, bool) {
        let core = &self.core;
        (
            core.connection.queued(),
            core.is_flushed(),
            core.read_ahead(),
            core.connection.is_open(),
            core.is_over(),
        )
    }
}

/// The wakers of all tasks that wait for one connection.
#[derive(Debug, Default)]
struct Wakers(Mutex<Vec<Waker>>);

impl Wakers {
    fn lock(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, waker: &Waker) {
        let mut wakers = self.lock();
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }

    fn wake_all(&self) {
        let wakers = std::mem::take(&mut *self.lock());
        wakers.into_iter().for_each(Waker::wake);
    }

    fn wake_except(&self, own: &Waker) {
        let others: Vec<_> = self
            .lock()
            .extract_if(.., |waker| !waker.will_wake(own))
            .collect();
        others.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

/// The receiving half of a [split](WebSocket::split) WebSocket; a stream of messages.
pub struct Receiver<S: Transport, C: Clock> {
    shared: Arc<Shared<S, C>>,
}

impl<S: Transport, C: Clock> Receiver<S, C> {
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
        self.shared
            .poll(cx, |state, cx| match ready!(state.core.poll_incoming(cx)) {
                Some(incoming) => Poll::Ready(Ok(Some(incoming))),
                None => Poll::Ready(state.core.take_error().map_or(Ok(None), Err)),
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

impl<S: Transport, C: Clock> Shared<S, C> {
    fn closed(&self) -> Option<Closed> {
        self.lock()
            .core
            .outcome
            .as_ref()
            .map(|outcome| outcome.closed.clone())
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
        self.shared.lock().receiving = Receiving::Discard;
        self.shared.wakers.wake_all();
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
}

impl<S: Transport, C: Clock> Clone for Sender<S, C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: Transport, C: Clock> Sender<S, C> {
    /// Sends a message, as [`WebSocket::send`] does.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Sends a message that many connections get.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        self.feed_prepared(message).await?;
        self.flush().await
    }

    /// Queues a message as soon as the queue has room. It is written when a half of the connection waits.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.wait_until(Core::has_room).await;
        let message = message.into();
        self.shared
            .queue(|connection, env| connection.send_message(env, message))
    }

    /// Queues a message that many connections get, as [`feed`](Self::feed) does.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        self.wait_until(Core::has_room).await;
        self.shared
            .queue(|connection, env| connection.send_prepared(env, message))
    }

    /// Waits until the transport has taken everything that is queued.
    ///
    /// # Errors
    /// As [`WebSocket::flush`].
    pub async fn flush(&self) -> Result<(), SendError> {
        self.wait_until(Core::is_flushed).await;
        Ok(())
    }

    /// Sends a ping, which overtakes queued messages.
    ///
    /// # Errors
    /// See [`Connection::send_ping`].
    pub async fn ping(&self, payload: &[u8]) -> Result<(), SendError> {
        self.shared
            .queue(|connection, env| connection.send_ping(env, payload))?;
        self.flush().await
    }

    /// Starts the closing handshake, and waits for its end, as [`WebSocket::close`] does. The receiver
    /// gets what comes in between; while nobody receives more than is read ahead, this waits, at most
    /// until the deadline of the closing handshake.
    pub async fn close(&self, code: CloseCode, reason: &str) {
        self.shared
            .queue(|connection, env| connection.close(env, code, reason));
        self.wait_until(Core::is_over).await;
    }

    /// How the connection ended, once that is known.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.shared.closed()
    }

    fn poll_until(&self, cx: &mut Context<'_>, is_done: impl Fn(&Core<S, C>) -> bool) -> Poll<()> {
        self.shared.poll(cx, |state, cx| {
            state.core.poll_until(cx, state.receiving, None, is_done)
        })
    }

    async fn wait_until(&self, is_done: impl Fn(&Core<S, C>) -> bool) {
        poll_fn(|cx| self.poll_until(cx, &is_done)).await;
    }
}

/// Closing the sink closes the connection with code 1000 and waits for its end.
impl<S: Transport, C: Clock> Sink<Message> for Sender<S, C> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_until(cx, Core::has_room));
        let open = self.shared.lock().core.connection.is_open();
        if open {
            Poll::Ready(Ok(()))
        } else {
            Poll::Ready(Err(SendError::Closed))
        }
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        self.shared
            .queue(|connection, env| connection.send_message(env, message))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_until(cx, Core::is_flushed).map(Ok)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.shared.lock().core.connection.is_open() {
            self.shared
                .queue(|connection, env| connection.close(env, CloseCode::NORMAL, ""));
        }
        self.poll_until(cx, Core::is_over).map(Ok)
    }
}

impl<S: Transport, C: Clock> fmt::Debug for Sender<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
