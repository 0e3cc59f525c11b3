//! Measures the harm that misbehaving connections do to others: the same good connections, at the same
//! rate, alone and beside bad neighbours of each kind in turn, in several passes.

use std::{fmt, io, time::Duration};

use serde::Serialize;

use crate::{
    load::{self, Neighbour, Observe, Plan, Report},
    matrix::Spread,
};

/// A server with good connections only, and beside bad neighbours.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// Without bad neighbours.
    pub alone: Vec<Report>,
    /// Beside bad neighbours of each kind.
    pub beside: Vec<Beside>,
}

/// Measurements beside bad neighbours of one kind.
#[derive(Debug, Serialize)]
pub struct Beside {
    /// The kind, as written on the command line.
    pub neighbour: String,
    /// One report per pass.
    pub reports: Vec<Report>,
}

impl Comparison {
    /// Runs `plan` `passes` times: alone, then beside each of `neighbours`.
    ///
    /// # Errors
    /// As [`load::run`].
    pub fn measure(
        plan: &Plan,
        neighbours: &[Neighbour],
        passes: usize,
        observer: &mut dyn Observe,
    ) -> io::Result<Self> {
        let mut comparison = Self {
            alone: Vec::new(),
            beside: neighbours
                .iter()
                .map(|neighbour| Beside {
                    neighbour: neighbour.to_string(),
                    reports: Vec::new(),
                })
                .collect(),
        };
        let mut plan = plan.clone();
        for _ in 0..passes {
            plan.neighbour = None;
            comparison.alone.push(load::run(&plan, observer)?);
            for (neighbour, beside) in neighbours.iter().zip(&mut comparison.beside) {
                plan.neighbour = Some(*neighbour);
                beside.reports.push(load::run(&plan, observer)?);
            }
        }
        Ok(comparison)
    }

    /// Returns true if every good connection held, and every message on it was answered.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let beside = self.beside.iter().flat_map(|beside| &beside.reports);
        self.alone.iter().chain(beside).all(Report::is_clean)
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, name: &str, reports: &[Report]) -> fmt::Result {
        let time = |of: fn(&Report) -> Option<u64>| {
            let values = reports.iter().filter_map(of).map(|nanos| nanos as f64);
            let median = Spread::of(values.collect()).map_or(0.0, |spread| spread.median);
            format!("{:.1?}", Duration::from_nanos(median as u64))
        };
        let p99 = |report: &Report| report.p99s.p50 as f64;
        let ratios = self
            .alone
            .iter()
            .zip(reports)
            .map(|(alone, beside)| p99(beside) / p99(alone));
        let ratio = Spread::of(ratios.collect()).map_or(f64::NAN, |spread| spread.median);
        let sent = reports.iter().filter_map(|report| {
            let bytes = report.neighbours?.bytes_sent as f64;
            Some(bytes / f64::from(1 << 20) / report.messages.seconds)
        });
        let sent = Spread::of(sent.collect())
            .map_or_else(String::new, |spread| format!("{:.1}", spread.median));
        writeln!(
            f,
            "{name:<14} {:>9} {:>9} {ratio:>9.2} {:>9} {:>9} {:>9} {:>9} {sent:>9}",
            time(|report| Some(report.latency.p50)),
            time(|report| Some(report.p99s.p50)),
            time(|report| Some(report.latency.p99)),
            time(|report| Some(report.latency.p99_9)),
            time(|report| Some(report.late?.p50)),
            time(|report| Some(report.late?.p99)),
        )
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<14} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "beside", "p50", "usual p99", "ratio", "p99", "p99.9", "late p50", "late p99", "MiB/s"
        )?;
        self.row(f, "nobody", &self.alone)?;
        for beside in &self.beside {
            self.row(f, &beside.neighbour, &beside.reports)?;
        }
        let beside = self.beside.iter().flat_map(|beside| &beside.reports);
        for report in self.alone.iter().chain(beside) {
            let unanswered = report.messages.unanswered;
            if unanswered > 0 {
                writeln!(f, "error          {unanswered} messages unanswered")?;
            }
            for (error, count) in &report.errors {
                writeln!(f, "error          {count} × {error}")?;
            }
        }
        Ok(())
    }
}
