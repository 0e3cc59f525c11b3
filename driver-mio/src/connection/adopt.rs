//! Connections that come from elsewhere: a stream, how far its handshake is, and what was read of it.

use std::{
    fmt, io,
    net::TcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Arc,
};

use socket2::Socket;
use wsproto::{Agreed, Config, Connection, Env, Role};

use crate::{Connect, ConnectError, Transport};

/// What a connection that comes from elsewhere runs over.
#[derive(Debug)]
pub struct Stream(pub(crate) Under);

pub(crate) enum Under {
    Socket(Socket),
    Other(Box<dyn Transport>),
}

impl fmt::Debug for Under {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(socket) => socket.fmt(f),
            Self::Other(_) => f.write_str("Transport"),
        }
    }
}

impl Stream {
    /// Anything that is no plain socket.
    #[must_use]
    pub fn transport(transport: impl Transport + 'static) -> Self {
        Self(Under::Other(Box::new(transport)))
    }

    /// As the loops need it.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        match &self.0 {
            Under::Socket(socket) => socket.set_nonblocking(true),
            Under::Other(_) => Ok(()),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self(Under::Socket(stream.into()))
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self(Under::Socket(stream.into()))
    }
}

impl From<OwnedFd> for Stream {
    /// The descriptor must be a stream socket's.
    fn from(descriptor: OwnedFd) -> Self {
        Self(Under::Socket(descriptor.into()))
    }
}

/// How far the handshake on a [`Stream`] is, and what was read of it already.
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
    /// A client's request is still to come.
    #[must_use]
    pub fn accepting() -> Self {
        Self::new(Opening::Accepting)
    }

    /// The request is still to be sent: what `connect` asks for, over a stream that leads to where its URL
    /// says. Limits and deadlines are those of `connect`.
    #[must_use]
    pub fn connecting(connect: Connect) -> Self {
        Self::new(Opening::Connecting(connect))
    }

    /// The handshake is complete.
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

    /// Sets limits, deadlines and policies of the connection.
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Hands over what was read from the stream and is not consumed.
    #[must_use]
    pub fn received(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.received = bytes.into();
        self
    }

    pub(crate) fn begin(&self, env: &mut Env) -> Result<Connection, ConnectError> {
        let config = Arc::clone(&self.config);
        match &self.opening {
            Opening::Accepting => Ok(Connection::accepting(config, env)),
            Opening::Connecting(connect) => {
                // Over a stream of the caller's, TLS is the caller's as well.
                connect.plan()?.begin(env)
            }
            Opening::Upgraded(role, agreed) => Ok(Connection::upgraded(*role, config, agreed, env)),
        }
    }
}
