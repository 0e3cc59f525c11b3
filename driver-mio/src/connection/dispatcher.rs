//! Dispatches what happens on a connection to the handler, and failures to the observer.

use std::{mem, sync::Arc};

use driver_kit::{connect::ConnectError, handshake::HandshakeError};
use wsproto::{Closed, ClosedBy, Connection, Env, Error, Event, Role};

use super::{
    context::{Attachments, Context, Extras},
    wire::SocketWire,
};
use crate::{
    command::{LoopMailbox, loop_command::LoopCommand},
    event_loop::slab::Key,
    failure::{Failure, Observer},
    handler::Handler,
    message::MessageRef,
    server::{
        answer::unavailable,
        upgrade::{Upgrade, Verdict},
    },
};

/// Calls the handler for the connections of one loop.
pub(crate) struct Dispatcher<'a, H> {
    pub(crate) handler: &'a H,
    pub(crate) observer: &'a Observer,
    pub(crate) mailbox: &'a Arc<LoopMailbox>,
}

/// The part of a connection's life that the handler has been told of.
///
/// `Opening` → `Open` → `Closed`; on a server that answers later, `Opening` → `Asked` → `Opening`. A panic leads from
/// `Open` to `Panicked`, and from the others to `Closed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The handler knows nothing of the connection yet, or its answer to the request is being sent.
    Opening,
    /// The handler has the request, and has left the answer for later.
    Asked,
    /// The handler was told that the connection is open.
    Open,
    /// A callback has panicked. Only the end is still reported.
    Panicked,
    /// Nothing further is reported.
    Closed,
}

/// The connection that something happens on, without its state machine.
pub(crate) struct Target<'a, S> {
    pub(crate) stage: &'a mut Stage,
    pub(crate) state: &'a mut S,
    pub(crate) key: Key,
    pub(crate) extras: &'a mut Option<Box<Extras>>,
    pub(crate) socket: Option<SocketWire<'a>>,
}

