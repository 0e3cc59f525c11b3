//! The application's callbacks.

use wsproto::{Cause, Chunk, Closed, Request, Response};

use crate::{ConnectError, Context, Upgrade, message::MessageRef};

/// An application: callbacks for everything that happens on its connections.
///
/// All loops share one handler. Each connection has a state of its own, stored beside it without an
/// allocation. The callbacks of a connection are called one after the other, on its loop: a callback that
/// blocks keeps all the loop's connections waiting. Payloads lie in the loop's read buffer and are lent for
/// the call.
///
/// [`on_open`](Self::on_open) and [`on_close`](Self::on_close) come in pairs. If a callback panics, its
/// connection is closed with 1011, and of its callbacks only `on_close` is still called. Other connections
/// are not affected.
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
///         // An error means that the connection is closing: the peer does not expect an answer any more.
///         let _ = connection.send(message);
///     }
/// }
/// ```
#[expect(
    unused_variables,
    reason = "the defaults do nothing with their arguments"
)]
pub trait Handler: Send + Sync + 'static {
    /// State of the application for each connection, from its beginning to its end.
    type State: Default + Send + 'static;

    /// Server: a request has come in. Answer it now, or [later](Upgrade::later); an `upgrade` that is dropped without
    /// an answer is answered 503. The default accepts.
    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, state: &mut Self::State) {
        // A request to upgrade can always be accepted without further wishes.
        let _ = upgrade.accept(&wsproto::Accept::new());
    }

    /// Client: the server has accepted. [`on_open`](Self::on_open) follows.
    fn on_response(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        response: &Response<'_>,
    ) {
    }

    /// Client: the connection could not be established.
    fn on_connect_failed(&self, state: Self::State, error: ConnectError) {}

    /// The connection is open. Messages may be sent from here on.
    fn on_open(&self, connection: &mut Context<'_>, state: &mut Self::State) {}

    /// A message has come in.
    fn on_message(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        message: MessageRef<'_>,
    ) {
    }

    /// A part of a message has come in. Only with [`Delivery::Chunks`](wsproto::Delivery::Chunks).
    fn on_chunk(&self, connection: &mut Context<'_>, state: &mut Self::State, chunk: Chunk<'_>) {}

    /// A ping has come in. Its pong is queued already, unless
    /// [`answer_pings`](wsproto::Config::answer_pings) is off.
    fn on_ping(&self, connection: &mut Context<'_>, state: &mut Self::State, payload: &[u8]) {}

    /// A pong has come in, solicited or not.
    fn on_pong(&self, connection: &mut Context<'_>, state: &mut Self::State, payload: &[u8]) {}

    /// The outgoing queue was [high](wsproto::Config::queue_high) and is [low](wsproto::Config::queue_low)
    /// again.
    fn on_drained(&self, connection: &mut Context<'_>, state: &mut Self::State) {}

    /// The deadline of [`Context::set_deadline`] has passed.
    fn on_deadline(&self, connection: &mut Context<'_>, state: &mut Self::State) {}

    /// The connection has ended: nothing further is received or can be sent. `cause` is there if the peer
    /// or a deadline is to blame.
    fn on_close(
        &self,
        connection: &mut Context<'_>,
        state: &mut Self::State,
        closed: &Closed,
        cause: Option<&Cause>,
    ) {
    }
}
