//! permessage-deflate in the protocol core beside the bare backends and other libraries: one process,
//! one thread, all in memory.
//!
//! `cargo run --release --manifest-path bench/peers/Cargo.toml --bin compression -- [FILTER] [--passes
//! N]` prints several tables: nanoseconds per message, in brackets the ratio to the first column in the
//! same pass, and the compressed size where messages are compressed. `FILTER` selects rows whose name
//! contains it. `--features soketto-deflate` adds soketto, and uses C's zlib in both other libraries.

mod bare;
mod footprint;
#[cfg(feature = "soketto-deflate")]
mod soketto;
mod yawc;

use std::time::Duration;

use bench::{
    in_memory::{
        Role,
        allocation::Counting,
        compressed::{self, Backend, Company, Ends, Then},
    },
    json::Corpus,
};
use peers::interleaved::{self, Entry, Outcome};
use wsproto::{Compression, Memory, Miniz, ZlibRs};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LENGTHS: [usize; 4] = [512, 2263, 4 << 10, 64 << 10];
const WINDOWS: [u8; 4] = [9, 10, 12, 15];

/// The backends, by name.
const BACKENDS: [(&str, Backend); 2] = [
    ("miniz_oxide", || Box::new(Miniz)),
    ("zlib-rs", || Box::new(ZlibRs::default())),
];

/// The rows to run, and the number of passes.
struct Plan {
    filter: String,
    passes: usize,
}

impl Plan {
    fn from_arguments() -> Self {
        let mut plan = Self {
            filter: String::new(),
            passes: 21,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            if argument == "--passes" {
                let passes = arguments.next().and_then(|n| n.parse().ok());
                plan.passes = passes.expect("--passes takes a number");
            } else {
                plan.filter = argument;
            }
        }
        plan
    }

