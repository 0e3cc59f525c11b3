//! The moments that deadlines count from. Nothing is armed or cancelled per message: the deadlines are
//! computed from these when asked.

use core::time::Duration;

use crate::clock::Time;

/// When things happened that deadlines count from.
#[derive(Debug)]
pub(super) struct Timers {
    /// When the present phase must be over: opening, lifetime, closing or ending.
    pub(super) phase_until: Option<Time>,
    /// When the peer last sent a byte, or reading resumed.
    pub(super) last_byte_at: Time,
    /// When a message last passed, in either direction.
    pub(super) last_message_at: Time,
    /// When our ping went out that waits for a byte from the peer; while the ping is queued, when the queue
    /// last moved.
    pub(super) ping_sent_at: Option<Time>,
    /// Since when bytes are queued of which the transport has taken none.
    pub(super) unsent_since: Option<Time>,
}

impl Timers {
    pub(super) const fn new(now: Time) -> Self {
        Self {
            phase_until: None,
            last_byte_at: now,
            last_message_at: now,
            ping_sent_at: None,
            unsent_since: None,
        }
    }

    /// Begins a phase that may last for `span`.
    pub(super) fn begin_phase(&mut self, now: Time, span: Option<Duration>) {
        self.phase_until = span.map(|span| after(now, span));
    }

    /// Records that bytes came. Any byte is a sign of life: a pong may have to wait behind a long message.
    #[inline]
    pub(super) fn byte_received(&mut self, now: Time) {
        self.last_byte_at = now;
        self.ping_sent_at = None;
    }

    /// Restarts the clocks that the peer's silence runs, after a time in which we did not read.
    pub(super) fn resume(&mut self, now: Time) {
        self.last_byte_at = now;
        self.last_message_at = now;
        if self.ping_sent_at.is_some() {
            self.ping_sent_at = Some(now);
        }
    }
}

/// A deadline `span` after `from`. It is always later than `from`, however short the span was configured.
pub(super) fn after(from: Time, span: Duration) -> Time {
    from + span.max(Duration::from_nanos(1))
}
