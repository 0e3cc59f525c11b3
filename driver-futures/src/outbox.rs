//! Sends while an event is lent.

use std::fmt;

use driver_kit::lease::Lease;
use wsproto::{CloseCode, Compress, Connection, Env, Kind, Message, Prepared, SendError};

use crate::clock::Clock;

/// Sends on a connection while one of its events is lent. Messages are written when the next receive has to
/// wait, or by [`WebSocket::flush`](crate::WebSocket::flush).
pub struct Outbox<'a, C> {
    pub(crate) connection: &'a mut Connection,
    /// None if the event does not lie in a read buffer: then an environment is leased for each call.
    pub(crate) env: Option<&'a mut Env>,
    pub(crate) clock: &'a C,
}

impl<C: Clock> Outbox<'_, C> {
    /// Queues a text message.
    ///
    /// # Errors
    /// See [`Connection::send_text`].
    pub fn feed_text(&mut self, text: &str) -> Result<(), SendError> {
        self.queue(|connection, env| connection.send_text(env, text))
    }

    /// Queues a binary message.
    ///
    /// # Errors
    /// See [`Connection::send_binary`].
    pub fn feed_binary(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.queue(|connection, env| connection.send_binary(env, data))
    }

    /// Queues a message. A long one is moved, not copied.
    ///
    /// # Errors
    /// See [`Connection::send_message`].
    pub fn feed(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        self.queue(|connection, env| connection.send_message(env, message))
    }

    /// Queues a message, compressed or not where compression was negotiated.
    ///
    /// # Errors
    /// See [`Connection::send_compressed`].
    pub fn feed_compressed(
        &mut self,
        kind: Kind,
        data: &[u8],
        compress: Compress,
    ) -> Result<(), SendError> {
        self.queue(|connection, env| connection.send_compressed(env, kind, data, compress))
    }

    /// Queues a prepared message.
    ///
    /// # Errors
    /// See [`Connection::send_prepared`].
    pub fn feed_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        self.queue(|connection, env| connection.send_prepared(env, message))
    }

    /// Queues a ping, which overtakes queued messages.
    ///
    /// # Errors
    /// See [`Connection::send_ping`].
    pub fn feed_ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.queue(|connection, env| connection.send_ping(env, payload))
    }

    /// Queues a pong, which overtakes queued messages; see [`WebSocket::pong`](crate::WebSocket::pong).
    ///
    /// # Errors
    /// See [`Connection::send_pong`].
    pub fn feed_pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.queue(|connection, env| connection.send_pong(env, payload))
    }

    /// Starts the closing handshake.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        let now = self.clock.now();
        self.queue(|connection, env| {
            // Its deadline counts from now, however old the batch is.
            env.set_now(now);
            connection.close(env, code, reason);
        });
    }

    /// The state machine underneath, as [`WebSocket::connection`](crate::WebSocket::connection) returns it.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        self.connection
    }

    fn queue<T>(&mut self, queue: impl FnOnce(&mut Connection, &mut Env) -> T) -> T {
        let mut lease;
        let env = match &mut self.env {
            Some(env) => env,
            None => {
                lease = Lease::take();
                &mut lease.env
            }
        };
        // A batch of answers has the time of the first one.
        if self.connection.queued() == 0 {
            env.set_now(self.clock.now());
        }
        queue(self.connection, env)
    }
}

impl<C> fmt::Debug for Outbox<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
