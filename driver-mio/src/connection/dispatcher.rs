//! Who is told what happens on a connection: the handler, and the observer of failures.

use std::{mem, sync::Arc};

use driver_kit::{connect::ConnectError, handshake::HandshakeError};
use wsproto::{Closed, ClosedBy, Connection, Env, Error, Event, Role};

use crate::{
    Context, Handler, MessageRef, Upgrade,
    command::Mailbox,
    command::loop_command::Errand,
    connection::context::{Extras, Wiring},
    connection::transport::SocketWire,
    event_loop::slab::Key,
    failure::{Failure, Observer},
    server::upgrade::{Verdict, unavailable},
};

/// Who is told.
pub(crate) struct Audience<'a, H> {
    pub(crate) handler: &'a H,
    pub(crate) observer: &'a Observer,
    pub(crate) mailbox: &'a Arc<Mailbox>,
}

/// What the handler knows of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing yet.
    Opening,
    /// Its request, which waits for an answer.
    Asked,
    Open,
    /// It panicked, and is told no more than the end.
    Panicked,
    /// The end.
    Closed,
}

/// The connection of which something is told, but for the state machine.
pub(crate) struct Told<'a, S> {
    pub(crate) stage: &'a mut Stage,
    pub(crate) state: &'a mut S,
    pub(crate) key: Key,
    pub(crate) extras: &'a mut Option<Box<Extras>>,
    pub(crate) socket: Option<SocketWire<'a>>,
}

impl<S: Default + Send + 'static> Told<'_, S> {
    /// The connection is open: the handler is told once.
    pub(crate) fn opened<H: Handler<State = S>>(
        &mut self,
        audience: &Audience<'_, H>,
        connection: &mut Connection,
        env: &mut Env,
    ) {
        if *self.stage == Stage::Opening {
            *self.stage = Stage::Open;
            audience.mailbox.counters().opened.add(1);
            if let Some(extras) = self.extras {
                extras.route = None;
            }
            let (mut context, state) = self.context(audience, connection, env);
            audience.handler.on_open(&mut context, state);
        }
    }

    /// Something has happened.
    #[inline]
    pub(crate) fn event<H: Handler<State = S>>(
        &mut self,
        audience: &Audience<'_, H>,
        connection: &mut Connection,
        env: &mut Env,
        event: Event<'_>,
    ) {
        let handler = audience.handler;
        if *self.stage != Stage::Open {
            return self.rare_event(audience, connection, env, event);
        }
        if let Event::Closed(closed) = event {
            return self.ended(audience, connection, env, Ok(closed));
        }
        if let Event::Text(_) | Event::Binary(_) | Event::Chunk(_) = event {
            audience.mailbox.counters().messages_received.add(1);
        }
        let (mut context, state) = self.context(audience, connection, env);
        let context = &mut context;
        match event {
            Event::Text(text) => handler.on_message(context, state, MessageRef::Text(text)),
            Event::Binary(bytes) => handler.on_message(context, state, MessageRef::Binary(bytes)),
            Event::Chunk(chunk) => handler.on_chunk(context, state, chunk),
            Event::Ping(payload) => handler.on_ping(context, state, payload),
            Event::Pong(payload) => handler.on_pong(context, state, payload),
            Event::Drained => handler.on_drained(context, state),
            // Those of the opening handshake; and events of a later version of the core.
            _ => {}
        }
    }

    /// An event of a connection that is not open.
    #[cold]
    fn rare_event<H: Handler<State = S>>(
        &mut self,
        audience: &Audience<'_, H>,
        connection: &mut Connection,
        env: &mut Env,
        event: Event<'_>,
    ) {
        match (*self.stage, event) {
            (_, Event::Closed(closed)) => self.ended(audience, connection, env, Ok(closed)),
            (Stage::Opening, Event::Request(request)) => {
                let mut verdict = Verdict::None;
                let wiring = Wiring {
                    key: self.key,
                    mailbox: audience.mailbox,
                    extras: self.extras,
                    socket: self.socket,
                };
                let upgrade = Upgrade {
                    connection,
                    env,
                    wiring,
                    verdict: &mut verdict,
                };
                audience.handler.on_request(&request, upgrade, self.state);
                match verdict {
                    Verdict::None => unavailable(connection, env),
                    Verdict::Answered => {}
                    Verdict::Later => *self.stage = Stage::Asked,
                }
                if connection.is_open() {
                    self.opened(audience, connection, env);
                }
            }
            (Stage::Opening, Event::Open(response)) => {
                let (mut context, state) = self.context(audience, connection, env);
                audience.handler.on_response(&mut context, state, &response);
                self.opened(audience, connection, env);
            }
            (Stage::Opening, Event::Refused(response)) => {
                let extras = self.extras.get_or_insert_default();
                extras.refusal = Some(Box::new(response.to_head()));
            }
            // After a panic nothing else is told.
            (_, _) => {}
        }
    }

    /// The connection has ended, or failed.
    #[cold]
    pub(crate) fn ended<H: Handler<State = S>>(
        &mut self,
        audience: &Audience<'_, H>,
        connection: &mut Connection,
        env: &mut Env,
        end: Result<Closed, Error>,
    ) {
        if let Some(extras) = self.extras {
            extras.unsent.lost();
            extras.deadline = None;
            if let Some(line) = &extras.line {
                line.close();
            }
        }
        match mem::replace(self.stage, Stage::Closed) {
            Stage::Open | Stage::Panicked => {
                let (closed, cause) = match &end {
                    Ok(closed) => (closed, None),
                    Err(error) => (&error.closed, Some(&error.cause)),
                };
                let (mut context, state) = self.context(audience, connection, env);
                audience
                    .handler
                    .on_close(&mut context, state, closed, cause);
            }
            Stage::Opening | Stage::Asked => self.not_opened(audience, connection.role(), end),
            Stage::Closed => {}
        }
    }

    /// The connection has ended before it was open.
    fn not_opened<H: Handler<State = S>>(
        &mut self,
        audience: &Audience<'_, H>,
        role: Role,
        end: Result<Closed, Error>,
    ) {
        let refusal = self
            .extras
            .as_mut()
            .and_then(|extras| extras.refusal.take());
        let error = match (refusal, end) {
            (Some(response), _) => HandshakeError::Refused(response),
            (None, Err(error)) => HandshakeError::Failed(error),
            (None, Ok(closed)) => HandshakeError::Closed(closed),
        };
        match (role, error) {
            (Role::Client, error) => {
                let state = mem::take(self.state);
                let error = ConnectError::Handshake(error);
                let route = self.extras.as_mut().and_then(|extras| extras.route.take());
                let Some(mut route) = route else {
                    return audience.handler.on_connect_failed(state, error);
                };
                match route.plan.redirect(error) {
                    // The loop is alive, and will come to it.
                    Ok(()) => drop(Errand::Redirected(route, state).send(audience.mailbox)),
                    Err(error) => audience.handler.on_connect_failed(state, error),
                }
            }
            // What the handler has rejected is no failure.
            (Role::Server, HandshakeError::Closed(closed))
                if closed.by == ClosedBy::Application => {}
            (Role::Server, error) => audience.observer.tell(Failure::Handshake(error)),
        }
    }

    fn context<'c, H>(
        &'c mut self,
        audience: &'c Audience<'_, H>,
        connection: &'c mut Connection,
        env: &'c mut Env,
    ) -> (Context<'c>, &'c mut S) {
        let context = Context {
            connection,
            env,
            wiring: Wiring {
                key: self.key,
                mailbox: audience.mailbox,
                extras: self.extras,
                socket: self.socket,
            },
        };
        (context, self.state)
    }
}
