//! The timers in a loop's wheel.

use wsproto::Time;

/// The subject of a timer, which fits 32 bits: the wheel keeps one for every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The connection in that place.
    Connection(u32),
    /// The dial in that place.
    Dial(u32),
    /// The listener with that number, which has paused.
    Listener(u32),
    /// The end of the grace period of a shutdown.
    ShutDown,
}

/// A [`Timer`] in 32 bits: the kind in the upper two, the number below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packed(u32);

/// The largest number of a timer. A loop never has as many connections, dials or listeners.
const NUMBER: u32 = (1 << 30) - 1;

impl From<Timer> for Packed {
    fn from(timer: Timer) -> Self {
        Self(match timer {
            Timer::Connection(index) => index,
            Timer::Dial(index) => 1 << 30 | index,
            Timer::Listener(number) => 2 << 30 | number,
            Timer::ShutDown => 3 << 30,
        })
    }
}

impl From<Packed> for Timer {
    fn from(Packed(packed): Packed) -> Self {
        let number = packed & NUMBER;
        match packed >> 30 {
            0 => Self::Connection(number),
            1 => Self::Dial(number),
            2 => Self::Listener(number),
            _ => Self::ShutDown,
        }
    }
}

/// The time when a connection's timer fires, in 32 bits: units of 2^24 ns, a sixtieth of a second, as a serial
/// number that wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coarse(u32);

impl Coarse {
    #[inline]
    pub(crate) const fn new(time: Time) -> Self {
        Self((time.as_nanos() >> 24) as u32)
    }

    /// Returns true if this is after `other`, or about the same time. They must be less than a year apart.
    #[inline]
    pub(crate) const fn is_not_before(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0) < 1 << 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_survives_being_packed() {
        for timer in [
            Timer::Connection(0),
            Timer::Connection(NUMBER),
            Timer::Dial(NUMBER),
            Timer::Listener(7),
            Timer::ShutDown,
        ] {
            assert_eq!(Timer::from(Packed::from(timer)), timer);
        }
    }

    #[test]
    fn moments_are_ordered_across_the_end_of_their_range() {
        let at = |units: u64| Coarse::new(Time::from_nanos(units << 24));
        let wrap = 1 << 32;
        for (earlier, later) in [(0, 0), (5, 6), (wrap - 1, wrap), (wrap - 5, wrap + 5)] {
            assert!(at(later).is_not_before(at(earlier)));
            assert_eq!(at(earlier).is_not_before(at(later)), earlier == later);
        }
    }
}
