//! What came out, and what it means over several passes.

use std::io;

use serde::Serialize;

use super::{Cell, RAW, figure::Figure};
use crate::load::Report;

/// One measurement.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// The pass, from 0.
    pub pass: usize,
    /// The name of the cell.
    pub cell: String,
    /// The name of the server.
    pub entrant: String,
    /// What came out.
    pub outcome: Outcome,
}

/// What came out of one measurement.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was measured.
    Measured(Box<Report>),
    /// Connections failed or messages got lost: what was measured is of no use.
    Disturbed(Box<Report>),
    /// It could not be measured, for that reason.
    Failed(String),
}

impl From<io::Result<Report>> for Outcome {
    fn from(result: io::Result<Report>) -> Self {
        match result {
            Ok(report) if report.is_clean() => Self::Measured(Box::new(report)),
            Ok(report) => Self::Disturbed(Box::new(report)),
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

/// The median of several passes, and how far they are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    /// The smallest and the largest.
    pub(crate) ends: [f64; 2],
}

impl Spread {
    /// `None` if there are no values.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (first, last) = (*values.first()?, *values.last()?);
        let median = values[values.len() / 2];
        Some(Self {
            median,
            ends: [first, last],
        })
    }

    /// The largest less the smallest, as a share of the median.
    pub(crate) fn width(self) -> f64 {
        let [first, last] = self.ends;
        (last - first) / self.median
    }
}

/// The measurements of one cell.
pub(super) struct Row<'a> {
    connections: usize,
    samples: Vec<&'a Sample>,
}

impl<'a> Row<'a> {
    pub(super) fn of(samples: &'a [Sample], cell: &Cell) -> Self {
        let samples = samples.iter().filter(|sample| sample.cell == cell.name);
        Self {
            connections: cell.connections,
            samples: samples.collect(),
        }
    }

    /// A figure of a server in each pass in which it was measured.
    fn figures(&self, entrant: &str, figure: Figure) -> Vec<(usize, f64)> {
        let samples = self
            .samples
            .iter()
            .filter(|sample| sample.entrant == entrant);
        let figures = samples.filter_map(|sample| match &sample.outcome {
            Outcome::Measured(report) => Some((sample.pass, figure.of(report, self.connections)?)),
            Outcome::Disturbed(_) | Outcome::Failed(_) => None,
        });
        figures.collect()
    }

    /// A figure of a server.
    pub(super) fn absolute(&self, entrant: &str, figure: Figure) -> Option<Spread> {
        let figures = self.figures(entrant, figure);
        Spread::of(figures.into_iter().map(|(_, value)| value).collect())
    }

    /// A figure of a server, divided by that of the raw echo in the same pass.
    pub(super) fn ratio(&self, entrant: &str, figure: Figure) -> Option<Spread> {
        let raw = self.figures(RAW, figure);
        ratios(&self.figures(entrant, figure), &raw)
    }

    /// A figure of a server, divided by its own in another cell in the same pass.
    pub(super) fn ratio_to(&self, other: &Self, entrant: &str, figure: Figure) -> Option<Spread> {
        let others = other.figures(entrant, figure);
        ratios(&self.figures(entrant, figure), &others)
    }

    /// Why a server was not measured, if it was not.
    pub(super) fn failure(&self, entrant: &str) -> Option<String> {
        let mut samples = self
            .samples
            .iter()
            .filter(|sample| sample.entrant == entrant);
        samples.find_map(|sample| match &sample.outcome {
            Outcome::Measured(_) => None,
            Outcome::Failed(reason) => Some(reason.clone()),
            Outcome::Disturbed(report) => {
                let errors = report
                    .errors
                    .iter()
                    .map(|(error, n)| format!("{n} × {error}"));
                let unanswered = report.messages.unanswered;
                let lost = (unanswered > 0).then(|| format!("{unanswered} messages unanswered"));
                Some(errors.chain(lost).collect::<Vec<_>>().join(", "))
            }
        })
    }
}

/// Of figures with the pass that each is of.
fn ratios(figures: &[(usize, f64)], by: &[(usize, f64)]) -> Option<Spread> {
    let ratios = figures.iter().filter_map(|(pass, value)| {
        let (_, by) = by.iter().find(|(other, _)| other == pass)?;
        Some(value / by)
    });
    Spread::of(ratios.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_median_and_the_width() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.ends), (2.0, [1.0, 3.0]));
        assert_eq!(spread.width(), 1.0);
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn figures_are_compared_within_their_pass() {
        let spread = ratios(&[(0, 8.0), (1, 9.0), (3, 1.0)], &[(3, 1.0), (0, 2.0)]).unwrap();
        assert_eq!((spread.median, spread.ends), (4.0, [1.0, 4.0]));
    }
}
