//! The smallest server: says hello to whoever connects, and goodbye to whoever speaks.
//!
//! `cargo run --release -p driver-mio --example mio_hello`, then connect to ws://127.0.0.1:9001.

use std::io;

use driver_mio::{CloseCode, Context, Handler, MessageRef, Server};

struct Hello;

impl Handler for Hello {
    type State = ();

    fn on_open(&self, connection: &mut Context<'_>, (): &mut ()) {
        // If it fails, the peer has gone already.
        let _ = connection.send("hello");
    }

    fn on_message(&self, connection: &mut Context<'_>, (): &mut (), _: MessageRef<'_>) {
        connection.close(CloseCode::NORMAL, "goodbye");
    }
}

fn main() -> io::Result<()> {
    Server::bind("127.0.0.1:9001")?.serve(Hello)
}