impl<H: Handler> Dispatcher<'_, H> {
    /// Calls `on_open`, once.
    pub(crate) fn opened(
        &self,
        target: &mut Target<'_, H::State>,
        connection: &mut Connection,
        env: &mut Env,
    ) {
        if *target.stage == Stage::Opening {
            *target.stage = Stage::Open;
            self.mailbox.counters().opened.add(1);
            if let Some(extras) = target.extras {
                extras.dial_request = None;
            }
            let (mut context, state) = target.context(self.mailbox, connection, env);
            self.handler.on_open(&mut context, state);
        }
    }

    /// Dispatches an event.
    #[inline]
    pub(crate) fn event(
        &self,
        target: &mut Target<'_, H::State>,
        connection: &mut Connection,
        env: &mut Env,
        event: Event<'_>,
    ) {
        let handler = self.handler;
        if *target.stage != Stage::Open {
            return self.rare_event(target, connection, env, event);
        }
        if let Event::Closed(closed) = event {
            return self.ended(target, connection, env, Ok(closed));
        }
        if let Event::Text(_) | Event::Binary(_) | Event::Chunk(_) = event {
            self.mailbox.counters().messages_received.add(1);
        }
        let (mut context, state) = target.context(self.mailbox, connection, env);
        let context = &mut context;
        match event {
            Event::Text(text) => handler.on_message(context, state, MessageRef::Text(text)),
            Event::Binary(bytes) => handler.on_message(context, state, MessageRef::Binary(bytes)),
            Event::Chunk(chunk) => handler.on_chunk(context, state, chunk),
            Event::Ping(payload) => handler.on_ping(context, state, payload),
            Event::Pong(payload) => handler.on_pong(context, state, payload),
            Event::Drained => handler.on_drained(context, state),
            // Events of the opening handshake, which has ended, and of later versions of the core.
            _ => {}
        }
    }

    /// Dispatches an event of a connection that is not open.
    #[cold]
    fn rare_event(
        &self,
        target: &mut Target<'_, H::State>,
        connection: &mut Connection,
        env: &mut Env,
        event: Event<'_>,
    ) {
        match (*target.stage, event) {
            (_, Event::Closed(closed)) => self.ended(target, connection, env, Ok(closed)),
            (Stage::Opening, Event::Request(request)) => {
                let mut verdict = Verdict::None;
                let upgrade = Upgrade {
                    connection,
                    env,
                    attachments: Attachments {
                        key: target.key,
                        mailbox: self.mailbox,
                        extras: target.extras,
                        socket: target.socket,
                    },
                    verdict: &mut verdict,
                };
                self.handler.on_request(&request, upgrade, target.state);
                match verdict {
                    Verdict::None => unavailable(connection, env),
                    Verdict::Answered => {}
                    Verdict::Later => *target.stage = Stage::Asked,
                }
                if connection.is_open() {
                    self.opened(target, connection, env);
                }
            }
            (Stage::Opening, Event::Open(response)) => {
                let (mut context, state) = target.context(self.mailbox, connection, env);
                self.handler.on_response(&mut context, state, &response);
                self.opened(target, connection, env);
            }
            (Stage::Opening, Event::Refused(response)) => {
                let extras = target.extras.get_or_insert_default();
                extras.refusal = Some(Box::new(response.to_head()));
            }
            // After a panic only the end is reported.
            (_, _) => {}
        }
    }

    /// The connection has ended, or failed.
    #[cold]
    pub(crate) fn ended(
        &self,
        target: &mut Target<'_, H::State>,
        connection: &mut Connection,
        env: &mut Env,
        end: Result<Closed, Error>,
    ) {
        if let Some(extras) = target.extras {
            extras.unsent.lost();
            extras.deadline = None;
            if let Some(state) = &extras.handle_state {
                state.close();
            }
        }
        match mem::replace(target.stage, Stage::Closed) {
            Stage::Open | Stage::Panicked => {
                let (closed, cause) = match &end {
                    Ok(closed) => (closed, None),
                    Err(error) => (&error.closed, Some(&error.cause)),
                };
                let (mut context, state) = target.context(self.mailbox, connection, env);
                self.handler.on_close(&mut context, state, closed, cause);
            }
            Stage::Opening | Stage::Asked => self.not_opened(target, connection.role(), end),
            Stage::Closed => {}
        }
    }

    /// The connection has ended before it was open.
    fn not_opened(
        &self,
        target: &mut Target<'_, H::State>,
        role: Role,
        end: Result<Closed, Error>,
    ) {
        let extras = target.extras.as_mut();
        let refusal = extras.and_then(|extras| extras.refusal.take());
        let error = match (refusal, end) {
            (Some(response), _) => HandshakeError::Refused(response),
            (None, Err(error)) => HandshakeError::Failed(error),
            (None, Ok(closed)) => HandshakeError::Closed(closed),
        };
        match (role, error) {
            (Role::Client, error) => self.connect_failed(target, ConnectError::Handshake(error)),
            // A request that the handler has rejected is no failure.
            (Role::Server, HandshakeError::Closed(closed))
                if closed.by == ClosedBy::Application => {}
            (Role::Server, error) => self.observer.report(Failure::Handshake(error)),
        }
    }

    /// A client's handshake has failed. Follows a redirect, if that is wanted; otherwise tells the handler.
    fn connect_failed(&self, target: &mut Target<'_, H::State>, error: ConnectError) {
        let state = mem::take(target.state);
        let extras = target.extras.as_mut();
        let request = extras.and_then(|extras| extras.dial_request.take());
        let Some(mut request) = request else {
            return self.handler.on_connect_failed(state, error);
        };
        match request.plan.redirect(error) {
            Ok(()) => {
                // The loop that this runs on has not ended.
                let _ = LoopCommand::Redirected(request, state).send(self.mailbox);
            }
            Err(error) => self.handler.on_connect_failed(state, error),
        }
    }
}

impl<S> Target<'_, S> {
    fn context<'c>(
        &'c mut self,
        mailbox: &'c Arc<LoopMailbox>,
        connection: &'c mut Connection,
        env: &'c mut Env,
    ) -> (Context<'c>, &'c mut S) {
        let context = Context {
            connection,
            env,
            attachments: Attachments {
                key: self.key,
                mailbox,
                extras: self.extras,
                socket: self.socket,
            },
        };
        (context, self.state)
    }
}
