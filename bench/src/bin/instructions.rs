//! Counts what the core costs in instructions, by running itself under callgrind, and compares with what is
//! on record. `bench/gate` builds and calls it.

use std::{env, error::Error, fs, path::PathBuf, process::Command, process::ExitCode};

use bench::instructions::{Change, Record, Task};
use clap::Parser;

/// Counts instructions per message and compares them with a record
#[derive(Debug, Parser)]
enum Options {
    /// Compare with the record, or write it anew
    Check {
        /// The record
        #[arg(long, default_value = "bench/instructions.txt")]
        file: PathBuf,
        /// Write what is counted instead of comparing
        #[arg(long)]
        record: bool,
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
        Options::Check { file, record: true } => record(&file),
        Options::Check {
            file,
            record: false,
        } => check(&file),
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

fn record(file: &PathBuf) -> Done {
    let record = Record {
        compiler: compiler()?,
        counts: count_all()?,
    };
    fs::write(file, record.to_string())?;
    print!("{record}");
    Ok(ExitCode::SUCCESS)
}

fn check(file: &PathBuf) -> Done {
    let record: Record = fs::read_to_string(file)?.parse()?;
    let compiler = compiler()?;
    let tolerance = record.tolerance(&compiler);
    if compiler != record.compiler {
        println!("recorded with {}, this is {compiler}", record.compiler);
    }
    println!("tolerance {:.0} %", tolerance * 100.0);
    let mut code = ExitCode::SUCCESS;
    for (name, count) in count_all()? {
        let verdict = match record.compare(&name, count, tolerance) {
            Change::Same => "",
            Change::Fewer => "  fewer: record them with bench/gate --record",
            Change::New => "  not on record",
            Change::More => {
                code = ExitCode::FAILURE;
                "  MORE THAN RECORDED"
            }
        };
        let recorded = record.counts.iter().find(|(other, _)| *other == name);
        let recorded = recorded.map_or(String::new(), |(_, count)| format!("{count:.1}"));
        println!("{name:<34} {recorded:>9} {count:>9.1}{verdict}");
    }
    Ok(code)
}

fn compiler() -> Result<String, Box<dyn Error>> {
    let output = Command::new("rustc").arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Instructions per message of every task.
fn count_all() -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    let mut counts = Vec::new();
    for (n, task) in Task::all().enumerate() {
        let [few, many] = TURNS.map(|turns| count(n, turns));
        let messages = (TURNS[1] - TURNS[0]) * task.messages();
        counts.push((task.to_string(), (many? - few?) as f64 / messages as f64));
    }
    Ok(counts)
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
