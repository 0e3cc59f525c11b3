//! Servers to measure with and to be measured: the limit ([`raw`]), the bare minimum of a WebSocket on
//! the same loop ([`min`]), and each driver of this project with its public interface for whole messages
//! and its default configuration. All run on the thread that starts them.

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

/// The read buffer that serves all connections of a thread well, in bytes.
const BUFFER: usize = 256 << 10;

/// A server of this package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Server {
    /// Echoes the bytes that come, with no WebSocket at all
    Raw,
    /// Echoes bytes by a task of tokio's for each connection: the limit of that runtime
    RawTokio,
    /// Echoes bytes by a task for each connection over async-io: the limit of that runtime
    RawSmol,
    /// Echoes frames, with no limit and no check
    Min,
    /// The mio driver
    Mio,
    /// The tokio driver, which lends each message
    Tokio,
    /// The tokio driver, which gives each message away
    TokioOwned,
    /// The smol driver, which lends each message
    Smol,
    /// The smol driver, which gives each message away
    SmolOwned,
}

/// What a server does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Service {
    /// It goes back.
    #[default]
    Echo,
    /// It goes to everybody who is connected.
    Broadcast,
}

/// How a driver compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Compressing {
    /// Windows are kept, compressors are lent
    Pooled,
    /// Each connection has a compressor of its own
    Dedicated,
    /// Nothing is kept
    NoTakeover,
}

impl Compressing {
    /// The default configuration with that compression.
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
    /// Serves without an end, on this thread. The limits and the minimum do not compress, and those of
    /// the runtimes only echo.
    ///
    /// # Errors
    /// What the system reports of the listener and of waiting; never of a single connection.
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

/// Listens without blocking, with a backlog that takes a burst of connections.
///
/// # Errors
/// What the system reports.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Else a restarted server waits for the connections of the one before to time out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG as i32)?;
    Ok(socket.into())
}
