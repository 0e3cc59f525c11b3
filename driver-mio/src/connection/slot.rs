//! A connection as its loop keeps it, and one turn of it.

use std::{
    any::Any,
    cell::Cell,
    io::ErrorKind,
    mem,
    net::Shutdown,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use driver_kit::{
    lease::Leased,
    turn::{Readable, turn},
    wheel,
};
use socket2::Socket;
use wsproto::{CloseCode, Connection, Env, Input, Time, Wants};

use super::{
    context::{Attachments, Context, Extras},
    dispatcher::{Dispatcher, Stage, Target},
    wire::{SocketWire, Wire},
};
use crate::{
    command::LoopMailbox,
    event_loop::{slab::Key, timer::Coarse},
    failure::{self, Observer},
    handle::state::HandleState,
    handler::Handler,
    server::answer::{Answer, unavailable},
    stats::Counters,
};

/// Everything that a loop keeps for a connection. There may be a million of them, so rare fields are in [`Extras`].
pub(crate) struct Slot<S> {
    pub(crate) connection: Connection,
    pub(crate) extras: Option<Box<Extras>>,
    /// The connection's timer in the loop's wheel.
    pub(crate) timer: Option<wheel::Key>,
    /// `None` if the transport is another, which is in the extras.
    socket: Option<Socket>,
    /// The approximate firing time of the timer.
    pub(crate) armed: Coarse,
    stage: Stage,
    /// Bytes of the connection's queue that the loop's figures include.
    counted: u32,
    pub(crate) readable: Readable,
    /// Writing would block until the poller says otherwise.
    pub(crate) blocked: bool,
    /// The connection is on the loop's list of those to serve before it waits again.
    pub(crate) scheduled: bool,
    pub(crate) state: S,
}

impl<S: Default + Send + 'static> Slot<S> {
    /// Creates a slot for a connection over a socket, or over the transport in the extras.
    pub(crate) fn new(
        connection: Connection,
        socket: Option<Socket>,
        extras: Option<Box<Extras>>,
        state: S,
    ) -> Self {
        // A connection that somebody else has opened is open from the start. The handler is told in its first turn.
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

    /// Returns the socket; `None` if the transport is another.
    pub(crate) const fn socket(&self) -> Option<&Socket> {
        self.socket.as_ref()
    }

    /// Returns the state that the connection shares with its handles, if there are any.
    pub(crate) fn handle_state(&self) -> Option<&Arc<HandleState<LoopMailbox>>> {
        self.extras.as_ref()?.handle_state.as_ref()
    }

    /// Notes an event of the poller for the transport.
    pub(crate) fn note_readiness(&mut self, readable: bool, writable: bool, ending: bool) {
        if ending || self.socket.is_none() {
            self.readable = Readable::UntilEnd;
        } else if readable && self.readable == Readable::No {
            self.readable = Readable::Yes;
        }
        self.blocked &= !writable;
    }

    /// Returns true if another turn may find something to do, though no event of the poller will come.
    pub(crate) fn has_more(&self, wants: &Wants) -> bool {
        wants.event || (wants.read && self.readable != Readable::No)
    }

    /// Ends the writing side of the transport. Returns true if that is done; if it would block, the next turn tries
    /// again.
    pub(crate) fn shut_down(&mut self) -> bool {
        let result = match (&self.socket, &mut self.extras) {
            (Some(socket), _) => socket.shutdown(Shutdown::Write),
            (None, Some(extras)) => match &mut extras.transport {
                Some(transport) => transport.shutdown(),
                None => Ok(()),
            },
            (None, None) => Ok(()),
        };
        // After another error the transport is gone, and there is nothing left to shut down.
        let blocks = result.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        if !blocks {
            self.connection.handle_shutdown();
        }
        !blocks
    }

    /// Returns the earlier of the connection's deadline and the application's.
    pub(crate) fn next_deadline(&self, wants: &Wants) -> Option<Time> {
        let own = self.extras.as_ref().and_then(|extras| extras.deadline);
        match (wants.deadline, own) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Returns true if the handler has a request that it has not answered.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.stage == Stage::Asked
    }

    /// Sends the answer to a request that was left for later, if the request still waits.
    pub(crate) fn answer(&mut self, answer: &Answer, env: &mut Env) {
        if self.stage == Stage::Asked {
            self.stage = Stage::Opening;
            answer.send(&mut self.connection, env);
        }
    }

    /// Gives the transport up. The next turn reports the end.
    pub(crate) fn abort(&mut self, env: &mut Env) {
        if self.stage == Stage::Asked {
            self.stage = Stage::Opening;
            unavailable(&mut self.connection, env);
        }
        self.readable = Readable::No;
        self.connection.handle_lost(env);
        self.connection.handle_eof(env);
    }

    /// Updates the bytes of the queue in the loop's figures.
    pub(crate) fn count_queued(&mut self, counters: &Counters) {
        let queued = u32::try_from(self.connection.queued()).unwrap_or(u32::MAX);
        let before = mem::replace(&mut self.counted, queued);
        counters
            .bytes_queued
            .change(before as usize, queued as usize);
    }

    /// Takes the connection, which was removed, off the loop's figures.
    pub(crate) fn discount(&mut self, counters: &Counters) {
        counters.connections.subtract(1);
        counters.bytes_queued.subtract(self.counted as usize);
    }

    /// Tells senders and handles what a turn has left in the queue.
    pub(crate) fn after_turn(&mut self) {
        if let Some(extras) = &mut self.extras {
            let queued = self.connection.queued();
            extras.unsent.left(queued);
            if let Some(state) = &extras.handle_state {
                state.set_queued(queued);
                if !self.connection.is_open() {
                    state.close();
                }
            }
        }
    }

    /// Handles the deadlines that have passed, of the connection and of the application.
    pub(crate) fn expired<H: Handler<State = S>>(
        &mut self,
        dispatcher: &Dispatcher<'_, H>,
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
                self.with_context(dispatcher, env, key, |context, state| {
                    dispatcher.handler.on_deadline(context, state);
                });
            }
        }
    }

    /// Calls `call` as a callback, outside of a turn. If it panics, the connection is closed.
    pub(crate) fn with_context<H: Handler<State = S>>(
        &mut self,
        dispatcher: &Dispatcher<'_, H>,
        env: &mut Env,
        key: Key,
        call: impl FnOnce(&mut Context<'_>, &mut S),
    ) {
        let (blocked, received) = (Cell::new(self.blocked), Cell::new(0));
        let socket = self.socket.as_ref().map(|socket| SocketWire {
            socket,
            blocked: &blocked,
            received: &received,
            counters: dispatcher.mailbox.counters(),
        });
        let (connection, extras) = (&mut self.connection, &mut self.extras);
        let state = &mut self.state;
        let called = catch_unwind(AssertUnwindSafe(|| {
            let attachments = Attachments {
                key,
                mailbox: dispatcher.mailbox,
                extras,
                socket,
            };
            let mut context = Context {
                connection,
                env,
                attachments,
            };
            call(&mut context, state);
        }));
        self.blocked = blocked.get();
        if let Err(panic) = called {
            self.panicked(dispatcher.observer, env, &*panic);
        }
    }

    /// Reads, dispatches events, writes. Errors of the transport go to the connection.
    pub(crate) fn turn<H: Handler<State = S>>(
        &mut self,
        dispatcher: &Dispatcher<'_, H>,
        leased: &mut Leased,
        key: Key,
    ) -> Wants {
        let Leased { env, input, .. } = leased;
        loop {
            match self.try_turn(dispatcher, env, input, key) {
                Ok(wants) => return wants,
                Err(panic) => {
                    // The connection is closing: the rest of its input is of no use.
                    input.clear();
                    self.panicked(dispatcher.observer, env, &*panic);
                }
            }
        }
    }

    fn try_turn<H: Handler<State = S>>(
        &mut self,
        dispatcher: &Dispatcher<'_, H>,
        env: &mut Env,
        input: &mut Input<Box<[u8]>>,
        key: Key,
    ) -> Result<Wants, Box<dyn Any + Send>> {
        let (blocked, received) = (Cell::new(self.blocked), Cell::new(0));
        // Callbacks borrow the extras meanwhile.
        let mut transport = match &mut self.extras {
            Some(extras) => extras.transport.take(),
            None => None,
        };
        let socket = self.socket.as_ref().map(|socket| SocketWire {
            socket,
            blocked: &blocked,
            received: &received,
            counters: dispatcher.mailbox.counters(),
        });
        let (connection, extras) = (&mut self.connection, &mut self.extras);
        let (state, stage, readable) = (&mut self.state, &mut self.stage, &mut self.readable);
        let turned = catch_unwind(AssertUnwindSafe(|| {
            let mut wire = match (socket, &mut transport) {
                (Some(socket), _) => Wire::Socket(socket),
                (None, Some(transport)) => Wire::Other(&mut **transport),
                (None, None) => unreachable!("a slot has a socket or another transport"),
            };
            let mut target = Target {
                stage,
                state,
                key,
                extras,
                socket,
            };
            if connection.is_open() {
                dispatcher.opened(&mut target, connection, env);
            }
            turn(
                connection,
                env,
                input,
                &mut wire,
                readable,
                |connection, env, event| match event {
                    Ok(event) => dispatcher.event(&mut target, connection, env, event),
                    Err(error) => dispatcher.ended(&mut target, connection, env, Err(error)),
                },
            )
        }));
        self.blocked = blocked.get();
        if let Some(transport) = transport {
            let extras = self.extras.get_or_insert_default();
            extras.transport = Some(transport);
        }
        Ok(turned?.unwrap_or_else(|_| {
            // The queue was dropped. That it is empty does not mean that it was sent.
            if let Some(extras) = &mut self.extras {
                extras.unsent.lost();
            }
            // Bytes that the peer sent before may still be there.
            self.readable = Readable::UntilEnd;
            self.connection.wants()
        }))
    }

    /// Closes the connection after a panic in a callback. Of its callbacks, only that of the end is still called.
    fn panicked(&mut self, observer: &Observer, env: &mut Env, panic: &(dyn Any + Send)) {
        self.stage = match self.stage {
            Stage::Open => Stage::Panicked,
            Stage::Opening | Stage::Asked | Stage::Panicked | Stage::Closed => Stage::Closed,
        };
        self.connection.close(env, CloseCode::INTERNAL_ERROR, "");
        observer.report(failure::panicked(panic));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Together with the generation and the free list of the slab, 8 bytes, this is what an idle connection costs.
    #[test]
    fn a_slot_is_184_bytes_without_the_state_of_the_application() {
        assert_eq!(size_of::<Option<Slot<()>>>(), 184);
    }
}
