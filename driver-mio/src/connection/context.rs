//! What a callback can do with its connection.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use wsproto::{
    CloseCode, Compress, Connection, Env, Kind, Message, Prepared, ResponseHead, Role, SendError,
    Time,
};

use crate::{
    Handle, MessageRef,
    broadcast::topics::Subscriptions,
    client::dials::Route,
    command::{Command, Mailbox},
    connection::transport::{SocketWire, Transport},
    event_loop::slab::Key,
    handle::completion::{Completion, Unsent},
    handle::state::Line,
};

/// From this length on, a message is offered to the socket where it lies, instead of being copied to the
/// queue first.
const WORTH_A_WRITE: usize = 32 << 10;

/// A connection, in a callback of the [`Handler`](crate::Handler).
///
/// What is sent here leaves when everything that has come is handled, with all other frames in one
/// write. A message of 32 KiB and more is offered to the socket at once, unless more than one such message
/// came in one go.
///
/// Nothing here waits. What the peer does not take is queued, up to
/// [`queue_limit`](wsproto::Config::queue_limit); a server that answers in callbacks sets
/// [`pause_when_high`](wsproto::Config::pause_when_high), so that a peer that does not read its answers is
/// not read either.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) env: &'a mut Env,
    pub(crate) wiring: Wiring<'a>,
}

/// What a connection is connected to.
#[derive(Debug)]
pub(crate) struct Wiring<'a> {
    pub(crate) key: Key,
    pub(crate) mailbox: &'a Arc<Mailbox>,
    pub(crate) extras: &'a mut Option<Box<Extras>>,
    /// The socket, unless it runs over something else.
    pub(crate) socket: Option<SocketWire<'a>>,
}

/// What only few connections have, or only at times.
#[derive(Default)]
pub(crate) struct Extras {
    /// What the connection runs over instead of a socket.
    pub(crate) transport: Option<Box<dyn Transport>>,
    pub(crate) line: Option<Arc<Line>>,
    /// When the application wants to be called.
    pub(crate) deadline: Option<Time>,
    pub(crate) unsent: Unsent,
    pub(crate) subscriptions: Subscriptions,
    /// Client: what the server answered instead of agreeing.
    pub(crate) refusal: Option<Box<ResponseHead>>,
    /// Client: how it came here, if redirects are to be followed.
    pub(crate) route: Option<Box<Route>>,
}

impl std::fmt::Debug for Extras {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
            // Nobody has checked that it is text.
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
        if self.goes_past_the_queue(text.len()) {
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
        if self.goes_past_the_queue(bytes.len()) {
            return self.send_through(Kind::Binary, bytes);
        }
        self.queue(|connection, env| connection.send_binary(env, bytes))
    }

    /// Sends a message that is not needed any more: a long one is moved into the queue, not copied.
    ///
    /// # Errors
    /// See [`Connection::send_text`]. The message is lost then.
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

    /// Sends a message, and says whether it is to be compressed, where that was negotiated.
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

    /// Calls back when everything sent so far has gone to the transport, or will not go there any more.
    pub fn when_sent(&mut self, then: impl FnOnce(Result<(), SendError>) + Send + 'static) {
        self.wait(Completion::new(then));
    }

