//! The half that sends. It can be cloned.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use wsproto::{CloseCode, Closed, Compress, Connection, Env, Kind, Message, Prepared, SendError};

use super::shared::{Part, SenderId, Shared};
use crate::{
    clock::Clock,
    engine::admission::Unit,
    poll::Receiving,
    socket::{MAX_HEADER, TimedSendError},
    transport::Transport,
    waiters::Waiter,
};

#[cfg(doc)]
use crate::{Receiver, WebSocket};

/// The sending half of a [split](WebSocket::split) WebSocket. Clones send on the same connection, each message as
/// a whole: while one sends a message [in parts](Self::start), the messages of the others wait, but not their
/// pings.
pub struct Sender<S: Transport, C: Clock> {
    pub(super) shared: Arc<Shared<S, C>>,
    /// For the sink; each future has its own.
    pub(super) waiter: Waiter,
    /// A message that the sink has taken while another sender's message in parts was under way.
    pub(super) deferred: Option<Message>,
}

impl<S: Transport, C: Clock> Clone for Sender<S, C> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl<S: Transport, C: Clock> Sender<S, C> {
    pub(super) fn new(shared: Arc<Shared<S, C>>) -> Self {
        let waiter = shared.waiter();
        Self {
            shared,
            waiter,
            deferred: None,
        }
    }

    /// Sends a message, as [`WebSocket::send`] does.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.submit(Submission::message(message.into(), Then::Flush))
            .await
    }

    /// Sends a message that was prepared for many connections.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        self.submit(Submission::prepared(message, Then::Flush))
            .await
    }

    /// As [`send`](Self::send), but gives up after `timeout`, as [`WebSocket::send_timeout`] does. With a timeout of
    /// zero, a message that has to wait is refused at once.
    ///
    /// # Errors
    /// As [`WebSocket::send_timeout`].
    pub async fn send_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), TimedSendError> {
        let waiter = self.shared.waiter();
        let mut submission = Submission::message(message.into(), Then::Flush);
        // The connection's own clock has one deadline, and other halves wait for that.
        let mut clock = self.shared.lock().engine.clock.another();
        let deadline = clock.now() + timeout;
        poll_fn(|cx| {
            if let Poll::Ready(sent) = self.poll_submit(&waiter, cx, &mut submission) {
                return Poll::Ready(sent.map_err(TimedSendError::Refused));
            }
            let now = clock.now();
            ready!(clock.poll_deadline(cx, now, Some(deadline)));
            Poll::Ready(Err(TimedSendError::TimedOut {
                queued: submission.is_queued(),
            }))
        })
        .await
    }

    /// Queues a message as soon as the queue has room. It is written when a half of the connection waits.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.submit(Submission::message(message.into(), Then::Return))
            .await
    }

    /// Queues a message as [`feed`](Self::feed) does, compressed or not where compression was negotiated.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed_compressed(
        &self,
        message: impl Into<Message>,
        compress: Compress,
    ) -> Result<(), SendError> {
        let message = message.into();
        let unit = Unit::Message(message.as_bytes().len());
        self.submit(Submission::new(
            Part::Whole,
            Then::Return,
            unit,
            |connection, env| {
                connection.send_compressed(env, message.kind(), message.as_bytes(), compress)
            },
        ))
        .await
    }

    /// Queues a message that was prepared for many connections, as [`feed`](Self::feed) does.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        self.submit(Submission::prepared(message, Then::Return))
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

    /// Starts a message of unknown length, to be followed by [`write`](Self::write) and
    /// [`finish`](Self::finish) on this same sender. Waits until a message that another sender has started is
    /// finished.
    ///
    /// Until then, messages of other senders wait (RFC 6455 5.4: messages must not be interleaved), and other
    /// messages of this one are refused, as on a whole [socket](WebSocket::start).
    ///
    /// If this sender is dropped before, the message stays unfinished, as on a whole socket: messages are refused
    /// with [`MessageUnfinished`](SendError::MessageUnfinished) until another sender finishes it or the connection is
    /// closed.
    ///
    /// # Errors
    /// As [`WebSocket::start`].
    pub async fn start(&self, kind: Kind) -> Result<(), SendError> {
        self.start_compressed(kind, Compress::Auto).await
    }

    /// As [`start`](Self::start), compressed or not where compression was negotiated.
    ///
    /// # Errors
    /// As [`WebSocket::start`].
    pub async fn start_compressed(&self, kind: Kind, compress: Compress) -> Result<(), SendError> {
        self.submit(Submission::new(
            Part::Start,
            Then::Return,
            Unit::Message(0),
            |connection, env| connection.start_compressed(env, kind, compress),
        ))
        .await
    }

    /// Sends a part of the message that [`start`](Self::start) began, as a frame of its own.
    ///
    /// # Errors
    /// As [`WebSocket::write`]; [`NoMessage`](SendError::NoMessage) also if another sender has started it.
    pub async fn write(&self, data: &[u8]) -> Result<(), SendError> {
        self.submit(Submission::new(
            Part::Middle,
            Then::Flush,
            Unit::Part(data.len()),
            |connection, env| connection.write(env, data),
        ))
        .await
    }

    /// Ends the message that [`start`](Self::start) began, with a last part that may be empty.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn finish(&self, data: &[u8]) -> Result<(), SendError> {
        self.submit(Submission::new(
            Part::Last,
            Then::Flush,
            Unit::Part(data.len()),
            |connection, env| connection.finish(env, data),
        ))
        .await
    }

    /// Sends a ping, which overtakes queued messages. [`Receiver::recv_incoming`] returns the pong.
    ///
    /// # Errors
    /// See [`Connection::send_ping`].
    pub async fn ping(&self, payload: &[u8]) -> Result<(), SendError> {
        self.control(|connection, env| connection.send_ping(env, payload))
            .await
    }

    /// Sends a pong, which overtakes queued messages; see [`WebSocket::pong`].
    ///
    /// # Errors
    /// See [`Connection::send_pong`].
    pub async fn pong(&self, payload: &[u8]) -> Result<(), SendError> {
        self.control(|connection, env| connection.send_pong(env, payload))
            .await
    }

    /// Starts the closing handshake and waits for its end, as [`WebSocket::close`] does. The receiver gets messages
    /// that come in between. If they are more than is read ahead, and nobody receives them, this waits until the
    /// deadline of the closing handshake.
    ///
    /// While the receiver holds an event that it was [lent](Receiver::recv_ref), and its buffer holds more, this
    /// waits only until the Close frame is written: the rest is up to the receiver.
    pub async fn close(&self, code: CloseCode, reason: &str) {
        let waiter = self.shared.waiter();
        poll_fn(|cx| self.poll_close(&waiter, cx, code, reason)).await;
    }

    /// How the connection ended, once that is known.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.shared.closed()
    }

    /// Bytes that are queued and not written yet, those of all senders together.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.lock().engine.connection.queued()
    }

    /// Queues a control frame, which never waits for room, and waits until it is written.
    async fn control(
        &self,
        queue: impl FnOnce(&mut Connection, &mut Env) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let waiter = self.shared.waiter();
        let mut queue = Some(queue);
        poll_fn(|cx| {
            self.shared.poll(&waiter, cx, |state, cx| {
                if let Some(queue) = queue.take() {
                    state.engine.queue(queue)?;
                }
                state.engine.poll_flush(cx, state.receiving)
            })
        })
        .await
    }

    async fn submit(
        &self,
        mut submission: Submission<impl FnOnce(&mut Connection, &mut Env) -> Result<(), SendError>>,
    ) -> Result<(), SendError> {
        let waiter = self.shared.waiter();
        poll_fn(|cx| self.poll_submit(&waiter, cx, &mut submission)).await
    }

    /// Queues a submission as soon as it is its turn and there is room, under one lock, so that no other sender can
    /// take the room away.
    fn poll_submit(
        &self,
        waiter: &Waiter,
        cx: &mut Context<'_>,
        submission: &mut Submission<
            impl FnOnce(&mut Connection, &mut Env) -> Result<(), SendError>,
        >,
    ) -> Poll<Result<(), SendError>> {
        let Submission {
            part,
            then,
            unit,
            queue,
        } = submission;
        self.shared.poll(waiter, cx, |state, cx| {
            if queue.is_some() {
                ready!(state.poll_turn(cx, self.id(), *part, *unit))?;
            }
            if let Some(queue) = queue.take() {
                state.engine.queue(queue)?;
                state.part_queued(self.id(), *part);
            }
            match then {
                Then::Flush => state.engine.poll_flush(cx, state.receiving),
                Then::Return => Poll::Ready(Ok(())),
            }
        })
    }

    pub(super) fn poll_flush(
        &self,
        waiter: &Waiter,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        self.shared.poll(waiter, cx, |state, cx| {
            state.engine.poll_flush(cx, state.receiving)
        })
    }

    pub(super) fn poll_close(
        &self,
        waiter: &Waiter,
        cx: &mut Context<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Poll<()> {
        self.shared.poll(waiter, cx, |state, cx| {
            state.engine.close(code, reason);
            let lent = state.receiving == Receiving::Lent;
            state.poll_until(cx, |engine| {
                engine.is_over() || (lent && engine.is_flushed())
            })
        })
    }

    pub(super) fn id(&self) -> SenderId {
        SenderId(self.waiter.id())
    }
}

