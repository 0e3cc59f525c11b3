//! What our drivers are to reach, and where they do not.

use std::fmt::{self, Write};

use super::{
    Cell, Goal, Kind, RAW, Results,
    figure::Figure,
    outcome::{Row, Spread},
};

/// Within this of its target, a ratio has met it: runs differ by as much.
const NEAR: f64 = 0.03;

/// Bytes by which resident memory may grow in a broadcast.
const GROWTH: f64 = 1e6;

impl Results<'_> {
    /// A table of the targets that are missed.
    pub(super) fn goals(&self, out: &mut String) -> fmt::Result {
        let mut missed = Vec::new();
        for (driver, name) in ["mio", "tokio", "smol"].into_iter().enumerate() {
            for cell in self.cells {
                if let (Some(goal), Some(reached)) = (cell.goal, self.reached(cell, name))
                    && let Some(target) = goal.missed(driver, reached.median)
                {
                    let [least, most] = reached.ends;
                    let is_beside = matches!(cell.kind, Kind::Beside { .. });
                    let raw = is_beside.then(|| self.reached(cell, RAW)).flatten();
                    let raw = raw.map_or_else(String::new, |raw| format!("{:.2}", raw.median));
                    missed.push(format!(
                        "| {name} | {} | {target:.2} | {:.2} | {least:.2} to {most:.2} | {raw} |",
                        cell.name, reached.median,
                    ));
                }
                let grown = match cell.kind {
                    Kind::Broadcast { .. } => {
                        Row::of(self.samples, cell).absolute(name, Figure::Growth)
                    }
                    Kind::Echo { .. }
                    | Kind::Latency { .. }
                    | Kind::Beside { .. }
                    | Kind::Compressed(_)
                    | Kind::Memory { .. } => None,
                };
                if let Some(Spread { median, .. }) = grown
                    && median >= GROWTH
                {
                    missed.push(format!(
                        "| {name} | {}, growth | {:.1} MB | {:.1} MB | | |",
                        cell.name,
                        GROWTH / 1e6,
                        median / 1e6
                    ));
                }
            }
        }
        writeln!(
            out,
            "\n## Targets\n\nCells in which a driver misses its target by more than {:.0} %. Beside bad neighbours, what the raw echo reaches by the same\nmeasure is what the machine itself contributes.\n\n| driver | cell | target | reached | in the passes | raw |\n|---|---|---|---|---|---|",
            NEAR * 100.0
        )?;
        if missed.is_empty() {
            return writeln!(out, "| none | | | | | |");
        }
        missed.iter().try_for_each(|line| writeln!(out, "{line}"))
    }

    /// The ratio that the target of a cell is for, of a driver or of the same with a compressor for each
    /// connection, whichever is faster.
    fn reached(&self, cell: &Cell, driver: &str) -> Option<Spread> {
        let row = Row::of(self.samples, cell);
        match cell.kind {
            Kind::Broadcast { .. } => row.ratio(driver, Figure::Round),
            Kind::Beside { .. } => {
                let (_, alone) = self.alone()?;
                row.ratio_to(&alone, driver, Figure::UsualP99)
            }
            Kind::Echo { .. }
            | Kind::Latency { .. }
            | Kind::Compressed(_)
            | Kind::Memory { .. } => {
                let names = [driver.to_owned(), format!("{driver}, dedicated")];
                let ratios = names
                    .iter()
                    .filter_map(|name| row.ratio(name, Figure::PerSecond));
                ratios.max_by(|a, b| a.median.total_cmp(&b.median))
            }
        }
    }
}

impl Goal {
    /// The target of a driver, by its number, if what it has reached is further from it than runs differ.
    fn missed(self, driver: usize, reached: f64) -> Option<f64> {
        match self {
            Self::AtLeast(targets) => {
                Some(targets[driver]).filter(|target| reached < target * (1.0 - NEAR))
            }
            Self::AtMost(targets) => {
                Some(targets[driver]).filter(|target| reached > target * (1.0 + NEAR))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_missed_beyond_what_runs_differ_by() {
        let least = Goal::AtLeast([0.98, 0.90, 0.80]);
        let most = Goal::AtMost([1.10, 1.20, 1.20]);
        for (goal, driver, reached, missed) in [
            (least, 0, 0.96, None),
            (least, 0, 0.94, Some(0.98)),
            (least, 2, 0.94, None),
            (most, 0, 1.12, None),
            (most, 0, 1.15, Some(1.10)),
            (most, 1, 1.15, None),
            (most, 1, 0.50, None),
        ] {
            assert_eq!(goal.missed(driver, reached), missed, "{goal:?} {reached}");
        }
    }
}
