//! `bench million`: the cost of very many connections.

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use bench::million::Million;

use crate::{
    Done,
    options::{Processors, duration},
};

/// Options of `bench million`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Connections to hold
    #[arg(short, long, default_value_t = 1_000_000)]
    connections: usize,
    /// Maximum number of connections per process; less than its limit of open files
    #[arg(long, default_value_t = 19_500, value_parser = clap::value_parser!(u64).range(1..))]
    each: u64,
    /// The server, as in `bench serve`
    #[arg(long, default_value = "mio")]
    server: String,
    /// Interval between echoes on each connection. The default is short enough that the drivers need no
    /// pings, which they send after 30 s without a byte
    #[arg(long, default_value = "25s", value_parser = duration)]
    every: Duration,
    /// Directory for results/million.md, which `bench matrix` includes in RESULTS.md
    #[arg(long, default_value = "bench")]
    out: PathBuf,
    #[command(flatten)]
    processors: Processors,
}

/// Holds the connections, and writes their cost. The exit status is 0 if all held and all messages were
/// answered.
pub(crate) fn run(options: &Options) -> Done {
    let million = Million {
        connections: options.connections,
        each: options.each as usize,
        server: options.server.clone(),
        every: options.every,
        processors: options.processors.pair(),
    };
    let outcome = million.hold(|what| eprintln!("{what}"))?;
    print!("{outcome}");
    let directory = options.out.join("results");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("million.md"), outcome.to_string())?;
    Ok(if outcome.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
