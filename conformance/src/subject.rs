//! What is tested, and how the suite gets a connection to it.

use std::{
    fmt, io,
    net::{TcpListener, TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use crate::{
    case::{Case, Need, Role},
    wire::{TcpWire, Wire},
};

#[cfg(feature = "ours")]
pub mod core;

/// What is known of a subject beyond what the RFC demands of everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Facts {
    /// Octets of the longest message that it takes.
    pub max_message: Option<u64>,
    /// Octets of the longest frame that it takes.
    pub max_frame: Option<u64>,
    /// Frames of the longest message that it takes.
    pub max_fragments: Option<u64>,
    /// Octets of the longest head that it takes.
    pub max_head: Option<u64>,
    /// How long it waits for the other half of the opening handshake.
    pub opening_timeout: Option<Duration>,
    /// How long it waits for the answer to its Close frame, and for the end of the transport.
    pub close_timeout: Option<Duration>,
    /// After how long without an octet it sends a ping.
    pub ping_interval: Option<Duration>,
    /// How long it waits for something to come after such a ping.
    pub pong_timeout: Option<Duration>,
    /// After how long without a message it closes.
    pub idle_timeout: Option<Duration>,
    /// How long it tries to send to a peer that takes nothing.
    pub write_timeout: Option<Duration>,
}

impl Facts {
    /// Whether they tell what a case needs to know.
    #[must_use]
    pub fn tell(&self, need: Need) -> bool {
        match need {
            Need::MaxMessage => self.max_message.is_some(),
            Need::MaxFrame => self.max_frame.is_some(),
            Need::MaxFragments => self.max_fragments.is_some(),
            Need::MaxHead => self.max_head.is_some(),
            Need::OpeningTimeout => self.opening_timeout.is_some(),
            Need::CloseTimeout => self.close_timeout.is_some(),
            Need::PingInterval => self.ping_interval.is_some(),
            Need::PongTimeout => self.pong_timeout.is_some(),
            Need::IdleTimeout => self.idle_timeout.is_some(),
            Need::WriteTimeout => self.write_timeout.is_some(),
        }
    }
}

/// An implementation that echoes every message, in one of the two roles.
pub trait Subject: Sync {
    /// The name under which reports list it.
    fn name(&self) -> &str;

    /// Its role.
    fn role(&self) -> Role;

    /// What is known of it, or of the instance of it that [`open`](Self::open) takes for cases that
    /// [need](Case::needs) to know something.
    fn facts(&self) -> Facts;

    /// Makes a connection for a case: dials a server, or lets a client dial.
    ///
    /// # Errors
    ///
    /// If there is no connection to be had. All cases but this one can still run.
    fn open(&self, case: &Case) -> io::Result<Box<dyn Wire>>;

    /// A server's `Host` and the path and query to ask for.
    fn target(&self) -> (String, String) {
        ("localhost".to_owned(), "/".to_owned())
    }
}

/// A server at a URL.
#[derive(Debug, Clone)]
pub struct Server {
    /// The name under which reports list it.
    pub name: String,
    /// Host and port.
    pub address: String,
    /// Path and query.
    pub resource: String,
    /// What is known of it.
    pub facts: Facts,
    /// Host and port of an instance with narrow limits and short deadlines, for the cases about those.
    /// `None`: there is one instance only.
    pub strict: Option<String>,
}

impl Subject for Server {
    fn name(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        Role::Server
    }

    fn facts(&self) -> Facts {
        self.facts
    }

    fn open(&self, case: &Case) -> io::Result<Box<dyn Wire>> {
        let strict = self.strict.as_ref().filter(|_| case.needs.is_some());
        let address = strict.unwrap_or(&self.address);
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TIMEOUT) {
                Ok(stream) => return Ok(Box::new(TcpWire::new(stream)?)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn target(&self) -> (String, String) {
        (self.address.clone(), self.resource.clone())
    }
}

/// How long a subject may take to be connected.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A client that dials where it is told to, and echoes.
pub struct Client<F> {
    /// The name under which reports list it.
    pub name: String,
    /// What is known of it.
    pub facts: Facts,
    /// Dials a URL in the background. The case is the one that will be run; the client may configure
    /// itself strictly for those that [need](Case::needs) it.
    pub dial: F,
}

impl<F> fmt::Debug for Client<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<F: Fn(String, &Case) + Sync> Subject for Client<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        Role::Client
    }

    fn facts(&self) -> Facts {
        self.facts
    }

    fn open(&self, case: &Case) -> io::Result<Box<dyn Wire>> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        (self.dial)(format!("ws://{}/", listener.local_addr()?), case);
        let start = Instant::now();
        loop {
            match listener.accept() {
                Ok((stream, _)) => return Ok(Box::new(TcpWire::new(stream)?)),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(error) if start.elapsed() > TIMEOUT => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}
