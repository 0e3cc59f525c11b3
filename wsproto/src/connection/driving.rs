//! The work that a connection has for its driver, and the pressure on the peer that is too fast.

use super::{Backlog, Connection, Phase, Wants, Writing};
use crate::{env::Env, queue::Outgoing};

impl Connection {
    /// The bytes to put on the wire, oldest first: one slice per `IoSlice`, none of them empty.
    #[must_use]
    #[inline]
    pub fn outgoing(&self) -> Outgoing<'_> {
        self.queue
            .as_ref()
            .map_or_else(Outgoing::none, |queue| queue.outgoing())
    }

    /// How many bytes [`outgoing`](Self::outgoing) has in all.
    #[must_use]
    #[inline]
    pub fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len())
    }

    /// The transport took the first `n` bytes of [`outgoing`](Self::outgoing); more than there were counts as all.
    #[inline]
    pub fn sent(&mut self, env: &mut Env, n: usize) {
        let Some(queue) = &mut self.queue else { return };
        if n == 0 {
            return;
        }
        let ping_waits = queue.has_control();
        if queue.has_data() {
            // A message that takes long to send is activity all the while.
            self.timers.last_message_at = env.now();
        }
        queue.sent(n, &mut env.spare);
        if matches!(self.phase, Phase::Closing | Phase::Ending) {
            // A Close frame behind many bytes is not late for as long as they move.
            self.timers
                .begin_phase(env.now(), self.config.close_timeout);
        }
        if ping_waits && let Some(sent_at) = &mut self.timers.ping_sent_at {
            // No peer answers a ping that waits behind a long frame.
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

    /// Nothing is queued any more, and the queue is cleared.
    pub(super) fn queue_emptied(&mut self, env: &mut Env) {
        self.timers.unsent_since = None;
        if let Some(queue) = self.queue.take() {
            env.put_queue(queue);
        }
        self.queue_shrank(env, 0);
    }

    /// Only `left` bytes are queued any more: enough to go on?
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

    /// What the driver is to do: the answer to this is its whole job.
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
                // 7.1.1: bytes that nobody reads would make the transport a reset, which can destroy
                // what was sent last. So they are read, and dropped, until the peer has ended its side.
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

    /// Whether the application takes further input.
    pub(super) fn reads(&self) -> bool {
        !self.holds_back() && !self.answer_is_due()
    }

    /// Whether input is to wait: the application has [paused](Self::pause), or the outgoing queue is high
    /// and [`pause_when_high`](crate::Config::pause_when_high) is set. [`next_event`](Self::next_event) still
    /// reports what it is given; a driver that wants no more of it [sets aside](Self::set_aside) the rest.
    #[must_use]
    #[inline]
    pub fn holds_back(&self) -> bool {
        self.paused || (self.backlog == Backlog::High && self.config.pause_when_high)
    }

    /// Whether the application has a request that it has not answered.
    pub(super) fn answer_is_due(&self) -> bool {
        self.opening
            .as_ref()
            .is_some_and(|opening| opening.awaits_answer())
    }

    /// Whether there is something to report for which nothing has to be read.
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
