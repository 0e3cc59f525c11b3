//! The connection as a callback sees it.

use std::{
    fmt,
    io::{self, IoSlice},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use wsproto::{
    CloseCode, Compress, Connection, Env, Kind, Message, Prepared, ResponseHead, Role, SendError,
    Time,
};

use super::{transport::Transport, wire::SocketWire};
use crate::{
    broadcast::topics::Subscriptions,
    client::request::DialRequest,
    command::{Command, LoopMailbox},
    event_loop::slab::Key,
    handle::{
        completion::{Completion, Unsent},
        state::HandleState,
    },
    message::MessageRef,
};

/// Bytes from which on a message is offered to the socket where it lies, instead of being copied to the queue first.
const WORTH_A_WRITE: usize = 32 << 10;

/// A connection, in a callback of the [`Handler`](crate::Handler).
///
/// Messages sent here are queued and written after everything that has come in is handled, all frames in one
/// write. A message of 32 KiB or more is offered to the socket at once, unless more than one such message
/// came in one read.
///
/// Nothing here waits. Frames that the peer does not take are queued, up to
/// [`queue_limit`](wsproto::Config::queue_limit). A server that answers in callbacks sets
/// [`pause_when_high`](wsproto::Config::pause_when_high), so that it stops reading from a peer that does not read
/// the answers.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) env: &'a mut Env,
    pub(crate) attachments: Attachments<'a>,
}

/// Everything around a connection's state machine that callbacks use.
#[derive(Debug)]
pub(crate) struct Attachments<'a> {
    pub(crate) key: Key,
    pub(crate) mailbox: &'a Arc<LoopMailbox>,
    pub(crate) extras: &'a mut Option<Box<Extras>>,
    /// The socket; `None` if the transport is another, which is in the extras between turns.
    pub(crate) socket: Option<SocketWire<'a>>,
}

/// Fields that only few connections have, or only at times. They are in a box, so that the others do not pay for them.
#[derive(Default)]
pub(crate) struct Extras {
    /// The transport, if it is no socket.
    pub(crate) transport: Option<Box<dyn Transport>>,
    pub(crate) handle_state: Option<Arc<HandleState<LoopMailbox>>>,
    /// The deadline of the application.
    pub(crate) deadline: Option<Time>,
    pub(crate) unsent: Unsent,
    pub(crate) subscriptions: Subscriptions,
    /// Client: the server's response if it has refused the upgrade.
    pub(crate) refusal: Option<Box<ResponseHead>>,
    /// Client: the request to dial, if redirects are to be followed.
    pub(crate) dial_request: Option<Box<DialRequest>>,
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras").finish_non_exhaustive()
    }
}

