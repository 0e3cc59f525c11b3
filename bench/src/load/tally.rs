//! Counts and latencies of a run.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{
    fault::Fault,
    report::{Latency, Messages},
    slices::Slices,
};

/// What was counted.
#[derive(Debug)]
pub(super) struct Tally {
    /// The moments between which the run is measured, in nanoseconds.
    pub(super) begin: u64,
    pub(super) end: u64,
    /// Messages that were sent, or were due, in all.
    pub(super) sent: u64,
    /// Messages that were answered, in all.
    pub(super) received: u64,
    /// Messages that no answer can come to, because their connection was given up.
    pub(super) lost: u64,
    /// When the last answer came.
    pub(super) last: u64,
    sent_in_window: u64,
    received_in_window: u64,
    bytes_in_window: u64,
    latency: Histogram<u64>,
    slices: Slices,
    late: Histogram<u64>,
    rounds: Histogram<u64>,
    pub(super) faults: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            begin: u64::MAX,
            end: u64::MAX,
            sent: 0,
            received: 0,
            lost: 0,
            last: 0,
            sent_in_window: 0,
            received_in_window: 0,
            bytes_in_window: 0,
            latency: histogram(),
            slices: Slices::new(),
            late: histogram(),
            rounds: histogram(),
            faults: BTreeMap::new(),
        }
    }

    fn is_measured(&self, moment: u64) -> bool {
        (self.begin..self.end).contains(&moment)
    }

    /// `n` messages leave that were due at `due`, as far as the load generator gets to it.
    pub(super) fn sent(&mut self, n: u32, due: u64, now: u64) {
        self.sent += u64::from(n);
        if self.is_measured(due) {
            self.sent_in_window += u64::from(n);
            self.late.saturating_record_n(now - due, u64::from(n));
        }
    }

    /// `n` messages that were due at `due` were answered.
    pub(super) fn landed(&mut self, n: u32, due: u64, now: u64) {
        self.received += u64::from(n);
        self.last = now;
        if self.is_measured(now) {
            self.received_in_window += u64::from(n);
        }
        if self.is_measured(due) {
            self.latency.saturating_record_n(now - due, u64::from(n));
            self.slices.landed(n, due - self.begin, now - due);
        }
    }

    /// So many bytes of payloads came.
    pub(super) fn bytes(&mut self, n: u64, now: u64) {
        if self.is_measured(now) {
            self.bytes_in_window += n;
        }
    }

    /// A connection was given up with so many messages in flight.
    pub(super) fn failed(&mut self, fault: Fault, in_flight: u64) {
        self.lost += in_flight;
        *self.faults.entry(fault.to_string()).or_default() += 1;
    }

    /// Messages that an answer may come to.
    pub(super) const fn in_flight(&self) -> u64 {
        self.sent - self.received - self.lost
    }

    /// Latencies so far.
    pub(super) fn latency(&self) -> Latency {
        Latency::of(&self.latency)
    }

    /// The 99th percentile of each short while.
    pub(super) fn p99s(&self) -> Latency {
        self.slices.p99s()
    }

    /// What was broadcast at `start` has reached everybody.
    pub(super) fn round(&mut self, start: u64, now: u64) {
        if self.is_measured(start) {
            self.rounds.saturating_record(now - start);
        }
    }

    /// How long it took until everybody had a message.
    pub(super) fn rounds(&self) -> Latency {
        Latency::of(&self.rounds)
    }

    /// How late messages left.
    pub(super) fn late(&self) -> Latency {
        Latency::of(&self.late)
    }

    pub(super) fn messages(&self) -> Messages {
        let seconds = (self.end - self.begin) as f64 / 1e9;
        Messages {
            seconds,
            sent: self.sent_in_window,
            received: self.received_in_window,
            unanswered: self.in_flight() + self.lost,
            per_second: self.received_in_window as f64 / seconds,
            bytes_per_second: self.bytes_in_window as f64 / seconds,
        }
    }
}

/// From 100 ns to 10 minutes with three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(100, 600_000_000_000, 3).expect("these bounds are valid")
}
