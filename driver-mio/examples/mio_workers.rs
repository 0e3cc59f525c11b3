//! Callbacks that may block: each message is the path of a file, which is read on a worker thread.
//!
//! `cargo run --release -p driver-mio --example mio_workers`, then send `Cargo.toml` to
//! ws://127.0.0.1:9001.

use std::{fs, io};

use driver_mio::{Handle, Message, OnWorkers, Server, WorkerHandler};

struct Files;

impl WorkerHandler for Files {
    type State = ();

    fn on_message(&self, connection: &Handle, (): &(), message: Message) {
        let answer = match message.as_text() {
            Some(path) => fs::read_to_string(path).unwrap_or_else(|error| error.to_string()),
            None => "a path is text".to_owned(),
        };
        // If it fails, the connection is over, and the peer expects no answer any more.
        let _ = connection.send(answer);
    }
}

fn main() -> io::Result<()> {
    let files = OnWorkers::new(Files).on_failure(|failure| eprintln!("{failure}"));
    Server::bind("127.0.0.1:9001")?.serve(files)
}
