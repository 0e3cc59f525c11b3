//! The end of a run: why cases failed, the tables, the report, and the exit status.

use std::{fs, io::Write, path::Path, time::Duration};

use anstyle::Style;
use conformance::{
    Id,
    known::{self, Known, Surprise},
    render,
    report::{Grade, Report, Tally},
};

use super::{
    Status, Stop,
    arguments::Reporting,
    console::{seconds, style},
    details, table,
};

/// The relation of the agents of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// They are different implementations and need not agree.
    Free,
    /// They share the code that decides the verdicts and must agree.
    Required,
}

/// Reads the file of known verdicts, if one is named: before the run, so that a slip in it costs no time.
pub(crate) fn known(reporting: &Reporting) -> Result<Known, Stop> {
    let Some(path) = &reporting.known else {
        return Ok(Known::default());
    };
    let text = fs::read_to_string(path).map_err(|error| Stop::Unreadable(path.clone(), error))?;
    text.parse()
        .map_err(|error| Stop::Known(path.clone(), error))
}

/// Prints the outcome of a run, writes the report, and judges.
pub(crate) fn finish(
    report: &Report<'_>,
    known: &Known,
    agreement: Agreement,
    reporting: &Reporting,
    took: Duration,
) -> Result<Status, Stop> {
    let mut surprises = known.surprises(report);
    if agreement == Agreement::Required {
        surprises.extend(known::disagreements(report));
    }
    let index = if reporting.no_report {
        None
    } else {
        Some(report.write(&reporting.report).map_err(Stop::Unwritable)?)
    };
    let mut out = anstream::stdout().lock();
    // If the output is closed, the report and the exit status still count.
    let _ = tell(&mut out, report, &surprises, known, reporting);
    let status = if surprises.is_empty() {
        Status::Passed
    } else {
        Status::Failed
    };
    let _ = summary(&mut out, report, status, took, index.as_deref());
    Ok(status)
}

fn tell(
    out: &mut impl Write,
    report: &Report<'_>,
    surprises: &[(String, Id, Surprise)],
    known: &Known,
    reporting: &Reporting,
) -> std::io::Result<()> {
    let mut left = reporting.details;
    let mut hidden = 0;
    for agent in &report.agents {
        for case in report.cases {
            let Some(outcome) = agent.outcomes.get(&case.id) else {
                continue;
            };
            let failed = Grade::from(outcome.verdict) == Grade::Failed;
            let is_known = known.entry(&agent.name, agent.role, &case.id).is_some();
            if !failed || is_known {
                continue;
            }
            if left == 0 {
                hidden += 1;
                continue;
            }
            left -= 1;
            details::write(out, &agent.name, case, outcome)?;
        }
    }
    if hidden > 0 {
        writeln!(
            out,
            "\n… and {hidden} more that failed: see the report, or --details"
        )?;
    }
    for agent in &report.agents {
        table::write(out, agent)?;
    }
    let listed = surprises.iter().filter(|(_, _, surprise)| {
        reporting.known.is_some() || !matches!(surprise, Surprise::Unlisted(_))
    });
    for (at, (agent, id, surprise)) in listed.enumerate() {
        if at == 0 {
            writeln!(out)?;
        }
        let red = style(Grade::Failed);
        writeln!(
            out,
            "{red}{:>12}{red:#} {id:8} {agent} {surprise}",
            "surprise"
        )?;
    }
    Ok(())
}

fn summary(
    out: &mut impl Write,
    report: &Report<'_>,
    status: Status,
    took: Duration,
    index: Option<&Path>,
) -> std::io::Result<()> {
    let outcomes = report
        .agents
        .iter()
        .flat_map(|agent| agent.outcomes.values());
    let tally = Tally::of(outcomes);
    let (grade, word) = match status {
        Status::Passed => (Grade::Ok, "passed"),
        Status::Failed | Status::Unusable => (Grade::Failed, "failed"),
    };
    let (color, bold) = (style(grade), Style::new().bold());
    write!(
        out,
        "\n{color}{word:>12}{color:#} {bold}{}{bold:#} in {}:",
        render::count(tally.all(), "case"),
        seconds(took)
    )?;
    let counted = Grade::ALL
        .into_iter()
        .filter(|grade| tally.count(*grade) > 0);
    for (at, grade) in counted.enumerate() {
        let (comma, color) = (if at == 0 { "" } else { "," }, style(grade));
        write!(
            out,
            "{comma} {} {color}{}{color:#}",
            tally.count(grade),
            grade.name()
        )?;
    }
    writeln!(out)?;
    if let Some(index) = index {
        writeln!(out, "{:>12} {}", "report", index.display())?;
    }
    Ok(())
}
