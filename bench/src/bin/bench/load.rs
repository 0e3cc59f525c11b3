//! `bench load`: drives an echo server.

use std::{fs, net::IpAddr, path::PathBuf, process::ExitCode, time::Duration};

use bench::{
    load::{self, Content, Pace, Plan, Progress, Report, Sizes, Target, Until},
    process::pin,
};
use rustix::process::Pid;

use crate::Done;

/// What to do to which server.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The server, as ws://host:port/path
    url: Target,
    /// Connections to open
    #[arg(short, long, default_value_t = 100)]
    connections: usize,
    /// Connections to open per second; as fast as the server takes them by default
    #[arg(long, value_parser = positive)]
    ramp: Option<f64>,
    /// Local addresses to connect from, in turn: one has 28 000 ports for a server
    #[arg(long, value_delimiter = ',')]
    from: Vec<IpAddr>,
    /// Closed loop: messages that each connection keeps in flight
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    depth: u32,
    /// Open loop: messages per second over all connections, whatever the server does. Latencies count
    /// from when a message was due
    #[arg(short, long, conflicts_with = "depth", value_parser = positive)]
    rate: Option<f64>,
    /// Octets of a payload, or a mix as 16:80,4k:20
    #[arg(short, long, default_value = "16")]
    size: Sizes,
    /// What payloads consist of
    #[arg(long, value_enum, default_value_t = Content::Binary)]
    content: Content,
    /// How long to measure, as 500ms, 10s or 2m
    #[arg(short = 't', long, default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// Stop after so many messages instead, without a warm-up
    #[arg(short = 'n', long, conflicts_with_all = ["duration", "warm_up"])]
    count: Option<u64>,
    /// How long to send before measuring
    #[arg(long, default_value = "1s", value_parser = duration)]
    warm_up: Duration,
    /// How long to wait for answers that are missing at the end
    #[arg(long, default_value = "5s", value_parser = duration)]
    patience: Duration,
    /// Compare one payload in so many with what was sent; all lengths are checked anyway
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    sample: u64,
    /// Process whose processor time and memory to report
    #[arg(long, value_parser = pid)]
    pid: Option<Pid>,
    /// Processor to run on
    #[arg(long)]
    cpu: Option<usize>,
    /// Write the report as JSON to this file, or to standard output instead of the text
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the plan. The status tells whether every connection held and every message was answered.
pub(crate) fn run(options: &Options) -> Done {
    if let Some(processor) = options.cpu {
        pin(processor)?;
    }
    let plan = Plan {
        target: options.url.clone(),
        connections: options.connections,
        ramp: options.ramp,
        sources: options.from.clone(),
        pace: match options.rate {
            Some(rate) => Pace::Open { rate },
            None => Pace::Closed {
                depth: options.depth,
            },
        },
        sizes: options.size.clone(),
        content: options.content,
        warm_up: options.warm_up,
        until: match options.count {
            Some(n) => Until::Messages(n),
            None => Until::Elapsed(options.duration),
        },
        patience: options.patience,
        sample: options.sample,
        watched: options.pid,
    };
    let report = if options.quiet {
        load::run(&plan, &mut ())?
    } else {
        let mut progress = Progress::new();
        let report = load::run(&plan, &mut progress);
        progress.clear();
        report?
    };
    show(&report, options)?;
    let is_clean = report.errors.is_empty() && report.messages.unanswered == 0;
    Ok(if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(report: &Report, options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    match &options.json {
        None => print!("{report}"),
        Some(path) => {
            let json = serde_json::to_string_pretty(report)?;
            if path.as_os_str() == "-" {
                println!("{json}");
            } else {
                fs::write(path, json)?;
                print!("{report}");
            }
        }
    }
    Ok(())
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        Ok(_) | Err(_) => Err("not a number above 0".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let parsed = units.into_iter().find_map(|(unit, seconds)| {
        let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Duration::try_from_secs_f64(number * seconds).ok()
    });
    parsed.ok_or_else(|| "a duration is written as 500ms, 10s, 2m or 1h".to_owned())
}

fn pid(text: &str) -> Result<Pid, String> {
    let pid = text
        .parse()
        .ok()
        .filter(|&pid| pid > 0)
        .and_then(Pid::from_raw);
    pid.ok_or_else(|| "not the number of a process".to_owned())
}
