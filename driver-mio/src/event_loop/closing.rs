//! How a loop ends: nothing new begins, what there is closes in order, and patience has an end.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use wsproto::CloseCode;

use crate::{
    ConnectError, Handler, event_loop::EventLoop, event_loop::timer::Timer, failure::panicked,
};

impl<H: Handler> EventLoop<H> {
    /// Closes everything, and begins nothing new.
    pub(crate) fn begin_to_close(&mut self) {
        if mem::replace(&mut self.closing, true) {
            return;
        }
        self.listeners.clear();
        self.accepting.clear();
        for dial in self.dials.drain() {
            if let Some(timer) = dial.timer {
                self.wheel.cancel(timer);
            }
            self.not_connected(dial.state, ConnectError::ShutDown);
        }
        for index in self.connections.indices() {
            self.go_away(index);
            self.schedule(index);
        }
        let deadline = self
            .shared
            .control
            .shutdown()
            .and_then(|order| order.deadline);
        if let Some(deadline) = deadline {
            let patience = deadline.saturating_duration_since(self.epoch);
            let nanos = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
            self.wheel.arm(nanos, Timer::ShutDown.into());
        }
    }

    /// 7.4.1: a server that goes down says 1001.
    pub(crate) fn go_away(&mut self, index: u32) {
        let reason = self
            .shared
            .control
            .shutdown()
            .map_or("", |order| &*order.reason);
        if let Some((_, entry)) = self.connections.at(index)
            && !entry.awaits_answer()
        {
            let env = &mut self.lease.env;
            entry.connection.close(env, CloseCode::GOING_AWAY, reason);
        }
    }

    /// Patience has ended: drops what has not closed.
    pub(crate) fn drop_all(&mut self) {
        self.dropped += self.connections.len();
        for index in self.connections.indices() {
            if let Some((_, entry)) = self.connections.at(index) {
                entry.lose(&mut self.lease.env);
                self.serve(index);
            }
        }
    }

    /// Tells the handler that a connection has not come about.
    pub(crate) fn not_connected(&mut self, state: H::State, error: ConnectError) {
        let handler = &self.shared.handler;
        let told = catch_unwind(AssertUnwindSafe(|| handler.on_connect_failed(state, error)));
        if let Err(panic) = told {
            self.shared.observer.tell(panicked(&*panic));
        }
    }
}
