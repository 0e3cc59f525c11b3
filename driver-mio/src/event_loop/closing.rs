//! The shutdown of a loop: nothing new begins, connections close in order, and the grace period ends.

use std::mem;

use driver_kit::connect::ConnectError;
use wsproto::CloseCode;

use super::{EventLoop, timer::Timer};
use crate::handler::Handler;

impl<H: Handler> EventLoop<H> {
    /// Closes every connection, and begins nothing new.
    pub(super) fn begin_shutdown(&mut self) {
        if mem::replace(&mut self.closing, true) {
            return;
        }
        self.listeners.clear();
        self.accepting.clear();
        for dial in self.dials.drain() {
            if let Some(timer) = dial.timer {
                self.wheel.cancel(timer);
            }
            self.connect_failed(dial.state, ConnectError::ShutDown);
        }
        for index in self.connections.indices() {
            self.go_away(index);
            self.schedule(index);
        }
        let shutdown = self.shared.control.shutdown();
        if let Some(deadline) = shutdown.and_then(|shutdown| shutdown.deadline) {
            let nanos = self.nanos_at(deadline);
            self.wheel.arm(nanos, Timer::ShutDown.into());
        }
    }

    /// Closes a connection, unless the handler owes its request an answer.
    pub(super) fn go_away(&mut self, index: u32) {
        let shutdown = self.shared.control.shutdown();
        let reason = shutdown.map_or("", |shutdown| &*shutdown.reason);
        if let Some((_, slot)) = self.connections.at(index)
            && !slot.awaits_answer()
        {
            let env = &mut self.lease.env;
            // 7.4.1: 1001 indicates that an endpoint is "going away", such as a server going down.
            slot.connection.close(env, CloseCode::GOING_AWAY, reason);
        }
    }

    /// Drops every connection, at the end of the grace period.
    pub(super) fn drop_all(&mut self) {
        self.dropped += self.connections.len();
        for index in self.connections.indices() {
            if let Some((_, slot)) = self.connections.at(index) {
                slot.abort(&mut self.lease.env);
                self.serve(index);
            }
        }
    }
}
