//! What to do when accepting a connection fails: a server must neither spin nor stop.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Connections that the kernel keeps ready while nobody accepts them. Less, and a burst of clients waits
/// for retries of a second and more.
pub const BACKLOG: u32 = 1024;

/// Decides what a failed `accept` means, and how long to pause.
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

/// What to do after a failed `accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// It concerned that one connection only: accept the next.
    Retry,
    /// The system lacks descriptors or memory: that connection is still waiting, try after a pause.
    Pause(Duration),
}

impl Failures {
    /// A connection was accepted: pauses are short again.
    pub const fn accepted(&mut self) {
        self.in_a_row = 0;
    }

    /// An `accept` failed.
    pub fn failed(&mut self, error: &io::Error) -> AfterFailure {
        let kind = error.kind();
        if matches!(
            kind,
            ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
        ) {
            return AfterFailure::Retry;
        }
        // Out of descriptors (EMFILE, ENFILE) or memory, or something nobody has thought of: at once
        // it would fail again, and a listener that gives up is worse than one that tries.
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
