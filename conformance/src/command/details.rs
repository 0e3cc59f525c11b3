//! Why a case failed: the expected and the received events, and the frames.

use std::io::{self, Write};

use anstyle::Style;
use conformance::{
    Case, Outcome,
    log::{Entry, Line, What},
    render,
    report::Grade,
};

use super::console::style;

/// Frames that are shown from the start of a connection, and from its end.
const SHOWN: (usize, usize) = (16, 8);

/// Writes all that helps to understand a verdict.
pub(crate) fn write(
    out: &mut impl Write,
    agent: &str,
    case: &Case,
    outcome: &Outcome,
) -> io::Result<()> {
    let color = style(Grade::from(outcome.verdict));
    let bold = Style::new().bold();
    writeln!(
        out,
        "\n{bold}{}{bold:#} {color}{}{color:#} {agent}",
        case.id, outcome.verdict
    )?;
    field(out, "does", &[case.description.as_ref()])?;
    field(out, "wants", &[case.expectation.as_ref()])?;
    field(out, "because", &outcome.reasons)?;
    for alternative in &outcome.expected {
        let name = if alternative.strict {
            "expected"
        } else {
            "or, less strict"
        };
        field(out, name, &render::events(&alternative.events))?;
    }
    if let Some(closing) = &outcome.closing {
        field(out, "closing", &[render::closing(closing)])?;
    }
    field(out, "received", &render::events(&outcome.events))?;
    field(out, "ended", &[render::ending(&outcome.ending)])?;
    if !outcome.log.entries().any(Entry::is_frame) {
        // Without frames, the heads tell the story.
        for (name, head) in [
            ("request", &outcome.heads.request),
            ("response", &outcome.heads.response),
        ] {
            let lines = render::lines(head);
            field(out, name, &lines.lines().collect::<Vec<_>>())?;
        }
    }
    frames(out, outcome)
}

/// Writes a field, each further line below the first.
fn field(out: &mut impl Write, name: &str, lines: &[impl AsRef<str>]) -> io::Result<()> {
    let dim = Style::new().dimmed();
    let mut name = name;
    for line in lines {
        writeln!(out, "{dim}{name:>16}{dim:#}  {}", line.as_ref())?;
        name = "";
    }
    Ok(())
}

fn frames(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    let wanted = |entry: &Entry| !is_bytes(entry);
    let (first, last) = SHOWN;
    let lines = outcome.log.lines(first, last, wanted);
    let texts: Vec<_> = lines.into_iter().map(line).collect();
    field(out, "wire", &texts)
}

fn line(line: Line<'_>) -> String {
    match line {
        Line::Entry(Entry { at, what }) => format!(
            "{:9.3}ms {} {}",
            at.as_secs_f64() * 1e3,
            render::arrow(what),
            render::what(what)
        ),
        Line::LeftOut(count) => format!("{:11} … {count} more …", ""),
    }
}

fn is_bytes(entry: &Entry) -> bool {
    matches!(entry.what, What::SentBytes(_) | What::ReceivedBytes(_))
}
