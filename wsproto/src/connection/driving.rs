//! The work of a driver for a connection, and backpressure on a peer that sends too fast.

use super::{Backlog, Connection, Phase, Wants, Writing};
use crate::{env::Env, queue::Outgoing};

impl Connection {
    /// Returns the bytes to send, oldest first: slices fit for `IoSlice`, none of them empty.
    #[must_use]
    #[inline]
    pub fn outgoing(&self) -> Outgoing<'_> {
        self.queue
            .as_ref()
            .map_or_else(Outgoing::none, |queue| queue.outgoing())
    }

    /// Returns the number of bytes waiting to be sent: the total length of [`outgoing`](Self::outgoing).
    #[must_use]
    #[inline]
    pub fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len())
    }

    /// Records that the transport took the first `n` bytes of [`outgoing`](Self::outgoing).
    ///
    /// If `n` is more than [`queued`](Self::queued), everything counts as sent.
    #[inline]
    pub fn sent(&mut self, env: &mut Env, n: usize) {
        let Some(queue) = &mut self.queue else { return };
        if n == 0 {
            return;
        }
        let ping_waits = queue.has_control();
        if queue.has_data() {
            // Every write counts as activity, so that a slow message does not hit the idle timeout.
            self.timers.last_message_at = env.now();
        }
        queue.sent(n, &mut env.spare);
        if matches!(self.phase, Phase::Closing | Phase::Ending) {
            // The close timeout starts anew with each write: a Close frame behind many bytes is not late
            // while they move.
            self.timers
                .begin_phase(env.now(), self.config.close_timeout);
        }
        if ping_waits && let Some(sent_at) = &mut self.timers.ping_sent_at {
            // The peer cannot answer a ping that waits behind a long frame.
            *sent_at = env.now();
        }
        match queue.len() {
            0 => self.queue_emptied(env),
            left => {
                self.timers.unsent_since = Some(env.now());
                self.queue_shrank(env, left);
            }
        }
    }

    /// Recycles a queue that is empty and cleared.
    pub(super) fn queue_emptied(&mut self, env: &mut Env) {
        self.timers.unsent_since = None;
        if let Some(queue) = self.queue.take() {
            env.put_queue(queue);
        }
        self.queue_shrank(env, 0);
    }

    /// Handles a queue that has shrunk to `left` bytes: it may have drained.
    fn queue_shrank(&mut self, env: &Env, left: usize) {
        if self.backlog == Backlog::High && left <= self.config.queue_low {
            self.backlog = match self.phase {
                Phase::Open => Backlog::Drained,
                Phase::Opening | Phase::Closing | Phase::Ending | Phase::Over => Backlog::Low,
            };
            if self.config.pause_when_high {
                self.timers.resume(env.now());
            }
        }
    }

    /// Returns the work that the driver has to do next, and what to wait for.
    #[must_use]
    pub fn wants(&self) -> Wants {
        let queued = self.queued() > 0;
        let (ended, lost) = (self.transport.has_ended(), self.transport.is_lost());
        let mut wants = Wants {
            write: queued && !lost,
            event: self.has_pending_event(),
            deadline: self.next_deadline(),
            ..Wants::default()
        };
        match self.phase {
            Phase::Opening | Phase::Open | Phase::Closing => wants.read = !ended && self.reads(),
            Phase::Ending => {
                // 7.1.1: unread bytes would make the operating system reset the transport on close, which can
                // destroy the bytes sent last. So input is read and dropped until the peer has ended its
                // side.
                wants.read = !ended;
                wants.shutdown = !queued && self.transport.writing == Writing::ShutWhenSent;
                wants.done = lost || (ended && !queued && !wants.shutdown);
            }
            Phase::Over => {
                wants = Wants {
                    done: true,
                    event: wants.event,
                    ..Wants::default()
                }
            }
        }
        wants
    }

    /// Returns true if further input may be read.
    pub(super) fn reads(&self) -> bool {
        !self.holds_back() && !self.answer_is_due()
    }

    /// Returns true if input should wait: the application has [paused](Self::pause), or the outgoing queue is
    /// high and [`pause_when_high`](crate::Config::pause_when_high) is set.
    ///
    /// [`next_event`](Self::next_event) still processes any input that it is given. A driver that does not
    /// want its events now [sets the rest aside](Self::set_aside).
    #[must_use]
    #[inline]
    pub fn holds_back(&self) -> bool {
        self.paused || (self.backlog == Backlog::High && self.config.pause_when_high)
    }

    /// Returns true if a request awaits the application's answer.
    pub(super) fn answer_is_due(&self) -> bool {
        self.opening
            .as_ref()
            .is_some_and(|opening| opening.awaits_answer())
    }

    /// Returns true if `next_event` has an event that needs no further bytes from the transport.
    fn has_pending_event(&self) -> bool {
        let end = match self.phase {
            Phase::Opening | Phase::Open | Phase::Closing => self.end_is_due(),
            Phase::Ending | Phase::Over => false,
        };
        let aside = self.has_input_aside();
        self.backlog == Backlog::Drained
            || self.notice.is_some()
            || ((end || aside) && !self.holds_back())
    }
}
