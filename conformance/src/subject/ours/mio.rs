//! driver-mio as a subject.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context as Polling, Waker},
    thread,
};

use driver_mio::{
    CloseCode, Config, Connect, Context, EventLoops, Handler, MessageRef, Request, Server, Upgrade,
};

use super::{Act, Attempt, Driver, Echoing, Haste, Offer, PLEASE_CLOSE, Promises, Unanswered};

/// driver-mio, with loops of their own for each server and for all clients.
pub struct Mio {
    clients: EventLoops<Echo>,
    hasty: EventLoops<Hasty>,
    servers: Mutex<Vec<Box<dyn Send>>>,
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
            hasty: Server::new().loops(1).start(Hasty)?,
            servers: Mutex::default(),
        })
    }

    /// Keeps a server running until the driver is dropped.
    fn keep(&self, server: Box<dyn Send>) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.push(server);
    }
}

impl fmt::Debug for Mio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mio").finish_non_exhaustive()
    }
}

impl Driver for Mio {
    fn name(&self) -> &'static str {
        "driver-mio"
    }

    fn promises(&self) -> Promises {
        Promises {
            idle: 240,
            echoing: Echoing::AllocatesNothing,
        }
    }

    fn serve(&self, config: Arc<Config>) -> io::Result<SocketAddr> {
        let (address, loops) = self.serve_until_dropped(config)?;
        self.keep(loops);
        Ok(address)
    }

    fn serve_until_dropped(&self, config: Arc<Config>) -> io::Result<(SocketAddr, Box<dyn Send>)> {
        let server = Server::bind("127.0.0.1:0")?.config(not_growing(&config));
        let address = server.local_addr()?;
        Ok((address, Box::new(server.start(Echo)?)))
    }

    fn serve_no_answers(&self, config: Arc<Config>, how: Unanswered) -> io::Result<SocketAddr> {
        let server = Server::bind("127.0.0.1:0")?.config(config);
        let address = server.local_addr()?;
        self.keep(Box::new(server.start(NoAnswer(how))?));
        Ok(address)
    }

    fn dial(&self, url: String, config: Arc<Config>) {
        let connect = Connect::new(url).config(not_growing(&config));
        // The suite sees that nobody dials.
        let _ = self.clients.connect(&connect);
    }

    fn dial_until_dropped(&self, url: String) -> io::Result<Box<dyn Attempt>> {
        let loops = Server::new().loops(1).start(Echo)?;
        loops
            .connect(&Connect::new(url))
            .map_err(io::Error::other)?;
        Ok(Box::new(loops))
    }

    fn dial_hastily(&self, url: String, haste: Haste) -> Offer {
        match haste.act {
            Act::Send | Act::Call => {}
            Act::Receive | Act::ReceiveLent => return Offer::NotMade("messages call back"),
            Act::Feed => return Offer::NotMade("a full queue is an error, and has no waiting"),
            Act::Close => return Offer::NotMade("the end of a connection calls back"),
        }
        // The suite sees that nobody dials.
        let _ = self.hasty.connect_with(&Connect::new(url), Some(haste));
        Offer::Made
    }
}

/// Echoes each message with its type.
struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, (): &mut (), message: MessageRef<'_>) {
        // If it is closing, the peer expects no echo any more.
        let _ = connection.send(message);
    }
}

/// The configuration for callbacks: a peer that does not read its echoes is not read either.
fn not_growing(config: &Config) -> Config {
    let mut config = config.clone();
    config.pause_when_high = true;
    config
}

/// Answers no request, and keeps them or not.
struct NoAnswer(Unanswered);

impl Handler for NoAnswer {
    type State = ();

    fn on_request(&self, _: &Request<'_>, upgrade: Upgrade<'_>, (): &mut ()) {
        match self.0 {
            // It is dropped as this returns.
            Unanswered::AtOnce => {}
            Unanswered::Later => {
                let later = upgrade.later();
                thread::spawn(move || drop(later));
            }
        }
    }
}

impl Attempt for EventLoops<Echo> {
    /// They dial by themselves, and end when they are dropped.
    fn step(&mut self) {}
}

/// Echoes each message by a handle that is dropped at once, without waiting for completion.
struct Hasty;

impl Handler for Hasty {
    type State = Option<Haste>;

    fn on_message(
        &self,
        connection: &mut Context<'_>,
        haste: &mut Option<Haste>,
        message: MessageRef<'_>,
    ) {
        let handle = connection.handle();
        if message.as_text() == Some(PLEASE_CLOSE) {
            // It is open, or else there would be no message.
            let _ = handle.close(CloseCode::NORMAL, "");
            return;
        }
        let Some(haste) = haste else { return };
        let message = message.into_message();
        match haste.act {
            Act::Call => {
                haste.note();
                // If it is closing, the peer expects no echo any more.
                let _ = handle.call(|connection| drop(connection.send_message(message)));
            }
            Act::Send => {
                let mut sent = pin!(handle.send_async(message));
                let mut cx = Polling::from_waker(Waker::noop());
                if (0..haste.steps).all(|_| sent.as_mut().poll(&mut cx).is_pending()) {
                    haste.note();
                }
            }
            Act::Receive | Act::ReceiveLent | Act::Feed | Act::Close => {}
        }
    }
}
