//! What a driver is to do about a connection: what to write, what to wait for, when to stop.

use crate::{
    clock::Time,
    connection::{Connection, Phase, Transport},
    env::Env,
    queue::Outgoing,
};

/// A driver's whole to-do list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Wants {
    /// Read when there is something, and hand it to [`Connection::next_event`].
    pub read: bool,
    /// Write [`Connection::outgoing`] as soon as the transport takes it.
    pub write: bool,
    /// Shut the transport's writing side, then call [`Connection::handle_shutdown`].
    pub shutdown: bool,
    /// Drop the transport: there is nothing to do any more.
    pub done: bool,
    /// Call [`Connection::next_event`], though nothing was read: time or a write has brought news, or
    /// input that was set aside can go on.
    pub event: bool,
    /// Call [`Connection::handle_timeout`] at that moment, or soon after.
    pub deadline: Option<Time>,
}

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
            self.timers.active = env.now();
        }
        queue.sent(n, &mut env.spare);
        if matches!(self.phase, Phase::Closing | Phase::Ending) {
            // A Close frame behind many bytes is not late for as long as they move.
            self.timers.run(env.now(), self.config.close_timeout);
        }
        if ping_waits && let Some(pinged) = &mut self.timers.pinged {
            // No peer answers a ping that waits behind a long frame.
            *pinged = env.now();
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
    pub(crate) fn queue_emptied(&mut self, env: &mut Env) {
        self.timers.unsent_since = None;
        if let Some(queue) = self.queue.take() {
            env.spare.put_queue(queue);
        }
        self.queue_shrank(env, 0);
    }

    /// Only `left` bytes are queued any more: enough to go on?
    fn queue_shrank(&mut self, env: &Env, left: usize) {
        if self.queue_high && left <= self.config.queue_low {
            self.queue_high = false;
            if self.phase == Phase::Open {
                self.drained = true;
            }
            if self.config.pause_when_high {
                self.timers.resume(env.now());
            }
        }
    }

    /// What the driver is to do: the answer to this is its whole job.
    #[must_use]
    pub fn wants(&self) -> Wants {
        let queued = self.queued() > 0;
        let Transport {
            eof,
            lost,
            shut,
            shut_when_sent,
        } = self.transport;
        let mut wants = Wants {
            write: queued && !lost,
            event: self.has_news(),
            deadline: self.next_deadline(),
            ..Wants::default()
        };
        match self.phase {
            Phase::Opening | Phase::Open | Phase::Closing => wants.read = !eof && self.reads(),
            Phase::Ending => {
                // 7.1.1: bytes that nobody reads would make the transport a reset, which can destroy
                // what was sent last. So they are read, and dropped, until the peer has ended its side.
                wants.read = !eof;
                wants.shutdown = !queued && shut_when_sent && !shut && !lost;
                wants.done = lost || (eof && !queued && !wants.shutdown);
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
    pub(crate) fn reads(&self) -> bool {
        !self.holds_back() && !self.answer_is_due()
    }

    /// Whether input is to wait: the application has [paused](Self::pause), or the outgoing queue is high
    /// and [`pause_when_high`](crate::Config::pause_when_high) is set. [`next_event`](Self::next_event) still
    /// reports what it is given; a driver that wants no more of it [sets aside](Self::set_aside) the rest.
    #[must_use]
    #[inline]
    pub fn holds_back(&self) -> bool {
        self.paused || (self.queue_high && self.config.pause_when_high)
    }

    /// Whether the application has a request that it has not answered.
    pub(crate) fn answer_is_due(&self) -> bool {
        self.opening
            .as_ref()
            .is_some_and(|opening| opening.awaits_answer())
    }

    /// Whether there is something to report for which nothing has to be read.
    fn has_news(&self) -> bool {
        let end = match self.phase {
            Phase::Opening | Phase::Open | Phase::Closing => self.end_is_due(),
            Phase::Ending | Phase::Over => false,
        };
        let aside = self.has_input_aside();
        self.drained || self.notice.is_some() || ((end || aside) && !self.holds_back())
    }
}
