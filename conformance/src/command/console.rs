//! Output while cases run: a progress bar on a terminal, and a line for each case that was not passed.

use std::{io::Write, time::Duration};

use anstyle::{AnsiColor, Style};
use conformance::{Case, Outcome, report::Grade};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::arguments::Reporting;

/// The bar of one run, and the lines above it.
pub(crate) struct Console {
    bar: ProgressBar,
}

impl Console {
    /// Announces a run.
    pub(crate) fn new(
        heading: &str,
        subject: &str,
        cases: Option<usize>,
        reporting: &Reporting,
    ) -> Self {
        let template = match cases {
            Some(_) => "{elapsed:>12} [{bar:40.green}] {pos}/{len} {msg}",
            None => "{elapsed:>12} {pos} cases, {msg}",
        };
        let style = ProgressStyle::with_template(template)
            .expect("the template is right")
            .progress_chars("=> ");
        let target = if reporting.no_progress {
            ProgressDrawTarget::hidden()
        } else {
            // It is hidden where there is no terminal.
            ProgressDrawTarget::stderr()
        };
        let cases = cases.map(|cases| cases as u64);
        let bar = ProgressBar::with_draw_target(cases, target).with_style(style);
        let console = Self { bar };
        let green = Style::new().bold().fg_color(Some(AnsiColor::Green.into()));
        console.line(&format!("{green}{heading:>12}{green:#} {subject}"));
        console
    }

    /// Counts an outcome, and prints it if it is not right.
    pub(crate) fn outcome(&self, case: &Case, outcome: &Outcome) {
        let grade = Grade::from(outcome.verdict);
        match grade {
            Grade::Failed | Grade::NonStrict => self.line(&line(case, outcome, grade)),
            Grade::Ok | Grade::Informational | Grade::Unimplemented => {}
        }
        self.bar.set_message(case.id.to_string());
        self.bar.inc(1);
    }

    /// Writes a line above the bar.
    pub(crate) fn line(&self, line: &str) {
        self.bar.suspend(|| {
            // If the output is closed, the exit status still counts.
            let _ = writeln!(anstream::stdout(), "{line}");
        });
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn line(case: &Case, outcome: &Outcome, grade: Grade) -> String {
    let (color, word) = (style(grade), grade.name().to_uppercase());
    format!(
        "{color}{word:>12}{color:#} [{:>9}] {:8} {:18} {}",
        seconds(outcome.duration),
        case.id,
        outcome.verdict.to_string(),
        case.description,
    )
}

/// A time in seconds, to the millisecond.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

/// The colour of a grade.
pub(crate) fn style(grade: Grade) -> Style {
    let color = match grade {
        Grade::Ok => AnsiColor::Green,
        Grade::NonStrict => AnsiColor::Yellow,
        Grade::Informational => AnsiColor::Cyan,
        Grade::Unimplemented => AnsiColor::Magenta,
        Grade::Failed => AnsiColor::Red,
    };
    Style::new().bold().fg_color(Some(color.into()))
}
