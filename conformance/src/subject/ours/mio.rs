//! driver-mio as a subject.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use driver_mio::{Config, Connect, Context, EventLoops, Handler, MessageRef, Server};

use super::Driver;

/// driver-mio, with loops of their own for each server and for all clients.
pub struct Mio {
    clients: EventLoops<Echo>,
    servers: Mutex<Vec<EventLoops<Echo>>>,
}

impl Mio {
    /// Starts the loops of the clients.
    ///
    /// # Errors
    ///
    /// If they cannot be started.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            clients: EventLoops::start(Echo)?,
            servers: Mutex::default(),
        })
    }
}

impl fmt::Debug for Mio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mio").finish_non_exhaustive()
    }
}

/// Sends each message back with the type that it had.
struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, (): &mut (), message: MessageRef<'_>) {
        // If it is closing, the peer expects no echo any more.
        let _ = connection.send(message);
    }
}

/// What callbacks need besides: a peer that does not read its answers is not read either.
fn not_growing(config: &Config) -> Config {
    let mut config = config.clone();
    config.pause_when_high = true;
    config
}

impl Driver for Mio {
    fn name(&self) -> &'static str {
        "driver-mio"
    }

    fn serve(&self, config: Arc<Config>) -> io::Result<SocketAddr> {
        let server = Server::bind("127.0.0.1:0")?.config(not_growing(&config));
        let address = server.local_addr()?;
        let loops = server.start(Echo)?;
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.push(loops);
        Ok(address)
    }

    fn dial(&self, url: String, config: Arc<Config>) {
        let connect = Connect::new(url).config(not_growing(&config));
        // The suite sees that nobody dials.
        let _ = self.clients.connect(&connect);
    }
}
