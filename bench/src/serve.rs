//! Servers to measure with and to be measured: the limit ([`raw`]), the bare minimum of a WebSocket on
//! the same loop ([`min`]), and each driver of this project as an echo server. All run on the thread
//! that starts them.

pub mod event_loop;
pub mod min;
pub mod raw;
pub mod tokio;

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use driver_kit::accepting::BACKLOG;
use socket2::{Domain, Socket, Type};

/// The read buffer that serves all connections of a thread well, in octets.
const BUFFER: usize = 256 << 10;

/// A server of this package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Server {
    /// Echoes the octets that come, with no WebSocket at all
    Raw,
    /// Echoes frames, with no limit and no check
    Min,
    /// The tokio driver, which lends each message
    Tokio,
    /// The tokio driver, which gives each message away
    TokioOwned,
}

impl Server {
    /// Serves without an end, on this thread.
    ///
    /// # Errors
    /// What the system reports of the listener and of waiting; never of a single connection.
    pub fn run(self, listener: TcpListener) -> io::Result<()> {
        match self {
            Self::Raw => event_loop::run(listener, raw::Raw),
            Self::Min => event_loop::run(listener, min::Min::default()),
            Self::Tokio => tokio::run(listener, tokio::Interface::Lent),
            Self::TokioOwned => tokio::run(listener, tokio::Interface::Owned),
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
