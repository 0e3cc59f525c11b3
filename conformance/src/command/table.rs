//! The table at the end of a run: how many cases of each group came to which grade.

use std::io::{self, Write};

use anstyle::Style;
use conformance::{
    Outcome,
    cases::GROUPS,
    report::{Agent, Grade, Tally},
};

use super::console::{seconds, style};

/// Writes the table of one agent.
pub(crate) fn write(out: &mut impl Write, agent: &Agent<'_>) -> io::Result<()> {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    writeln!(out, "\n{bold}{}{bold:#}", agent.name)?;
    let longest = |lens: &mut dyn Iterator<Item = usize>| lens.max().unwrap_or_default();
    let names = longest(&mut GROUPS.iter().map(|group| group.name.len()));
    let titles = longest(&mut GROUPS.iter().map(|group| group.title.len()));
    let title = |name: &str, title: &str| format!("{name:>names$} {title:titles$}");
    write!(out, "{dim}{} {:>6}", title("", "group"), "cases")?;
    for grade in Grade::ALL {
        let (heading, width) = column(grade);
        write!(out, " {heading:>width$}")?;
    }
    writeln!(out, " {:>10}{dim:#}", "time")?;
    for group in GROUPS {
        let tally = Tally::of(agent.group(group.name).map(|(_, outcome)| outcome));
        if tally.all() > 0 {
            row(out, &title(group.name, group.title), tally)?;
        }
    }
    let all: Vec<&Outcome> = agent.outcomes.values().collect();
    row(out, &title("", "all"), Tally::of(all))
}

fn row(out: &mut impl Write, title: &str, tally: Tally) -> io::Result<()> {
    write!(out, "{title} {:>6}", tally.all())?;
    for grade in Grade::ALL {
        let (_, width) = column(grade);
        match tally.count(grade) {
            0 => write!(out, " {:>width$}", "·")?,
            count => {
                let color = style(grade);
                write!(out, " {color}{count:>width$}{color:#}")?;
            }
        }
    }
    writeln!(out, " {:>10}", seconds(tally.time))
}

/// The heading of a column, and how wide it is.
const fn column(grade: Grade) -> (&'static str, usize) {
    match grade {
        Grade::Ok => ("ok", 6),
        Grade::NonStrict => ("non-strict", 10),
        Grade::Informational => ("info", 6),
        Grade::Unimplemented => ("unimpl.", 7),
        Grade::Failed => ("failed", 6),
    }
}
