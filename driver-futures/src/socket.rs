//! One WebSocket connection in one task.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use wsproto::{
    CloseCode, Closed, Compress, Connection, Error, Event, Kind, Message, Prepared, SendError, Time,
};

use crate::{
    clock::Clock,
    engine::{Engine, admission::Unit, lending::Lent},
    incoming::Incoming,
    outbox::Outbox,
    poll::{Found, Receiving},
    transport::Transport,
};

/// Bytes of the longest header of a frame that is not masked (RFC 6455 5.2).
pub(crate) const MAX_HEADER: usize = 10;

/// A WebSocket connection.
///
/// The task that uses the socket drives it. While [`recv`](Self::recv) waits, pings are answered, messages that
/// were [fed](Self::feed) are written, and deadlines are kept. While a send waits, up to 64 KiB are read ahead, so
/// that pings and the peer's Close are handled; sends that need not wait read ahead once a second. Between messages
/// the socket holds no buffer.
///
/// All futures are cancel-safe: in `select!` or under a timeout, a dropped receive has taken no message, and a
/// dropped send has queued all of its message or nothing.
///
/// It is also a [`Stream`](futures_core::Stream) and a [`Sink`](futures_sink::Sink) of [`Message`].
pub struct WebSocket<S, C> {
    pub(crate) engine: Engine<S, C>,
}

impl<S: Transport, C: Clock> WebSocket<S, C> {
    pub(crate) const fn new(engine: Engine<S, C>) -> Self {
        Self { engine }
    }

    // Receiving.

