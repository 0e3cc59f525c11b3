//! A connection as its loop keeps it, and one turn of it: what happens is told to the handler.

use std::{
    any::Any,
    cell::Cell,
    io::ErrorKind,
    mem,
    net::Shutdown,
    panic::{AssertUnwindSafe, catch_unwind},
};

use driver_kit::{
    lease::Leased,
    turn::{Readable, turn},
    wheel,
};
use socket2::Socket;
use wsproto::{CloseCode, Connection, Env, Input, Time, Wants};

use crate::{
    Handler,
    command::Answer,
    connection::context::{Context, Extras, Wiring},
    connection::dispatcher::{Audience, Stage, Told},
    connection::transport::{SocketWire, Wire},
    event_loop::slab::Key,
    event_loop::timer::Coarse,
    failure::{self, Observer},
    server::upgrade::unavailable,
    stats::Counters,
};

/// Everything that a loop keeps for a connection. There may be a million: what is rare is in
/// [`Extras`].
pub(crate) struct Entry<S> {
    pub(crate) connection: Connection,
    pub(crate) extras: Option<Box<Extras>>,
    /// What the wheel has for it.
    pub(crate) timer: Option<wheel::Key>,
    /// `None` if it runs over something else, which is in the extras.
    socket: Option<Socket>,
    /// When the timer fires, about.
    pub(crate) armed: Coarse,
    stage: Stage,
    /// Bytes of its queue that the loop's figures include.
    counted: u32,
    pub(crate) readable: Readable,
    /// The socket takes nothing until the poller says so.
    pub(crate) blocked: bool,
    /// It is on the loop's list of those that have something to do.
    pub(crate) scheduled: bool,
    pub(crate) state: S,
}

