//! Live figures on a terminal.

use std::{ops::ControlFlow, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use super::generator::{Observe, Snapshot, Stage};

/// A status line on standard error with the latest figures; empty if standard error is not a terminal.
#[derive(Debug)]
pub struct Progress {
    line: ProgressBar,
}

impl Progress {
    /// Creates an empty line.
    #[must_use]
    pub fn new() -> Self {
        let line = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}") {
            line.set_style(style);
        }
        Self { line }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// Removes the line.
impl Drop for Progress {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}

impl Observe for Progress {
    fn tick(&mut self, snapshot: &Snapshot) -> ControlFlow<()> {
        let Snapshot {
            stage,
            open,
            failed,
            per_second,
            in_flight,
            latency,
        } = snapshot;
        let stage = match stage {
            Stage::Opening => "opening",
            Stage::WarmUp => "warming up",
            Stage::Measuring => "measuring",
            Stage::Draining => "waiting for answers",
        };
        let [p50, p99, max] = [latency.p50, latency.p99, latency.max].map(Duration::from_nanos);
        self.line.set_message(format!(
            "{stage}: {open} open, {failed} failed, {per_second:.0} messages/s, {in_flight} in flight, \
             p50 {p50:.1?}, p99 {p99:.1?}, max {max:.1?}"
        ));
        self.line.tick();
        ControlFlow::Continue(())
    }
}
