//! The half that sends, of which there may be many.

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

/// The sending half of a [split](WebSocket::split) WebSocket. Clones send on the same connection, each
/// message as a whole: while one sends a message [in parts](Self::start), the messages of the others
/// wait. Pings do not.
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

    /// Sends a message that many connections get.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        self.submit(Submission::prepared(message, Then::Flush))
            .await
    }

    /// As [`send`](Self::send), but gives up after `timeout`, as [`WebSocket::send_timeout`] does. A
    /// timeout of nothing refuses at once what there is no room for.
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
        // The connection's own clock knows one deadline, and this is not that of the others who wait.
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

    /// Queues a message as [`feed`](Self::feed) does, and says whether it is to be compressed, where that
    /// was negotiated.
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

    /// Queues a message that many connections get, as [`feed`](Self::feed) does.
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
    /// [`finish`](Self::finish) of this same sender. Waits until the messages that other senders have
    /// started are whole.
    ///
    /// Until it is finished, what other senders have to send waits (RFC 6455 5.4: messages must not be
    /// interleaved), and this one's other messages are refused, as those of a whole
    /// [socket](WebSocket::start) are.
    ///
    /// If this sender is dropped before, the message stays unfinished, as on a whole socket: messages
    /// are refused with [`MessageUnfinished`](SendError::MessageUnfinished), until another sender finishes
    /// it or the connection is closed.
    ///
    /// # Errors
    /// As [`WebSocket::start`].
    pub async fn start(&self, kind: Kind) -> Result<(), SendError> {
        self.start_compressed(kind, Compress::Auto).await
    }

    /// As [`start`](Self::start), and says whether the message is to be compressed, where that was
    /// negotiated.
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

    /// Sends a ping, which overtakes queued messages. The pong comes by [`Receiver::recv_incoming`].
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

    /// Starts the closing handshake, and waits for its end, as [`WebSocket::close`] does. The receiver
    /// gets what comes in between; while nobody receives more than is read ahead, this waits, at most
    /// until the deadline of the closing handshake.
    ///
    /// While the receiver looks at an event that it was [lent](Receiver::recv_ref) and more has come
    /// behind it, this waits only until the transport has the Close frame: the rest is up to the receiver.
    pub async fn close(&self, code: CloseCode, reason: &str) {
        let waiter = self.shared.waiter();
        poll_fn(|cx| self.poll_close(&waiter, cx, code, reason)).await;
    }

    /// How the connection ended, once that is known.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.shared.closed()
    }

    /// Bytes that are queued and not with the transport yet, those of all senders together.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.lock().engine.connection.queued()
    }

    /// Queues a control frame, for which there is always room, and waits until the transport has it.
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

    /// Queues something as soon as it is its turn and there is room, in the same breath, so that no other
    /// sender can take the room away.
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

/// Something that a sender is to queue.
struct Submission<Q> {
    part: Part,
    then: Then,
    /// What there must be room for.
    unit: Unit,
    /// Queues it; gone once it has.
    queue: Option<Q>,
}

/// What to do when something is queued.
#[derive(Clone, Copy)]
enum Then {
    /// Wait until the transport has it.
    Flush,
    /// Leave it to whoever waits next.
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

    /// A message that many connections get.
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
            // What waits for the message to be finished is refused now.
            self.waiter.wake_others();
        }
    }
}

impl<S: Transport, C: Clock> fmt::Debug for Sender<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
