//! Servers to measure with and to be measured: the upper bound ([`raw`]), the minimum of a WebSocket on
//! the same loop ([`min`]), and each driver of this project with its public interface for whole
//! messages and its default configuration. Each server runs on the calling thread.

pub mod asynchronous;
pub mod event_loop;
pub mod min;
pub mod mio;
pub mod raw;
pub mod runtime;

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use driver_kit::accept_backoff::BACKLOG;
use socket2::{Domain, Socket, Type};
use wsproto::{Compression, Config, Memory};

use asynchronous::Interface;

/// Length of a read buffer shared by all connections of a thread, in bytes.
const BUFFER: usize = 256 << 10;

/// A server of this package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Server {
    /// Echo bytes without any WebSocket: the upper bound
    Raw,
    /// Echo bytes in a tokio task for each connection: the upper bound of that runtime
    RawTokio,
    /// Echo bytes in a task for each connection over async-io: the upper bound of that runtime
    RawSmol,
    /// Echo frames, without limits or checks
    Min,
    /// The mio driver
    Mio,
    /// The tokio driver with borrowed messages
    Tokio,
    /// The tokio driver with owned messages
    TokioOwned,
    /// The smol driver with borrowed messages
    Smol,
    /// The smol driver with owned messages
    SmolOwned,
}

/// The server's action for each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Service {
    /// Send it back.
    #[default]
    Echo,
    /// Send it to every connection.
    Broadcast,
}

/// Compression of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Compressing {
    /// Keep windows, pool compressors
    Pooled,
    /// A dedicated compressor for each connection
    Dedicated,
    /// No context takeover
    NoTakeover,
}

impl Compressing {
    /// Returns the default configuration with that compression.
    fn config(compressing: Option<Self>) -> Config {
        let mut config = Config::default();
        config.compression = compressing.map(|compressing| {
            let mut compression = Compression::default();
            match compressing {
                Self::Pooled => {}
                Self::Dedicated => compression.memory = Memory::Dedicated,
                Self::NoTakeover => {
                    compression.send_takeover = false;
                    compression.receive_takeover = false;
                }
            }
            compression
        });
        config
    }
}

impl Server {
    /// Serves forever on this thread. `raw` and `min` do not compress; `raw-tokio` and `raw-smol` do
    /// not compress and only echo.
    ///
    /// # Errors
    /// System errors of the listener and of waiting; never of a single connection.
    pub fn run(
        self,
        listener: TcpListener,
        service: Service,
        compressing: Option<Compressing>,
    ) -> io::Result<()> {
        let config = Compressing::config(compressing);
        match self {
            Self::Raw => event_loop::run(listener, raw::Raw, service),
            Self::RawTokio => runtime::on_tokio(listener),
            Self::RawSmol => runtime::on_smol(listener),
            Self::Min => event_loop::run(listener, min::Min::default(), service),
            Self::Mio => mio::run(listener, config, service),
            Self::Tokio => asynchronous::on_tokio(listener, config, service, Interface::Lent),
            Self::TokioOwned => asynchronous::on_tokio(listener, config, service, Interface::Owned),
            Self::Smol => asynchronous::on_smol(listener, config, service, Interface::Lent),
            Self::SmolOwned => asynchronous::on_smol(listener, config, service, Interface::Owned),
        }
    }
}

/// Listens in non-blocking mode, with a backlog for bursts of connections.
///
/// # Errors
/// System errors.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Without this, a restarted server must wait until its predecessor's connections have timed out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG as i32)?;
    Ok(socket.into())
}
