//! The 99th percentile of each time slice of a run.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

use super::report::Latency;

/// Length of a slice, in nanoseconds.
pub(super) const WHILE: u64 = 50_000_000;

/// Number of slices that are kept open: an answer after more than three seconds counts for the oldest
/// of them.
const OPEN: usize = 64;

/// Latencies, grouped by the time when the messages were due.
#[derive(Debug)]
pub(super) struct Slices {
    open: VecDeque<Histogram<u64>>,
    /// The number of the first open slice.
    first: u64,
    /// The percentiles of closed slices.
    p99s: Histogram<u64>,
}

impl Slices {
    pub(super) fn new() -> Self {
        Self {
            open: VecDeque::new(),
            first: 0,
            p99s: histogram(),
        }
    }

    /// Counts `n` answers with `latency` to messages that were due `at` nanoseconds after the start.
    pub(super) fn landed(&mut self, n: u32, at: u64, latency: u64) {
        let number = at / WHILE;
        while self.open.is_empty() || number >= self.first + self.open.len() as u64 {
            if self.open.len() == OPEN
                && let Some(oldest) = self.open.pop_front()
            {
                close(&oldest, &mut self.p99s);
                self.first += 1;
            }
            self.open.push_back(histogram());
        }
        let index = number.saturating_sub(self.first) as usize;
        self.open[index].saturating_record_n(latency, u64::from(n));
    }

    /// Returns the distribution of the 99th percentiles.
    pub(super) fn p99s(&self) -> Latency {
        let mut p99s = self.p99s.clone();
        for slice in &self.open {
            close(slice, &mut p99s);
        }
        Latency::of(&p99s)
    }
}

fn close(slice: &Histogram<u64>, p99s: &mut Histogram<u64>) {
    if !slice.is_empty() {
        p99s.saturating_record(slice.value_at_quantile(0.99));
    }
}

/// From a microsecond to ten minutes, to 1 %: there are many of these histograms.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1000, 600_000_000_000, 2).expect("these bounds are valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand messages in each slice, one of fifty slower than the others, and in every tenth slice
    /// all of them much slower.
    fn run(whiles: u64) -> Latency {
        let mut slices = Slices::new();
        for n in 0..whiles * 1000 {
            let at = n * WHILE / 1000;
            let latency = match (n / 1000 % 10, n % 50) {
                (9, _) => 5_000_000,
                (_, 0) => 40_000,
                (_, _) => 30_000,
            };
            slices.landed(1, at, latency);
        }
        slices.p99s()
    }

    #[test]
    fn a_few_bad_whiles_do_not_change_the_usual_one() {
        // Few slices are open at any time, and many are closed in the course of the run.
        for whiles in [20, 1000] {
            let p99s = run(whiles);
            assert_eq!(p99s.count, whiles);
            assert!((39_000..41_000).contains(&p99s.p50), "{p99s:?}");
            assert!(p99s.max > 4_900_000, "{p99s:?}");
        }
    }

    #[test]
    fn what_comes_very_late_is_counted_all_the_same() {
        let mut slices = Slices::new();
        slices.landed(1, 1000 * WHILE, 2000);
        slices.landed(1, 0, 9_000_000);
        let p99s = slices.p99s();
        assert_eq!(p99s.count, 2);
        assert!(p99s.min < 3000, "{p99s:?}");
        assert!(p99s.max >= 9_000_000, "{p99s:?}");
    }
}
