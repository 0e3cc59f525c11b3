//! The smallest server: it says hello to every client, and goodbye after the first message.
//!
//! `cargo run --release -p driver-mio --example mio_hello`, then connect to ws://127.0.0.1:9001.

use std::io;

use driver_mio::{CloseCode, Context, Handler, MessageRef, Server};

struct Hello;

impl Handler for Hello {
    type State = ();

    fn on_open(&self, connection: &mut Context<'_>, (): &mut ()) {
        // If it fails, the connection is gone already.
        let _ = connection.send("hello");
    }

    fn on_message(&self, connection: &mut Context<'_>, (): &mut (), _: MessageRef<'_>) {
        connection.close(CloseCode::NORMAL, "goodbye");
    }
}

fn main() -> io::Result<()> {
    Server::bind("127.0.0.1:9001")?.serve(Hello)
}
