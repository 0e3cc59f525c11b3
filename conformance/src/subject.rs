//! What is tested, and how the suite gets a connection to it.

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

/// What is known of a subject beyond what the RFC demands of everybody.
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
    /// After how long without a byte it sends a ping.
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

    /// What is known of it, or of the instance of it that [`open`](Self::open) takes for that case:
    /// where a case [needs](Case::needs) to know something, a subject may narrow its limits for it.
    fn facts(&self, case: &Case) -> Facts;

    /// Makes a connection for a case: dials a server, or lets a client dial.
    ///
    /// # Errors
    ///
    /// If there is no connection to be had. All cases but this one can still run.
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
    /// What is known of it.
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
