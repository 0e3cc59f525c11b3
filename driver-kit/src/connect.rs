//! How a client connects: its request, the redirects it follows, and the errors of connecting.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use wsproto::{ClientRequest, Config, Connection, Credentials, Env};

use crate::{
    dial::DialError,
    handshake::HandshakeError,
    redirects::{RedirectError, Redirects},
    target::{Target, TargetError},
};

/// A request for a connection, and a limit to the time it may take. Cloning it is cheap.
///
/// ```
/// use std::time::Duration;
/// use driver_kit::connect::Connect;
///
/// let connect = Connect::new("ws://example.com/chat")
///     .subprotocol("chat.v1")
///     .header("Cookie", "session=1")
///     .timeout(Duration::from_secs(3))
///     .redirects(5);
/// assert_eq!(connect.plan()?.target().host(), "example.com");
/// # Ok::<(), driver_kit::connect::ConnectError>(())
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
    redirects: usize,
}

impl Connect {
    /// Requests a connection to `url`, without subprotocols or further headers.
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
                redirects: 0,
            }),
        }
    }

    /// Offers a subprotocol; the first one offered is preferred.
    #[must_use]
    pub fn subprotocol(self, name: impl Into<String>) -> Self {
        self.with(|options| options.subprotocols.push(name.into()))
    }

    /// Adds a header. `Host`, `Origin` and `Authorization` replace the default ones.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|options| options.headers.push((name.into(), value.into())))
    }

    /// Sets the `Origin` header, which browsers send (RFC 6455 section 4.1).
    #[must_use]
    pub fn origin(self, origin: impl Into<String>) -> Self {
        self.with(|options| options.origin = Some(origin.into()))
    }

    /// Sets limits, deadlines and policies of the connection.
    #[must_use]
    pub fn config(self, config: impl Into<Arc<Config>>) -> Self {
        self.with(|options| options.config = config.into())
    }

    /// Limits the time of everything together: resolving, connecting, the handshake, redirects. Default 30 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.timeout = timeout)
    }

    /// Follows up to `limit` redirects. Default 0, as browsers do.
    ///
    /// `Host`, `Authorization`, `Proxy-Authorization` and `Cookie` headers, and the user and password of the
    /// URL, are sent to the first server only.
    #[must_use]
    pub fn redirects(self, limit: usize) -> Self {
        self.with(|options| options.redirects = limit)
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }

    // For drivers.

    /// The limit to the time of everything together.
    #[must_use]
    pub fn time_limit(&self) -> Duration {
        self.options.timeout
    }

    /// Makes a plan that begins at the URL.
    ///
    /// # Errors
    /// [`Url`](ConnectError::Url).
    pub fn plan(&self) -> Result<ConnectPlan, ConnectError> {
        let target = Target::parse(&self.options.url).map_err(ConnectError::Url)?;
        Ok(ConnectPlan {
            options: Arc::clone(&self.options),
            redirects: Redirects::new(target, self.options.redirects),
        })
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &*self.options;
        // Passwords and cookies do not belong in a log: header values are left out, and the URL is printed
        // without credentials.
        let names: Vec<_> = options.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Connect")
            .field("target", &Target::parse(&options.url))
            .field("subprotocols", &options.subprotocols)
            .field("headers", &names)
            .field("origin", &options.origin)
            .field("timeout", &options.timeout)
            .field("redirects", &options.redirects)
            .finish_non_exhaustive()
    }
}

/// The steps from a URL to a connection, along redirects.
pub struct ConnectPlan {
    options: Arc<Options>,
    redirects: Redirects,
}

impl ConnectPlan {
    /// The server to connect to now.
    #[must_use]
    pub fn target(&self) -> &Target {
        self.redirects.current()
    }

    /// Returns true if a further redirect would be followed.
    #[must_use]
    pub fn may_redirect(&self) -> bool {
        self.options.redirects > 0
    }

    /// Begins the opening handshake over a transport to the [target](Self::target).
    ///
    /// # Errors
    /// [`Handshake`](ConnectError::Handshake) if the request cannot be written as asked.
    pub fn begin(&self, env: &mut Env) -> Result<Connection, ConnectError> {
        let Options {
            subprotocols,
            headers,
            origin,
            config,
            ..
        } = &*self.options;
        let target = self.target();
        let is_first = self.redirects.start().trusts(target);
        let headers: Vec<_> = headers
            .iter()
            .filter(|(name, _)| is_first || !is_for_one_server(name))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let subprotocols: Vec<_> = subprotocols.iter().map(String::as_str).collect();
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

    /// Follows the redirect that `error` is.
    ///
    /// # Errors
    /// `error` itself if it is no redirect, or no further one may be followed;
    /// [`Redirect`](ConnectError::Redirect) if this one cannot be.
    pub fn redirect(&mut self, error: ConnectError) -> Result<(), ConnectError> {
        let ConnectError::Handshake(HandshakeError::Refused(response)) = &error else {
            return Err(error);
        };
        let response = response.view();
        let location = match response.status() {
            301 | 302 | 303 | 307 | 308 if self.may_redirect() => response.header_str("Location"),
            _ => None,
        };
        let Some(location) = location else {
            return Err(error);
        };
        match self.redirects.follow(location) {
            Ok(_) => Ok(()),
            Err(error) => Err(ConnectError::Redirect(error)),
        }
    }
}

impl fmt::Debug for ConnectPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectPlan").field(&self.redirects).finish()
    }
}

/// Returns true if a header names or authorizes somebody at one server, and must not be sent to another
/// (RFC 9110 section 15.4).
fn is_for_one_server(name: &str) -> bool {
    ["Host", "Authorization", "Proxy-Authorization", "Cookie"]
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name))
}

/// The error of a client that could not connect.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is no WebSocket URL.
    Url(TargetError),
    /// The URL is a `wss` URL, and this build has no TLS. Every driver accepts a TLS stream instead.
    TlsUnsupported,
    /// The name could not be resolved.
    Resolve(io::Error),
    /// Every address failed.
    Dial(DialError),
    /// The socket could not be set up.
    Socket(io::Error),
    /// The opening handshake failed, or the server refused.
    Handshake(HandshakeError),
    /// A redirect cannot be followed.
    Redirect(RedirectError),
    /// The time limit for everything together has passed.
    TimedOut,
    /// The event loop or runtime that was to connect has been shut down.
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
            Self::Redirect(error) => error.fmt(f),
            Self::TimedOut => f.write_str("connecting took too long"),
            Self::ShutDown => f.write_str("what was to connect has been shut down"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::TlsUnsupported | Self::TimedOut | Self::ShutDown => None,
            Self::Resolve(error) | Self::Socket(error) => Some(error),
            Self::Dial(error) => Some(error),
            Self::Handshake(error) => Some(error),
            Self::Redirect(error) => Some(error),
        }
    }
}