impl<S: Default + Send + 'static> Entry<S> {
    /// Over a socket, or over what is in the extras.
    pub(crate) fn new(
        connection: Connection,
        socket: Option<Socket>,
        extras: Option<Box<Extras>>,
        state: S,
    ) -> Self {
        // Made by somebody else, it is open from the start; the handler is told in its first turn.
        Self {
            connection,
            extras,
            timer: None,
            socket,
            armed: Coarse::new(Time::EPOCH),
            stage: Stage::Opening,
            counted: 0,
            readable: Readable::Yes,
            blocked: false,
            scheduled: false,
            state,
        }
    }

    /// The socket, unless it runs over something else.
    pub(crate) const fn socket(&self) -> Option<&Socket> {
        self.socket.as_ref()
    }

    /// The poller has news of the transport.
    pub(crate) fn news(&mut self, readable: bool, writable: bool, ending: bool) {
        if ending || self.socket.is_none() {
            self.readable = Readable::UntilEnd;
        } else if readable && self.readable == Readable::No {
            self.readable = Readable::Yes;
        }
        self.blocked &= !writable;
    }

    /// Whether the transport would give something if it were read again now.
    pub(crate) fn has_more(&self, wants: &Wants) -> bool {
        wants.event || (wants.read && self.readable != Readable::No)
    }

    /// Ends the writing side of the transport. Whether that is through; if not, it is tried again in the
    /// next turn.
    pub(crate) fn shut(&mut self) -> bool {
        let shut = match (&self.socket, &mut self.extras) {
            (Some(socket), _) => socket.shutdown(Shutdown::Write),
            (None, Some(extras)) => match &mut extras.transport {
                Some(transport) => transport.shutdown(),
                None => Ok(()),
            },
            (None, None) => Ok(()),
        };
        // If it fails otherwise, the transport is gone, and nothing is left to shut.
        let blocks = shut.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        if !blocks {
            self.connection.handle_shutdown();
        }
        !blocks
    }

    /// When time is to be looked at again.
    pub(crate) fn next_deadline(&self, wants: &Wants) -> Option<Time> {
        let own = self.extras.as_ref().and_then(|extras| extras.deadline);
        match (wants.deadline, own) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Whether the handler has a request that it has not answered.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.stage == Stage::Asked
    }

    /// A request that was left for later has its answer.
    pub(crate) fn answered(&mut self, answer: &Answer, env: &mut Env) {
        if self.stage == Stage::Asked {
            self.stage = Stage::Opening;
            answer.give(&mut self.connection, env);
        }
    }

    /// The transport is given up.
    pub(crate) fn lose(&mut self, env: &mut Env) {
        if self.stage == Stage::Asked {
            self.stage = Stage::Opening;
            unavailable(&mut self.connection, env);
        }
        self.readable = Readable::No;
        self.connection.handle_lost(env);
        self.connection.handle_eof(env);
    }

    /// Has the figures of its loop include what is queued now.
    pub(crate) fn count(&mut self, counters: &Counters) {
        let queued = u32::try_from(self.connection.queued()).unwrap_or(u32::MAX);
        let before = mem::replace(&mut self.counted, queued);
        counters
            .bytes_queued
            .change(before as usize, queued as usize);
    }

    /// It is gone from its loop, and so from the figures.
    pub(crate) fn discount(&mut self, counters: &Counters) {
        counters.connections.subtract(1);
        counters.bytes_queued.subtract(self.counted as usize);
    }

    /// Tells those who wait what a turn has come to.
    pub(crate) fn after_turn(&mut self) {
        if let Some(extras) = &mut self.extras {
            let queued = self.connection.queued();
            extras.unsent.left(queued);
            if let Some(line) = &extras.line {
                line.set_queued(queued);
                if !self.connection.is_open() {
                    line.close();
                }
            }
        }
    }

    /// Time has passed: what is due happens.
    pub(crate) fn expired<H: Handler<State = S>>(
        &mut self,
        audience: &Audience<'_, H>,
        env: &mut Env,
        key: Key,
    ) {
        let now = env.now();
        let is_due = |deadline: Option<Time>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.connection.wants().deadline) {
            self.connection.handle_timeout(env);
        }
        let own = self.extras.as_mut().map(|extras| &mut extras.deadline);
        if let Some(deadline) = own
            && is_due(*deadline)
        {
            *deadline = None;
            if self.stage == Stage::Open {
                self.with_context(audience, env, key, |context, state| {
                    audience.handler.on_deadline(context, state);
                });
            }
        }
    }

    /// Calls with what callbacks get, outside of a turn; a panic has the connection closed.
    pub(crate) fn with_context<H: Handler<State = S>>(
        &mut self,
        audience: &Audience<'_, H>,
        env: &mut Env,
        key: Key,
        call: impl FnOnce(&mut Context<'_>, &mut S),
    ) {
        let (blocked, received) = (Cell::new(self.blocked), Cell::new(0));
        let socket = self.socket.as_ref().map(|socket| SocketWire {
            socket,
            blocked: &blocked,
            received: &received,
            counters: audience.mailbox.counters(),
        });
        let (connection, extras) = (&mut self.connection, &mut self.extras);
        let state = &mut self.state;
        let called = catch_unwind(AssertUnwindSafe(|| {
            let wiring = Wiring {
                key,
                mailbox: audience.mailbox,
                extras,
                socket,
            };
            let mut context = Context {
                connection,
                env,
                wiring,
            };
            call(&mut context, state);
        }));
        self.blocked = blocked.get();
        if let Err(panic) = called {
            self.panicked(audience.observer, env, &*panic);
        }
    }

    /// Reads, tells the handler, writes. What the transport reports, the connection knows.
    pub(crate) fn turn<H: Handler<State = S>>(
        &mut self,
        audience: &Audience<'_, H>,
        parts: &mut Leased,
        key: Key,
    ) -> Wants {
        let Leased { env, input, .. } = parts;
        loop {
            match self.try_turn(audience, env, input, key) {
                Ok(wants) => return wants,
                Err(panic) => {
                    // What is left of the input belongs to a connection that is closing.
                    input.clear();
                    self.panicked(audience.observer, env, &*panic);
                }
            }
        }
    }

    fn try_turn<H: Handler<State = S>>(
        &mut self,
        audience: &Audience<'_, H>,
        env: &mut Env,
        input: &mut Input<Box<[u8]>>,
        key: Key,
    ) -> Result<Wants, Box<dyn Any + Send>> {
        let (blocked, received) = (Cell::new(self.blocked), Cell::new(0));
        // The callbacks have the extras meanwhile.
        let mut transport = match &mut self.extras {
            Some(extras) => extras.transport.take(),
            None => None,
        };
        let socket = self.socket.as_ref().map(|socket| SocketWire {
            socket,
            blocked: &blocked,
            received: &received,
            counters: audience.mailbox.counters(),
        });
        let (connection, extras) = (&mut self.connection, &mut self.extras);
        let (state, stage, readable) = (&mut self.state, &mut self.stage, &mut self.readable);
        let turned = catch_unwind(AssertUnwindSafe(|| {
            let mut wire = match (socket, &mut transport) {
                (Some(socket), _) => Wire::Socket(socket),
                (None, Some(transport)) => Wire::Other(&mut **transport),
                (None, None) => unreachable!("there is one or the other"),
            };
            let mut told = Told {
                stage,
                state,
                key,
                extras,
                socket,
            };
            if connection.is_open() {
                told.opened(audience, connection, env);
            }
            turn(
                connection,
                env,
                input,
                &mut wire,
                readable,
                |connection, env, event| match event {
                    Ok(event) => told.event(audience, connection, env, event),
                    Err(error) => told.ended(audience, connection, env, Err(error)),
                },
            )
        }));
        self.blocked = blocked.get();
        if let Some(transport) = transport {
            let extras = self.extras.get_or_insert_default();
            extras.transport = Some(transport);
        }
        Ok(turned?.unwrap_or_else(|_| {
            // What the peer had sent before may still be there.
            self.readable = Readable::UntilEnd;
            self.connection.wants()
        }))
    }

    /// A callback has panicked: the connection ends, and its callbacks with it.
    fn panicked(&mut self, observer: &Observer, env: &mut Env, panic: &(dyn Any + Send)) {
        self.stage = match self.stage {
            Stage::Open => Stage::Panicked,
            Stage::Opening | Stage::Asked | Stage::Panicked | Stage::Closed => Stage::Closed,
        };
        self.connection.close(env, CloseCode::INTERNAL_ERROR, "");
        observer.tell(failure::panicked(panic));
    }
}
