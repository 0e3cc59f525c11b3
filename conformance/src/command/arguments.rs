//! The command line, and its help.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use conformance::{Case, Facts, Pattern, Settings, cases};
use url::Url;

use super::{Stop, size};

/// Tests WebSocket implementations against RFC 6455 and RFC 7692.
///
/// It has every case of the Autobahn suite, with the same names and verdicts, and more: opening
/// handshakes, chopped streams, limits, deadlines, peers that do not read.
#[derive(Debug, Parser)]
#[command(name = "conformance", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  conformance client ws://127.0.0.1:9001/           test an echo server
  conformance client ws://[::1]:9001 ws://[::1]:9002 --agent old --agent new
                                                    two of them, side by side
  conformance client ws://127.0.0.1:9001 --only '6.*,closing' --exclude 7.1.5
                                                    some cases
  conformance list --only deflate                   what the cases are

Exit status: 0 if every verdict is OK, INFORMATIONAL or known (--known), 1 if not, 2 if nothing could be tested.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Test echo servers: the suite is their client.
    ///
    /// A server under test sends each message back with the type that it had, answers pings, and
    /// otherwise does what its library does. Several servers are tested one after the other, and reported
    /// side by side.
    #[command(visible_alias = "fuzzingclient")]
    Client(ClientArguments),
    /// Test echo clients: the suite is their server.
    ///
    /// The URLs are those of Autobahn's fuzzing server, so that clients written for it work unchanged:
    /// /getCaseCount tells how many cases there are; /runCase?case=N&agent=NAME runs one, in which the client
    /// sends each message back until the connection ends; /updateReports?agent=NAME writes the report; and
    /// /getCaseInfo, /getCaseStatus and /stopServer.
    #[command(visible_alias = "fuzzingserver")]
    Server(ServerArguments),
    /// Test all drivers of this project, in both roles, and the protocol core in memory.
    ///
    /// They share what decides the verdicts, so they have to agree.
    #[cfg(feature = "ours")]
    Drivers(DriversArguments),
    /// Test all drivers of this project; only in builds with the feature `ours`.
    #[cfg(not(feature = "ours"))]
    #[command(hide = true, disable_help_flag = true)]
    Drivers(AnyArguments),
    /// Sum up reports in Markdown.
    Results(ResultsArguments),
    /// List the cases.
    List(ListArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ClientArguments {
    /// Servers, such as ws://127.0.0.1:9001/echo.
    #[arg(required = true, value_name = "URL", value_parser = web_socket_url)]
    pub(crate) urls: Vec<Url>,
    /// The name in reports, one for each URL in their order. Without it, the `Server` header of the
    /// response, else host and port.
    #[arg(long = "agent", value_name = "NAME")]
    pub(crate) agents: Vec<String>,
    #[command(flatten)]
    pub(crate) run: Run,
    #[command(flatten)]
    pub(crate) facts: FactsArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArguments {
    /// Where to listen.
    #[arg(value_name = "ADDRESS", default_value = "127.0.0.1:9001")]
    pub(crate) address: String,
    /// End, with an exit status, when a client asks for the reports. Otherwise the server goes on until it is
    /// stopped by /stopServer or a signal.
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) run: Run,
    #[command(flatten)]
    pub(crate) facts: FactsArguments,
}

#[cfg(feature = "ours")]
#[derive(Debug, Args)]
pub(crate) struct DriversArguments {
    /// Only the subjects whose name contains this, such as core, tokio or server.
    #[arg(long, value_name = "TEXT")]
    pub(crate) subject: Option<String>,
    #[command(flatten)]
    pub(crate) run: Run,
}

/// The arguments of a command that this build does not have.
#[cfg(not(feature = "ours"))]
#[derive(Debug, Args)]
pub(crate) struct AnyArguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _any: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ResultsArguments {
    /// Directories that --report named before. Those that Autobahn wrote will do, too.
    #[arg(required = true, value_name = "DIRECTORY")]
    pub(crate) reports: Vec<PathBuf>,
    /// Cases to leave out.
    #[arg(long, value_name = "CASES", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// The introduction, in Markdown.
    #[arg(long, value_name = "FILE")]
    pub(crate) introduction: Option<PathBuf>,
    /// Where it goes, instead of to the output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// With what each case expects.
    #[arg(long, short)]
    pub(crate) long: bool,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// Options that all tests share.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) running: Running,
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

/// The selection of cases.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which cases")]
pub(crate) struct Selection {
    /// Only these: groups such as 9 or closing, exact names, or prefixes with `*` for anything, such as closing/code-*
    /// (`1.*` is group 1, and `1*` is 1, 10, 12 and 13).
    #[arg(
        long,
        visible_alias = "cases",
        value_name = "CASES",
        value_delimiter = ','
    )]
    only: Vec<String>,
    /// Not these, named likewise.
    #[arg(long, value_name = "CASES", value_delimiter = ',')]
    exclude: Vec<String>,
}

