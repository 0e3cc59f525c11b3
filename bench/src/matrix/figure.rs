//! The figures of the tables, as they are taken out of a report.

use crate::load::Report;

/// A figure of one measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    /// Messages answered per second.
    PerSecond,
    /// Nanoseconds that half of the messages took at most.
    P50,
    /// Nanoseconds that 9 of 10 messages took at most.
    P90,
    /// Nanoseconds that 99 of 100 messages took at most.
    P99,
    /// Nanoseconds that 99 of 100 messages took at most in the usual 50 ms.
    UsualP99,
    /// Nanoseconds that 999 of 1000 messages took at most.
    P99_9,
    /// Nanoseconds that the slowest message took.
    Max,
    /// Nanoseconds by which 99 of 100 messages were sent late at most.
    LateP99,
    /// Nanoseconds until everybody had a message that was broadcast, in half of the rounds at most.
    Round,
    /// The server's share of a processor.
    Processor,
    /// Nanoseconds of processor time that the server took for a message that was broadcast.
    PerRound,
    /// Bytes by which the server's resident memory had grown at the most while messages were sent.
    Growth,
    /// Bytes of the server's resident memory per connection before the first message.
    Idle,
    /// Bytes of the server's resident memory per connection after the last message.
    Used,
}

impl Figure {
    /// The figure; `None` if it was not measured.
    pub(super) fn of(self, report: &Report, connections: usize) -> Option<f64> {
        let each = |resident: u64, before: u64| {
            resident.saturating_sub(before) as f64 / connections as f64
        };
        if report.messages.received == 0 {
            return None;
        }
        let server = report.server;
        Some(match self {
            Self::PerSecond => report.messages.per_second,
            Self::P50 => report.latency.p50 as f64,
            Self::P90 => report.latency.p90 as f64,
            Self::P99 => report.latency.p99 as f64,
            Self::UsualP99 => report.p99s.p50 as f64,
            Self::P99_9 => report.latency.p99_9 as f64,
            Self::Max => report.latency.max as f64,
            Self::LateP99 => report.late?.p99 as f64,
            Self::Round => report.rounds?.p50 as f64,
            Self::Processor => server?.processor,
            Self::PerRound => {
                let each = report.messages.received as f64 / report.rounds?.count as f64;
                server?.nanos_per_message * each
            }
            Self::Growth => server?.resident_peak.saturating_sub(server?.resident_open) as f64,
            Self::Idle => each(server?.resident_open, server?.resident_before),
            Self::Used => each(server?.resident_after, server?.resident_before),
        })
    }
}
