//! The comparison: every server in every cell, interleaved, in several passes. Each figure is shown
//! beside that of the raw echo in the same pass.
//!
//! Absolute figures depend on the machine and its current load; ratios apply elsewhere. A pass measures
//! all servers in a cell one after the other, so that a disturbance is likely to affect adjacent
//! measurements alike.

mod cell;
mod chart;
mod document;
mod entrant;
mod figure;
mod goals;
mod machine;
mod outcome;

pub use cell::{Cell, Goal, Kind, all as all_cells};
pub use document::{Results, write};
pub use entrant::{Command, Compresses, Entrant, InvalidEntrant, Origin, Server};
pub(crate) use outcome::Spread;
pub use outcome::{Outcome, Sample};

use std::{io, time::Duration};

use crate::{
    load::{self, Content, Observe, Pace, Plan, Report, Sizes, Target, Until},
    process::pin,
};

/// Passes, durations and processors of the comparison.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Number of passes over each cell and server; memory is measured once.
    pub passes: usize,
    /// Time to measure in each run.
    pub duration: Duration,
    /// Time to send before measuring.
    pub warm_up: Duration,
    /// The processor of the servers, and that of the load generator.
    pub processors: Option<[usize; 2]>,
}

/// The name of the raw echo, the baseline of all others.
pub const RAW: &str = "raw";

/// Minimum time to measure beside a bad neighbour until the usual percentile, the median over slices of
/// 50 ms, is stable.
const BESIDE: Duration = Duration::from_secs(1);

/// Measures `entrants` in `cells`. Calls `progress` with a description of the next measurement.
pub fn measure(
    cells: &[Cell],
    entrants: &[Entrant],
    effort: &Effort,
    mut progress: impl FnMut(&str),
) -> Vec<Sample> {
    let mut samples = Vec::new();
    for pass in 0..effort.passes {
        for cell in cells {
            if pass > 0 && cell.kind.is_memory() {
                continue;
            }
            for entrant in entrants {
                let Some(command) = entrant.command(cell.kind) else {
                    continue;
                };
                progress(&format!(
                    "pass {} of {}, {}: {}",
                    pass + 1,
                    effort.passes,
                    cell.name,
                    entrant.name
                ));
                samples.push(Sample {
                    pass,
                    cell: cell.name.clone(),
                    entrant: entrant.name.clone(),
                    outcome: Outcome::from(sample(cell, command, effort)),
                });
            }
        }
    }
    samples
}

fn sample(cell: &Cell, command: &Command, effort: &Effort) -> io::Result<Report> {
    // A child process inherits the processor affinity of its parent, with all of its threads.
    if let Some([theirs, _]) = effort.processors {
        pin(theirs)?;
    }
    let server = command.start()?;
    if let Some([_, ours]) = effort.processors {
        pin(ours)?;
    }
    let mut plan = Plan::new(server.target.clone());
    plan.watched = server.pid();
    plan.connections = cell.connections;
    plan.sizes = Sizes::one(cell.len);
    plan.content = cell.content;
    plan.warm_up = effort.warm_up;
    plan.until = Until::Elapsed(effort.duration);
    plan.patience = Duration::from_secs(2);
    match cell.kind {
        Kind::Echo { depth } => plan.pace = Pace::Closed { depth },
        Kind::Latency { rate } => plan.pace = Pace::Open { rate },
        Kind::Beside { rate, neighbour } => {
            plan.pace = Pace::Open { rate };
            plan.neighbour = neighbour;
            plan.until = Until::Elapsed(effort.duration.max(BESIDE));
        }
        Kind::Compressed(offer) => {
            // `raw` and `min` do not compress: they show the cost of the same messages without
            // compression.
            plan.compression = command.compresses().then_some(offer);
        }
        Kind::Broadcast { count } => {
            plan.pace = Pace::Broadcast;
            plan.until = Until::Messages(count);
        }
        Kind::Memory { echoes } => {
            // Excludes memory that a server needs only once from the cost of a connection.
            load::run(&warm_up(&server.target), &mut ())?;
            plan.pace = Pace::Open { rate: 30_000.0 };
            plan.until = Until::Messages(echoes * cell.connections as u64);
        }
    }
    load::run(&plan, &mut () as &mut dyn Observe)
}

fn warm_up(target: &Target) -> Plan {
    Plan {
        connections: 8,
        sizes: Sizes::one(1 << 10),
        content: Content::Binary,
        until: Until::Messages(80),
        ..Plan::new(target.clone())
    }
}
