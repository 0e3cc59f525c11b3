//! What an application does about its connections.

use wsproto::{Binary, Cause, Chunk, Closed, Kind, Message, Request, Response, Text};

use crate::{ConnectError, Context, Upgrade};

/// An application: what to do when something happens on a connection.
///
/// All loops share one handler, and each connection has a state of its own, kept beside it without an
/// allocation. The callbacks of a connection are called one after the other, on its loop: whoever blocks
/// in one keeps all the loop's connections waiting. Payloads lie in the loop's read buffer and are lent for
/// the call.
///
/// [`on_open`](Self::on_open) and [`on_close`](Self::on_close) come in pairs. A callback that panics has
/// its connection closed with 1011; others do not notice, and of its own callbacks only `on_close`
/// is still called.
///
/// ```
/// use driver_mio::{Context, Handler, MessageRef};
///
/// struct Echo;
///
/// impl Handler for Echo {
///     type State = ();
///
///     fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
///         // If it fails, the connection is closing, and the peer expects nothing any more.
///         let _ = connection.send(message);
///     }
/// }
/// ```
#[expect(
    unused_variables,
    reason = "the defaults do nothing with their arguments"
)]
pub trait Handler: Send + Sync + 'static {
    /// What the application keeps for each connection, from its beginning to its end.
    type State: Default + Send + 'static;

    /// Server: a request is in. Answer it now, or [later](Upgrade::later); dropped without an answer, it
    /// is answered 503. The default accepts.
    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, state: &mut Self::State) {
        // What was asked for without further wishes can always be accepted.
        let _ = upgrade.accept(&wsproto::Accept::new());
    }

    /// Client: the server has agreed, and [`on_open`](Self::on_open) follows.
    fn on_response(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        response: &Response<'_>,
    ) {
    }

    /// Client: no connection came about.
    fn on_connect_failed(&self, state: Self::State, error: ConnectError) {}

    /// Messages may be sent from here on.
    fn on_open(&self, connection: &mut Context<'_>, state: &mut Self::State) {}

    /// A message is in.
    fn on_message(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        message: MessageRef<'_>,
    ) {
    }

    /// A part of a message is in, with [`Delivery::Chunks`](wsproto::Delivery::Chunks).
    fn on_chunk(&self, connection: &mut Context<'_>, state: &mut Self::State, chunk: Chunk<'_>) {}

    /// A ping is in. Its pong is queued already, unless the configuration leaves that to the application.
    fn on_ping(&self, connection: &mut Context<'_>, state: &mut Self::State, payload: &[u8]) {}

    /// A pong is in, asked for or not.
    fn on_pong(&self, connection: &mut Context<'_>, state: &mut Self::State, payload: &[u8]) {}

    /// The outgoing queue was [high](wsproto::Config::queue_high) and is [low](wsproto::Config::queue_low)
    /// again.
    fn on_drained(&self, connection: &mut Context<'_>, state: &mut Self::State) {}

    /// The moment of [`Context::set_deadline`] has come.
    fn on_deadline(&self, connection: &mut Context<'_>, state: &mut Self::State) {}

    /// The connection has ended: nothing is received and nothing can be sent any more. If the peer is to
    /// blame, or a deadline, `cause` tells.
    fn on_close(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        closed: &Closed,
        cause: Option<&Cause>,
    ) {
    }
}

/// A message that is lent, in most cases from the loop's read buffer.
#[derive(Debug)]
pub enum MessageRef<'a> {
    /// A text message.
    Text(Text<'a>),
    /// A binary message; text too, if [`check_utf8`](wsproto::Config::check_utf8) is off.
    Binary(Binary<'a>),
}

impl MessageRef<'_> {
    /// The type that the sender gave the message.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(bytes) => bytes.kind(),
        }
    }

    /// The bytes of the message, text as UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The text of a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The message to keep: moved if it was assembled in memory of its own, else copied.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes.into(),
        }
    }
}

impl<'a> From<&'a str> for MessageRef<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a [u8]> for MessageRef<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Binary(bytes.into())
    }
}

impl<'a> From<&'a Message> for MessageRef<'a> {
    fn from(message: &'a Message) -> Self {
        match message {
            Message::Text(text) => text.as_str().into(),
            Message::Binary(bytes) => bytes.as_slice().into(),
        }
    }
}
