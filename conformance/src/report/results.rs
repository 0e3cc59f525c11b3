//! Summaries of reports in Markdown, for publishing comparisons.
//!
//! Reports of Autobahn can be read as well, since the format is the same.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::Grade;
use crate::{
    cases::{self, GROUPS},
    id::{Id, Pattern},
    verdict::{Behavior, BehaviorClose, Verdict},
};

/// The verdicts of several reports.
#[derive(Debug, Clone, Default)]
pub struct Results {
    agents: Vec<AgentResults>,
}

#[derive(Debug, Clone)]
struct AgentResults {
    name: String,
    /// True if the agent was a client.
    is_client: bool,
    /// In the order of the suite.
    cases: Vec<Judged>,
}

/// The fields that are read from the file of a case.
#[derive(Debug, Clone, Deserialize)]
struct Judged {
    id: Id,
    behavior: Behavior,
    #[serde(rename = "behaviorClose")]
    close: BehaviorClose,
    #[serde(rename = "isServer")]
    is_server: bool,
    result: String,
    #[serde(rename = "resultClose")]
    result_close: String,
}

/// The fields that are read from an entry of the index.
#[derive(Deserialize)]
struct Entry {
    reportfile: PathBuf,
}

/// A report that could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The file in question.
    pub path: PathBuf,
    /// The error.
    pub error: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for Unreadable {}

impl Results {
    /// Adds the agents of the report in a directory.
    ///
    /// # Errors
    ///
    /// If the index or a file that it names cannot be read.
    pub fn add(&mut self, directory: &Path) -> Result<(), Unreadable> {
        let index: BTreeMap<String, BTreeMap<String, Entry>> = read(directory.join("index.json"))?;
        for (name, entries) in index {
            let entries = entries.into_values();
            let cases: Result<Vec<Judged>, _> = entries
                .map(|entry| read(directory.join(entry.reportfile)))
                .collect();
            self.agents.push(AgentResults::new(name, cases?));
        }
        Ok(())
    }

    /// Removes cases that are not to be published.
    pub fn leave_out(&mut self, patterns: &[Pattern]) {
        for agent in &mut self.agents {
            let listed = |id: &Id| !patterns.iter().any(|pattern| pattern.matches(id));
            agent.cases.retain(|case| listed(&case.id));
        }
    }

    /// Returns a summary in Markdown: a table of servers and one of clients, each case that is not `OK`, and why.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (title, is_client) in [("Servers", false), ("Clients", true)] {
            let agents: Vec<_> = self
                .agents
                .iter()
                .filter(|agent| agent.is_client == is_client)
                .collect();
            if !agents.is_empty() {
                // Writing to a string does not fail.
                let _ = section(&mut text, title, &agents);
            }
        }
        text
    }
}

fn read<T: for<'a> Deserialize<'a>>(path: PathBuf) -> Result<T, Unreadable> {
    let text = fs::read_to_string(&path);
    let value = text.and_then(|text| serde_json::from_str(&text).map_err(io::Error::other));
    value.map_err(|error| Unreadable { path, error })
}

fn section(out: &mut String, title: &str, agents: &[&AgentResults]) -> fmt::Result {
    writeln!(out, "## {title}\n")?;
    write!(out, "| |")?;
    for grade in Grade::ALL {
        write!(out, " {} |", grade.name())?;
    }
    writeln!(
        out,
        " cases |\n|---|{}",
        "---:|".repeat(Grade::ALL.len() + 1)
    )?;
    for agent in agents {
        write!(out, "| {} |", escaped(&agent.name))?;
        for grade in Grade::ALL {
            write!(out, " {} |", agent.count(grade, |_| true))?;
        }
        writeln!(out, " {} |", agent.cases.len())?;
    }
    groups(out, agents)?;
    for agent in agents {
        deviations(out, agent)?;
    }
    Ok(())
}

