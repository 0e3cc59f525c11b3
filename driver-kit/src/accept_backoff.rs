//! The backoff after a failed accept: a server must neither spin nor stop.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The backlog of a listener: connections that the kernel keeps until they are accepted. With fewer, a burst
/// of clients has to wait a second or more until they try again.
pub const BACKLOG: u32 = 1024;

/// Decides whether to retry a failed `accept` at once, or after which pause.
///
/// ```
/// use std::io;
/// use driver_kit::accept_backoff::{AfterFailure, Failures};
///
/// let mut failures = Failures::default();
/// let aborted = io::Error::from(io::ErrorKind::ConnectionAborted);
/// assert_eq!(failures.failed(&aborted), AfterFailure::Retry);
/// failures.accepted();
/// ```
#[derive(Debug, Default)]
pub struct Failures {
    in_a_row: u32,
}

/// The reaction to a failed `accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Accept the next connection: the failure concerned that one only.
    Retry,
    /// Retry after this pause: the system lacks descriptors or memory, and the connection is still waiting.
    Pause(Duration),
}

impl Failures {
    /// Records that a connection was accepted: the next pause is short again.
    pub const fn accepted(&mut self) {
        self.in_a_row = 0;
    }

    /// Records that an `accept` failed.
    pub fn failed(&mut self, error: &io::Error) -> AfterFailure {
        let kind = error.kind();
        if matches!(
            kind,
            ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
        ) {
            return AfterFailure::Retry;
        }
        // Out of descriptors (EMFILE, ENFILE) or memory, or something unforeseen: an immediate retry would fail
        // again, and a listener that gives up is worse than one that keeps trying.
        let pause = FIRST_PAUSE
            .saturating_mul(1 << self.in_a_row.min(16))
            .min(LONGEST_PAUSE);
        self.in_a_row = self.in_a_row.saturating_add(1);
        AfterFailure::Pause(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second_and_start_again() {
        let mut failures = Failures::default();
        // EMFILE
        let exhausted = io::Error::from_raw_os_error(24);
        let pauses: Vec<_> = (0..10).map(|_| failures.failed(&exhausted)).collect();
        assert_eq!(
            pauses[..3],
            [5, 10, 20].map(|ms| AfterFailure::Pause(Duration::from_millis(ms)))
        );
        assert_eq!(pauses[9], AfterFailure::Pause(LONGEST_PAUSE));
        failures.accepted();
        assert_eq!(
            failures.failed(&exhausted),
            AfterFailure::Pause(FIRST_PAUSE)
        );
    }
}
