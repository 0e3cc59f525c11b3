//! Connections that come from elsewhere: a stream, the progress of its handshake, and bytes that were read from it.

use std::{
    fmt, io,
    net::TcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Arc,
};

use socket2::Socket;
use wsproto::{Agreed, Config, Connection, Env, Role};

use super::transport::Transport;
use crate::{Connect, ConnectError};

/// The stream of a connection that comes from elsewhere: a socket or a [`Transport`].
#[derive(Debug)]
pub struct Stream(pub(crate) StreamKind);

pub(crate) enum StreamKind {
    Socket(Socket),
    Other(Box<dyn Transport>),
}

impl fmt::Debug for StreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(socket) => socket.fmt(f),
            Self::Other(_) => f.write_str("Transport"),
        }
    }
}

impl Stream {
    /// Wraps a transport that is no plain socket.
    #[must_use]
    pub fn transport(transport: impl Transport + 'static) -> Self {
        Self(StreamKind::Other(Box::new(transport)))
    }

    /// Prepares the stream for a loop: a socket must not block.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        match &self.0 {
            StreamKind::Socket(socket) => socket.set_nonblocking(true),
            StreamKind::Other(_) => Ok(()),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self(StreamKind::Socket(stream.into()))
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self(StreamKind::Socket(stream.into()))
    }
}

impl From<OwnedFd> for Stream {
    /// Takes a descriptor, which must be a stream socket's.
    fn from(descriptor: OwnedFd) -> Self {
        Self(StreamKind::Socket(descriptor.into()))
    }
}

/// The progress of the handshake on a [`Stream`], and bytes that were read from it already.
///
/// ```no_run
/// use std::net::TcpStream;
/// use driver_mio::{Adopt, EventLoops, Handler, Role};
/// use driver_mio::wsproto::Agreed;
///
/// # fn run(loops: &EventLoops<impl Handler>, stream: TcpStream, rest: Vec<u8>) -> std::io::Result<()> {
/// // An HTTP server has answered the upgrade, and had read a little more than the request.
/// let adopt = Adopt::upgraded(Role::Server, Agreed::default()).received(rest);
/// loops.adopt(stream, adopt)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Adopt {
    opening: Opening,
    config: Arc<Config>,
    pub(crate) received: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Opening {
    Accepting,
    Connecting(Connect),
    Upgraded(Role, Agreed),
}

impl Adopt {
    /// Creates the server's end of a stream on which the client's request is still to come.
    #[must_use]
    pub fn accepting() -> Self {
        Self::new(Opening::Accepting)
    }

    /// Creates the client's end of a stream on which the request of `connect` is still to be sent. The stream must
    /// lead to where its URL says. Limits and deadlines are those of `connect`.
    #[must_use]
    pub fn connecting(connect: Connect) -> Self {
        Self::new(Opening::Connecting(connect))
    }

    /// Creates either end of a stream whose handshake is complete.
    #[must_use]
    pub fn upgraded(role: Role, agreed: Agreed) -> Self {
        Self::new(Opening::Upgraded(role, agreed))
    }

    fn new(opening: Opening) -> Self {
        Self {
            opening,
            config: Arc::default(),
            received: Vec::new(),
        }
    }

    /// Sets limits, deadlines and policies of the connection. Default: those of [`Config`]. Without effect on
    /// [`connecting`](Self::connecting).
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Hands over bytes that were read from the stream and not consumed.
    #[must_use]
    pub fn received(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.received = bytes.into();
        self
    }

    /// Creates the connection.
    pub(crate) fn begin(&self, env: &mut Env) -> Result<Connection, ConnectError> {
        let config = Arc::clone(&self.config);
        match &self.opening {
            Opening::Accepting => Ok(Connection::accepting(config, env)),
            Opening::Connecting(connect) => {
                // On a stream of the caller's, TLS is the caller's as well.
                connect.plan()?.begin(env)
            }
            Opening::Upgraded(role, agreed) => Ok(Connection::upgraded(*role, config, agreed, env)),
        }
    }
}
