//! Connections on their loop: they are taken in, served and removed.

use std::{
    io, mem,
    os::fd::AsRawFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use driver_kit::{connect::ConnectError, lease::Leased, wheel::Wheel};
use mio::{Token, unix::SourceFd};
use wsproto::{Connection, Time};

use super::{
    EventLoop,
    timer::{Coarse, Packed, Timer},
};
use crate::{
    connection::{
        adopt::{Stream, StreamKind},
        context::Extras,
        slot::Slot,
        transport::{INTEREST, Notifier, Registration},
    },
    failure::panicked,
    handler::Handler,
};

impl<H: Handler> EventLoop<H> {
    /// Takes a connection in, with bytes that were `received` from the stream already.
    pub(super) fn insert(
        &mut self,
        connection: Connection,
        stream: Stream,
        received: &[u8],
        state: H::State,
    ) -> io::Result<()> {
        let key = self.connections.next_key();
        let token = Token(key.index as usize);
        let registry = self.poll.registry();
        let mut slot = match stream.0 {
            StreamKind::Socket(socket) => {
                registry.register(&mut SourceFd(&socket.as_raw_fd()), token, INTEREST)?;
                Slot::new(connection, Some(socket), None, state)
            }
            StreamKind::Other(mut transport) => {
                let mailbox = Arc::clone(&self.mailbox);
                transport.register(Registration {
                    registry,
                    token,
                    notifier: Notifier::new(mailbox, key),
                })?;
                let extras = Extras {
                    transport: Some(transport),
                    ..Extras::default()
                };
                Slot::new(connection, None, Some(Box::new(extras)), state)
            }
        };
        let Leased { env, input, .. } = &mut *self.lease;
        let mut received = received;
        while !received.is_empty() {
            let spare = input.spare();
            let len = received.len().min(spare.len());
            spare[..len].copy_from_slice(&received[..len]);
            input.filled(len);
            slot.connection.set_aside(env, input);
            received = &received[len..];
        }
        self.insert_slot(slot);
        Ok(())
    }

    /// Takes a connection in whose socket is registered with the poller already.
    pub(super) fn insert_registered(&mut self, slot: Slot<H::State>) -> io::Result<()> {
        let token = Token(self.connections.next_key().index as usize);
        if let Some(socket) = slot.socket() {
            let registry = self.poll.registry();
            registry.reregister(&mut SourceFd(&socket.as_raw_fd()), token, INTEREST)?;
        }
        self.insert_slot(slot);
        Ok(())
    }

    fn insert_slot(&mut self, slot: Slot<H::State>) {
        let key = self.connections.insert(slot);
        let counters = self.mailbox.counters();
        counters.connections.add(1);
        counters.begun.add(1);
        self.schedule(key.index);
    }

    /// Has a connection served before the loop waits again.
    pub(super) fn schedule(&mut self, index: u32) {
        if let Some((_, slot)) = self.connections.at(index)
            && !mem::replace(&mut slot.scheduled, true)
        {
            self.scheduled.push(index);
        }
    }

    /// Serves the connections that are scheduled now. Those that they schedule have their turn after the next wait.
    pub(super) fn serve_scheduled(&mut self) {
        let mut scheduled = mem::take(&mut self.scheduled);
        for index in scheduled.drain(..) {
            if let Some((_, slot)) = self.connections.at(index) {
                slot.scheduled = false;
                self.serve(index);
            }
        }
        if self.scheduled.is_empty() {
            self.scheduled = scheduled;
        }
    }

    /// Gives a connection its turn.
    pub(super) fn serve(&mut self, index: u32) {
        let Some((key, slot)) = self.connections.at(index) else {
            return;
        };
        let dispatcher = self.shared.dispatcher(&self.mailbox);
        let mut wants = slot.turn(&dispatcher, &mut self.lease, key);
        if wants.shutdown && slot.shut_down() {
            wants = slot.connection.wants();
        }
        if wants.done {
            return self.remove(index);
        }
        slot.count_queued(self.mailbox.counters());
        slot.after_turn();
        if slot.has_more(&wants) && !mem::replace(&mut slot.scheduled, true) {
            self.scheduled.push(index);
        }
        if let Some(deadline) = slot.next_deadline(&wants) {
            arm(&mut self.wheel, slot, index, deadline);
        }
    }

    /// Handles the timer of a connection that has fired.
    pub(super) fn connection_expired(&mut self, index: u32) {
        let Some((key, slot)) = self.connections.at(index) else {
            return;
        };
        slot.timer = None;
        let dispatcher = self.shared.dispatcher(&self.mailbox);
        slot.expired(&dispatcher, &mut self.lease.env, key);
        // Its turn arms the timer anew.
        self.schedule(index);
    }

    fn remove(&mut self, index: u32) {
        if let Some(mut slot) = self.connections.remove(index) {
            slot.discount(self.mailbox.counters());
            if let Some(timer) = slot.timer {
                self.wheel.cancel(timer);
            }
            if let Some(extras) = &slot.extras {
                self.topics.remove(index, &extras.subscriptions);
                if let Some(state) = &extras.handle_state {
                    state.close();
                }
            }
            self.shared.control.remove_connection();
            // Dropping the application's state may panic.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(slot))) {
                self.shared.observer.report(panicked(&*panic));
            }
        }
    }

    /// Tells the handler that a connection could not be established.
    pub(super) fn connect_failed(&self, state: H::State, error: ConnectError) {
        let handler = &self.shared.handler;
        let called = catch_unwind(AssertUnwindSafe(|| handler.on_connect_failed(state, error)));
        if let Err(panic) = called {
            self.shared.observer.report(panicked(&*panic));
        }
    }
}

/// Has a connection's timer fire at its deadline, or before.
#[inline]
fn arm<S>(wheel: &mut Wheel<Packed>, slot: &mut Slot<S>, index: u32, deadline: Time) {
    let coarse = Coarse::new(deadline);
    match slot.timer {
        // Deadlines mostly move away. The deadline is looked at again when the old timer fires.
        Some(_) if coarse.is_not_before(slot.armed) => return,
        Some(timer) => {
            wheel.rearm(timer, deadline.as_nanos());
        }
        None => {
            let timer = Timer::Connection(index).into();
            slot.timer = Some(wheel.arm(deadline.as_nanos(), timer));
        }
    }
    slot.armed = coarse;
}
