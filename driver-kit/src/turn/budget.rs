//! A connection's share of its thread: how much it may read and report before others have their turn.

use wsproto::Time;

/// Reads in one turn, so that a busy connection cannot starve the others of its thread. Long messages are
/// cheap while their bytes are in the processor's cache, so the limit is a few full buffers: two mebibytes.
pub const MAX_READS: usize = 8;

/// Events in one turn. A short message costs more than its bytes do: a read buffer full of empty pings keeps
/// a thread busy for more than a millisecond.
pub const MAX_EVENTS: usize = 1024;

/// The share of its thread that a connection has left: up to [`MAX_READS`] reads within one tick of 1.05 ms,
/// and up to [`MAX_EVENTS`] events.
///
/// A [`Stepper`](super::Stepper) lives for one turn or one poll. The budget outlives it: a task that is polled
/// again at once goes on with what it has left, until it has waited or paused ([`renew`](Self::renew)). A
/// budget takes six bytes, because every idle connection has one.
#[derive(Debug, Clone, Copy, Default)]
pub struct TurnBudget {
    /// Events since the last renewal.
    events: u16,
    /// The tick of the last attempt to read. Ticks wrap after 69 s, so two reads that far apart may look like
    /// reads of one tick; that costs at most one pause too few.
    last_read_tick: u16,
    /// Reads since the last renewal.
    reads: u8,
    drained: bool,
}

impl TurnBudget {
    /// Counts an event that was taken.
    #[inline]
    pub const fn count_event(&mut self) {
        self.events = self.events.saturating_add(1);
    }

    /// Returns true if no further event may be taken before others have had their turn.
    #[must_use]
    #[inline]
    pub const fn is_spent(&self) -> bool {
        self.events as usize >= MAX_EVENTS
    }

    /// Makes the budget whole again, after a pause or a wait.
    #[inline]
    pub const fn renew(&mut self) {
        self.reads = 0;
        self.events = 0;
    }

    /// Returns true if the last read left room in its buffer, and so took everything that there was.
    #[must_use]
    #[inline]
    pub const fn has_drained_transport(&self) -> bool {
        self.drained
    }

    /// Ticks of 1.05 ms between the last attempt to read and `now`, modulo 69 s.
    #[must_use]
    #[inline]
    pub const fn ticks_since_read(&self, now: Time) -> u16 {
        tick(now).wrapping_sub(self.last_read_tick)
    }

    /// Returns true if a read may be made now, and notes the attempt.
    ///
    /// One read is always allowed. Further ones are allowed within the same tick only: a buffer full of pings
    /// keeps a processor as busy as a hundred long messages.
    #[inline]
    pub(super) fn begin_read(&mut self, now: Time) -> bool {
        let now = tick(now);
        let may_read =
            self.reads == 0 || (usize::from(self.reads) < MAX_READS && self.last_read_tick == now);
        if may_read {
            self.last_read_tick = now;
        }
        may_read
    }

    /// Counts a read of `n` bytes into `room` bytes.
    #[inline]
    pub(super) const fn count_read(&mut self, n: usize, room: usize) {
        self.reads = self.reads.saturating_add(1);
        self.drained = n < room;
    }
}

/// A moment in ticks of 2^20 ns.
const fn tick(moment: Time) -> u16 {
    (moment.as_nanos() >> 20) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first moment of a tick.
    fn at(tick: u64) -> Time {
        Time::from_nanos(tick << 20)
    }

    #[test]
    fn an_idle_connection_pays_six_bytes_for_its_budget() {
        assert_eq!(size_of::<TurnBudget>(), 6);
    }

    #[test]
    fn reads_within_a_tick_are_limited_by_number() {
        let mut budget = TurnBudget::default();
        for read in 0..MAX_READS {
            assert!(budget.begin_read(at(7)), "{read}");
            budget.count_read(10, 10);
        }
        assert!(!budget.begin_read(at(7)));
        budget.renew();
        assert!(budget.begin_read(at(7)));
    }

    #[test]
    fn after_a_tick_one_read_is_all_there_is() {
        let mut budget = TurnBudget::default();
        assert!(budget.begin_read(at(7)));
        budget.count_read(10, 10);
        assert!(!budget.begin_read(at(8)));
        budget.renew();
        assert!(budget.begin_read(at(8)));
    }

    #[test]
    fn an_attempt_that_reads_nothing_costs_no_read() {
        let mut budget = TurnBudget::default();
        for tick in 0..100 {
            assert!(budget.begin_read(at(tick)));
        }
    }

    #[test]
    fn events_are_limited_by_number() {
        let mut budget = TurnBudget::default();
        (1..MAX_EVENTS).for_each(|_| budget.count_event());
        assert!(!budget.is_spent());
        budget.count_event();
        assert!(budget.is_spent());
        budget.renew();
        assert!(!budget.is_spent());
    }

    #[test]
    fn a_read_that_leaves_room_has_drained_the_transport() {
        let mut budget = TurnBudget::default();
        assert!(!budget.has_drained_transport());
        budget.count_read(9, 10);
        assert!(budget.has_drained_transport());
        budget.renew();
        assert!(budget.has_drained_transport(), "a pause reads nothing");
        budget.count_read(10, 10);
        assert!(!budget.has_drained_transport());
    }

    #[test]
    fn ticks_since_the_last_read_wrap() {
        let mut budget = TurnBudget::default();
        assert!(budget.begin_read(at(0xffff)));
        assert_eq!(budget.ticks_since_read(at(0x1_0003)), 4);
    }
}
