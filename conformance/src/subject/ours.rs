//! The drivers of this project as subjects: each echoes over loopback, in both roles.

use std::{
    collections::HashMap,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use driver_async::{Clock, Transport, WebSocket};
use wsproto::{Compression, Config, Event};

use super::{Facts, Subject, be_dialled, dial};
use crate::{
    case::{Case, Need, Role},
    wire::Wire,
};

mod mio;
mod smol;
mod tokio;

pub use self::{mio::Mio, smol::Smol, tokio::Tokio};

/// A runtime on which a driver echoes.
pub trait Driver: Send + Sync {
    /// The name of the driver.
    fn name(&self) -> &'static str;

    /// Starts an echo server on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// If there is no port to be had.
    fn serve(&self, config: Arc<Config>) -> io::Result<SocketAddr>;

    /// Dials a URL in the background, and echoes until the connection is over.
    fn dial(&self, url: String, config: Arc<Config>);
}

/// All drivers that there are, each as a server and as a client.
///
/// # Errors
///
/// If a runtime cannot be started.
pub fn all() -> io::Result<Vec<Loopback>> {
    let drivers: [Arc<dyn Driver>; 3] = [
        Arc::new(Tokio::new()?),
        Arc::new(Smol),
        Arc::new(Mio::new()?),
    ];
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

/// Sends each message back with the type that it had, until the connection is over.
async fn echo<S: Transport, C: Clock>(mut socket: WebSocket<S, C>) {
    // That a peer breaks the protocol is what most cases are about; it has been told.
    while let Ok(Some((event, mut outbox))) = socket.recv_ref().await {
        let _ = match event {
            Event::Text(text) => outbox.feed(text),
            Event::Binary(octets) => outbox.feed(octets),
            // Pings are answered already, and the rest has no echo.
            _ => Ok(()),
        };
    }
}