    /// Receives the next message; `None` once the connection is over. [`closed`](Self::closed) then tells how it
    /// ended. Pings and pongs are skipped.
    ///
    /// Before it waits, it writes everything that is queued. It returns `None` only after the closing handshake and
    /// the end of the transport, or after their deadline.
    ///
    /// With [`Delivery::Chunks`](wsproto::Delivery::Chunks), each chunk is returned as a message of its own, text
    /// as bytes; [`recv_incoming`](Self::recv_incoming) tells where a message ends.
    ///
    /// # Errors
    /// Once, if the peer violated the protocol, a limit or a deadline; afterwards `None`.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Receives the next message, chunk, ping or pong.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub async fn recv_incoming(&mut self) -> Result<Option<Incoming>, Error> {
        poll_fn(|cx| self.poll_recv_incoming(cx)).await
    }

    /// Receives the next event without copying it: it borrows a read buffer until the next call. The [`Outbox`]
    /// sends answers while the event is borrowed.
    ///
    /// In a steady state this allocates nothing. [`Event::Closed`] is the last event; continue until `None` to
    /// complete the closing handshake.
    ///
    /// ```no_run
    /// # async fn echo<S: driver_futures::Transport, C: driver_futures::Clock>(mut socket: driver_futures::WebSocket<S, C>) -> Result<(), Box<dyn std::error::Error>> {
    /// use wsproto::Event;
    ///
    /// while let Some((event, mut outbox)) = socket.recv_ref().await? {
    ///     match event {
    ///         Event::Text(text) => outbox.feed_text(&text)?,
    ///         Event::Binary(bytes) => outbox.feed_binary(&bytes)?,
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub async fn recv_ref(&mut self) -> Result<Option<(Event<'_>, Outbox<'_, C>)>, Error> {
        // Answers are written when all input is used up, but must not pile up for a peer that does not read them.
        let found = poll_fn(|cx| {
            ready!(self.poll_room(cx, Unit::Message(0)));
            if self.engine.is_lendable_at_hand() {
                return Poll::Ready(Found::Lendable);
            }
            self.engine.poll_lendable(cx)
        })
        .await;
        if !matches!(found, Found::Lendable) {
            return self.engine.take_error().map_or(Ok(None), Err);
        }
        let lent = self.engine.lend_event()?;
        Ok(lent.map(|lent| {
            let Lent {
                event,
                connection,
                env,
                clock,
            } = lent;
            let outbox = Outbox {
                connection,
                env,
                clock,
            };
            (event, outbox)
        }))
    }

    /// As [`recv`](Self::recv), for futures that are written by hand.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
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

    fn poll_recv_incoming(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Incoming>, Error>> {
        match ready!(self.engine.poll_incoming(cx)) {
            Some(incoming) => Poll::Ready(Ok(Some(incoming))),
            None => Poll::Ready(self.engine.take_error().map_or(Ok(None), Err)),
        }
    }

    // Sending.

    /// Sends a message: waits until the queue has room, queues the message, and waits until the transport has taken
    /// everything.
    ///
    /// To answer many messages with few writes, [`feed`](Self::feed) the answers instead.
    ///
    /// A sender waits while [`Config::queue_high`](wsproto::Config::queue_high) bytes or more are queued. With
    /// [`Overflow::Refuse`](wsproto::Overflow::Refuse) it also waits until the message fits
    /// [`Config::queue_limit`](wsproto::Config::queue_limit), so that it is never refused for lack of room. With a
    /// policy that drops messages, it never waits for room.
    ///
    /// # Errors
    /// See [`SendError`]. After [`Closed`](SendError::Closed), receive until `None` to get the reason.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Sends a message that was prepared for many connections; see [`Prepared`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        self.feed_prepared(message).await?;
        self.flush().await
    }

    /// As [`send`](Self::send), but gives up after `timeout`. With a timeout of zero, a message that has to wait is
    /// refused at once.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`TimedSendError::TimedOut`], which tells whether the message is queued.
    pub async fn send_timeout(
        &mut self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), TimedSendError> {
        let deadline = Some(self.engine.clock.now() + timeout);
        let message = message.into();
        let unit = Unit::Message(message.as_bytes().len());
        self.wait_until(deadline, |engine| engine.has_room(unit))
            .await;
        if !self.engine.has_room(unit) {
            return Err(TimedSendError::TimedOut { queued: false });
        }
        self.engine
            .queue(|connection, env| connection.send_message(env, message))
            .map_err(TimedSendError::Refused)?;
        self.wait_until(deadline, Engine::is_flushed).await;
        self.engine.flushed().map_err(TimedSendError::Refused)?;
        if !self.engine.is_flushed() {
            return Err(TimedSendError::TimedOut { queued: true });
        }
        Ok(())
    }

    /// Queues a message as soon as the queue has room. It is written, together with everything else that is queued,
    /// by [`flush`](Self::flush) or when a receive has to wait.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn feed(
        &mut self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), SendError>> {
        // Not an async function: its future would have a place each for the argument, the message and every
        // future inside, and a task that feeds would pay for them while it idles.
        let mut message = Some(message.into());
        poll_fn(move |cx| {
            let len = message
                .as_ref()
                .map_or(0, |message| message.as_bytes().len());
            ready!(self.poll_room(cx, Unit::Message(len)));
            let Some(message) = message.take() else {
                unreachable!("a future that was ready is not polled again")
            };
            Poll::Ready(
                self.engine
                    .queue(|connection, env| connection.send_message(env, message)),
            )
        })
    }

    /// Queues a message as [`feed`](Self::feed) does, compressed or not where compression was negotiated.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn feed_compressed(
        &mut self,
        message: impl Into<Message>,
        compress: Compress,
    ) -> Result<(), SendError> {
        let message = message.into();
        self.room(Unit::Message(message.as_bytes().len())).await;
        self.engine.queue(|connection, env| {
            connection.send_compressed(env, message.kind(), message.as_bytes(), compress)
        })
    }

    /// Queues a message that was prepared for many connections, as [`feed`](Self::feed) does.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn feed_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        self.room(Unit::Message(message.payload().len() + MAX_HEADER))
            .await;
        self.engine
            .queue(|connection, env| connection.send_prepared(env, message))
    }

    /// Waits until the transport has taken everything that is queued.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection was lost on the way.
    pub fn flush(&mut self) -> impl Future<Output = Result<(), SendError>> {
        poll_fn(|cx| self.engine.poll_flush(cx, Receiving::Keep))
    }

    /// Starts a message of unknown length, to be followed by [`write`](Self::write) and
    /// [`finish`](Self::finish).
    ///
    /// Until it is finished, other messages are refused with
    /// [`MessageUnfinished`](SendError::MessageUnfinished); pings, pongs and a Close may come in between
    /// (RFC 6455 5.4). To abandon the message, finish it all the same, or close the connection.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn start(&mut self, kind: Kind) -> Result<(), SendError> {
        self.start_compressed(kind, Compress::Auto).await
    }

    /// As [`start`](Self::start), compressed or not where compression was negotiated.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn start_compressed(
        &mut self,
        kind: Kind,
        compress: Compress,
    ) -> Result<(), SendError> {
        self.room(Unit::Message(0)).await;
        self.engine
            .queue(|connection, env| connection.start_compressed(env, kind, compress))
    }

    /// Sends a part of the message that [`start`](Self::start) began, as a frame of its own.
    ///
    /// # Errors
    /// See [`Connection::write`].
    pub async fn write(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.room(Unit::Part(data.len())).await;
        self.engine
            .queue(|connection, env| connection.write(env, data))?;
        self.flush().await
    }

    /// Ends the message that [`start`](Self::start) began, with a last part that may be empty.
    ///
    /// # Errors
    /// See [`Connection::finish`].
    pub async fn finish(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.room(Unit::Part(data.len())).await;
        self.engine
            .queue(|connection, env| connection.finish(env, data))?;
        self.flush().await
    }

    /// Sends a ping, which overtakes queued messages. [`recv_incoming`](Self::recv_incoming) returns the pong.
    ///
    /// # Errors
    /// See [`Connection::send_ping`].
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.engine
            .queue(|connection, env| connection.send_ping(env, payload))?;
        self.flush().await
    }

    /// Sends a pong, which overtakes queued messages. Only needed where
    /// [`Config::answer_pings`](wsproto::Config::answer_pings) is off, or as a one-way heartbeat (RFC 6455
    /// 5.5.3).
    ///
    /// # Errors
    /// See [`Connection::send_pong`].
    pub async fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.engine
            .queue(|connection, env| connection.send_pong(env, payload))?;
        self.flush().await
    }

    /// Closes the connection and waits for the end: the peer's Close frame and the end of the transport, or their
    /// deadline. Messages that come in between are dropped. To receive them, drop this future after its first poll
    /// and receive until `None`.
    ///
    /// # Errors
    /// If the peer violated the protocol instead of closing.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<Closed, Error> {
        self.engine.close(code, reason);
        poll_fn(|cx| {
            self.engine
                .poll_until(cx, Receiving::Discard, None, Engine::is_over)
        })
        .await;
        if let Some(error) = self.engine.take_error() {
            return Err(error);
        }
        match self.engine.closed() {
            Some(closed) => Ok(closed.clone()),
            None => unreachable!("a connection is over only when it has reported its end"),
        }
    }

    // State.

    /// How the connection ended, once that is known.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.engine.closed()
    }

    /// The state machine underneath: its role, its configuration, the bytes queued.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.engine.connection
    }

    /// The transport underneath. Reading or writing past the connection would corrupt it.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.engine.transport
    }

    /// Waits until `unit` may be queued.
    async fn room(&mut self, unit: Unit) {
        poll_fn(|cx| self.poll_room(cx, unit)).await;
    }

    #[inline]
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>, unit: Unit) -> Poll<()> {
        // The usual case, at little cost.
        if self.engine.has_room(unit) {
            return Poll::Ready(());
        }
        self.engine
            .poll_until(cx, Receiving::Keep, None, |engine| engine.has_room(unit))
    }

    /// Waits until `is_done`, the end of the connection, or `deadline`.
    async fn wait_until(
        &mut self,
        deadline: Option<Time>,
        is_done: impl Fn(&Engine<S, C>) -> bool,
    ) {
        poll_fn(|cx| {
            self.engine
                .poll_until(cx, Receiving::Keep, deadline, &is_done)
        })
        .await;
    }
}

impl<S, C> fmt::Debug for WebSocket<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("connection", &self.engine.connection)
            .finish_non_exhaustive()
    }
}

/// The reason why [`WebSocket::send_timeout`] failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimedSendError {
    /// The message was refused, or the connection was lost before it was written.
    Refused(SendError),
    /// The timeout has passed first.
    TimedOut {
        /// True if the message is queued and will be sent: it is too late to send another one instead.
        queued: bool,
    },
}

impl fmt::Display for TimedSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::TimedOut { queued: true } => {
                f.write_str("the message was not written in time, but is queued")
            }
            Self::TimedOut { queued: false } => {
                f.write_str("there was no room for the message in time")
            }
        }
    }
}

impl std::error::Error for TimedSendError {}
