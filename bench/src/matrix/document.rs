//! The results as a document with tables and charts.

use std::{
    fmt::{self, Write},
    fs, io, iter,
    path::Path,
};

use super::{
    BESIDE, Cell, Effort, Entrant, Kind, Origin, RAW, Sample, chart,
    figure::Figure,
    machine::{describe, versions},
    outcome::{Row, Spread},
};

/// Ratios of several passes that are further apart than this are marked.
const NOISY: f64 = 0.10;

/// Libraries that the servers of `bench/peers` are made of.
const PEERS: [&str; 9] = [
    "async-tungstenite",
    "fastwebsockets",
    "soketto",
    "tokio",
    "tokio-tungstenite",
    "tokio-websockets",
    "tungstenite",
    "yawc",
    "zlib-rs",
];

/// Everything that was measured, and with whom.
#[derive(Debug)]
pub struct Results<'a> {
    /// The cells, in the order of the tables.
    pub cells: &'a [Cell],
    /// The servers, in the order of the rows.
    pub entrants: &'a [Entrant],
    /// How it was measured.
    pub effort: &'a Effort,
    /// All measurements.
    pub samples: &'a [Sample],
}

/// Writes `RESULTS.md` to `directory`, and to `results` in it the charts and `samples.json` with all measurements,
/// which git ignores because of its size. The document includes the outcome that `bench million` left in `results`.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write(results: &Results<'_>, directory: &Path) -> io::Result<()> {
    let beside = directory.join("results");
    fs::create_dir_all(&beside)?;
    let samples = serde_json::to_string(results.samples).map_err(io::Error::other)?;
    fs::write(beside.join("samples.json"), samples)?;
    let lock = fs::read_to_string(directory.join("peers/Cargo.lock")).unwrap_or_default();
    let million = fs::read_to_string(beside.join("million.md")).ok();
    let mut text = String::new();
    results
        .document(&mut text, &lock, million.as_deref())
        .map_err(io::Error::other)?;
    fs::write(directory.join("RESULTS.md"), text)?;
    results.charts(&beside)
}

