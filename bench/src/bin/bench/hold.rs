//! `bench hold`: keeps many nearly idle connections open.

use std::{
    io,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use bench::load::{Observe, Pace, Progress, Snapshot, Stage, Until, Waiting};

use crate::{
    Done,
    options::{Common, duration},
};

/// Options of `bench hold`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    /// Interval between echoes on each connection; the echoes of all connections are spread evenly
    #[arg(long, default_value = "60s", value_parser = duration)]
    every: Duration,
    /// Time to hold the connections once all are open
    #[arg(short = 't', long, default_value = "1h", value_parser = duration)]
    duration: Duration,
    /// Stop at the end of standard input, for programs that start this one
    #[arg(long)]
    attached: bool,
}

/// Holds the connections, and prints a line once every connection is open or has failed.
pub(crate) fn run(options: &Options) -> Done {
    let mut plan = options.common.plan();
    let every = options.every.max(Duration::from_millis(1)).as_secs_f64();
    plan.pace = Pace::Open {
        rate: plan.connections.max(1) as f64 / every,
    };
    plan.waiting = Waiting::Relaxed;
    plan.warm_up = Duration::ZERO;
    plan.until = Until::Elapsed(options.duration);
    let stop = Arc::new(AtomicBool::new(false));
    if options.attached {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            // An input that cannot be read counts as ended.
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            stop.store(true, Relaxed);
        });
    }
    let mut holder = Holder {
        progress: (!options.common.quiet).then(Progress::new),
        stage: Stage::Opening,
        stop,
    };
    options.common.run_observed(&plan, &mut holder)
}

struct Holder {
    progress: Option<Progress>,
    stage: Stage,
    stop: Arc<AtomicBool>,
}

impl Observe for Holder {
    fn tick(&mut self, snapshot: &Snapshot) -> ControlFlow<()> {
        if self.stage == Stage::Opening && snapshot.stage != Stage::Opening {
            println!("{} open, {} failed", snapshot.open, snapshot.failed);
        }
        self.stage = snapshot.stage;
        if let Some(progress) = &mut self.progress {
            progress.tick(snapshot)?;
        }
        if self.stop.load(Relaxed) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