    /// Times a row and prints it; the first row of a table also prints its header.
    fn row(
        &self,
        name: &str,
        len: usize,
        first: bool,
        entries: impl FnOnce(&Corpus) -> Vec<Entry>,
    ) {
        if !name.contains(&self.filter) {
            return;
        }
        let corpus = Corpus::new(len);
        let slice = Duration::from_millis(2);
        let messages = corpus.messages().len();
        let outcomes = interleaved::run(entries(&corpus), messages, self.passes, slice);
        if first {
            let columns: Vec<_> = outcomes.iter().map(|outcome| outcome.name).collect();
            println!("\n| µs per message | {} |", columns.join(" | "));
            println!("|---{}|", "|---".repeat(columns.len()));
        }
        let cells: Vec<_> = outcomes.iter().map(cell).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
}

fn cell(outcome: &Outcome) -> String {
    let Outcome {
        name: _,
        nanos,
        ratio,
        allocations,
        size,
    } = outcome;
    let micros = nanos / 1000.0;
    let mut cell = format!("{micros:.2} ({ratio:.2})");
    if let Some(size) = size {
        cell += &format!(" {size:.3}");
    }
    if *allocations >= 0.005 {
        cell += &format!(", {allocations:.2} allocations");
    }
    cell
}

/// Level, windows in both directions, takeover in both directions, and the subject that compresses.
fn setting(level: u8, window_bits: u8, takeover: bool, memory: Memory) -> Compression {
    let mut compression = Compression::default();
    compression.level = level;
    compression.send_window_bits = window_bits;
    compression.receive_window_bits = window_bits;
    compression.preferred_receive_window_bits = window_bits;
    compression.send_takeover = takeover;
    compression.receive_takeover = takeover;
    compression.memory = memory;
    compression
}

fn main() {
    let plan = Plan::from_arguments();
    for (name, backend) in BACKENDS {
        for level in [1, 6] {
            for len in LENGTHS {
                let row = format!("compress {name} {level}, {len}");
                plan.row(&row, len, len == LENGTHS[0], |corpus| {
                    compress(name, backend, level, corpus)
                });
            }
        }
    }
    for (name, backend) in BACKENDS {
        for len in LENGTHS {
            let row = format!("inflate {name}, {len}");
            plan.row(&row, len, len == LENGTHS[0], |corpus| {
                inflate(name, backend, corpus)
            });
        }
    }
    for (what, entries) in [
        (
            "receive",
            beside_peers_receiving as fn(&Corpus) -> Vec<Entry>,
        ),
        ("send", beside_peers_sending),
        ("echo", beside_peers_echoing),
    ] {
        for len in [512, 4 << 10] {
            plan.row(&format!("peers {what} {len}"), len, len == 512, entries);
        }
    }
    if "footprint".contains(&plan.filter) {
        footprint::print();
    }
}

/// Compresses as a server: frames are not masked.
fn compress(name: &str, backend: Backend, level: u8, corpus: &Corpus) -> Vec<Entry> {
    let ours_in = |company, window_bits, takeover, memory| {
        let setting = setting(level, window_bits, takeover, memory);
        compressed::Send::new(Role::Server, backend, setting, company, corpus)
    };
    let ours =
        |window_bits, takeover, memory| ours_in(Company::Alone, window_bits, takeover, memory);
    let codec = |takeover| {
        let stream = bare::Codec(backend().compressor(level, 15));
        bare::Compressing::new(stream, takeover, corpus)
    };
    let bare = |takeover| match name {
        "miniz_oxide" => Entry::new(
            "bare",
            bare::Compressing::new(bare::miniz(level), takeover, corpus),
        ),
        _ => {
            let stream = bare::zlib_rs(level, 15);
            Entry::new("bare", bare::Compressing::new(stream, takeover, corpus))
        }
    };
    let mut entries = vec![bare(true)];
    if name == "miniz_oxide" {
        let stream = bare::miniz_static(level);
        entries.push(Entry::new(
            "bare, static",
            bare::Compressing::new(stream, true, corpus),
        ));
    }
    entries.push(Entry::new("codec", codec(true)));
    entries.push(Entry::new("dedicated", ours(15, true, Memory::Dedicated)));
    entries.push(Entry::new(
        "dedicated 12",
        ours(12, true, Memory::Dedicated),
    ));
    for (bits, name) in WINDOWS
        .into_iter()
        .zip(["pooled 9", "pooled 10", "pooled 12", "pooled 15"])
    {
        let subject = ours_in(Company::InTurns, bits, true, Memory::Pooled);
        entries.push(Entry::new(name, subject));
    }
    entries.push(Entry::new(
        "pooled 12, alone",
        ours(12, true, Memory::Pooled),
    ));
    let mut without = bare(false);
    without.name = "bare, no takeover";
    entries.push(without);
    entries.push(match name {
        "miniz_oxide" => {
            let stream = bare::Fresh::new(move || bare::miniz(level));
            Entry::new(
                "bare, new each",
                bare::Compressing::new(stream, false, corpus),
            )
        }
        _ => {
            let stream = bare::Fresh::new(move || bare::zlib_rs(level, 15));
            Entry::new(
                "bare, new each",
                bare::Compressing::new(stream, false, corpus),
            )
        }
    });
    entries.push(Entry::new("codec, no takeover", codec(false)));
    entries.push(Entry::new(
        "ours, no takeover",
        ours(15, false, Memory::Pooled),
    ));
    entries
}

/// Inflates as a client: incoming frames are not masked.
fn inflate(name: &str, backend: Backend, corpus: &Corpus) -> Vec<Entry> {
    let ours = |window_bits, takeover| {
        let setting = setting(1, window_bits, takeover, Memory::Dedicated);
        let source = compressed::record(&Ends::new(Role::Server, setting), backend, corpus);
        compressed::Receive::new(Role::Client, backend, setting, source, Then::Drop)
    };
    let bare = |label, takeover| {
        let compressor = &mut *backend().compressor(1, 15);
        match name {
            "miniz_oxide" => {
                let stream = bare::miniz_inflate();
                Entry::new(
                    label,
                    bare::Inflating::new(stream, compressor, takeover, corpus),
                )
            }
            _ => {
                let stream = zlib_rs::Inflate::new(false, 15);
                Entry::new(
                    label,
                    bare::Inflating::new(stream, compressor, takeover, corpus),
                )
            }
        }
    };
    let mut entries = vec![bare("bare", true)];
    for (bits, name) in WINDOWS
        .into_iter()
        .zip(["ours 9", "ours 10", "ours 12", "ours 15"])
    {
        entries.push(Entry::new(name, ours(bits, true)));
    }
    entries.push(bare("bare, no takeover", false));
    entries.push(Entry::new("ours, no takeover", ours(15, false)));
    entries
}

/// A setting of our core beside those of other libraries.
struct Shown {
    name: &'static str,
    backend: Backend,
    setting: Compression,
    company: Company,
}

/// The default with either backend, and the configuration of other libraries: dedicated compressors,
/// and the largest window.
fn shown() -> [Shown; 4] {
    let [(_, miniz), (_, zlib_rs)] = BACKENDS;
    let default = Shown {
        name: "ours",
        backend: zlib_rs,
        setting: Compression::default(),
        company: Company::InTurns,
    };
    [
        Shown { ..default },
        Shown {
            name: "ours, alone",
            company: Company::Alone,
            ..default
        },
        Shown {
            name: "ours, dedicated",
            setting: setting(1, 15, true, Memory::Dedicated),
            ..default
        },
        Shown {
            name: "ours, miniz_oxide",
            backend: miniz,
            ..default
        },
    ]
}

/// Returns a client's bytes with that window, with or without takeover.
fn recorded(window_bits: u8, takeover: bool, corpus: &Corpus) -> bench::in_memory::Source {
    let setting = setting(1, window_bits, takeover, Memory::Dedicated);
    compressed::record(&Ends::new(Role::Client, setting), BACKENDS[1].1, corpus)
}

fn beside_peers_receiving(corpus: &Corpus) -> Vec<Entry> {
    receiving(corpus, |_| Then::Drop)
}

fn beside_peers_echoing(corpus: &Corpus) -> Vec<Entry> {
    receiving(corpus, Then::Echo)
}

fn receiving(corpus: &Corpus, then: fn(Company) -> Then) -> Vec<Entry> {
    let mut entries = Vec::new();
    for ours in shown() {
        let window_bits = ours.setting.preferred_receive_window_bits;
        let source = recorded(window_bits, true, corpus);
        let then = then(ours.company);
        let subject =
            compressed::Receive::new(Role::Server, ours.backend, ours.setting, source, then);
        entries.push(Entry::new(ours.name, subject));
    }
    entries.push(Entry::new(
        "yawc",
        yawc::Receive::new(recorded(15, true, corpus), then(Company::Alone)),
    ));
    without_takeover(&mut entries, |setting, backend| {
        let source = recorded(15, false, corpus);
        compressed::Receive::new(Role::Server, backend, setting, source, then(Company::Alone))
    });
    #[cfg(feature = "soketto-deflate")]
    entries.push(Entry::new(
        "soketto (no takeover)",
        soketto::Receive::new(recorded(15, false, corpus), then(Company::Alone)),
    ));
    entries
}

fn beside_peers_sending(corpus: &Corpus) -> Vec<Entry> {
    let mut entries = Vec::new();
    for ours in shown() {
        let subject = compressed::Send::new(
            Role::Server,
            ours.backend,
            ours.setting,
            ours.company,
            corpus,
        );
        entries.push(Entry::new(ours.name, subject));
    }
    entries.push(Entry::new("yawc", yawc::Send::new(corpus)));
    without_takeover(&mut entries, |setting, backend| {
        compressed::Send::new(Role::Server, backend, setting, Company::Alone, corpus)
    });
    #[cfg(feature = "soketto-deflate")]
    entries.push(Entry::new(
        "soketto (no takeover)",
        soketto::Send::new(corpus),
    ));
    entries
}

/// soketto has no takeover, so this is our core without it.
fn without_takeover<S: bench::in_memory::Subject + 'static>(
    entries: &mut Vec<Entry>,
    subject: impl FnOnce(Compression, Backend) -> S,
) {
    if cfg!(feature = "soketto-deflate") {
        let setting = setting(1, 15, false, Memory::Pooled);
        entries.push(Entry::new(
            "ours, no takeover",
            subject(setting, BACKENDS[1].1),
        ));
    }
}
