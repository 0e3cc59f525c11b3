//! Subjects of the suite, and how it connects to them.

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use crate::{
    case::{Case, Need, Role},
    wire::{TcpWire, Wire},
};

#[cfg(feature = "ours")]
pub mod core;
pub mod faulty;
pub mod memory;
#[cfg(feature = "ours")]
pub mod ours;

/// Facts about a subject that the RFC leaves to implementations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Facts {
    /// Bytes of the longest message that it takes.
    pub max_message: Option<u64>,
    /// Bytes of the longest frame that it takes.
    pub max_frame: Option<u64>,
    /// Frames of the longest message that it takes.
    pub max_fragments: Option<u64>,
    /// Bytes of the longest head that it takes.
    pub max_head: Option<u64>,
    /// How long it waits for the other half of the opening handshake.
    pub opening_timeout: Option<Duration>,
    /// How long it waits for the answer to its Close frame, and for the end of the transport.
    pub close_timeout: Option<Duration>,
    /// The time without a byte after which it sends a ping.
    pub ping_interval: Option<Duration>,
    /// How long it waits for something to come after such a ping.
    pub pong_timeout: Option<Duration>,
    /// The time without a message after which it closes.
    pub idle_timeout: Option<Duration>,
    /// How long it tries to send to a peer that does not read.
    pub write_timeout: Option<Duration>,
}

impl Facts {
    /// Returns true if they include a fact that a case needs.
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

    /// The facts about it, or about the instance that [`open`](Self::open) takes for that case:
    /// where a case [needs](Case::needs) to know something, a subject may narrow its limits for it.
    fn facts(&self, case: &Case) -> Facts;

    /// Makes a connection for a case: dials a server, or lets a client dial.
    ///
    /// # Errors
    ///
    /// If no connection can be made. All other cases can still run.
    fn open(&self, case: &Case) -> io::Result<Box<dyn Wire>>;

    /// A server's `Host` and the path and query to ask for in a case.
    fn target(&self, _case: &Case) -> (String, String) {
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
    /// The facts about it.
    pub facts: Facts,
}

impl Subject for Server {
    fn name(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        Role::Server
    }

    fn facts(&self, _case: &Case) -> Facts {
        self.facts
    }

    fn open(&self, _case: &Case) -> io::Result<Box<dyn Wire>> {
        dial(&self.address)
    }

    fn target(&self, _case: &Case) -> (String, String) {
        (self.address.clone(), self.resource.clone())
    }
}

/// Connects to the first address of `host:port` that answers.
pub(crate) fn dial(address: &str) -> io::Result<Box<dyn Wire>> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => return Ok(Box::new(TcpWire::new(stream)?)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The longest that connecting to a subject may take.
const TIMEOUT: Duration = Duration::from_secs(5);