impl Results<'_> {
    fn document(&self, out: &mut String, lock: &str, million: Option<&str>) -> fmt::Result {
        self.introduction(out, lock)?;
        self.throughput(out)?;
        self.latency(out)?;
        self.neighbours(out)?;
        self.compression(out)?;
        self.broadcast(out)?;
        self.memory(out)?;
        self.goals(out)?;
        if let Some(million) = million {
            write!(out, "\n{million}")?;
        }
        self.failures(out)
    }

    fn introduction(&self, out: &mut String, lock: &str) -> fmt::Result {
        let Effort {
            passes, duration, ..
        } = self.effort;
        writeln!(
            out,
            "# Results\n\nWritten by `bench/run`; not edited. Methods are in [README.md](README.md), the core by itself in [NOTES.md](NOTES.md). A"
        )?;
        writeln!(
            out,
            "run leaves all its measurements in `results/samples.json`, which is not under version control.\n"
        )?;
        writeln!(out, "- {}", describe().join("; "))?;
        writeln!(out, "- {}", versions(lock, &PEERS).join(", "))?;
        writeln!(
            out,
            "- Passes: {passes}, of {duration:?} in each cell ({BESIDE:?} at least beside bad neighbours), server after server; server and load\n  generator on a processor each; loopback"
        )?;
        writeln!(
            out,
            "- Ratios are medians of the ratios to `raw` in the same pass. Where the passes are more than {:.0} % apart, a",
            NOISY * 100.0
        )?;
        writeln!(
            out,
            "  figure has a `~` and is worth little. A cell is payload bytes / connections / messages in flight on each."
        )?;
        writeln!(
            out,
            "- `raw` echoes bytes with no WebSocket at all, `raw on tokio` and `raw on smol` do so with a task for each connection, `min`"
        )?;
        writeln!(
            out,
            "  has no limits and no checks (README.md). The drivers of this project run with their default configuration, on one thread as all others do."
        )
    }

    fn rows(&self, kind: Kind) -> impl Iterator<Item = &Entrant> {
        self.entrants
            .iter()
            .filter(move |entrant| entrant.command(kind).is_some())
    }

    fn cells(&self, is_in: impl Fn(Kind) -> bool) -> Vec<(&Cell, Row<'_>)> {
        let cells = self.cells.iter().filter(|cell| is_in(cell.kind));
        cells
            .map(|cell| (cell, Row::of(self.samples, cell)))
            .collect()
    }

    /// The cell with which those beside bad neighbours are compared.
    pub(super) fn alone(&self) -> Option<(&Cell, Row<'_>)> {
        self.cells(Kind::is_alone).pop()
    }

    fn throughput(&self, out: &mut String) -> fmt::Result {
        let cells = self.cells(|kind| matches!(kind, Kind::Echo { .. }));
        let Some((first, _)) = cells.first() else {
            return Ok(());
        };
        let names = || cells.iter().map(|(cell, _)| cell.name.as_str());
        writeln!(
            out,
            "\n## Echo: messages per second, ratio to raw\n\n![Echo, ratio to raw](results/echo.svg)\n"
        )?;
        head(out, names())?;
        let raw = cells
            .iter()
            .map(|(_, row)| row.absolute(RAW, Figure::PerSecond).map(rate));
        line(out, "raw, messages/s", raw)?;
        for entrant in self.rows(first.kind).filter(|entrant| entrant.name != RAW) {
            let ratios = cells
                .iter()
                .map(|(_, row)| row.ratio(&entrant.name, Figure::PerSecond).map(ratio));
            line(out, &title(entrant), ratios)?;
        }
        writeln!(
            out,
            "\nThe usual 99th percentile of the latency in the same runs, ratio to raw. It is the median of those of all slices of 50 ms: the machine\nmay take a processor away for some milliseconds a few times a second, and the p99 of a whole run is one with that or without.\n"
        )?;
        head(out, names())?;
        let raw = cells
            .iter()
            .map(|(_, row)| row.absolute(RAW, Figure::UsualP99).map(time));
        line(out, "raw", raw)?;
        for entrant in self.rows(first.kind).filter(|entrant| entrant.name != RAW) {
            let ratios = cells
                .iter()
                .map(|(_, row)| row.ratio(&entrant.name, Figure::UsualP99).map(ratio));
            line(out, &title(entrant), ratios)?;
        }
        Ok(())
    }

    fn latency(&self, out: &mut String) -> fmt::Result {
        for (cell, row) in self.cells(|kind| matches!(kind, Kind::Latency { .. })) {
            writeln!(
                out,
                "\n## Latency: {}\n\n![Latency at a fixed rate](results/latency.svg)\n\nAn open loop: counted from when a message was due. Medians of the passes. The usual p99 is as above.\n",
                cell.name
            )?;
            head(
                out,
                [
                    "p50",
                    "p90",
                    "usual p99",
                    "p99",
                    "p99.9",
                    "max",
                    "processor",
                ]
                .into_iter(),
            )?;
            for entrant in self.rows(cell.kind) {
                let times = [
                    Figure::P50,
                    Figure::P90,
                    Figure::UsualP99,
                    Figure::P99,
                    Figure::P99_9,
                    Figure::Max,
                ]
                .map(|figure| row.absolute(&entrant.name, figure).map(time));
                let share = row.absolute(&entrant.name, Figure::Processor);
                let share = share.map(|spread| format!("{:.0} %", spread.median * 100.0));
                line(out, &title(entrant), times.into_iter().chain([share]))?;
            }
        }
        Ok(())
    }

    fn neighbours(&self, out: &mut String) -> fmt::Result {
        let others = self.cells(|kind| matches!(kind, Kind::Beside { .. }) && !kind.is_alone());
        let Some((cell, alone)) = self.alone() else {
            return Ok(());
        };
        writeln!(
            out,
            "\n## Beside bad neighbours: the usual 99th percentile of the latency\n\nAn open loop of {} bytes on {} good connections, which hardly keeps a server busy; below, the ratio to the time beside nobody in the\nsame pass, to stay below 1.20. In parentheses how late the load generator itself was, which is in the latency.\n",
            cell.len, cell.connections
        )?;
        let names = others.iter().map(|(cell, _)| cell.name.as_str());
        head(out, iter::once(cell.name.as_str()).chain(names))?;
        for entrant in self.rows(cell.kind) {
            let name = &entrant.name;
            let late = |row: &Row<'_>| row.absolute(name, Figure::LateP99).map(time);
            let harm = |(_, row): &(&Cell, Row<'_>)| {
                let harm = row.ratio_to(&alone, name, Figure::UsualP99).map(ratio)?;
                Some(format!("{harm} ({})", late(row)?))
            };
            let first = alone.absolute(name, Figure::UsualP99).map(time);
            let first = first.zip(late(&alone));
            let first = first.map(|(time, late)| format!("{time} ({late})"));
            let cells = iter::once(first).chain(others.iter().map(harm));
            line(out, &title(entrant), cells)?;
        }
        writeln!(out, "\nThe times of all messages, p50 / p99 / p99.9:\n")?;
        let names = others.iter().map(|(cell, _)| cell.name.as_str());
        head(out, iter::once(cell.name.as_str()).chain(names))?;
        for entrant in self.rows(cell.kind) {
            let times = |row: &Row<'_>| {
                let of = |figure| row.absolute(&entrant.name, figure).map(time);
                let [p50, p99, p99_9] = [Figure::P50, Figure::P99, Figure::P99_9].map(of);
                Some(format!("{} / {} / {}", p50?, p99?, p99_9?))
            };
            let rows = iter::once(&alone).chain(others.iter().map(|(_, row)| row));
            line(out, &title(entrant), rows.map(times))?;
        }
        Ok(())
    }

    fn compression(&self, out: &mut String) -> fmt::Result {
        let cells = self.cells(|kind| matches!(kind, Kind::Compressed(_)));
        if cells.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\n## Compression: messages per second, ratio to raw without it\n\nJSON, no two messages alike; level 1.\n"
        )?;
        head(out, cells.iter().map(|(cell, _)| cell.name.as_str()))?;
        line(
            out,
            "raw, messages/s",
            cells
                .iter()
                .map(|(_, row)| row.absolute(RAW, Figure::PerSecond).map(rate)),
        )?;
        for entrant in self.entrants.iter().filter(|entrant| entrant.name != RAW) {
            let takes_part = cells
                .iter()
                .any(|(cell, _)| entrant.command(cell.kind).is_some());
            if takes_part {
                let ratios = cells
                    .iter()
                    .map(|(_, row)| row.ratio(&entrant.name, Figure::PerSecond).map(ratio));
                line(out, &title(entrant), ratios)?;
            }
        }
        Ok(())
    }

    fn broadcast(&self, out: &mut String) -> fmt::Result {
        for (cell, row) in self.cells(|kind| matches!(kind, Kind::Broadcast { .. })) {
            writeln!(
                out,
                "\n## Broadcast of {} bytes to {} connections\n\nUntil everybody has the message; and the server's processor time for it, which does not depend on how fast the load generator\nreads. Raw does bare writes: one `send` for each connection, of bytes that are ready. Growth is that of the resident memory\nmeanwhile, at its peak.\n",
                cell.len, cell.connections
            )?;
            let columns = [
                "time",
                "ratio to raw",
                "processor",
                "ratio to raw",
                "growth",
            ];
            head(out, columns.into_iter())?;
            for entrant in self.rows(cell.kind) {
                let name = &entrant.name;
                let growth = row.absolute(name, Figure::Growth);
                let cells = [
                    row.absolute(name, Figure::Round).map(time),
                    row.ratio(name, Figure::Round).map(ratio),
                    row.absolute(name, Figure::PerRound).map(time),
                    row.ratio(name, Figure::PerRound).map(ratio),
                    growth.map(|spread| format!("{:.0} KiB", spread.median / 1024.0)),
                ];
                line(out, &title(entrant), cells.into_iter())?;
            }
        }
        Ok(())
    }

    fn memory(&self, out: &mut String) -> fmt::Result {
        for (cell, row) in self.cells(|kind| matches!(kind, Kind::Memory { .. })) {
            writeln!(
                out,
                "\n## Memory per idle connection\n\n![Memory per idle connection](results/memory.svg)\n\nGrowth of the server's resident memory over {} connections, divided, in bytes; the kernel's is not in it.\n",
                cell.connections
            )?;
            head(out, ["idle", "after 10 echoes of 1 KiB"].into_iter())?;
            for entrant in self.rows(cell.kind) {
                let each = [Figure::Idle, Figure::Used].map(|figure| {
                    let spread = row.absolute(&entrant.name, figure)?;
                    Some(format!("{:.0}", spread.median))
                });
                line(out, &title(entrant), each.into_iter())?;
            }
        }
        Ok(())
    }

    fn failures(&self, out: &mut String) -> fmt::Result {
        let mut failures = Vec::new();
        for cell in self.cells {
            let row = Row::of(self.samples, cell);
            for entrant in self.entrants {
                if let Some(reason) = row.failure(&entrant.name) {
                    failures.push(format!("- {}, {}: {reason}", entrant.name, cell.name));
                }
            }
        }
        if !failures.is_empty() {
            writeln!(out, "\n## Not measured\n\n{}", failures.join("\n"))?;
        }
        Ok(())
    }

    fn charts(&self, directory: &Path) -> io::Result<()> {
        let echoes = self.cells(|kind| matches!(kind, Kind::Echo { .. }));
        let panels = echoes.iter().map(|(cell, row)| {
            let bars = self.rows(cell.kind).filter_map(|entrant| {
                let value = row.ratio(&entrant.name, Figure::PerSecond)?.median;
                Some(bar(entrant, value, format!("{value:.2}")))
            });
            chart::Panel {
                title: cell.name.clone(),
                bars: bars.collect(),
            }
        });
        chart::bars(
            &directory.join("echo.svg"),
            &panels.collect::<Vec<_>>(),
            chart::Scale::Linear,
        )?;
        let memory = self.cells(|kind| kind.is_memory());
        let panels = memory.iter().map(|(cell, row)| {
            let bars = self.rows(cell.kind).filter_map(|entrant| {
                let bytes = row.absolute(&entrant.name, Figure::Idle)?.median;
                Some(bar(entrant, bytes, format!("{bytes:.0}")))
            });
            chart::Panel {
                title: "bytes per idle connection".to_owned(),
                bars: bars.collect(),
            }
        });
        chart::bars(
            &directory.join("memory.svg"),
            &panels.collect::<Vec<_>>(),
            chart::Scale::Logarithmic,
        )?;
        let latency = self.cells(|kind| matches!(kind, Kind::Latency { .. }));
        let panels = latency.iter().flat_map(|(cell, row)| {
            [("p50", Figure::P50), ("usual p99", Figure::UsualP99)].map(|(name, figure)| {
                let bars = self.rows(cell.kind).filter_map(|entrant| {
                    let spread = row.absolute(&entrant.name, figure)?;
                    Some(bar(entrant, spread.median / 1e3, time(spread)))
                });
                chart::Panel {
                    title: format!("{name}, µs, {}", cell.name),
                    bars: bars.collect(),
                }
            })
        });
        chart::bars(
            &directory.join("latency.svg"),
            &panels.collect::<Vec<_>>(),
            chart::Scale::Logarithmic,
        )
    }
}