    /// Starts the closing handshake; see [`Connection::close`].
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        self.connection.close(self.env, code, reason);
    }

    // Receiving.

    /// Stops reading until [`resume`](Self::resume): the peer is slowed down. Nothing further is reported
    /// meanwhile; what has been read already waits.
    pub fn pause(&mut self) {
        self.connection.pause();
    }

    /// Goes on reading after [`pause`](Self::pause).
    pub fn resume(&mut self) {
        self.connection.resume(self.env);
    }

    /// Has [`on_deadline`](crate::Handler::on_deadline) called after that long, once, to a few hundredths
    /// of a second; `None` for not at all. Replaces what was set before.
    pub fn set_deadline(&mut self, after: Option<Duration>) {
        let deadline = after.map(|after| self.env.now() + after);
        if deadline.is_some() || self.wiring.extras.is_some() {
            self.wiring.extras.get_or_insert_default().deadline = deadline;
        }
    }

    // Topics.

    /// Subscribes to a topic: what is [published](crate::Broadcaster::publish) under that name from now on
    /// is sent to this connection, until it unsubscribes or ends. Twice is as good as once.
    pub fn subscribe(&mut self, topic: &str) {
        // On its way behind what was published before. The loop that this is on has not ended.
        let _ = (self.wiring.mailbox).push(Command::Subscribe(self.wiring.key, topic.into()));
    }

    /// Ends the subscription to a topic, if there is one.
    pub fn unsubscribe(&mut self, topic: &str) {
        let _ = (self.wiring.mailbox).push(Command::Unsubscribe(self.wiring.key, topic.into()));
    }

    // What there is to know.

    /// What reaches this connection from any thread.
    pub fn handle(&mut self) -> Handle {
        Handle::new(self.wiring.line(self.connection))
    }

    /// Which end of the connection this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.connection.role()
    }

    /// Bytes in the outgoing queue.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.connection.queued()
    }

    /// The state machine underneath: its configuration, whether it compresses, whether it is open.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        self.connection
    }

    /// Who is at the other end. Asks the system each time.
    ///
    /// # Errors
    /// What the system reports; [`Unsupported`](io::ErrorKind::Unsupported) unless it is an IP socket.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.wiring.peer_addr()
    }

    // For the loop.

    pub(crate) fn wait(&mut self, completion: Completion) {
        if self.connection.queued() == 0 {
            completion.complete(Ok(()));
            return;
        }
        let extras = self.wiring.extras.get_or_insert_default();
        extras.unsent.wait(completion);
    }

    /// Queues a message or a part of one, and counts it; its bytes too, where somebody waits for what was
    /// sent before.
    #[inline]
    pub(crate) fn queue(
        &mut self,
        queue: impl FnOnce(&mut Connection, &mut Env) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let before = self.connection.queued();
        let result = queue(self.connection, self.env);
        if result.is_ok() {
            self.wiring.mailbox.counters().messages_sent.add(1);
        }
        if let Some(extras) = self.wiring.extras {
            let more = self.connection.queued().saturating_sub(before);
            extras.unsent.queued(more);
        }
        result
    }

    /// Whether a message of that length is offered to the socket at once: not where it is one of several
    /// answers to what was read in one go, which leave together for less than the copies cost.
    fn goes_past_the_queue(&self, len: usize) -> bool {
        let received = self.wiring.socket.map_or(0, |wire| wire.received.get());
        len >= WORTH_A_WRITE && self.connection.queued() == 0 && received < 2 * len
    }

    #[cold]
    fn send_through(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), SendError> {
        let socket = self.wiring.socket;
        self.queue(|connection, env| {
            connection.send_through(env, kind, bytes, |slices| {
                let mut both = [IoSlice::new(&[]); 2];
                for (slot, bytes) in both.iter_mut().zip(slices) {
                    *slot = IoSlice::new(bytes);
                }
                // An error is met again when the rest is written.
                socket.map_or(0, |socket| socket.write_vectored(&both).unwrap_or(0))
            })
        })
    }
}

impl Wiring<'_> {
    /// The line to the connection, which is made when it is asked for first.
    pub(crate) fn line(&mut self, connection: &Connection) -> Arc<Line> {
        let extras = self.extras.get_or_insert_default();
        let line = extras.line.get_or_insert_with(|| {
            Arc::new(Line::new(Arc::clone(self.mailbox), self.key, connection))
        });
        Arc::clone(line)
    }

    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        let unsupported = || io::Error::from(io::ErrorKind::Unsupported);
        let SocketWire { socket, .. } = self.socket.ok_or_else(unsupported)?;
        socket.peer_addr()?.as_socket().ok_or_else(unsupported)
    }
}
