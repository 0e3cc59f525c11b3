//! The protocol core beside other WebSocket libraries: one process, one thread, all in memory.
//!
//! `cargo run --release --manifest-path bench/peers/Cargo.toml -- [FILTER] [--passes N] [--single]`
//! prints a table per direction and role: nanoseconds per message, in brackets the ratio to ours in the
//! same pass, and allocations per message if there were any. `FILTER` selects cells whose name contains
//! it; `--single` uses turns of one message instead of a batch.

mod fastwebsockets;
mod tokio_websockets;
mod tungstenite;

use std::time::Duration;

use bench::{
    in_memory::{Batch, Role, Source, allocation::Counting, minimum, ours},
    payload::Case,
};
use peers::interleaved::{self, Entry, Outcome};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Length of a read buffer that holds every batch.
const WHOLE: usize = 2 << 20;
/// Length of a read buffer shared by all connections of a thread: 1 MiB arrives in parts.
const USUAL: usize = 256 << 10;

/// The columns for receiving.
const RECEIVE: [&str; 6] = [
    OURS,
    "in parts",
    MINIMUM,
    "tungstenite",
    "fastwebsockets",
    "tokio-websockets",
];
/// The columns for sending.
const SEND: [&str; 6] = [
    OURS,
    "vectored",
    MINIMUM,
    "tungstenite",
    "fastwebsockets",
    "tokio-websockets",
];
const OURS: &str = "ours";
const MINIMUM: &str = "minimum";

/// The rows to run, and the number of passes.
struct Plan {
    filter: String,
    passes: usize,
    slice: Duration,
    batch: Batch,
}

impl Plan {
    fn from_arguments() -> Self {
        let mut plan = Self {
            filter: String::new(),
            passes: 21,
            slice: Duration::from_millis(2),
            batch: Batch::default(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--passes" => {
                    let passes = arguments.next().and_then(|n| n.parse().ok());
                    plan.passes = passes.expect("--passes takes a number");
                }
                "--single" => plan.batch.messages = 1,
                filter => plan.filter = filter.to_owned(),
            }
        }
        plan
    }

    /// Times a row and prints it, with empty columns for missing subjects.
    fn row(
        &self,
        name: &str,
        columns: &[&str],
        messages: usize,
        entries: impl FnOnce() -> Vec<Entry>,
    ) {
        if !name.contains(&self.filter) {
            return;
        }
        let outcomes = interleaved::run(entries(), messages, self.passes, self.slice);
        let cells = columns.iter().map(|column| {
            let outcome = outcomes.iter().find(|outcome| outcome.name == *column);
            outcome.map_or_else(String::new, entry)
        });
        println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

fn entry(outcome: &Outcome) -> String {
    let Outcome {
        name,
        nanos,
        ratio,
        allocations,
        size: _,
    } = outcome;
    let digits = usize::from(*nanos < 1000.0);
    if *allocations < 0.005 {
        return format!("{nanos:.digits$} ({ratio:.2})");
    }
    assert!(
        ![OURS, "in parts", "vectored"].contains(name),
        "the core allocates in the steady state"
    );
    format!("{nanos:.digits$} ({ratio:.2}), {allocations:.2} allocations")
}

fn main() {
    let plan = Plan::from_arguments();
    for (columns, row) in [(&RECEIVE, receive as fn(&Plan, Role, Case)), (&SEND, send)] {
        for role in [Role::Server, Role::Client] {
            println!(
                "\n| ns per message (ratio to ours) | {} |",
                columns.join(" | ")
            );
            println!("|---{}|", "|---".repeat(columns.len()));
            for case in Case::all() {
                row(&plan, role, case);
            }
        }
    }
}

fn receive(plan: &Plan, role: Role, case: Case) {
    let messages = plan.batch.of(case.len);
    let name = format!("receive {role:?} {case}").to_lowercase();
    plan.row(&name, &RECEIVE, messages, || {
        let peer = match role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
        let source = || Source::new(peer, case, messages);
        let mut entries = vec![
            Entry::new(OURS, ours::Receive::new(role, source(), WHOLE)),
            Entry::new(MINIMUM, minimum::Receive::new(role, case.content, source())),
            Entry::new("tungstenite", tungstenite::Receive::new(role, source())),
            Entry::new(
                "fastwebsockets",
                fastwebsockets::Receive::new(role, source()),
            ),
            Entry::new(
                "tokio-websockets",
                tokio_websockets::Receive::new(role, source()),
            ),
        ];
        if case.len > USUAL {
            let subject = ours::Receive::new(role, source(), USUAL);
            entries.push(Entry::new("in parts", subject));
        }
        entries
    });
}

fn send(plan: &Plan, role: Role, case: Case) {
    let messages = plan.batch.of(case.len);
    let name = format!("send {role:?} {case}").to_lowercase();
    plan.row(&name, &SEND, messages, || {
        let way = |way| ours::Send::new(role, case, messages, way);
        let mut entries = vec![
            Entry::new(OURS, way(ours::Way::Copied)),
            Entry::new(MINIMUM, minimum::Send::new(role, case, messages)),
            Entry::new("tungstenite", tungstenite::Send::new(role, case, messages)),
            Entry::new(
                "fastwebsockets",
                fastwebsockets::Send::new(role, case, messages),
            ),
            Entry::new(
                "tokio-websockets",
                tokio_websockets::Send::new(role, case, messages),
            ),
        ];
        if role == Role::Server {
            entries.push(Entry::new("vectored", way(ours::Way::Through)));
        }
        entries
    });
}
