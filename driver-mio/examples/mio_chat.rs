//! Chat rooms: a client that connects to ws://127.0.0.1:9001/ROOM gets the messages of the others in that room.
//!
//! `cargo run --release -p driver-mio --example mio_chat`

use std::io;

use driver_mio::{
    Accept, Broadcast, Broadcaster, Context, Handler, MessageRef, Prepared, Request, Server,
    SlowReceivers, Upgrade,
};

struct Rooms(Broadcaster);

impl Handler for Rooms {
    /// The room.
    type State = String;

    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, room: &mut String) {
        request.path().clone_into(room);
        // If it fails, the request is answered 503.
        let _ = upgrade.accept(&Accept::new());
    }

    fn on_open(&self, connection: &mut Context<'_>, room: &mut String) {
        connection.subscribe(room);
    }

    fn on_message(&self, connection: &mut Context<'_>, room: &mut String, message: MessageRef<'_>) {
        if let Some(text) = message.as_text() {
            let said = Broadcast::new(Prepared::text(text))
                .except(&connection.handle())
                .slow_receivers(SlowReceivers::Close { above: 1 << 20 });
            // The number of receivers is not needed here.
            drop(self.0.publish(room, said));
        }
    }
}

fn main() -> io::Result<()> {
    let server = Server::bind("127.0.0.1:9001")?;
    let rooms = Rooms(server.broadcaster());
    server.serve(rooms)
}
