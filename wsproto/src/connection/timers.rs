//! The times from which deadlines are computed on request. Nothing is armed or cancelled per message.

use core::time::Duration;

use crate::clock::Time;

/// The times from which deadlines are computed.
#[derive(Debug)]
pub(super) struct Timers {
    /// The deadline of the present phase: opening timeout, maximum lifetime or close timeout.
    pub(super) phase_until: Option<Time>,
    /// The time of the last byte from the peer, or of the last resumption of reading.
    pub(super) last_byte_at: Time,
    /// The time of the last message in either direction, or of the last part of one.
    pub(super) last_message_at: Time,
    /// The time of our keepalive ping that awaits a byte from the peer. While the ping is queued, the time of
    /// the last write.
    pub(super) ping_sent_at: Option<Time>,
    /// The time since which bytes are queued and the transport has taken none. `None` if nothing is queued.
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

    /// Sets the deadline of a phase that begins now and may last for `span`.
    pub(super) fn begin_phase(&mut self, now: Time, span: Option<Duration>) {
        self.phase_until = span.map(|span| after(now, span));
    }

    /// Records that bytes came. Any byte is a sign of life, since a pong may have to wait behind a long
    /// message.
    #[inline]
    pub(super) fn byte_received(&mut self, now: Time) {
        self.last_byte_at = now;
        self.ping_sent_at = None;
    }

    /// Restarts the ping, pong and idle timeouts after a time without reading.
    pub(super) fn resume(&mut self, now: Time) {
        self.last_byte_at = now;
        self.last_message_at = now;
        if self.ping_sent_at.is_some() {
            self.ping_sent_at = Some(now);
        }
    }
}

/// Returns the deadline `span` after `from`. It is later than `from` even if `span` is zero.
pub(super) fn after(from: Time, span: Duration) -> Time {
    from + span.max(Duration::from_nanos(1))
}
