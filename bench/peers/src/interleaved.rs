//! Interleaved timing: A B C A B C …, so that noise of the machine affects all subjects alike. The
//! clock is this thread's processor time, so other processes do not matter.

use std::time::Duration;

use bench::in_memory::{Subject, allocation};
use cpu_time::ThreadTime;

/// One subject of a row, by name.
pub struct Entry {
    /// The column's title.
    pub name: &'static str,
    /// The subject.
    pub subject: Box<dyn Subject>,
}

impl Entry {
    /// Creates a named subject.
    pub fn new(name: &'static str, subject: impl Subject + 'static) -> Self {
        Self {
            name,
            subject: Box::new(subject),
        }
    }
}

/// The result of one subject.
pub struct Outcome {
    /// The column's title.
    pub name: &'static str,
    /// Median of all passes, in nanoseconds per message.
    pub nanos: f64,
    /// Median of the ratios to the first subject in the same pass.
    pub ratio: f64,
    /// Allocations per message, after the warm-up.
    pub allocations: f64,
    /// Compressed bytes as a share of the payload.
    pub size: Option<f64>,
}

/// Times every subject in each of `passes` passes, for `slice` each time.
///
/// # Panics
/// If the subjects of a row do not handle the same number of bytes per turn.
pub fn run(
    mut entries: Vec<Entry>,
    messages: usize,
    passes: usize,
    slice: Duration,
) -> Vec<Outcome> {
    for i in 1..entries.len() {
        let bytes = [0, i].map(|i| entries[i].subject.turn());
        assert_eq!(bytes[0], bytes[1], "{} does other work", entries[i].name);
    }
    let sizes: Vec<Option<f64>> = entries
        .iter_mut()
        .map(|entry| size(&mut *entry.subject))
        .collect();
    let turns: Vec<u32> = entries
        .iter_mut()
        .map(|entry| turns_in(slice, &mut *entry.subject))
        .collect();
    let mut nanos = vec![Vec::with_capacity(passes); entries.len()];
    let mut allocations = vec![0; entries.len()];
    for _ in 0..passes {
        for (i, entry) in entries.iter_mut().enumerate() {
            let before = allocation::allocations();
            let start = ThreadTime::now();
            for _ in 0..turns[i] {
                entry.subject.turn();
            }
            let elapsed = start.elapsed();
            allocations[i] += allocation::allocations() - before;
            nanos[i].push(elapsed.as_nanos() as f64 / f64::from(turns[i]) / messages as f64);
        }
    }
    let passes = passes as f64;
    (0..entries.len())
        .map(|i| Outcome {
            name: entries[i].name,
            nanos: median(nanos[i].clone()),
            ratio: median(nanos[i].iter().zip(&nanos[0]).map(|(a, b)| a / b).collect()),
            allocations: allocations[i] as f64 / passes / f64::from(turns[i]) / messages as f64,
            size: sizes[i],
        })
        .collect()
}

/// Returns the compressed size of one turn's messages.
fn size(subject: &mut dyn Subject) -> Option<f64> {
    let before = subject.compressed_to()?;
    let bytes = subject.turn();
    let after = subject.compressed_to()?;
    Some((after - before) as f64 / bytes as f64)
}

/// Returns the number of turns that take about that long, after an equally long warm-up.
fn turns_in(slice: Duration, subject: &mut dyn Subject) -> u32 {
    let start = ThreadTime::now();
    let mut turns = 0;
    while start.elapsed() < slice {
        subject.turn();
        turns += 1;
    }
    turns
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
