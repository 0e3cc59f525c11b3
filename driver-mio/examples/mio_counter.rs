//! An echo server that prints its figures every second. For a million connections it raises the soft limit of
//! descriptors to the hard limit.
//!
//! `cargo run --release -p driver-mio --example mio_counter [ADDRESS]`

use std::{env, io, thread, time::Duration};

use driver_mio::{Context, Handler, MessageRef, Server, raise_descriptor_limit};

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, (): &mut (), message: MessageRef<'_>) {
        // If it fails, the connection is closing, and the peer expects no echo any more.
        let _ = connection.send(message);
    }
}

fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    println!("up to {} descriptors", raise_descriptor_limit()?);
    let loops = Server::bind(address)?.start(Echo)?;
    println!("listening on ws://{address}");
    let handle = loops.handle();
    let mut before = handle.stats();
    loop {
        thread::sleep(Duration::from_secs(1));
        let now = handle.stats();
        println!(
            "{} connections, {} new, {} messages in, {} out, {} bytes queued",
            now.connections,
            now.begun - before.begun,
            now.messages_received - before.messages_received,
            now.messages_sent - before.messages_sent,
            now.bytes_queued,
        );
        before = now;
    }
}
