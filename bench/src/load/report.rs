//! What came out of a run, for people ([`Display`](fmt::Display)) and for programs
//! ([`Serialize`]).

use std::{collections::BTreeMap, fmt, time::Duration};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::process::Usage;

/// What came out of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// What became of the connections.
    pub connections: Connections,
    /// What was counted while the run was measured.
    pub messages: Messages,
    /// From when a message was sent, or in an open loop was due, until its answer was there; of
    /// messages that were due while the run was measured.
    pub latency: Latency,
    /// How late the load generator itself was in sending, which is part of the latency; in an open loop
    /// only. Where this is not small beside the latency, the load generator was the bottleneck.
    pub late: Option<Latency>,
    /// The 99th percentile of the latency in each 50 ms. Their median is the usual one: a machine that takes
    /// the processor away now and then, which is in the [latency](Self::latency), hardly changes it.
    pub p99s: Latency,
    /// How long it took until everybody had a message that was broadcast.
    pub rounds: Option<Latency>,
    /// Share of one processor that the load generator took; near 1 it may have been the bottleneck.
    pub generator_processor: Option<f64>,
    /// What the watched process used.
    pub server: Option<ServerUsage>,
    /// What bad neighbours did while the run was measured.
    pub neighbours: Option<Misdeeds>,
    /// How often a connection was given up, by reason.
    pub errors: BTreeMap<String, u64>,
}

impl Report {
    /// Whether every connection held, and every message was answered.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty() && self.messages.unanswered == 0
    }
}

/// What became of the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// How many were to be opened.
    pub wanted: usize,
    /// How many were open at the end.
    pub open: usize,
    /// How many were given up.
    pub failed: usize,
}

/// What was counted while a run was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Messages {
    /// For how long it was measured.
    pub seconds: f64,
    /// Messages that were sent, or in an open loop were due.
    pub sent: u64,
    /// Messages that were answered.
    pub received: u64,
    /// Messages that were never answered, though they were waited for at the end.
    pub unanswered: u64,
    /// Messages that were answered, per second.
    pub per_second: f64,
    /// Bytes of payloads that came back, per second.
    pub bytes_per_second: f64,
}

/// A distribution of times, in nanoseconds, with three digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many times there are.
    pub count: u64,
    /// The shortest.
    pub min: u64,
    /// Their mean.
    pub mean: f64,
    /// The median.
    pub p50: u64,
    /// Nine of ten are not longer.
    pub p90: u64,
    /// 99 of 100 are not longer.
    pub p99: u64,
    /// 999 of 1000 are not longer.
    pub p99_9: u64,
    /// The longest.
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

/// What the watched process used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ServerUsage {
    /// Processor time per second while the run was measured, 1 being one processor.
    pub processor: f64,
    /// Processor time per message, in nanoseconds.
    pub nanos_per_message: f64,
    /// Bytes of resident memory before the first connection.
    pub resident_before: u64,
    /// Bytes of resident memory with all connections open, before the first message.
    pub resident_open: u64,
    /// Bytes of resident memory when the measuring ended.
    pub resident_after: u64,
    /// Bytes of resident memory at the most since all connections were open; where it had been higher
    /// before, as far as the other figures tell.
    pub resident_peak: u64,
}

impl ServerUsage {
    /// Of `messages` that were answered in `elapsed`.
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

/// What bad neighbours did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misdeeds {
    /// Connections that have opened.
    pub opened: u64,
    /// Connections that have ended, opened or not.
    pub ended: u64,
    /// Bytes that were written, requests included.
    pub bytes_sent: u64,
    /// Bytes that were read once a connection was open.
    pub bytes_received: u64,
}

impl Misdeeds {
    /// What was done since less had been done.
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
