//! `bench load`: drives an echo server in a closed or an open loop.

use std::time::Duration;

use bench::load::{Offer, Pace, Until};

use crate::{
    Done,
    options::{Common, duration, positive},
};

/// Options of `bench load`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    /// Closed loop: messages that each connection keeps in flight
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    depth: u32,
    /// Open loop: messages per second over all connections, whatever the server does. Latencies count
    /// from when a message was due
    #[arg(short, long, conflicts_with = "depth", value_parser = positive)]
    rate: Option<f64>,
    /// Offer compression; the server must agree to it
    #[arg(long, value_enum)]
    compression: Option<Offer>,
    /// Time to measure, such as 500ms, 10s or 2m
    #[arg(short = 't', long, default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// Stop after this many messages instead, without a warm-up
    #[arg(short = 'n', long, conflicts_with_all = ["duration", "warm_up"])]
    count: Option<u64>,
    /// Time to send before measuring
    #[arg(long, default_value = "1s", value_parser = duration)]
    warm_up: Duration,
}

/// Runs until the time or the number of messages in the options is reached.
pub(crate) fn run(options: &Options) -> Done {
    let mut plan = options.common.plan();
    plan.pace = match options.rate {
        Some(rate) => Pace::Open { rate },
        None => Pace::Closed {
            depth: options.depth,
        },
    };
    plan.compression = options.compression;
    plan.warm_up = options.warm_up;
    plan.until = match options.count {
        Some(n) => Until::Messages(n),
        None => Until::Elapsed(options.duration),
    };
    options.common.run(&plan)
}
