//! Instructions that the core takes per message, counted by callgrind. They are the same on every run, however
//! busy the machine is, so a change that makes the core slower is noticed when it is made.

use std::{error::Error, fmt, str::FromStr};

use crate::{
    in_memory::{Batch, Role, Source, Subject, ours},
    payload::{Case, Content},
};

/// Something whose instructions are counted.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    role: Role,
    does: Does,
    case: Case,
}

#[derive(Debug, Clone, Copy)]
enum Does {
    Receive,
    Send(ours::Way),
}

/// A read buffer that holds every batch.
const BUFFER: usize = 256 << 10;

/// Lengths that are measured, in bytes, and text as large as a document.
const LENGTHS: [usize; 5] = [16, 125, 512, 4 << 10, 64 << 10];
const DOCUMENT: usize = 2263;

impl Task {
    /// Everything that is counted: receiving and sending in both roles, and what a vectored write spares.
    pub fn all() -> impl Iterator<Item = Self> {
        let binary = LENGTHS.map(|len| Case {
            content: Content::Binary,
            len,
        });
        let text = Case {
            content: Content::Ascii,
            len: DOCUMENT,
        };
        let copied = Does::Send(ours::Way::Copied);
        [
            (Role::Server, Does::Receive),
            (Role::Client, Does::Receive),
            (Role::Server, copied),
            (Role::Server, Does::Send(ours::Way::Through)),
            (Role::Client, copied),
        ]
        .into_iter()
        .flat_map(move |(role, does)| {
            binary
                .into_iter()
                .chain([text])
                .map(move |case| Self { role, does, case })
        })
    }

    /// Messages of a turn.
    #[must_use]
    pub fn messages(&self) -> usize {
        Batch::default().of(self.case.len)
    }

    /// What does it.
    #[must_use]
    pub fn subject(&self) -> Box<dyn Subject> {
        let messages = self.messages();
        match self.does {
            Does::Receive => {
                let peer = match self.role {
                    Role::Server => Role::Client,
                    Role::Client => Role::Server,
                };
                let source = Source::new(peer, self.case, messages);
                Box::new(ours::Receive::new(self.role, source, BUFFER))
            }
            Does::Send(way) => Box::new(ours::Send::new(self.role, self.case, messages, way)),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Server => "server",
            Role::Client => "client",
        };
        let does = match self.does {
            Does::Receive => "receive",
            Does::Send(ours::Way::Copied) => "send",
            Does::Send(ours::Way::Through) => "send-through",
        };
        write!(f, "{does} {role} {}", self.case)
    }
}

/// Counts of one compiler: instructions per message of each task.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What `rustc --version` says.
    pub compiler: String,
    /// Names of tasks and instructions per message.
    pub counts: Vec<(String, f64)>,
}

/// A file that is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotARecord;

impl fmt::Display for NotARecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the file is not a record of instructions")
    }
}

impl Error for NotARecord {}

impl FromStr for Record {
    type Err = NotARecord;

    fn from_str(text: &str) -> Result<Self, NotARecord> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let compiler = lines.next().ok_or(NotARecord)?.to_owned();
        let counts = lines.map(|line| {
            let (name, count) = line.rsplit_once(' ').ok_or(NotARecord)?;
            Ok((
                name.trim().to_owned(),
                count.parse().map_err(|_| NotARecord)?,
            ))
        });
        Ok(Self {
            compiler,
            counts: counts.collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Instructions per message, counted by callgrind. Written by `bench/gate --record`."
        )?;
        writeln!(f, "{}", self.compiler)?;
        for (name, count) in &self.counts {
            writeln!(f, "{name:<34} {count:.1}")?;
        }
        Ok(())
    }
}

/// Why a record cannot be lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotBetter {
    /// Counts of different compilers do not compare.
    Compiler,
    /// The names of tasks that take more instructions than the tolerance allows.
    Tasks(Vec<String>),
}

impl fmt::Display for NotBetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compiler => f.write_str(
                "the record is of another compiler, so no count is better or worse: record all with --record alone",
            ),
            Self::Tasks(names) => {
                write!(f, "nothing is recorded: worse than the bound allows: {}", names.join(", "))
            }
        }
    }
}

impl Error for NotBetter {}

/// Reads a bound in percent, and returns it as a ratio.
///
/// # Errors
///
/// If the text is not a number from 0 to 100.
pub fn percent(text: &str) -> Result<f64, NotAPercentage> {
    let percent: f64 = text.parse().map_err(|_| NotAPercentage)?;
    if (0.0..=100.0).contains(&percent) {
        Ok(percent / 100.0)
    } else {
        Err(NotAPercentage)
    }
}

/// A bound that is not a number of percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAPercentage;

impl fmt::Display for NotAPercentage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a bound is a number of percent from 0 to 100, such as 5 or 0.5, without a sign",
        )
    }
}

impl Error for NotAPercentage {}

/// How a count compares with what is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Within the tolerance.
    Same,
    /// More than the tolerance below: worth a new record.
    Fewer,
    /// More than the tolerance above.
    More,
    /// There is nothing to compare with.
    New,
}

