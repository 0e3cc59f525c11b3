//! What is measured: the cells of the tables.

use std::iter;

use serde::Serialize;

use crate::load::{Content, Neighbour, Offer};

/// A cell: what a server is asked to do.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    /// Bytes of a payload, connections, messages in flight on each; or words.
    pub name: String,
    /// What is measured.
    #[serde(skip)]
    pub kind: Kind,
    /// Bytes of a payload.
    pub len: usize,
    /// Connections.
    pub connections: usize,
    /// What payloads consist of.
    #[serde(skip)]
    pub content: Content,
    /// What our drivers are to reach.
    pub goal: Option<Goal>,
}

/// What our drivers are to reach as a ratio: mio, tokio, smol.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Goal {
    /// At least so much, of what is better when it is more.
    AtLeast([f64; 3]),
    /// At most so much, of what is better when it is less.
    AtMost([f64; 3]),
}

/// What is measured in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Throughput of an echo in a closed loop.
    Echo {
        /// Messages in flight on each connection.
        depth: u32,
    },
    /// Latency of an echo at a fixed rate.
    Latency {
        /// Messages per second.
        rate: f64,
    },
    /// Latency of an echo at a fixed rate, beside connections that misbehave.
    Beside {
        /// Messages per second.
        rate: f64,
        /// How they misbehave; nobody does in the cell that the others are compared with.
        neighbour: Option<Neighbour>,
    },
    /// Throughput of an echo with compression, one message in flight.
    Compressed(Offer),
    /// How long it takes until everybody has a message.
    Broadcast {
        /// Messages that are broadcast.
        count: u64,
    },
    /// Resident memory per connection.
    Memory {
        /// Messages echoed on each connection before it is measured a second time.
        echoes: u64,
    },
}

impl Kind {
    /// Whether it is what those beside bad neighbours are compared with.
    #[must_use]
    pub const fn is_alone(self) -> bool {
        match self {
            Self::Beside { neighbour, .. } => neighbour.is_none(),
            Self::Echo { .. }
            | Self::Latency { .. }
            | Self::Compressed(_)
            | Self::Broadcast { .. }
            | Self::Memory { .. } => false,
        }
    }

    /// Whether it measures memory, which is the same every time.
    #[must_use]
    pub const fn is_memory(self) -> bool {
        match self {
            Self::Memory { .. } => true,
            Self::Echo { .. }
            | Self::Latency { .. }
            | Self::Beside { .. }
            | Self::Compressed(_)
            | Self::Broadcast { .. } => false,
        }
    }
}

/// A length, a number of connections, a depth, and what mio, tokio and smol are to reach.
type EchoRow = (usize, usize, u32, [f64; 3]);

const ECHOES: [EchoRow; 11] = [
    (16, 200, 1, [0.98, 0.97, 0.95]),
    (16, 1000, 1, [0.98, 0.96, 0.95]),
    (512, 1000, 1, [0.99, 0.98, 0.95]),
    (4 << 10, 200, 1, [0.98, 0.95, 0.93]),
    (64 << 10, 200, 1, [0.92, 0.88, 0.85]),
    (64 << 10, 1000, 1, [0.92, 0.88, 0.85]),
    (1 << 20, 200, 1, [0.98, 0.95, 0.92]),
    (16, 200, 16, [0.97, 0.93, 0.90]),
    (512, 200, 16, [0.97, 0.92, 0.90]),
    (4 << 10, 200, 16, [0.97, 0.92, 0.90]),
    (64 << 10, 200, 16, [0.90, 0.88, 0.85]),
];

/// All cells.
#[must_use]
pub fn all() -> Vec<Cell> {
    let cell = |name: &str, kind, len, connections, content| Cell {
        name: name.to_owned(),
        kind,
        len,
        connections,
        content,
        goal: None,
    };
    let mut cells: Vec<Cell> = ECHOES
        .into_iter()
        .map(|(len, connections, depth, targets)| Cell {
            goal: Some(Goal::AtLeast(targets)),
            ..cell(
                &format!("{}/{connections}/{depth}", short(len)),
                Kind::Echo { depth },
                len,
                connections,
                Content::Binary,
            )
        })
        .collect();
    // 4.1 KiB of JSON, as fast as 200 connections can: what a Go library publishes.
    let flood = Kind::Echo { depth: 256 };
    cells.push(Cell {
        goal: Some(Goal::AtLeast([0.85, 0.80, 0.78])),
        ..cell("flood", flood, 4198, 200, Content::Json)
    });
    let latency = Kind::Latency { rate: 30_000.0 };
    cells.push(cell(
        "512/1000 at 30 k/s",
        latency,
        512,
        1000,
        Content::Binary,
    ));
    let neighbours = Neighbour::ALL.into_iter().map(Some);
    for neighbour in iter::once(None).chain(neighbours) {
        let beside = Kind::Beside {
            rate: 20_000.0,
            neighbour,
        };
        let name = neighbour.map_or_else(|| "nobody".to_owned(), |it| it.to_string());
        cells.push(Cell {
            goal: neighbour.map(|_| Goal::AtMost([1.20; 3])),
            ..cell(&format!("beside {name}"), beside, 512, 200, Content::Binary)
        });
    }
    for (name, offer) in [
        ("deflate 512/200/1", Offer::Takeover),
        ("deflate 512/200/1, no takeover", Offer::NoTakeover),
    ] {
        cells.push(Cell {
            goal: Some(Goal::AtLeast([0.60; 3])),
            ..cell(name, Kind::Compressed(offer), 512, 200, Content::Json)
        });
    }
    let broadcast = Kind::Broadcast { count: 40 };
    cells.push(Cell {
        goal: Some(Goal::AtMost([1.10, 1.20, 1.20])),
        ..cell("broadcast", broadcast, 512, 10_000, Content::Binary)
    });
    let memory = Kind::Memory { echoes: 10 };
    cells.push(cell("memory", memory, 1 << 10, 18_000, Content::Binary));
    cells
}

fn short(len: usize) -> String {
    match len {
        0..0x1_0000 => len.to_string(),
        0x1_0000..0x10_0000 => format!("{}K", len >> 10),
        _ => format!("{}M", len >> 20),
    }
}
