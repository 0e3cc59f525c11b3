//! A client: from a URL to a connection.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    marker::PhantomData,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use driver_kit::{
    dial::{ATTEMPT_DELAY, Dial, DialError, Step},
    handshake::HandshakeError,
    target::{RedirectError, Redirects, Target, TargetError},
};
use wsproto::{ClientRequest, Config, Credentials, ResponseHead};

use crate::{
    alarm::Alarm,
    handshake, resolve,
    runtime::Runtime,
    socket::WebSocket,
    timers::Timer,
    waiting::{First, after, first},
};

/// What connecting leads to: the connection and the server's answer.
type Connected<R> = (
    WebSocket<<R as Runtime>::Tcp, Timer<<R as Runtime>::Alarm>>,
    ResponseHead,
);

/// How to connect: what to ask for, and how long to try.
///
/// ```no_run
/// use std::time::Duration;
/// use driver_async::{Connect, Runtime};
///
/// # async fn run<R: Runtime>() -> Result<(), Box<dyn std::error::Error>> {
/// let (socket, response) = Connect::<R>::new("ws://example.com/chat")
///     .subprotocol("chat.v1")
///     .header("Cookie", "session=1")
///     .timeout(Duration::from_secs(3))
///     .redirects(5)
///     .connect()
///     .await?;
/// println!("{:?}", response.view().subprotocol());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connect<R> {
    url: String,
    subprotocols: Vec<String>,
    headers: Vec<(String, String)>,
    origin: Option<String>,
    config: Arc<Config>,
    timeout: Duration,
    redirects: usize,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Connect<R> {
    /// Asks for nothing but a connection to `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            subprotocols: Vec::new(),
            headers: Vec::new(),
            origin: None,
            config: Arc::default(),
            timeout: Duration::from_secs(30),
            redirects: 0,
            runtime: PhantomData,
        }
    }

    /// Asks for a subprotocol; the first one asked for is preferred.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocols.push(name.into());
        self
    }

    /// Adds a header. `Host`, `Origin` and `Authorization` replace what would be sent otherwise.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Says where the request comes from, as browsers do.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Sets limits, deadlines and policies of the connection.
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Sets how long everything together may take: resolving, connecting, the handshake, redirects.
    /// Default 30 s.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Follows up to `limit` redirects. Default 0, as browsers do.
    ///
    /// What is meant for one server only does not go to another: `Host`, `Authorization`,
    /// `Proxy-Authorization` and `Cookie` headers, and the user and password of the URL.
    #[must_use]
    pub const fn redirects(mut self, limit: usize) -> Self {
        self.redirects = limit;
        self
    }

    /// Connects: resolves the name, tries all its addresses (RFC 8305), and does the opening handshake.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(&self) -> Result<Connected<R>, ConnectError> {
        let target = Target::parse(&self.url).map_err(ConnectError::Url)?;
        match first(self.follow(target), after::<R>(self.timeout)).await {
            First::Left(connected) => connected,
            First::Right(()) => Err(ConnectError::TimedOut),
        }
    }

    async fn follow(&self, target: Target) -> Result<Connected<R>, ConnectError> {
        let first = target.clone();
        let mut redirects = Redirects::new(target, self.redirects);
        loop {
            let target = redirects.current();
            let headers: Vec<_> = self
                .headers
                .iter()
                .filter(|(name, _)| first.trusts(target) || !is_for_one_server(name))
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let error = match self.attempt(target, &headers).await {
                Ok(connected) => return Ok(connected),
                Err(error) => error,
            };
            let ConnectError::Handshake(HandshakeError::Refused(response)) = &error else {
                return Err(error);
            };
            let response = response.view();
            let location = match response.status() {
                301 | 302 | 303 | 307 | 308 if self.redirects > 0 => {
                    response.header_str("Location")
                }
                _ => None,
            };
            let Some(location) = location else {
                return Err(error);
            };
            redirects.follow(location).map_err(ConnectError::Redirect)?;
        }
    }

    async fn attempt(
        &self,
        target: &Target,
        headers: &[(&str, &str)],
    ) -> Result<Connected<R>, ConnectError> {
        if target.is_secure() {
            return Err(ConnectError::TlsUnsupported);
        }
        let addresses = resolve::host::<R>(target.host(), target.port())
            .await
            .map_err(ConnectError::Resolve)?;
        let transport = dial::<R>(addresses).await.map_err(ConnectError::Dial)?;
        let subprotocols: Vec<_> = self.subprotocols.iter().map(String::as_str).collect();
        let mut request = ClientRequest::new(target.authority(), target.target())
            .subprotocols(&subprotocols)
            .headers(headers);
        request.origin = self.origin.as_deref();
        request.credentials = target
            .credentials()
            .map(|(user, password)| Credentials { user, password });
        handshake::connect(
            transport,
            Timer::of_runtime(),
            Arc::clone(&self.config),
            &request,
        )
        .await
        .map_err(ConnectError::Handshake)
    }
}

