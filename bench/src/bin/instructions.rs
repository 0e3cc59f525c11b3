//! Counts the instructions that the core takes, by running itself under callgrind, and compares them with
//! the record. `bench/gate` builds and calls it.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use bench::instructions::{Change, Record, Task, percent};
use clap::Parser;

/// Counts instructions per message and compares them with a record
#[derive(Debug, Parser)]
enum Options {
    /// Compare with the record, or write it
    Check {
        /// The record
        #[arg(long, default_value = "bench/instructions.txt")]
        file: PathBuf,
        /// Write the counts instead of comparing; with --within, only those that got better
        #[arg(long)]
        record: bool,
        /// By how many percent a count may exceed the record [default: 5, and 20 if the record is of another
        /// compiler]
        #[arg(long, value_name = "PERCENT", value_parser = percent, allow_negative_numbers = true)]
        within: Option<f64>,
    },
    /// Do a task so many times; this is what runs under callgrind
    #[command(hide = true)]
    Turns {
        /// Which of the tasks
        task: usize,
        /// How often
        turns: usize,
    },
}

/// The difference of these two is free of what starting up costs.
const TURNS: [usize; 2] = [10, 60];

fn main() -> ExitCode {
    let done = match Options::parse() {
        Options::Turns { task, turns } => {
            if let Some(task) = Task::all().nth(task) {
                let mut subject = task.subject();
                for _ in 0..turns {
                    subject.turn();
                }
            }
            return ExitCode::SUCCESS;
        }
        Options::Check {
            file,
            record,
            within,
        } => match (record, within) {
            (false, within) => check(&file, within),
            (true, None) => count_all().and_then(|counted| write(&file, &counted)),
            (true, Some(tolerance)) => lower(&file, tolerance),
        },
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<ExitCode, Box<dyn Error>>;

/// Writes a record.
fn write(file: &Path, record: &Record) -> Done {
    fs::write(file, record.to_string())?;
    print!("{record}");
    Ok(ExitCode::SUCCESS)
}

/// Writes the record that has the lower of both counts, if no count is worse than the tolerance allows.
fn lower(file: &Path, tolerance: f64) -> Done {
    let record = read(file)?;
    let counted = count_all()?;
    compare(&record, &counted, tolerance);
    write(file, &record.lowered(&counted, tolerance)?)
}

fn check(file: &Path, within: Option<f64>) -> Done {
    let record = read(file)?;
    let counted = count_all()?;
    let tolerance = within.unwrap_or_else(|| record.tolerance(&counted.compiler));
    Ok(compare(&record, &counted, tolerance))
}

fn read(file: &Path) -> Result<Record, Box<dyn Error>> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(text
        .parse()
        .map_err(|error| format!("{}: {error}", file.display()))?)
}

/// Prints each count beside the record. Fails if one exceeds the tolerance.
fn compare(record: &Record, counted: &Record, tolerance: f64) -> ExitCode {
    if counted.compiler != record.compiler {
        println!(
            "recorded with {}, this is {}",
            record.compiler, counted.compiler
        );
    }
    println!("within {} %", tolerance * 100.0);
    let mut code = ExitCode::SUCCESS;
    for (name, count) in &counted.counts {
        let verdict = match record.compare(name, *count, tolerance) {
            Change::Same => "",
            Change::Fewer => "  fewer: record it with bench/gate --record --within",
            Change::New => "  not on record",
            Change::More => {
                code = ExitCode::FAILURE;
                "  MORE THAN RECORDED"
            }
        };
        let recorded = record.recorded(name);
        let recorded = recorded.map_or_else(String::new, |count| format!("{count:.1}"));
        println!("{name:<34} {recorded:>9} {count:>9.1}{verdict}");
    }
    code
}

fn compiler() -> Result<String, Box<dyn Error>> {
    let output = Command::new("rustc").arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Instructions per message of every task, with the compiler that is in use.
fn count_all() -> Result<Record, Box<dyn Error>> {
    let compiler = compiler()?;
    let mut counts = Vec::new();
    for (n, task) in Task::all().enumerate() {
        let [few, many] = TURNS.map(|turns| count(n, turns));
        let messages = (TURNS[1] - TURNS[0]) * task.messages();
        counts.push((task.to_string(), (many? - few?) as f64 / messages as f64));
    }
    Ok(Record { compiler, counts })
}

/// Instructions of this program when it does a task so many times.
fn count(task: usize, turns: usize) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["turns", &task.to_string(), &turns.to_string()])
        // The C library chooses how to copy by the processor; let it choose what every one can do.
        .env(
            "GLIBC_TUNABLES",
            "glibc.cpu.hwcaps=-AVX2,-AVX,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load",
        )
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, collected) = collected.ok_or_else(|| format!("callgrind did not count: {said}"))?;
    Ok(collected.trim().parse()?)
}
