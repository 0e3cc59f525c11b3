//! `bench hold`: keeps connections open that hardly do anything.

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

/// How long, and how often each connection shows that it is alive.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    /// How often each connection gets an echo; evenly spread over all of them
    #[arg(long, default_value = "60s", value_parser = duration)]
    every: Duration,
    /// How long to hold the connections once all are open
    #[arg(short = 't', long, default_value = "1h", value_parser = duration)]
    duration: Duration,
    /// Stop when standard input ends, for programs that start this one
    #[arg(long)]
    attached: bool,
}

/// Holds the connections, and prints a line once all are open or have failed.
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
            // An input that cannot be read is at its end as well.
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