impl Record {
    /// The ratio by which counts may differ from this record unless the caller has a bound of its own: 5 % with
    /// the same compiler, and 20 % with another one, which generates other code.
    #[must_use]
    pub fn tolerance(&self, compiler: &str) -> f64 {
        if self.compiler == compiler {
            0.05
        } else {
            0.20
        }
    }

    /// Makes the record that has the lower of both counts for each task, so that many small losses do not add up
    /// to a large one. Tasks that are not on record come in as they are counted, and those that are counted no
    /// longer drop out.
    ///
    /// # Errors
    ///
    /// [`NotBetter::Compiler`] if the counts are of another compiler, and [`NotBetter::Tasks`] if some are
    /// above the record by more than the tolerance.
    pub fn lowered(&self, counted: &Self, tolerance: f64) -> Result<Self, NotBetter> {
        if counted.compiler != self.compiler {
            return Err(NotBetter::Compiler);
        }
        let worse: Vec<_> = counted
            .counts
            .iter()
            .filter(|(name, count)| self.compare(name, *count, tolerance) == Change::More)
            .map(|(name, _)| name.clone())
            .collect();
        if !worse.is_empty() {
            return Err(NotBetter::Tasks(worse));
        }
        let lower = |(name, count): &(String, f64)| {
            let recorded = self.recorded(name).unwrap_or(*count);
            (name.clone(), count.min(recorded))
        };
        Ok(Self {
            compiler: self.compiler.clone(),
            counts: counted.counts.iter().map(lower).collect(),
        })
    }

    /// The count of a task on record.
    #[must_use]
    pub fn recorded(&self, name: &str) -> Option<f64> {
        let found = self.counts.iter().find(|(other, _)| other == name);
        found.map(|(_, count)| *count)
    }

    /// Compares a count of a task.
    #[must_use]
    pub fn compare(&self, name: &str, count: f64, tolerance: f64) -> Change {
        match self.recorded(name).map(|recorded| count / recorded) {
            None => Change::New,
            Some(ratio) if ratio > 1.0 + tolerance => Change::More,
            Some(ratio) if ratio < 1.0 - tolerance => Change::Fewer,
            Some(_) => Change::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            compiler: "rustc 1.2.3 (x)".to_owned(),
            counts: vec![("receive server binary 16".to_owned(), 100.0)],
        }
    }

    #[test]
    fn a_record_is_read_as_it_is_written() {
        assert_eq!(record().to_string().parse(), Ok(record()));
        assert_eq!("".parse::<Record>(), Err(NotARecord));
        assert_eq!("rustc\nreceive x".parse::<Record>(), Err(NotARecord));
    }

    #[test]
    fn more_than_the_tolerance_is_a_change() {
        let record = record();
        let tolerance = record.tolerance("rustc 1.2.3 (x)");
        for (count, change) in [
            (104.9, Change::Same),
            (95.1, Change::Same),
            (105.1, Change::More),
            (94.9, Change::Fewer),
        ] {
            let name = "receive server binary 16";
            assert_eq!(record.compare(name, count, tolerance), change, "{count}");
        }
        assert_eq!(record.compare("another", 1.0, tolerance), Change::New);
        assert_eq!(record.tolerance("rustc 1.2.4 (y)"), 0.20);
    }

    #[test]
    fn only_what_got_better_is_recorded_anew() {
        let old = Record {
            compiler: "rustc 1.2.3 (x)".to_owned(),
            counts: [("better", 100.0), ("same", 100.0), ("gone", 100.0)]
                .map(|(name, count)| (name.to_owned(), count))
                .into(),
        };
        let counted = |counts: &[(&str, f64)]| Record {
            compiler: old.compiler.clone(),
            counts: counts
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        };
        let new = [("better", 99.5), ("same", 100.9), ("new", 7.0)];
        assert_eq!(
            old.lowered(&counted(&new), 0.01),
            Ok(counted(&[("better", 99.5), ("same", 100.0), ("new", 7.0)]))
        );
        let worse = [("better", 50.0), ("same", 101.1)];
        assert_eq!(
            old.lowered(&counted(&worse), 0.01),
            Err(NotBetter::Tasks(vec!["same".to_owned()]))
        );
        let other = Record {
            compiler: "rustc 1.2.4 (y)".to_owned(),
            ..counted(&new)
        };
        assert_eq!(old.lowered(&other, 0.01), Err(NotBetter::Compiler));
    }

    #[test]
    fn a_bound_is_a_number_of_percent() {
        assert_eq!(percent("5"), Ok(0.05));
        assert_eq!(percent("0.5"), Ok(0.005));
        assert_eq!(percent("0"), Ok(0.0));
        for text in ["", "5%", "five", "-1", "100.1", "NaN", "inf"] {
            assert_eq!(percent(text), Err(NotAPercentage), "{text}");
        }
    }

    #[test]
    fn tasks_have_names_of_their_own_and_do_something() {
        let mut names: Vec<String> = Task::all().map(|task| task.to_string()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        for task in Task::all() {
            assert!(task.subject().turn() >= task.case.len, "{task}");
        }
    }
}
