//! Counts and latencies of a run.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{
    fault::Fault,
    report::{Latency, Messages},
    slices::Slices,
};

/// Counters of a run.
#[derive(Debug)]
pub(super) struct Tally {
    /// Start and end of the measurement, in nanoseconds.
    pub(super) begin: u64,
    pub(super) end: u64,
    /// Messages sent or due, in total.
    pub(super) sent: u64,
    /// Messages answered, in total.
    pub(super) received: u64,
    /// Messages without an answer because their connection was given up.
    pub(super) lost: u64,
    /// Time of the last answer.
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

    /// Counts `n` messages that were due at `due` and are sent now.
    pub(super) fn sent(&mut self, n: u32, due: u64, now: u64) {
        self.sent += u64::from(n);
        if self.is_measured(due) {
            self.sent_in_window += u64::from(n);
            self.late.saturating_record_n(now - due, u64::from(n));
        }
    }

    /// Counts `n` answers to messages that were due at `due`.
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

    /// Counts payload bytes received.
    pub(super) fn bytes(&mut self, n: u64, now: u64) {
        if self.is_measured(now) {
            self.bytes_in_window += n;
        }
    }

    /// Counts a connection that was given up, with its messages in flight.
    pub(super) fn failed(&mut self, fault: Fault, in_flight: u64) {
        self.lost += in_flight;
        *self.faults.entry(fault.to_string()).or_default() += 1;
    }

    /// Returns the number of messages in flight.
    pub(super) const fn in_flight(&self) -> u64 {
        self.sent - self.received - self.lost
    }

    /// The latencies so far.
    pub(super) fn latency(&self) -> Latency {
        Latency::of(&self.latency)
    }

    /// The 99th percentile of each time slice.
    pub(super) fn p99s(&self) -> Latency {
        self.slices.p99s()
    }

    /// Counts a broadcast from `start` that has reached every connection.
    pub(super) fn round(&mut self, start: u64, now: u64) {
        if self.is_measured(start) {
            self.rounds.saturating_record(now - start);
        }
    }

    /// The times until every connection had received a broadcast.
    pub(super) fn rounds(&self) -> Latency {
        Latency::of(&self.rounds)
    }

    /// The delays with which messages were sent.
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
