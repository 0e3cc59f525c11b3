//! The commands, and the errors that end them early.

use std::{fmt, io, path::PathBuf, process::ExitCode};

use anstyle::{AnsiColor, Style};
use conformance::{
    cases,
    known::BadKnown,
    report::{Unreadable, Unwritable},
};

use arguments::{Arguments, Command};

pub(crate) mod arguments;
mod client;
mod console;
mod details;
#[cfg(feature = "ours")]
mod drivers;
mod finish;
mod list;
mod results;
mod server;
mod size;
mod subjects;
mod table;

/// The result of a run, which is the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// All verdicts are right or known.
    Passed = 0,
    /// Some verdicts are neither.
    Failed = 1,
    /// There was nothing to test.
    Unusable = 2,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Stop {
    /// No case is left to run.
    NoCase,
    /// A pattern selects nothing, which must be a mistake.
    NothingMatches(String),
    /// The server does not accept a connection.
    NoConnection(String, String),
    /// The address cannot be listened on.
    NoListener(String, io::Error),
    /// No subject has that name.
    #[cfg(feature = "ours")]
    NoSubject,
    /// The drivers could not be started.
    #[cfg(feature = "ours")]
    NoDrivers(io::Error),
    /// The command `drivers` needs a feature that this build does not have.
    #[cfg(not(feature = "ours"))]
    NotBuilt,
    /// The output could not be written.
    Output(io::Error),
    /// A file of the report could not be written.
    Unwritable(Unwritable),
    /// A report could not be read.
    NoReport(Unreadable),
    /// A file that the command line names could not be read.
    Unreadable(PathBuf, io::Error),
    /// The file of known verdicts is invalid.
    Known(PathBuf, BadKnown),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        write!(f, "{red}error:{red:#} ")?;
        match self {
            Self::NoCase => f.write_str("no case is left to run"),
            Self::NothingMatches(pattern) => write!(
                f,
                "no case and no group is named {pattern:?}. The groups are {}; `conformance list` tells all names",
                cases::group_names()
            ),
            Self::NoConnection(url, error) => write!(f, "{url}: {error}"),
            Self::NoListener(address, error) => write!(f, "cannot listen on {address}: {error}"),
            #[cfg(feature = "ours")]
            Self::NoSubject => f.write_str("no subject is named so"),
            #[cfg(feature = "ours")]
            Self::NoDrivers(error) => write!(f, "the drivers do not start: {error}"),
            #[cfg(not(feature = "ours"))]
            Self::NotBuilt => f.write_str(
                "this build has no drivers: `cargo run --release -p conformance --features ours -- drivers` has",
            ),
            Self::Output(error) => write!(f, "cannot write: {error}"),
            Self::NoReport(file) => file.fmt(f),
            Self::Unwritable(file) => file.fmt(f),
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Known(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

/// Runs a command.
pub(crate) fn run(arguments: &Arguments) -> Result<Status, Stop> {
    match &arguments.command {
        Command::Client(arguments) => client::run(arguments),
        Command::Server(arguments) => server::run(arguments),
        #[cfg(feature = "ours")]
        Command::Drivers(arguments) => drivers::run(arguments),
        #[cfg(not(feature = "ours"))]
        Command::Drivers(_) => Err(Stop::NotBuilt),
        Command::Results(arguments) => results::run(arguments),
        Command::List(arguments) => list::run(arguments),
    }
}
