//! Opens many connections to a server, and keeps them busy:
//! `cargo run --release -p driver-mio --example mio_client ws://127.0.0.1:9002 1000`.

use std::{
    env,
    error::Error,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use driver_mio::{
    Cause, Closed, Connect, ConnectError, Context, EventLoops, Handler, MessageRef,
    raise_descriptor_limit,
};

/// Sends a message on each connection, and another one a second after its echo.
#[derive(Default)]
struct Talk {
    received: AtomicU64,
}

impl Handler for Talk {
    /// The number of the last message.
    type State = u64;

    fn on_open(&self, connection: &mut Context<'_>, _: &mut u64) {
        connection.set_deadline(Some(Duration::ZERO));
    }

    fn on_deadline(&self, connection: &mut Context<'_>, number: &mut u64) {
        *number += 1;
        // If it fails, the connection is closing, and on_close reports why.
        let _ = connection.send(&*format!("message {number}"));
    }

    fn on_message(&self, connection: &mut Context<'_>, _: &mut u64, _: MessageRef<'_>) {
        self.received.fetch_add(1, Ordering::Relaxed);
        connection.set_deadline(Some(Duration::from_secs(1)));
    }

    fn on_close(&self, _: &mut Context<'_>, _: &mut u64, closed: &Closed, _: Option<&Cause>) {
        println!("{closed}");
    }

    fn on_connect_failed(&self, _: u64, error: ConnectError) {
        println!("{error}");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next();
    let url = url.unwrap_or_else(|| "ws://127.0.0.1:9002".to_owned());
    let count: usize = arguments.next().map_or(Ok(1000), |count| count.parse())?;
    raise_descriptor_limit()?;
    let loops = EventLoops::start(Talk::default())?;
    let connect = Connect::new(url);
    for _ in 0..count {
        loops.connect(&connect)?;
    }
    loop {
        thread::sleep(Duration::from_secs(1));
        let received = loops.handler().received.swap(0, Ordering::Relaxed);
        println!("{} connections, {received} messages", loops.connections());
    }
}
