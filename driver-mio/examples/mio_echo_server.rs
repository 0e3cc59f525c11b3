//! An echo server: `cargo run --release -p driver-mio --example mio_echo_server`.

use driver_mio::{Context, Handler, MessageRef, Server};

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
        // The echo is queued, and written when all messages that have come in are handled. If it fails, the connection
        // is closing, and the peer expects no echo any more.
        let _ = connection.send(message);
    }
}

fn main() -> std::io::Result<()> {
    // Most systems start programs with a limit of 1024 descriptors, and allow many more.
    driver_mio::raise_descriptor_limit()?;
    let server = Server::bind("127.0.0.1:9002")?;
    println!("listening on ws://{}", server.local_addr()?);
    server.serve(Echo)
}
