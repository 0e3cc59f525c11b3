//! Points in time. The core has no clock of its own: the driver passes in the time.

use core::{fmt, num::NonZeroU64, time::Duration};

/// A point in time, counted from an epoch that the driver chooses.
///
/// The resolution is one nanosecond, the range 584 years. Only differences matter, so any monotonic clock
/// serves, such as nanoseconds since the event loop started. `Option<Time>` is as small as `Time`: 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(NonZeroU64);

impl Time {
    /// The epoch itself.
    pub const EPOCH: Self = Self(NonZeroU64::MIN);

    /// Returns the time `nanos` nanoseconds after the epoch. Saturates at the end of the range.
    #[must_use]
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(nanos))
    }

    /// Returns the time `elapsed` after the epoch. Saturates at the end of the range.
    #[must_use]
    #[inline]
    pub fn since_epoch(elapsed: Duration) -> Self {
        Self::EPOCH + elapsed
    }

    /// Returns the nanoseconds since the epoch.
    #[must_use]
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0.get() - 1
    }

    /// Returns the time from `earlier` to `self`, or zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }
}

impl core::ops::Add<Duration> for Time {
    type Output = Self;

    /// Saturates at the end of the range.
    #[inline]
    fn add(self, span: Duration) -> Self {
        // `as_nanos` computes in 128 bits, which is slow for a sum made for every deadline of every turn.
        let nanos = span
            .as_secs()
            .saturating_mul(1_000_000_000)
            .saturating_add(u64::from(span.subsec_nanos()));
        Self(self.0.saturating_add(nanos))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} after the epoch",
            Duration::from_nanos(self.as_nanos())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_costs_nothing() {
        assert_eq!(size_of::<Option<Time>>(), 8);
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let end = Time::from_nanos(u64::MAX);
        assert_eq!(end + Duration::MAX, end);
        assert_eq!(Time::EPOCH.saturating_since(end), Duration::ZERO);
        assert_eq!(Time::from_nanos(5).as_nanos(), 5);
    }
}
