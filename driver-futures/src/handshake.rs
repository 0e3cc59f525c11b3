//! Both sides of the opening handshake over a transport.

use std::{
    fmt,
    future::{Future, poll_fn},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use driver_kit::{handshake::HandshakeError, lease::Lease};
use wsproto::{
    Accept, ClientRequest, CloseCode, Config, Connection, Event, Reject, Request, RequestHead,
    ResponseHead, Role, SendError,
};

use crate::{
    clock::Clock,
    engine::Engine,
    poll::{Found, PollMode, Receiving},
    socket::WebSocket,
    transport::Transport,
};

/// Waits for the request on a transport that was just accepted.
///
/// # Errors
/// If no acceptable request comes in time. Every refusal is answered, and this returns when the answer is
/// written and the transport has ended, or the deadline for that has passed.
pub async fn accept<S: Transport, C: Clock>(
    transport: S,
    clock: C,
    config: Arc<Config>,
) -> Result<Upgrade<S, C>, HandshakeError> {
    let mut lease = Lease::take();
    lease.env.set_now(clock.now());
    let connection = Connection::accepting(config, &mut lease.env);
    let mut engine = Engine::new(connection, transport, clock, lease);
    let head = opening_event(&mut engine, |event| match event {
        Event::Request(request) => Some(request.to_head()),
        _ => None,
    })
    .await?;
    engine.release();
    Ok(Upgrade {
        opened: Some(Box::new(Opened { engine, head })),
    })
}

/// Opens a connection on a transport that was just connected.
///
/// # Errors
/// If the server refuses, breaks the protocol, or takes too long.
pub async fn connect<S: Transport, C: Clock>(
    transport: S,
    clock: C,
    config: Arc<Config>,
    request: &ClientRequest<'_>,
) -> Result<(WebSocket<S, C>, ResponseHead), HandshakeError> {
    let mut lease = Lease::take();
    lease.env.set_now(clock.now());
    let connection =
        Connection::connecting(config, request, &mut lease.env).map_err(HandshakeError::Misuse)?;
    complete(connection, transport, clock, lease).await
}

/// Completes a client's opening handshake.
pub(crate) async fn complete<S: Transport, C: Clock>(
    connection: Connection,
    transport: S,
    clock: C,
    lease: Lease,
) -> Result<(WebSocket<S, C>, ResponseHead), HandshakeError> {
    let mut engine = Engine::new(connection, transport, clock, lease);
    let answer = opening_event(&mut engine, |event| match event {
        Event::Open(response) => Some(Ok(response.to_head())),
        Event::Refused(response) => Some(Err(response.to_head())),
        _ => None,
    })
    .await?;
    engine.release();
    match answer {
        Ok(head) => Ok((WebSocket::new(engine), head)),
        Err(head) => Err(HandshakeError::Refused(Box::new(head))),
    }
}

/// Waits for the event that completes the peer's half of the handshake.
async fn opening_event<S: Transport, C: Clock, T>(
    engine: &mut Engine<S, C>,
    mut wanted: impl FnMut(&Event<'_>) -> Option<T>,
) -> Result<T, HandshakeError> {
    poll_fn(|cx| poll_opening_event(engine, cx, &mut wanted)).await
}

fn poll_opening_event<S: Transport, C: Clock, T>(
    engine: &mut Engine<S, C>,
    cx: &mut Context<'_>,
    wanted: &mut impl FnMut(&Event<'_>) -> Option<T>,
) -> Poll<Result<T, HandshakeError>> {
    loop {
        let found = match engine.poll_event(cx, PollMode::LEND) {
            Poll::Ready(found) => found,
            // Nothing or half a request has come: browsers connect ahead of need. A server that shuts down does
            // not wait for the rest.
            Poll::Pending if !engine.has_ended() && engine.clock.shutting_down().is_some() => {
                engine.close(CloseCode::GOING_AWAY, "");
                continue;
            }
            // A server whose response is invalid gets no answer, so there is nothing to wait for.
            Poll::Pending if engine.has_ended() && engine.connection.role() == Role::Client => {
                Found::Over
            }
            Poll::Pending => return Poll::Pending,
        };
        if !matches!(found, Found::Lendable) {
            return Poll::Ready(Err(match engine.take_outcome() {
                Some(outcome) => outcome.error.map_or(
                    HandshakeError::Closed(outcome.closed),
                    HandshakeError::Failed,
                ),
                None => HandshakeError::Misuse(SendError::Closed),
            }));
        }
        match engine.lend_event() {
            Ok(Some(lent)) => {
                if let Some(wanted) = wanted(&lent.event) {
                    return Poll::Ready(Ok(wanted));
                }
            }
            Ok(None) => {}
            // Reported once the answer is written.
            Err(error) => engine.failed(error),
        }
    }
}

/// A request that waits for an answer: [`accept`](Self::accept) or [`reject`](Self::reject) it. A handler may
/// take its time for that, up to [`Config::opening_timeout`].
///
/// If it is dropped without an answer, the request is answered 503, as far as that is possible without waiting.
pub struct Upgrade<S: Transport, C: Clock> {
    /// Some until it is answered. Boxed, because an argument of a handler has its place in the handler's future
    /// until that ends, beside the place of the socket that it becomes.
    opened: Option<Box<Opened<S, C>>>,
}

/// A connection that waits for an answer.
struct Opened<S, C> {
    engine: Engine<S, C>,
    head: RequestHead,
}

impl<S: Transport, C: Clock> Upgrade<S, C> {
    /// The request. If the configuration [surfaces](Config::surface_plain_http) plain HTTP requests, check
    /// [`Request::is_upgrade`].
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        self.opened().head.view()
    }

    /// A copy of the request.
    #[must_use]
    pub fn head(&self) -> RequestHead {
        self.opened().head.clone()
    }

    /// The transport underneath, which knows the peer's address. Reading or writing past the connection would
    /// corrupt it.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.opened().engine.transport
    }

    /// Accepts the request. Messages may be sent at once.
    ///
    /// # Errors
    /// [`HandshakeError::Misuse`] if the answer cannot be written as asked. Then the request is answered 503.
    pub fn accept(
        mut self,
        with: &Accept<'_>,
    ) -> impl Future<Output = Result<WebSocket<S, C>, HandshakeError>> {
        let mut answered = false;
        // Not an async function: its future would have a place for every intermediate value, and so would the
        // handler's future, beside the socket.
        poll_fn(move |cx| {
            if !answered {
                self.answer(|connection, env| connection.accept(env, with))?;
                answered = true;
            }
            if let Some(Opened { engine, .. }) = self.opened.as_deref_mut() {
                // If the client is gone, the socket reports it; messages that came before can still be received.
                ready!(engine.poll_until(cx, Receiving::Keep, None, Engine::is_flushed));
            }
            let Some(opened) = self.opened.take() else {
                return Poll::Ready(Err(HandshakeError::Misuse(SendError::NoRequest)));
            };
            Poll::Ready(Ok(WebSocket::new(opened.engine)))
        })
    }

    /// Answers without opening a connection: a refusal, a redirect, or the response to a plain HTTP request.
    /// Returns when the answer is written and the transport has ended, or the deadline for that has passed.
    ///
    /// # Errors
    /// [`HandshakeError::Misuse`] if the answer cannot be written as asked. Then the request is answered 503.
    pub async fn reject(mut self, with: &Reject<'_>) -> Result<(), HandshakeError> {
        self.answer(|connection, env| connection.reject(env, with))?;
        if let Some(mut opened) = self.opened.take() {
            poll_fn(|cx| {
                opened
                    .engine
                    .poll_until(cx, Receiving::Discard, None, Engine::is_over)
            })
            .await;
        }
        Ok(())
    }

    fn opened(&self) -> &Opened<S, C> {
        match &self.opened {
            Some(opened) => opened,
            None => unreachable!("the answer takes the request along"),
        }
    }

    fn answer(
        &mut self,
        answer: impl FnOnce(&mut Connection, &mut wsproto::Env) -> Result<(), SendError>,
    ) -> Result<(), HandshakeError> {
        let Some(Opened { engine, .. }) = self.opened.as_deref_mut() else {
            return Ok(());
        };
        engine.queue(answer).map_err(HandshakeError::Misuse)
    }
}

impl<S: Transport, C: Clock> Drop for Upgrade<S, C> {
    fn drop(&mut self) {
        let unavailable = Reject::new(503).body(b"the request was not answered\n");
        if self.opened.is_some()
            && self
                .answer(|connection, env| connection.reject(env, &unavailable))
                .is_ok()
            && let Some(Opened { engine, .. }) = self.opened.as_deref_mut()
        {
            // A socket that was just accepted takes a short answer at once.
            let mut cx = Context::from_waker(Waker::noop());
            let _ = engine.poll_until(&mut cx, Receiving::Discard, None, Engine::is_over);
        }
    }
}

impl<S: Transport, C: Clock> fmt::Debug for Upgrade<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("request", &self.opened().head)
            .finish_non_exhaustive()
    }
}
