//! The protocol core beside other WebSocket libraries: one process, one thread, all in memory.
//!
//! `cargo run --release --manifest-path bench/peers/Cargo.toml -- [FILTER] [--passes N] [--single]`
//! prints a table per direction and role: nanoseconds per message and, in brackets, the ratio to ours
//! in the same pass; below, allocations per message. `FILTER` picks cells whose name contains it;
//! `--single` gives each turn one message instead of a batch.

mod fastwebsockets;
mod interleaved;
mod memory;
mod tokio_websockets;
mod tungstenite;

use std::time::Duration;

use bench::{Batch, Content, DOCUMENT, LENGTHS, Role, Source, allocation::Counting, minimum, ours};
use interleaved::{Entry, Outcome};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A read buffer that holds every batch.
const WHOLE: usize = 2 << 20;
/// The read buffer that serves all connections of a thread well: 1 MiB comes in parts.
const USUAL: usize = 256 << 10;

/// What to run, and how long.
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

    fn cell(&self, name: &str, messages: usize, entries: impl FnOnce() -> Vec<Entry>) {
        if !name.contains(&self.filter) {
            return;
        }
        let outcomes = interleaved::run(entries(), messages, self.passes, self.slice);
        print!("{name:34}");
        for Outcome {
            name,
            nanos,
            ratio,
            allocations,
        } in outcomes
        {
            print!(" | {name} {nanos:.1} ({ratio:.2}) {allocations:.2}a");
        }
        println!();
    }
}

fn main() {
    let plan = Plan::from_arguments();
    println!("each: nanoseconds per message (ratio to ours) allocations per message");
    for role in [Role::Server, Role::Client] {
        for (content, len) in cells() {
            receive(&plan, role, content, len);
        }
    }
    for role in [Role::Server, Role::Client] {
        for (content, len) in cells() {
            send(&plan, role, content, len);
        }
    }
}

fn cells() -> impl Iterator<Item = (Content, usize)> {
    [Content::Binary, Content::Ascii, Content::Mixed]
        .into_iter()
        .flat_map(|content| {
            let document = content.is_text().then_some(DOCUMENT);
            LENGTHS
                .into_iter()
                .chain(document)
                .map(move |len| (content, len))
        })
}

fn receive(plan: &Plan, role: Role, content: Content, len: usize) {
    let messages = plan.batch.of(len);
    let name = format!("receive {role:?} {content:?} {len}").to_lowercase();
    plan.cell(&name, messages, || {
        let peer = match role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
        let source = || Source::new(peer, content, len, messages);
        let mut entries = vec![
            Entry::new("ours", ours::Receive::new(role, source(), WHOLE)),
            Entry::new("min", minimum::Receive::new(role, content, source())),
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
        if len > USUAL {
            let subject = ours::Receive::new(role, source(), USUAL);
            entries.push(Entry::new("ours, in parts", subject));
        }
        entries
    });
}

fn send(plan: &Plan, role: Role, content: Content, len: usize) {
    let messages = plan.batch.of(len);
    let name = format!("send {role:?} {content:?} {len}").to_lowercase();
    plan.cell(&name, messages, || {
        let way = |way| ours::Send::new(role, content, len, messages, way);
        let mut entries = vec![
            Entry::new("ours", way(ours::Way::Copied)),
            Entry::new("min", minimum::Send::new(role, content, len, messages)),
            Entry::new(
                "tungstenite",
                tungstenite::Send::new(role, content, len, messages),
            ),
            Entry::new(
                "fastwebsockets",
                fastwebsockets::Send::new(role, content, len, messages),
            ),
            Entry::new(
                "tokio-websockets",
                tokio_websockets::Send::new(role, content, len, messages),
            ),
        ];
        if role == Role::Server {
            entries.push(Entry::new("ours, vectored", way(ours::Way::Through)));
        }
        entries
    });
}