/// A message, or a part of one, that is to be queued.
struct Submission<Q> {
    part: Part,
    then: Then,
    /// The room that it needs.
    unit: Unit,
    /// Queues it. `None` once that is done.
    queue: Option<Q>,
}

/// The next thing to do once a submission is queued.
#[derive(Clone, Copy)]
enum Then {
    /// Wait until it is written.
    Flush,
    /// Return: the next future that waits writes it.
    Return,
}

impl<Q: FnOnce(&mut Connection, &mut Env) -> Result<(), SendError>> Submission<Q> {
    const fn new(part: Part, then: Then, unit: Unit, queue: Q) -> Self {
        Self {
            part,
            then,
            unit,
            queue: Some(queue),
        }
    }

    const fn is_queued(&self) -> bool {
        self.queue.is_none()
    }
}

impl Submission<()> {
    /// A message.
    fn message(
        message: Message,
        then: Then,
    ) -> Submission<impl FnOnce(&mut Connection, &mut Env) -> Result<(), SendError>> {
        let unit = Unit::Message(message.as_bytes().len());
        Submission::new(Part::Whole, then, unit, |connection, env| {
            connection.send_message(env, message)
        })
    }

    /// A message that was prepared for many connections.
    fn prepared(
        message: &Prepared,
        then: Then,
    ) -> Submission<impl FnOnce(&mut Connection, &mut Env) -> Result<(), SendError>> {
        let unit = Unit::Message(message.payload().len() + MAX_HEADER);
        Submission::new(Part::Whole, then, unit, |connection, env| {
            connection.send_prepared(env, message)
        })
    }
}

impl<S: Transport, C: Clock> Drop for Sender<S, C> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let unfinished = state.stop_streaming(self.id());
        drop(state);
        if unfinished {
            // Messages that wait for this one to be finished are refused now.
            self.waiter.wake_others();
        }
    }
}

impl<S: Transport, C: Clock> fmt::Debug for Sender<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
