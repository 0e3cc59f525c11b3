//! `bench matrix`: compares servers, and writes the results.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use bench::{
    matrix::{self, Cell, Effort, Entrant, Results},
    process::raise_file_limit,
};
use indicatif::ProgressBar;

use crate::{
    Done,
    options::{Processors, duration},
};

/// Options of `bench matrix`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Directory for RESULTS.md and results/
    #[arg(long, default_value = "bench")]
    out: PathBuf,
    /// Program with the servers of bench/peers; without it they are left out
    #[arg(long, value_name = "PROGRAM")]
    peers: Option<PathBuf>,
    /// Additional server, as NAME=ws://host:port/ or NAME=COMMAND with {port} in its arguments
    #[arg(long = "server", value_name = "NAME=SERVER")]
    servers: Vec<Entrant>,
    /// Measure only cells whose name contains this text
    #[arg(long = "cell", value_name = "TEXT")]
    cells: Vec<String>,
    /// Measure only servers whose name contains this text; raw is always measured
    #[arg(long = "only", value_name = "TEXT")]
    only: Vec<String>,
    /// Number of passes over each cell and server
    #[arg(long, default_value_t = 5)]
    passes: usize,
    /// Time to measure in each run
    #[arg(short = 't', long, default_value = "1s", value_parser = duration)]
    duration: Duration,
    /// Time to send before measuring
    #[arg(long, default_value = "300ms", value_parser = duration)]
    warm_up: Duration,
    #[command(flatten)]
    processors: Processors,
}

/// Runs the comparison, and writes the document.
pub(crate) fn run(options: &Options) -> Done {
    raise_file_limit();
    let mut cells = matrix::all_cells();
    cells.retain(|cell: &Cell| is_chosen(&cell.name, &options.cells));
    let mut entrants = Entrant::ours()?;
    if let Some(program) = &options.peers {
        entrants.extend(Entrant::peers(program));
    }
    entrants
        .retain(|entrant| entrant.name == matrix::RAW || is_chosen(&entrant.name, &options.only));
    entrants.extend(options.servers.iter().cloned());
    let effort = Effort {
        passes: options.passes.max(1),
        duration: options.duration,
        warm_up: options.warm_up,
        processors: options.processors.pair(),
    };
    let line = ProgressBar::new_spinner();
    let samples = matrix::measure(&cells, &entrants, &effort, |what| {
        line.set_message(what.to_owned());
        line.tick();
    });
    line.finish_and_clear();
    let results = Results {
        cells: &cells,
        entrants: &entrants,
        effort: &effort,
        samples: &samples,
    };
    matrix::write(&results, &options.out)?;
    println!(
        "results written to {}",
        options.out.join("RESULTS.md").display()
    );
    Ok(ExitCode::SUCCESS)
}

fn is_chosen(name: &str, texts: &[String]) -> bool {
    texts.is_empty() || texts.iter().any(|text| name.contains(text.as_str()))
}
