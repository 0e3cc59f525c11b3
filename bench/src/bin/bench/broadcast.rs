//! `bench broadcast`: measures how long a message takes to reach every connection.

use bench::load::{Pace, Until};

use crate::{Done, options::Common};

/// Options of `bench broadcast`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    /// Messages to broadcast, each once every connection has received the one before
    #[arg(short = 'n', long, default_value_t = 100)]
    count: u64,
}

/// Runs until every connection has received all messages.
pub(crate) fn run(options: &Options) -> Done {
    let mut plan = options.common.plan();
    plan.pace = Pace::Broadcast;
    plan.until = Until::Messages(options.count);
    options.common.run(&plan)
}
