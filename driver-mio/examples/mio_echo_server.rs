//! An echo server: `cargo run --release -p driver-mio --example mio_echo_server`.

use driver_mio::{Context, Handler, MessageRef, Server};

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
        // Written, with all answers to what has come so far, when that is handled. If it fails, the
        // connection is closing, and the peer expects nothing any more.
        let _ = connection.send(message);
    }
}

fn main() -> std::io::Result<()> {
    // As many connections as the system allows, not as many as it starts programs with.
    driver_mio::raise_descriptor_limit()?;
    let server = Server::bind("127.0.0.1:9002")?;
    println!("listening on ws://{}", server.local_addr()?);
    server.serve(Echo)
}
