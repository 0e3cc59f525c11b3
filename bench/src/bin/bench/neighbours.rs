//! `bench neighbours`: measures the harm that misbehaving connections do to others.

use std::time::Duration;

use bench::{
    load::{Neighbour, Pace, Progress, Until},
    neighbours::Comparison,
};

use crate::{
    Done,
    options::{Common, duration, positive},
};

/// Options of `bench neighbours`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    /// Messages per second over all good connections, well below the server's capacity
    #[arg(short, long, default_value = "20000", value_parser = positive)]
    rate: f64,
    /// Bad neighbours: flood, flood:200000 (messages per second), pings, pings:200000, deaf, slow-head,
    /// slow-frame or half-close; all of these by default
    #[arg(long = "beside", value_name = "NEIGHBOUR", value_delimiter = ',')]
    neighbours: Vec<Neighbour>,
    /// Number of passes over all kinds of neighbours
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    passes: u64,
    /// Time to measure in each run
    #[arg(short = 't', long, default_value = "1s", value_parser = duration)]
    duration: Duration,
    /// Time to send before measuring
    #[arg(long, default_value = "300ms", value_parser = duration)]
    warm_up: Duration,
}

/// Runs the comparison. The exit status is 0 if every good connection held and all its messages were
/// answered.
pub(crate) fn run(options: &Options) -> Done {
    let mut plan = options.common.plan();
    plan.pace = Pace::Open { rate: options.rate };
    plan.warm_up = options.warm_up;
    plan.until = Until::Elapsed(options.duration);
    let neighbours = match &options.neighbours[..] {
        [] => &Neighbour::ALL,
        some => some,
    };
    options.common.pin()?;
    let passes = options.passes as usize;
    let comparison = if options.common.quiet {
        Comparison::measure(&plan, neighbours, passes, &mut ())?
    } else {
        Comparison::measure(&plan, neighbours, passes, &mut Progress::new())?
    };
    options.common.show(&comparison, comparison.is_clean())
}