impl Selection {
    /// The cases that are selected, in order.
    pub(crate) fn cases(&self) -> Result<Vec<Case>, Stop> {
        let mut cases = cases::all();
        for text in self.only.iter().chain(&self.exclude) {
            let pattern = Pattern::new(text);
            if !cases.iter().any(|case| pattern.matches(&case.id)) {
                return Err(Stop::NothingMatches(text.clone()));
            }
        }
        let patterns = |texts: &[String]| texts.iter().map(Pattern::new).collect::<Vec<_>>();
        let (only, exclude) = (patterns(&self.only), patterns(&self.exclude));
        let any = |patterns: &[Pattern], case: &Case| {
            patterns.iter().any(|pattern| pattern.matches(&case.id))
        };
        cases.retain(|case| (only.is_empty() || any(&only, case)) && !any(&exclude, case));
        if cases.is_empty() {
            return Err(Stop::NoCase);
        }
        Ok(cases)
    }
}

/// How they run.
#[derive(Debug, Args)]
#[command(next_help_heading = "How they run")]
pub(crate) struct Running {
    /// Cases at the same time. Most of them wait most of the time.
    #[arg(long, short, value_name = "NUMBER", default_value = "8")]
    pub(crate) jobs: NonZeroUsize,
    /// Multiplies the suite's timers, some of which leave the subject half a second: for slow or busy
    /// machines.
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100))]
    patience: u32,
    /// The level at which the suite compresses.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..=9))]
    level: u32,
    /// A few short messages where Autobahn sends a thousand, or 16 MiB: groups 9, 12 and 13 in seconds.
    #[arg(long)]
    quick: bool,
    /// At most that many messages in a case that sends them one by one.
    #[arg(long, value_name = "NUMBER")]
    max_messages: Option<usize>,
}

impl Running {
    pub(crate) fn settings(&self) -> Settings {
        let thorough = Settings::default();
        let (max_messages, max_payload) = if self.quick {
            (4, 64 << 10)
        } else {
            (thorough.max_messages, thorough.max_payload)
        };
        Settings {
            patience: self.patience,
            level: self.level,
            max_messages: self.max_messages.unwrap_or(max_messages),
            max_payload,
        }
    }
}

/// Facts about the subject.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "What is known of the subject (without it, cases about that are INFORMATIONAL)"
)]
pub(crate) struct FactsArguments {
    /// Bytes of the longest message that it takes, such as 16MiB.
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    max_message: Option<u64>,
    /// Bytes of the longest frame that it takes.
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    max_frame: Option<u64>,
    /// Frames of the longest message that it takes.
    #[arg(long, value_name = "NUMBER")]
    max_fragments: Option<u64>,
    /// Bytes of the longest request or response head that it takes.
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    max_head: Option<u64>,
    /// How long it waits for the other half of the opening handshake, such as 5s.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    opening_timeout: Option<Duration>,
    /// How long it waits for the answer to its Close frame, and for the end of the transport.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    close_timeout: Option<Duration>,
    /// The time without a byte after which it sends a ping.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    ping_interval: Option<Duration>,
    /// How long it waits for something to come after that ping.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pong_timeout: Option<Duration>,
    /// The time without a message after which it closes.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    idle_timeout: Option<Duration>,
    /// How long it tries to send to a peer that does not read.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    write_timeout: Option<Duration>,
}

impl FactsArguments {
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        facts.max_message = self.max_message;
        facts.max_frame = self.max_frame;
        facts.max_fragments = self.max_fragments;
        facts.max_head = self.max_head;
        facts.opening_timeout = self.opening_timeout;
        facts.close_timeout = self.close_timeout;
        facts.ping_interval = self.ping_interval;
        facts.pong_timeout = self.pong_timeout;
        facts.idle_timeout = self.idle_timeout;
        facts.write_timeout = self.write_timeout;
        facts
    }
}

/// Output and reports.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is told")]
pub(crate) struct Reporting {
    /// Where the report goes: index.html, index.json, and a page and a JSON file for each case.
    #[arg(long, value_name = "DIRECTORY", default_value = "conformance-report")]
    pub(crate) report: PathBuf,
    /// Write no report.
    #[arg(long, conflicts_with = "report")]
    pub(crate) no_report: bool,
    /// Verdicts that are known, with reasons, in TOML: those, and only those, may be other than OK.
    #[arg(long, value_name = "FILE")]
    pub(crate) known: Option<PathBuf>,
    /// How many failed cases are explained at length; the report explains all.
    #[arg(long, value_name = "NUMBER", default_value = "20")]
    pub(crate) details: usize,
    /// No progress bar, even on a terminal.
    #[arg(long)]
    pub(crate) no_progress: bool,
}

/// Reads the URL of a server.
fn web_socket_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}: try ws://{text}"))?;
    match url.scheme() {
        "ws" if url.host_str().is_some_and(|host| !host.is_empty()) => Ok(url),
        "ws" => Err("a host is missing".to_owned()),
        "wss" => Err(
            "the suite does not speak TLS: test the port behind whatever terminates it".to_owned(),
        ),
        other => Err(format!("{other}: is not a scheme of WebSocket: use ws:")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn only_plain_web_sockets_are_dialled() {
        assert!(web_socket_url("ws://[::1]:9001/echo?a=b").is_ok());
        for (url, why) in [
            ("wss://localhost", "TLS"),
            ("http://localhost", "http:"),
            ("localhost", "ws://localhost"),
            ("ws:", "host"),
        ] {
            let error = web_socket_url(url).expect_err(url);
            assert!(error.contains(why), "{error}");
        }
    }
}
