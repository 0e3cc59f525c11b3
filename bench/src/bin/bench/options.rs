//! Command line options shared by the commands that drive a server.

use std::{
    fmt::Display, fs, io, net::IpAddr, path::PathBuf, process::ExitCode,
    thread::available_parallelism, time::Duration,
};

use bench::{
    load::{self, Content, Observe, Plan, Progress, Sizes, Target},
    process::pin,
};
use rustix::process::Pid;
use serde::Serialize;

use crate::Done;

/// A server, and how to connect to it.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// The server, as ws://host:port/path
    url: Target,
    /// Connections to open
    #[arg(short, long, default_value_t = 100)]
    pub(crate) connections: usize,
    /// Connections to open per second; as fast as the server accepts them by default
    #[arg(long, value_parser = positive)]
    ramp: Option<f64>,
    /// Local addresses to connect from, in turn: each has 28 000 ports for one server, and the first 14
    /// 000 are found quickly
    #[arg(long, value_delimiter = ',')]
    from: Vec<IpAddr>,
    /// Length of a payload in bytes, or a weighted mix such as 16:80,4k:20
    #[arg(short, long, default_value = "16")]
    size: Sizes,
    /// Contents of payloads
    #[arg(long, value_enum, default_value_t = Content::Binary)]
    content: Content,
    /// Time to wait for missing answers at the end
    #[arg(long, default_value = "5s", value_parser = duration)]
    patience: Duration,
    /// Compare one payload in this many with the message sent; all lengths are checked
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    sample: u64,
    /// Process whose processor time and memory are reported
    #[arg(long, value_parser = pid)]
    pid: Option<Pid>,
    /// Processor to run on
    #[arg(long)]
    cpu: Option<usize>,
    /// Write the report as JSON to this file; without FILE, print JSON instead of text
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Show no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl Common {
    /// Returns a plan with these options.
    pub(crate) fn plan(&self) -> Plan {
        let mut plan = Plan::new(self.url.clone());
        plan.connections = self.connections;
        plan.ramp = self.ramp;
        plan.sources.clone_from(&self.from);
        plan.sizes = self.size.clone();
        plan.content = self.content;
        plan.patience = self.patience;
        plan.sample = self.sample;
        plan.watched = self.pid;
        plan
    }

    /// Runs the plan and shows the report. The exit status is 0 if every connection held and every
    /// message was answered.
    pub(crate) fn run(&self, plan: &Plan) -> Done {
        if self.quiet {
            return self.run_observed(plan, &mut ());
        }
        self.run_observed(plan, &mut Progress::new())
    }

    /// [Runs](Self::run) the plan with another observer.
    pub(crate) fn run_observed(&self, plan: &Plan, observer: &mut dyn Observe) -> Done {
        self.pin()?;
        let report = load::run(plan, observer)?;
        self.show(&report, report.is_clean())
    }

    /// Pins this thread to the requested processor.
    pub(crate) fn pin(&self) -> io::Result<()> {
        self.cpu.map_or(Ok(()), pin)
    }

    /// Shows the report. The exit status is 0 if it is clean.
    pub(crate) fn show(&self, report: &(impl Serialize + Display), is_clean: bool) -> Done {
        match &self.json {
            None => print!("{report}"),
            Some(path) => {
                let json = serde_json::to_string(report)?;
                if path.as_os_str() == "-" {
                    println!("{json}");
                } else {
                    fs::write(path, json)?;
                    print!("{report}");
                }
            }
        }
        Ok(if is_clean {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Processors of the two ends.
#[derive(Debug, clap::Args)]
pub(crate) struct Processors {
    /// Processors of the servers and of the load generator, such as 0,1, the default if there are at
    /// least two
    #[arg(long, value_delimiter = ',', num_args = 2)]
    cpus: Vec<usize>,
}

impl Processors {
    /// Returns `None` if the system may choose.
    pub(crate) fn pair(&self) -> Option<[usize; 2]> {
        let there_are_two = available_parallelism().is_ok_and(|n| n.get() > 1);
        self.cpus
            .first_chunk()
            .copied()
            .or_else(|| there_are_two.then_some([0, 1]))
    }
}

pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        Ok(_) | Err(_) => Err("must be a number above 0".to_owned()),
    }
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let parsed = units.into_iter().find_map(|(unit, seconds)| {
        let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Duration::try_from_secs_f64(number * seconds).ok()
    });
    parsed.ok_or_else(|| "not a duration such as 500ms, 10s, 2m or 1h".to_owned())
}

fn pid(text: &str) -> Result<Pid, String> {
    let pid = text.parse().ok().filter(|&pid| pid > 0);
    pid.and_then(Pid::from_raw)
        .ok_or_else(|| "not a process ID".to_owned())
}
