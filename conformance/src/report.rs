//! Reports on runs, for people and for programs.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;
use serde_json::{Serializer, Value, ser::PrettyFormatter};

use crate::{
    case::{Case, Role},
    cases,
    id::Id,
    outcome::Outcome,
    render,
    verdict::{Behavior, Verdict},
};

mod html;
mod json;
mod results;

pub use self::results::{Results, Unreadable};

/// The outcomes of the cases that ran against one subject.
#[derive(Debug, Clone)]
pub struct Agent<'a> {
    /// The name under which it is listed; no two agents of a report share one.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// The outcome of each case.
    pub outcomes: &'a BTreeMap<Id, Outcome>,
}

/// Cases and their outcomes.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// Every case that was selected, in order.
    pub cases: &'a [Case],
    /// Every agent, in the order in which they were tested.
    pub agents: Vec<Agent<'a>>,
}

/// A verdict in one word, the way that tables count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Right in both halves.
    Ok,
    /// The RFC allows it, but prefers something else.
    NonStrict,
    /// There is no right answer.
    Informational,
    /// The subject does not have what the case is about.
    Unimplemented,
    /// Against the RFC, in what it did or in how it closed.
    Failed,
}

impl Grade {
    /// All of them, the best first.
    pub const ALL: [Self; 5] = [
        Self::Ok,
        Self::NonStrict,
        Self::Informational,
        Self::Unimplemented,
        Self::Failed,
    ];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NonStrict => "non-strict",
            Self::Informational => "informational",
            Self::Unimplemented => "unimplemented",
            Self::Failed => "failed",
        }
    }
}

impl From<Verdict> for Grade {
    fn from(verdict: Verdict) -> Self {
        match verdict.behavior {
            _ if !verdict.close.is_right() => Self::Failed,
            Behavior::Ok => Self::Ok,
            Behavior::NonStrict => Self::NonStrict,
            Behavior::Informational => Self::Informational,
            Behavior::Unimplemented => Self::Unimplemented,
            Behavior::Failed => Self::Failed,
        }
    }
}

/// How many cases came to each grade, and how long they took one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    counts: [usize; Grade::ALL.len()],
    /// The sum of the durations of the connections.
    pub time: Duration,
}

impl Tally {
    /// Counts outcomes.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            tally.counts[Grade::from(outcome.verdict) as usize] += 1;
            tally.time += outcome.duration;
        }
        tally
    }

    /// How many came to that grade.
    #[must_use]
    pub const fn count(&self, grade: Grade) -> usize {
        self.counts[grade as usize]
    }

    /// How many there are.
    #[must_use]
    pub fn all(&self) -> usize {
        self.counts.iter().sum()
    }
}

impl Agent<'_> {
    /// The outcomes of the cases of a group.
    pub fn group(&self, name: &str) -> impl Iterator<Item = (&Id, &Outcome)> {
        self.outcomes
            .iter()
            .filter(move |(id, _)| id.group() == name)
    }
}

/// Gives out names for agents, so that no two of a report share a name or a file.
#[derive(Debug, Clone, Default)]
pub struct AgentNames {
    files: Vec<String>,
}

impl AgentNames {
    /// Returns the name without invisible characters, with a number appended if it was taken before.
    pub fn take(&mut self, name: &str) -> String {
        let seen = |c: &char| render::is_seen(*c);
        let name: String = name.trim().chars().filter(seen).take(LONGEST).collect();
        let name = if name.is_empty() { "unnamed" } else { &name };
        let candidates = (1..).map(|number| match number {
            1 => name.to_owned(),
            _ => format!("{name} {number}"),
        });
        let free = |name: &String| !self.files.contains(&file_stem(name));
        let name = candidates.into_iter().find(free).unwrap_or_default();
        self.files.push(file_stem(&name));
        name
    }
}

/// Characters of the longest name of an agent, which is also part of file names.
const LONGEST: usize = 100;

/// The start of the names of an agent's files: the name in lower case, and `_` for everything else.
fn file_stem(agent: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    agent.trim().to_lowercase().chars().map(allowed).collect()
}

/// The name of the file about a case, as readers of Autobahn's reports expect it.
fn file_name(agent: &str, id: &Id, extension: &str) -> String {
    let id = id.to_string().replace(['.', '/', '-'], "_");
    format!("{}_case_{id}.{extension}", file_stem(agent))
}

/// A file of a report that could not be written.
#[derive(Debug)]
pub struct Unwritable {
    /// Its path.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write {}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for Unwritable {}

impl Report<'_> {
    /// Writes the report into a directory, which is made if need be: `index.html` and `index.json`, and a page
    /// and a JSON file for each case of each agent. Returns the path of `index.html`.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<PathBuf, Unwritable> {
        let write = |name: &str, contents: &[u8]| {
            let path = directory.join(name);
            fs::write(&path, contents).map_err(|error| Unwritable { path, error })
        };
        fs::create_dir_all(directory).map_err(|error| Unwritable {
            path: directory.to_owned(),
            error,
        })?;
        write("index.json", &pretty(&json::index(self)))?;
        let positions = cases::positions();
        let nonce = html::Nonce::new();
        for (at, agent) in self.agents.iter().enumerate() {
            for case in self.cases {
                let Some(outcome) = agent.outcomes.get(&case.id) else {
                    continue;
                };
                // Autobahn counts from 1.
                let position = positions.get(&case.id).map_or(0, |at| at + 1);
                let report = json::case(agent, case, outcome, position);
                let page = html::case::case(self, at, case, outcome, &nonce);
                write(&file_name(&agent.name, &case.id, "json"), &pretty(&report))?;
                write(&file_name(&agent.name, &case.id, "html"), page.as_bytes())?;
            }
        }
        write("index.html", html::index::index(self, &nonce).as_bytes())?;
        Ok(directory.join("index.html"))
    }
}

/// JSON with the indentation of Autobahn's files.
fn pretty(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"   ");
    // Writing to memory does not fail, and every key is a string.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    bytes
}