impl Context<'_> {
    // Sending.

    /// Sends a message: a `&str`, a `&[u8]`, a `&Message`, or one that was just received.
    ///
    /// # Errors
    /// See [`Connection::send_text`].
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<MessageRef<'m>>) -> Result<(), SendError> {
        match message.into() {
            MessageRef::Text(text) => self.send_text(&text),
            MessageRef::Binary(bytes) if bytes.kind() == Kind::Binary => self.send_binary(&bytes),
            // Text that nobody has checked.
            MessageRef::Binary(bytes) => self.queue(|connection, env| {
                connection.send_compressed(env, Kind::Text, &bytes, Compress::Auto)
            }),
        }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// See [`Connection::send_text`].
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        if self.is_sent_through(text.len()) {
            return self.send_through(Kind::Text, text.as_bytes());
        }
        self.queue(|connection, env| connection.send_text(env, text))
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// See [`Connection::send_text`].
    #[inline]
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        if self.is_sent_through(bytes.len()) {
            return self.send_through(Kind::Binary, bytes);
        }
        self.queue(|connection, env| connection.send_binary(env, bytes))
    }

    /// Sends an owned message. A long one is moved into the queue, not copied.
    ///
    /// # Errors
    /// See [`Connection::send_text`]. The message is dropped then.
    pub fn send_message(&mut self, message: Message) -> Result<(), SendError> {
        self.queue(|connection, env| connection.send_message(env, message))
    }

    /// Sends a message that many connections get; see [`Prepared`].
    ///
    /// # Errors
    /// See [`Connection::send_text`].
    pub fn send_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        self.queue(|connection, env| connection.send_prepared(env, message))
    }

    /// Sends a message, compressed or not as `compress` says, where compression was negotiated.
    ///
    /// # Errors
    /// See [`Connection::send_compressed`].
    pub fn send_compressed<'m>(
        &mut self,
        message: impl Into<MessageRef<'m>>,
        compress: Compress,
    ) -> Result<(), SendError> {
        let message = message.into();
        self.queue(|connection, env| {
            connection.send_compressed(env, message.kind(), message.as_bytes(), compress)
        })
    }

    /// Starts a message of unknown length, to be followed by [`write`](Self::write) and
    /// [`finish`](Self::finish).
    ///
    /// # Errors
    /// See [`Connection::start`].
    pub fn start(&mut self, kind: Kind) -> Result<(), SendError> {
        self.connection.start(self.env, kind)
    }

    /// Sends a part of the message that [`start`](Self::start) began, as a frame of its own.
    ///
    /// # Errors
    /// See [`Connection::write`].
    pub fn write(&mut self, part: &[u8]) -> Result<(), SendError> {
        self.queue(|connection, env| connection.write(env, part))
    }

    /// Ends the message that [`start`](Self::start) began, with a last part that may be empty.
    ///
    /// # Errors
    /// See [`Connection::finish`].
    pub fn finish(&mut self, part: &[u8]) -> Result<(), SendError> {
        self.queue(|connection, env| connection.finish(env, part))
    }

    /// Sends a ping, which overtakes queued messages.
    ///
    /// # Errors
    /// See [`Connection::send_ping`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.connection.send_ping(self.env, payload)
    }

    /// Sends a pong, which is needed only where [`answer_pings`](wsproto::Config::answer_pings) is off.
    ///
    /// # Errors
    /// See [`Connection::send_pong`].
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.connection.send_pong(self.env, payload)
    }

    /// Calls `then` once, when everything sent so far has gone to the transport; with
    /// [`SendError::Closed`] if it will not go there any more.
    pub fn when_sent(&mut self, then: impl FnOnce(Result<(), SendError>) + Send + 'static) {
        self.complete_when_sent(Completion::new(then));
    }

    /// Starts the closing handshake; see [`Connection::close`].
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        self.connection.close(self.env, code, reason);
    }

    // Receiving.

    /// Stops reading until [`resume`](Self::resume), which slows the peer down. No further event is reported
    /// meanwhile, even of bytes that have been read.
    pub fn pause(&mut self) {
        self.connection.pause();
    }

    /// Resumes reading after [`pause`](Self::pause).
    pub fn resume(&mut self) {
        self.connection.resume(self.env);
    }

    /// Has [`on_deadline`](crate::Handler::on_deadline) called once, `after` this time, to a few hundredths
    /// of a second; with `None`, not at all. Replaces the deadline that was set before.
    pub fn set_deadline(&mut self, after: Option<Duration>) {
        let deadline = after.map(|after| self.env.now() + after);
        if deadline.is_some() || self.attachments.extras.is_some() {
            self.attachments.extras.get_or_insert_default().deadline = deadline;
        }
    }

    // Topics.

    /// Subscribes to a topic: messages [published](crate::Broadcaster::publish) under that name from now on
    /// are sent to this connection, until it unsubscribes or ends. Idempotent.
    pub fn subscribe(&mut self, topic: &str) {
        self.command(Command::Subscribe(self.attachments.key, topic.into()));
    }

    /// Ends the subscription to a topic, if there is one.
    pub fn unsubscribe(&mut self, topic: &str) {
        self.command(Command::Unsubscribe(self.attachments.key, topic.into()));
    }

    // Queries.

    /// Returns the role of this end of the connection.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.connection.role()
    }

    /// Returns the number of bytes in the outgoing queue.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.connection.queued()
    }

    /// Returns the state machine underneath, with its configuration and its state.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        self.connection
    }

    /// Returns the address of the peer. Each call is a system call.
    ///
    /// # Errors
    /// The system's error; [`Unsupported`](io::ErrorKind::Unsupported) unless the transport is an IP socket.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.attachments.peer_addr()
    }

    // For the loop.

    /// Completes when everything sent so far has gone to the transport.
    pub(crate) fn complete_when_sent(&mut self, completion: Completion) {
        if self.connection.queued() == 0 {
            completion.complete(Ok(()));
            return;
        }
        let extras = self.attachments.extras.get_or_insert_default();
        extras.unsent.wait(completion);
    }

    /// Queues a message or a part of one, and counts it. If somebody waits for earlier messages, its bytes are
    /// counted too.
    #[inline]
    pub(crate) fn queue(
        &mut self,
        queue: impl FnOnce(&mut Connection, &mut Env) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let before = self.connection.queued();
        let result = queue(self.connection, self.env);
        if result.is_ok() {
            self.attachments.mailbox.counters().messages_sent.add(1);
        }
        if let Some(extras) = self.attachments.extras {
            let more = self.connection.queued().saturating_sub(before);
            extras.unsent.queued(more);
        }
        result
    }

    /// Sends a command to this loop. It takes the way of every command, behind those that were sent before.
    fn command(&self, command: Command) {
        // The loop that this runs on has not ended.
        let _ = self.attachments.mailbox.push(command);
    }

    /// Returns true if a message of that length is offered to the socket at once. It is not if it is one of several
    /// answers to one read: written together, they cost less than their copies.
    fn is_sent_through(&self, len: usize) -> bool {
        let received = self
            .attachments
            .socket
            .map_or(0, |wire| wire.received.get());
        len >= WORTH_A_WRITE && self.connection.queued() == 0 && received < 2 * len
    }

    #[cold]
    fn send_through(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), SendError> {
        let socket = self.attachments.socket;
        self.queue(|connection, env| {
            connection.send_through(env, kind, bytes, |slices| {
                let mut both = [IoSlice::new(&[]); 2];
                for (slot, bytes) in both.iter_mut().zip(slices) {
                    *slot = IoSlice::new(bytes);
                }
                // An error comes up again when the rest is written.
                socket.map_or(0, |socket| socket.write_vectored(&both).unwrap_or(0))
            })
        })
    }
}

impl Attachments<'_> {
    /// Returns the state that the connection shares with its handles. The first call creates it.
    pub(crate) fn handle_state(
        &mut self,
        connection: &Connection,
    ) -> Arc<HandleState<LoopMailbox>> {
        let extras = self.extras.get_or_insert_default();
        let state = extras.handle_state.get_or_insert_with(|| {
            let mailbox = Arc::clone(self.mailbox);
            Arc::new(HandleState::new(mailbox, self.key, connection))
        });
        Arc::clone(state)
    }

    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        let unsupported = || io::Error::from(io::ErrorKind::Unsupported);
        let SocketWire { socket, .. } = self.socket.ok_or_else(unsupported)?;
        socket.peer_addr()?.as_socket().ok_or_else(unsupported)
    }
}
