//! How to connect to a server: what to ask for, and what can go wrong.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use driver_kit::{
    dial::DialError,
    handshake::HandshakeError,
    target::{Target, TargetError},
};
use wsproto::{ClientRequest, Config, Connection, Credentials, Env};

/// How to connect: what to ask for, and how long to try. Cloning it is cheap.
///
/// ```no_run
/// use std::time::Duration;
/// use driver_mio::{Connect, EventLoops, Handler};
///
/// # fn run(loops: &EventLoops<impl Handler>) -> Result<(), Box<dyn std::error::Error>> {
/// let connect = Connect::new("ws://example.com/chat")
///     .subprotocol("chat.v1")
///     .header("Cookie", "session=1")
///     .timeout(Duration::from_secs(3));
/// loops.connect(&connect)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connect {
    options: Arc<Options>,
}

#[derive(Clone)]
struct Options {
    url: String,
    subprotocols: Vec<String>,
    headers: Vec<(String, String)>,
    origin: Option<String>,
    config: Arc<Config>,
    timeout: Duration,
    source: Option<SocketAddr>,
}

impl Connect {
    /// Asks for nothing but a connection to `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            options: Arc::new(Options {
                url: url.into(),
                subprotocols: Vec::new(),
                headers: Vec::new(),
                origin: None,
                config: Arc::default(),
                timeout: Duration::from_secs(30),
                source: None,
            }),
        }
    }

    /// Asks for a subprotocol; the first one asked for is preferred.
    #[must_use]
    pub fn subprotocol(self, name: impl Into<String>) -> Self {
        self.with(|options| options.subprotocols.push(name.into()))
    }

    /// Adds a header. `Host`, `Origin` and `Authorization` replace what would be sent otherwise.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|options| options.headers.push((name.into(), value.into())))
    }

    /// Says where the request comes from, as browsers do.
    #[must_use]
    pub fn origin(self, origin: impl Into<String>) -> Self {
        self.with(|options| options.origin = Some(origin.into()))
    }

    /// Sets limits, deadlines and policies of the connection, the time for the opening handshake among
    /// them.
    #[must_use]
    pub fn config(self, config: impl Into<Arc<Config>>) -> Self {
        self.with(|options| options.config = config.into())
    }

    /// Sets how long resolving and connecting may take, up to the opening handshake. Default 30 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.timeout = timeout)
    }

    /// Connects from this local address. One with port 0 leaves the port to the system; a machine that
    /// needs more connections to one server than there are ports, takes several addresses.
    #[must_use]
    pub fn bind(self, source: SocketAddr) -> Self {
        self.with(|options| options.source = Some(source))
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }

    /// Where to, over a stream of the caller's.
    pub(crate) fn any_target(&self) -> Result<Target, ConnectError> {
        Target::parse(&self.options.url).map_err(ConnectError::Url)
    }

    /// Where to, over TCP.
    pub(crate) fn target(&self) -> Result<Target, ConnectError> {
        let target = self.any_target()?;
        if target.is_secure() {
            return Err(ConnectError::TlsUnsupported);
        }
        Ok(target)
    }

    pub(crate) fn time_limit(&self) -> Duration {
        self.options.timeout
    }

    pub(crate) fn source(&self) -> Option<SocketAddr> {
        self.options.source
    }

    /// Begins the opening handshake.
    pub(crate) fn begin(&self, target: &Target, env: &mut Env) -> Result<Connection, ConnectError> {
        let Options {
            subprotocols,
            headers,
            origin,
            config,
            ..
        } = &*self.options;
        let subprotocols: Vec<_> = subprotocols.iter().map(String::as_str).collect();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let mut request = ClientRequest::new(target.authority(), target.target())
            .subprotocols(&subprotocols)
            .headers(&headers);
        request.origin = origin.as_deref();
        request.credentials = target
            .credentials()
            .map(|(user, password)| Credentials { user, password });
        Connection::connecting(Arc::clone(config), &request, env)
            .map_err(|misuse| ConnectError::Handshake(HandshakeError::Misuse(misuse)))
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &*self.options;
        // Passwords and cookies do not belong in a log: no values of headers, and of the URL no
        // more than a target shows.
        let names: Vec<_> = options.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Connect")
            .field("target", &Target::parse(&options.url))
            .field("subprotocols", &options.subprotocols)
            .field("headers", &names)
            .field("origin", &options.origin)
            .field("timeout", &options.timeout)
            .field("source", &options.source)
            .finish_non_exhaustive()
    }
}

/// Why no connection to a server came about.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one of a WebSocket.
    Url(TargetError),
    /// A `wss` URL, and this build has no TLS. [Adopt](crate::EventLoops::adopt) a transport of your own.
    TlsUnsupported,
    /// The name could not be resolved.
    Resolve(io::Error),
    /// No address could be connected to.
    Dial(DialError),
    /// The socket could not be set up.
    Socket(io::Error),
    /// The opening handshake failed, or the server refused.
    Handshake(HandshakeError),
    /// Resolving and connecting took too long.
    TimedOut,
    /// The loops have ended, or are about to.
    ShutDown,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::TlsUnsupported => f.write_str("wss needs TLS, which this build does not have"),
            Self::Resolve(error) => write!(f, "the name could not be resolved: {error}"),
            Self::Dial(error) => error.fmt(f),
            Self::Socket(error) => write!(f, "the socket could not be set up: {error}"),
            Self::Handshake(error) => error.fmt(f),
            Self::TimedOut => f.write_str("connecting took too long"),
            Self::ShutDown => f.write_str("the event loops have ended"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::TlsUnsupported | Self::TimedOut | Self::ShutDown => None,
            Self::Resolve(error) | Self::Socket(error) => Some(error),
            Self::Dial(error) => Some(error),
            Self::Handshake(error) => Some(error),
        }
    }
}