/// Whether a header names or authorizes somebody at one server, and is nobody else's business
/// (RFC 9110 section 15.4).
fn is_for_one_server(name: &str) -> bool {
    ["Host", "Authorization", "Proxy-Authorization", "Cookie"]
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name))
}

impl<R> fmt::Debug for Connect<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Passwords and cookies do not belong in a log: no values of headers, and of the URL no
        // more than a target shows.
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Connect")
            .field("target", &Target::parse(&self.url))
            .field("subprotocols", &self.subprotocols)
            .field("headers", &names)
            .field("origin", &self.origin)
            .field("timeout", &self.timeout)
            .field("redirects", &self.redirects)
            .finish_non_exhaustive()
    }
}

/// An attempt to connect, until it has failed.
type Attempt<T> = (
    SocketAddr,
    Pin<Box<dyn Future<Output = io::Result<T>> + Send>>,
);

/// Connects to whichever address answers first.
async fn dial<R: Runtime>(addresses: Vec<SocketAddr>) -> Result<R::Tcp, DialError> {
    let mut plan = Dial::new(addresses, ATTEMPT_DELAY);
    let mut attempts: Vec<Attempt<R::Tcp>> = Vec::new();
    loop {
        let until = match plan.step(R::Alarm::now()) {
            Step::Start(address) => {
                attempts.push((address, Box::pin(R::connect(address))));
                continue;
            }
            Step::WaitUntil(until) => Some(until),
            Step::Wait => None,
            Step::GiveUp => return Err(plan.into_error()),
        };
        if let Some((address, connected)) = first_ended::<R>(&mut attempts, until).await {
            match connected {
                Ok(transport) => return Ok(transport),
                Err(error) => plan.failed(address, error),
            }
        }
    }
}

/// Waits for any attempt to end, or for the moment `until`.
async fn first_ended<R: Runtime>(
    attempts: &mut Vec<Attempt<R::Tcp>>,
    until: Option<Instant>,
) -> Option<(SocketAddr, io::Result<R::Tcp>)> {
    let ended = poll_fn(|cx| {
        for (index, (_, attempt)) in attempts.iter_mut().enumerate() {
            if let Poll::Ready(connected) = attempt.as_mut().poll(cx) {
                return Poll::Ready((index, connected));
            }
        }
        Poll::Pending
    });
    let (index, connected) = match until {
        None => ended.await,
        Some(until) => match first(ended, R::sleep_until(until)).await {
            First::Left(ended) => ended,
            First::Right(()) => return None,
        },
    };
    let (address, _) = attempts.swap_remove(index);
    Some((address, connected))
}

/// Why connecting failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one of a WebSocket.
    Url(TargetError),
    /// A `wss` URL, and this build has no TLS. Bring a TLS stream of your own to [`connect`](handshake::connect).
    TlsUnsupported,
    /// The name could not be resolved.
    Resolve(io::Error),
    /// No address could be connected to.
    Dial(DialError),
    /// The opening handshake failed, or the server refused.
    Handshake(HandshakeError),
    /// A redirect cannot be followed.
    Redirect(RedirectError),
    /// Everything together took too long.
    TimedOut,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::TlsUnsupported => f.write_str("wss needs TLS, which this build does not have"),
            Self::Resolve(error) => write!(f, "the name could not be resolved: {error}"),
            Self::Dial(error) => error.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::Redirect(error) => error.fmt(f),
            Self::TimedOut => f.write_str("connecting took too long"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::TlsUnsupported | Self::TimedOut => None,
            Self::Resolve(error) => Some(error),
            Self::Dial(error) => Some(error),
            Self::Handshake(error) => Some(error),
            Self::Redirect(error) => Some(error),
        }
    }
}
