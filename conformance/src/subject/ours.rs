//! The drivers of this project as subjects: each echoes over loopback, in both roles.

use std::{
    collections::HashMap,
    fmt, io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use wsproto::{Compression, Config};

use super::{Facts, Subject, TIMEOUT, dial};
use crate::{
    case::{Case, Need, Role},
    wire::{TcpWire, Wire},
};

mod asynchronous;
mod giving_up;
mod mio;
mod smol;
mod tokio;

pub use self::{
    asynchronous::{Asynchronous, echo},
    giving_up::{Act, Attempt, Haste, Offer, PLEASE_CLOSE, Unanswered},
    mio::Mio,
    smol::Smol,
    tokio::Tokio,
};

/// A driver that echoes, and lets the tests look at what it costs and have it give things up. Asynchronous
/// ones implement [`Asynchronous`] and get this.
pub trait Driver: Send + Sync {
    /// The name of the driver.
    fn name(&self) -> &'static str;

    /// The memory that the driver promises to stay within.
    fn promises(&self) -> Promises;

    /// Starts an echo server on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    fn serve(&self, config: Arc<Config>) -> io::Result<SocketAddr>;

    /// Like [`serve`](Self::serve), until the value beside the address is dropped: then the server
    /// ends at once, whatever its connections are at.
    ///
    /// # Errors
    ///
    /// The same as for [`serve`](Self::serve).
    fn serve_until_dropped(&self, config: Arc<Config>) -> io::Result<(SocketAddr, Box<dyn Send>)>;

    /// Starts a server whose application answers no request.
    ///
    /// # Errors
    ///
    /// The same as for [`serve`](Self::serve).
    fn serve_no_answers(&self, config: Arc<Config>, how: Unanswered) -> io::Result<SocketAddr>;

    /// Dials a URL in the background, and echoes until the connection is over.
    fn dial(&self, url: String, config: Arc<Config>);

    /// Dials a URL until what is returned is dropped, and sends nothing on the connection.
    ///
    /// # Errors
    ///
    /// If it cannot even begin.
    fn dial_until_dropped(&self, url: String) -> io::Result<Box<dyn Attempt>>;

    /// Dials a URL in the background, and echoes, giving up some of what it waits for. A text
    /// [`PLEASE_CLOSE`] has it close with 1000. If it is not offered, nothing is dialled.
    fn dial_hastily(&self, url: String, haste: Haste) -> Offer;
}

/// Promises of a driver about memory.
#[derive(Debug, Clone, Copy)]
pub struct Promises {
    /// The most bytes of the heap that an idle connection of an echo server has, with everything that its
    /// runtime keeps for it: its task, its registrations, its timer.
    pub idle: usize,
    /// The allocations of an echo in a steady state.
    pub echoing: Echoing,
}

/// The allocations of an echo in a steady state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echoing {
    /// Nothing.
    AllocatesNothing,
    /// So many allocations at most, for the reason given.
    Allocates(u64, &'static str),
}

/// All drivers that there are. One that comes later joins here: then the cases, the descriptors, memory and
/// what is given up are tested over it as well.
///
/// # Errors
///
/// If a runtime cannot be started.
pub fn drivers() -> io::Result<[Arc<dyn Driver>; 3]> {
    Ok([
        Arc::new(Tokio::new()?),
        Arc::new(Smol),
        Arc::new(Mio::new()?),
    ])
}

/// All drivers, each as a server and as a client.
///
/// # Errors
///
/// If a runtime cannot be started.
pub fn all() -> io::Result<Vec<Loopback>> {
    let drivers = drivers()?;
    let roles = [Role::Server, Role::Client];
    let subjects = drivers
        .iter()
        .flat_map(|driver| roles.map(|role| Loopback::new(driver.clone(), role)));
    Ok(subjects.collect())
}

/// A driver in one role.
pub struct Loopback {
    driver: Arc<dyn Driver>,
    name: String,
    role: Role,
    /// Where it listens, for each need that a case can have: the limits and deadlines differ.
    servers: Mutex<HashMap<Option<Need>, SocketAddr>>,
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Loopback {
    /// Makes a subject of a driver.
    #[must_use]
    pub fn new(driver: Arc<dyn Driver>, role: Role) -> Self {
        Self {
            name: match role {
                Role::Server => format!("{} server", driver.name()),
                Role::Client => format!("{} client", driver.name()),
            },
            driver,
            role,
            servers: Mutex::default(),
        }
    }

    fn address(&self, case: &Case) -> io::Result<SocketAddr> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = servers.get(&case.needs) {
            return Ok(*address);
        }
        let address = self.driver.serve(config(case.needs).into())?;
        servers.insert(case.needs, address);
        Ok(address)
    }
}

impl Subject for Loopback {
    fn name(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        self.role
    }

    fn facts(&self, case: &Case) -> Facts {
        Facts::from(&config(case.needs))
    }

    fn open(&self, case: &Case) -> io::Result<Box<dyn Wire>> {
        match self.role {
            Role::Server => dial(&self.address(case)?.to_string()),
            Role::Client => {
                let config = config(case.needs).into();
                be_dialled(|url| self.driver.dial(url, config))
            }
        }
    }

    fn target(&self, case: &Case) -> (String, String) {
        let address = self.address(case).map(|address| address.to_string());
        (address.unwrap_or_default(), "/".to_owned())
    }
}

/// Accepts the connection of a client. `dial` gets the URL to connect to, and returns while the client works on.
fn be_dialled(dial: impl FnOnce(String)) -> io::Result<Box<dyn Wire>> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    dial(format!("ws://{}/", listener.local_addr()?));
    let start = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => return Ok(Box::new(TcpWire::new(stream)?)),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Err(error) if start.elapsed() > TIMEOUT => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// How an echo is configured for cases with that need: the defaults and compression, and the limit or
/// the deadline in question small enough to be waited for.
#[must_use]
pub fn config(need: Option<Need>) -> Config {
    let mut config = Config::default();
    config.compression = Some(Compression::default());
    let Some(need) = need else { return config };
    let soon = Some(Duration::from_millis(500));
    match need {
        Need::MaxMessage => config.max_message = 256 << 10,
        Need::MaxFrame => config.max_frame = 64 << 10,
        Need::MaxFragments => config.max_fragments = 1000,
        Need::MaxHead => config.max_head = 8 << 10,
        Need::OpeningTimeout => config.opening_timeout = soon,
        Need::CloseTimeout => {
            config.close_timeout = soon;
            // Only a subject that closes by itself has anything to wait for.
            config.idle_timeout = soon;
        }
        Need::PingInterval => config.ping_interval = soon,
        Need::PongTimeout => {
            config.ping_interval = soon;
            config.pong_timeout = soon;
        }
        Need::IdleTimeout => config.idle_timeout = soon,
        Need::WriteTimeout => config.write_timeout = soon,
    }
    config
}
