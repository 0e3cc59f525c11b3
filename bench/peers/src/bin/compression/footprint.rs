//! Memory per connection: bytes on the heap by the counting allocator, without the memory that a
//! thread's connections share.

use bench::{
    in_memory::{
        Role, Source,
        allocation::live,
        compressed::{Ends, env, record},
    },
    json::Corpus,
};
use wsproto::{Compression, Connection, Env, Event, Input, Memory};

use crate::{BACKENDS, setting};

/// Number of connections per row.
const CONNECTIONS: usize = 16;
/// Message length in bytes.
const LEN: usize = 1 << 10;

/// A column: the number of messages of [`LEN`] bytes echoed before measuring.
const AFTER: [usize; 3] = [0, 10, 256];

/// Prints the table.
pub fn print() {
    println!(
        "\nA connection without compression: {} bytes, and nothing on the heap.",
        size_of::<Connection>()
    );
    println!("\n| bytes on the heap per connection | idle | after 10 KiB | after 256 KiB |");
    println!("|---|---|---|---|");
    for (name, setting) in settings() {
        for (backend_name, backend) in BACKENDS {
            let cells = AFTER.map(|messages| {
                let corpus = Corpus::new(LEN).first(messages);
                let ends = Ends::new(Role::Server, setting).swapped();
                let source = record(&ends, backend, &corpus);
                owned(&ends.swapped(), &mut env(backend), &source).to_string()
            });
            println!("| {name}, {backend_name} | {} |", cells.join(" | "));
        }
    }
}

fn settings() -> [(&'static str, Compression); 8] {
    let mut unasked = Compression::default();
    unasked.preferred_receive_window_bits = 15;
    let mut sending_only = setting(1, 12, true, Memory::Pooled);
    sending_only.receive_takeover = false;
    [
        ("no takeover", setting(1, 15, false, Memory::Pooled)),
        ("default (pooled 12, receiving 12)", Compression::default()),
        ("pooled 12, receiving 15", unasked),
        ("pooled 12, receiving without takeover", sending_only),
        ("pooled 9, receiving 9", setting(1, 9, true, Memory::Pooled)),
        (
            "pooled 15, receiving 15",
            setting(1, 15, true, Memory::Pooled),
        ),
        (
            "dedicated 12, receiving 12",
            setting(1, 12, true, Memory::Dedicated),
        ),
        (
            "dedicated 15, receiving 15",
            setting(1, 15, true, Memory::Dedicated),
        ),
    ]
}

/// Returns the bytes per connection, after each has echoed everything in `source`.
fn owned(ends: &Ends, env: &mut Env, source: &Source) -> u64 {
    let mut connections = Vec::with_capacity(CONNECTIONS);
    let mut input = Input::new(vec![0; 256 << 10]);
    // Shared memory and configurations are allocated first.
    for _ in 0..CONNECTIONS {
        let mut connection = ends.open(env);
        echo(&mut connection, env, &mut input, source);
        connections.push(connection);
    }
    connections.clear();
    let before = live();
    for _ in 0..CONNECTIONS {
        let mut connection = ends.open(env);
        echo(&mut connection, env, &mut input, source);
        connections.push(connection);
    }
    (live() - before) / CONNECTIONS as u64
}

fn echo(connection: &mut Connection, env: &mut Env, input: &mut Input<Vec<u8>>, source: &Source) {
    let bytes = source.peek(usize::MAX);
    // One read at a time, so that the queue does not grow.
    for read in bytes.chunks(4 << 10) {
        input.spare()[..read.len()].copy_from_slice(read);
        input.filled(read.len());
        while let Some(event) = connection.next_event(env, input).expect("legal frames") {
            if let Event::Text(text) = event {
                connection.send_text(env, &text).expect("room");
            }
        }
        let n = connection.outgoing().map(<[u8]>::len).sum();
        connection.sent(env, n);
    }
}