fn bar(entrant: &Entrant, value: f64, label: String) -> chart::Bar {
    chart::Bar {
        name: entrant.name.clone(),
        value,
        label,
        origin: entrant.origin,
    }
}

fn title(entrant: &Entrant) -> String {
    match entrant.origin {
        Origin::Ours => format!("**{}**", entrant.name),
        Origin::Scale | Origin::Other => entrant.name.clone(),
    }
}

fn head<'a>(out: &mut String, columns: impl Iterator<Item = &'a str>) -> fmt::Result {
    let columns: Vec<&str> = columns.collect();
    writeln!(out, "| | {} |", columns.join(" | "))?;
    writeln!(out, "|---{}|", "|---".repeat(columns.len()))
}

fn line(out: &mut String, title: &str, cells: impl Iterator<Item = Option<String>>) -> fmt::Result {
    let cells: Vec<String> = cells.map(Option::unwrap_or_default).collect();
    writeln!(out, "| {title} | {} |", cells.join(" | "))
}

fn noise(spread: Spread) -> &'static str {
    if spread.width() > NOISY { "~" } else { "" }
}

fn ratio(spread: Spread) -> String {
    format!("{}{:.2}", noise(spread), spread.median)
}

fn rate(spread: Spread) -> String {
    let value = match spread.median {
        rate if rate < 10_000.0 => format!("{rate:.0}"),
        rate if rate < 1e6 => format!("{:.0} k", rate / 1e3),
        rate => format!("{:.2} M", rate / 1e6),
    };
    format!("{}{value}", noise(spread))
}

/// From nanoseconds.
fn time(spread: Spread) -> String {
    let value = match spread.median {
        nanos if nanos < 1e6 => format!("{:.0} µs", nanos / 1e3),
        nanos => format!("{:.1} ms", nanos / 1e6),
    };
    format!("{}{value}", noise(spread))
}