/// How many cases of each group are right, for each agent.
fn groups(out: &mut String, agents: &[&AgentResults]) -> fmt::Result {
    write!(out, "\nRight, of the cases of each group:\n\n| |")?;
    for agent in agents {
        write!(out, " {} |", escaped(&agent.name))?;
    }
    writeln!(out, "\n|---|{}", "---:|".repeat(agents.len()))?;
    for group in GROUPS {
        let has = |case: &Judged| case.id.group() == group.name;
        if !agents.iter().any(|agent| agent.cases.iter().any(has)) {
            continue;
        }
        write!(out, "| {} {} |", group.name, group.title)?;
        for agent in agents {
            let all = agent.cases.iter().filter(|case| has(case)).count();
            let right = agent.count(Grade::Ok, has) + agent.count(Grade::Informational, has);
            write!(out, " {right}/{all} |")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// The cases that are not `OK`. Neighbours with the same verdict and reason share a line.
fn deviations(out: &mut String, agent: &AgentResults) -> fmt::Result {
    let mut runs: Vec<(Vec<&Judged>, Verdict, String)> = Vec::new();
    for case in &agent.cases {
        let (verdict, reason) = (case.verdict(), case.reason());
        match runs.last_mut() {
            Some((run, other, why)) if *other == verdict && *why == reason => run.push(case),
            _ => runs.push((vec![case], verdict, reason)),
        }
    }
    runs.retain(|(_, verdict, _)| {
        !matches!(Grade::from(*verdict), Grade::Ok | Grade::Informational)
    });
    if runs.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n### {}\n\n| case | verdict | why |\n|---|---|---|",
        escaped(&agent.name)
    )?;
    for (run, verdict, reason) in runs {
        let cases = match run.as_slice() {
            [first, .., last] => format!("{} to {} ({})", first.id, last.id, run.len()),
            [only] => only.id.to_string(),
            [] => String::new(),
        };
        writeln!(out, "| {cases} | {verdict} | {} |", escaped(&reason))?;
    }
    Ok(())
}

impl AgentResults {
    fn new(name: String, mut cases: Vec<Judged>) -> Self {
        let positions = cases::positions();
        // Cases that the suite does not know, from reports of another version, come last.
        cases.sort_by_cached_key(|case| {
            let at = positions.get(&case.id).copied().unwrap_or(usize::MAX);
            (at, case.id.clone())
        });
        Self {
            name,
            is_client: cases.iter().any(|case| case.is_server),
            cases,
        }
    }

    fn count(&self, grade: Grade, of: impl Fn(&Judged) -> bool) -> usize {
        let cases = self.cases.iter();
        cases
            .filter(|case| of(case) && Grade::from(case.verdict()) == grade)
            .count()
    }
}

impl Judged {
    fn verdict(&self) -> Verdict {
        Verdict {
            behavior: self.behavior,
            close: self.close,
        }
    }

    /// The reason for the verdict: the behaviour, or the closing if only that was wrong.
    fn reason(&self) -> String {
        match self.behavior {
            Behavior::Ok | Behavior::Informational if !self.close.is_right() => {
                self.result_close.clone()
            }
            Behavior::Ok
            | Behavior::NonStrict
            | Behavior::Informational
            | Behavior::Unimplemented
            | Behavior::Failed => self.result.clone(),
        }
    }
}

/// Text in a cell of a table, escaped for Markdown and HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(id: &str, behavior: Behavior, close: BehaviorClose) -> Judged {
        Judged {
            id: id.parse().expect("an id"),
            behavior,
            close,
            is_server: false,
            result: "did | this".to_owned(),
            result_close: "closed so".to_owned(),
        }
    }

    #[test]
    fn neighbours_with_the_same_verdict_share_a_line() {
        let results = Results {
            agents: vec![AgentResults::new(
                "<b>ad".to_owned(),
                vec![
                    judged("closing/code-1001", Behavior::Failed, BehaviorClose::Ok),
                    judged("closing/code-1000", Behavior::Failed, BehaviorClose::Ok),
                    judged("1.1.1", Behavior::Failed, BehaviorClose::Ok),
                    judged("1.1.2", Behavior::Failed, BehaviorClose::Ok),
                    judged("1.1.8", Behavior::Failed, BehaviorClose::Ok),
                    judged("2.1", Behavior::Ok, BehaviorClose::Ok),
                    judged("2.2", Behavior::Ok, BehaviorClose::Unclean),
                    judged("2.3", Behavior::Informational, BehaviorClose::Informational),
                ],
            )],
        };
        assert_eq!(
            results.markdown(),
            "## Servers\n\n\
             | | ok | non-strict | informational | unimplemented | failed | cases |\n\
             |---|---:|---:|---:|---:|---:|---:|\n\
             | &lt;b>ad | 1 | 0 | 1 | 0 | 6 | 8 |\n\n\
             Right, of the cases of each group:\n\n\
             | | &lt;b>ad |\n\
             |---|---:|\n\
             | 1 Framing | 0/3 |\n\
             | 2 Pings and pongs | 2/3 |\n\
             | closing Closing in all ways | 0/2 |\n\n\
             ### &lt;b>ad\n\n\
             | case | verdict | why |\n\
             |---|---|---|\n\
             | 1.1.1 to 1.1.8 (3) | FAILED / OK | did \\| this |\n\
             | 2.2 | OK / UNCLEAN | closed so |\n\
             | closing/code-1000 to closing/code-1001 (2) | FAILED / OK | did \\| this |\n"
        );
    }
}
