//! A thread that sends on all connections, and prints when each message has left:
//! `cargo run -p driver-mio --example mio_handles`, and connect to ws://127.0.0.1:9002.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use driver_mio::{Cause, Closed, Context, Handle, Handler, Server};

/// Handles of all open connections.
#[derive(Clone, Default)]
struct Guests(Arc<Mutex<Vec<Handle>>>);

impl Guests {
    fn with<T>(&self, f: impl FnOnce(&mut Vec<Handle>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Handler for Guests {
    type State = ();

    fn on_open(&self, connection: &mut Context<'_>, _: &mut ()) {
        let handle = connection.handle();
        self.with(|guests| guests.push(handle));
    }

    fn on_close(&self, connection: &mut Context<'_>, _: &mut (), _: &Closed, _: Option<&Cause>) {
        let handle = connection.handle();
        self.with(|guests| guests.retain(|guest| *guest != handle));
    }
}

fn main() -> io::Result<()> {
    let guests = Guests::default();
    let everybody = guests.clone();
    thread::spawn(move || {
        for second in 0_u64.. {
            thread::sleep(Duration::from_secs(1));
            // Sending does not block, so the lock may be held meanwhile.
            everybody.with(|guests| {
                for guest in guests {
                    guest.send_then(format!("second {second}"), |result| match result {
                        Ok(()) => println!("sent"),
                        Err(error) => println!("not sent: {error}"),
                    });
                }
            });
        }
    });
    let server = Server::bind("127.0.0.1:9002")?;
    println!("listening on ws://{}", server.local_addr()?);
    server.serve(guests)
}
