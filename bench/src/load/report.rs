//! The report of a run, for people ([`Display`](fmt::Display)) and for programs ([`Serialize`]).

use std::{collections::BTreeMap, fmt, time::Duration};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::process::Usage;

/// The report of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Connections, by outcome.
    pub connections: Connections,
    /// Messages in the measured window.
    pub messages: Messages,
    /// Time from sending a message, or in an open loop from when it was due, until its answer arrived;
    /// of messages that were due in the measured window.
    pub latency: Latency,
    /// Delay between the moment when a message was due and the moment when it was sent, which is part
    /// of the latency; in an open loop only. If this is not small compared with the latency, the load
    /// generator was the bottleneck.
    pub late: Option<Latency>,
    /// The 99th percentile of the latency in each slice of 50 ms. The median of these is the usual p99:
    /// occasional pauses of the machine, which show in the [latency](Self::latency), hardly change it.
    pub p99s: Latency,
    /// Time until every connection had received a broadcast message.
    pub rounds: Option<Latency>,
    /// Share of one processor used by the load generator; if it is near 1, the load generator may have
    /// been the bottleneck.
    pub generator_processor: Option<f64>,
    /// Resources used by the watched process.
    pub server: Option<ServerUsage>,
    /// Totals of the bad neighbours in the measured window.
    pub neighbours: Option<Misdeeds>,
    /// Number of connections given up, by reason.
    pub errors: BTreeMap<String, u64>,
}

impl Report {
    /// Returns true if every connection held, and every message was answered.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty() && self.messages.unanswered == 0
    }
}

/// Connections, by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// Connections to be opened.
    pub wanted: usize,
    /// Connections open at the end.
    pub open: usize,
    /// Connections given up.
    pub failed: usize,
}

/// Messages in the measured window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Messages {
    /// Length of the window in seconds.
    pub seconds: f64,
    /// Messages sent, or in an open loop due.
    pub sent: u64,
    /// Messages answered.
    pub received: u64,
    /// Messages never answered, even after the wait at the end.
    pub unanswered: u64,
    /// Messages answered, per second.
    pub per_second: f64,
    /// Payload bytes received, per second.
    pub bytes_per_second: f64,
}

/// A distribution of times in nanoseconds, with three digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Number of values.
    pub count: u64,
    /// Minimum.
    pub min: u64,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p99_9: u64,
    /// Maximum.
    pub max: u64,
}

impl Latency {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            count: histogram.len(),
            min: histogram.min(),
            mean: histogram.mean(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p99_9: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }
}

/// Resources used by the watched process.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ServerUsage {
    /// Processor time per second in the measured window; 1 is one processor.
    pub processor: f64,
    /// Processor time per message, in nanoseconds.
    pub nanos_per_message: f64,
    /// Resident memory in bytes before the first connection.
    pub resident_before: u64,
    /// Resident memory in bytes with all connections open, before the first message.
    pub resident_open: u64,
    /// Resident memory in bytes at the end of the measured window.
    pub resident_after: u64,
    /// Peak resident memory in bytes since all connections were open. If an earlier peak was higher,
    /// the maximum of the other figures.
    pub resident_peak: u64,
}

impl ServerUsage {
    /// Computes the figures for `messages` answered in `elapsed`.
    pub(super) fn new(usages: &[Usage; 4], elapsed: Duration, messages: u64) -> Self {
        let [before, open, begin, end] = usages;
        let processor = (end.processor - begin.processor).as_secs_f64();
        Self {
            processor: processor / elapsed.as_secs_f64(),
            nanos_per_message: processor * 1e9 / messages as f64,
            resident_before: before.resident,
            resident_open: open.resident,
            resident_after: end.resident,
            resident_peak: if end.peak > open.peak {
                end.peak
            } else {
                open.resident.max(begin.resident).max(end.resident)
            },
        }
    }
}

/// Totals of the bad neighbours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misdeeds {
    /// Connections opened.
    pub opened: u64,
    /// Connections ended, whether they had opened or not.
    pub ended: u64,
    /// Bytes written, requests included.
    pub bytes_sent: u64,
    /// Bytes read on open connections.
    pub bytes_received: u64,
}

impl Misdeeds {
    /// Returns the difference from earlier totals.
    pub(super) const fn since(self, before: Self) -> Self {
        Self {
            opened: self.opened - before.opened,
            ended: self.ended - before.ended,
            bytes_sent: self.bytes_sent - before.bytes_sent,
            bytes_received: self.bytes_received - before.bytes_received,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Connections {
            wanted,
            open,
            failed,
        } = self.connections;
        writeln!(f, "connections  {open} of {wanted} open, {failed} failed")?;
        let messages = &self.messages;
        writeln!(
            f,
            "messages     {} sent, {} answered in {:.3} s, {} never",
            messages.sent, messages.received, messages.seconds, messages.unanswered
        )?;
        writeln!(
            f,
            "throughput   {:.0} messages/s, {:.1} MiB/s of payload each way",
            messages.per_second,
            messages.bytes_per_second / f64::from(1 << 20)
        )?;
        writeln!(f, "latency      {}", self.latency)?;
        writeln!(
            f,
            "p99          {:.1?} in half of the {} slices of 50 ms, {:.1?} in the worst",
            Duration::from_nanos(self.p99s.p50),
            self.p99s.count,
            Duration::from_nanos(self.p99s.max)
        )?;
        if let Some(late) = &self.late {
            writeln!(f, "sent late    {late}")?;
        }
        if let Some(rounds) = &self.rounds {
            writeln!(f, "broadcasts   {}: {rounds}", rounds.count)?;
        }
        if let Some(processor) = self.generator_processor {
            writeln!(f, "generator    {:.0} % of a processor", processor * 100.0)?;
        }
        if let Some(server) = &self.server {
            writeln!(
                f,
                "server       {:.0} % of a processor, {:.0} ns per message; resident {} KiB before, {} KiB with all connections, {} KiB at the end",
                server.processor * 100.0,
                server.nanos_per_message,
                server.resident_before >> 10,
                server.resident_open >> 10,
                server.resident_after >> 10
            )?;
        }
        if let Some(misdeeds) = &self.neighbours {
            writeln!(
                f,
                "neighbours   {} opened, {} ended, {:.1} MiB/s sent, {:.1} MiB/s read",
                misdeeds.opened,
                misdeeds.ended,
                misdeeds.bytes_sent as f64 / f64::from(1 << 20) / messages.seconds,
                misdeeds.bytes_received as f64 / f64::from(1 << 20) / messages.seconds
            )?;
        }
        for (error, count) in &self.errors {
            writeln!(f, "error        {count} × {error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, p99_9, max] =
            [self.p50, self.p90, self.p99, self.p99_9, self.max].map(Duration::from_nanos);
        write!(
            f,
            "p50 {p50:.1?}, p90 {p90:.1?}, p99 {p99:.1?}, p99.9 {p99_9:.1?}, max {max:.1?}"
        )
    }
}
