//! `bench broadcast`: how long a message takes to reach everybody.

use bench::load::{Pace, Until};

use crate::{Done, options::Common};

/// How often to broadcast.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    /// Messages to broadcast, each when everybody has the one before
    #[arg(short = 'n', long, default_value_t = 100)]
    count: u64,
}

/// Runs until everybody has all messages.
pub(crate) fn run(options: &Options) -> Done {
    let mut plan = options.common.plan();
    plan.pace = Pace::Broadcast;
    plan.until = Until::Messages(options.count);
    options.common.run(&plan)
}
