//! The schedule of the messages of an open loop.

/// Messages that are due at equal intervals, whatever happens to earlier messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// In nanoseconds.
    start: u64,
    nanos_per_message: f64,
    taken: u64,
}

impl Schedule {
    /// Creates a schedule from `start` on, with `rate` messages per second.
    pub(super) fn new(start: u64, rate: f64) -> Self {
        Self {
            start,
            nanos_per_message: 1e9 / rate,
            taken: 0,
        }
    }

    /// Returns the time of the next message, in nanoseconds.
    pub(super) fn next_due(&self) -> u64 {
        self.start + (self.taken as f64 * self.nanos_per_message) as u64
    }

    /// Returns the number of the next message, which is sent now.
    pub(super) const fn take(&mut self) -> u64 {
        self.taken += 1;
        self.taken - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_at_equal_distances() {
        let mut schedule = Schedule::new(500, 4e6);
        for n in 0..1_000_000 {
            assert_eq!(schedule.next_due(), 500 + n * 250);
            assert_eq!(schedule.take(), n);
        }
    }
}
