//! A client: from a URL to an open connection.

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
    connect::{self, ConnectError, ConnectPlan},
    dial::{ATTEMPT_DELAY, Dial, DialError, Step},
    lease::Lease,
};
use wsproto::{Config, ResponseHead};

use crate::{
    clock::Clock,
    handshake, resolve,
    runtime::Runtime,
    socket::WebSocket,
    timers::{Alarm, Timer},
    waiting::{First, after, first},
};

/// A connection and the server's response.
type Connected<R> = (
    WebSocket<<R as Runtime>::Tcp, Timer<<R as Runtime>::Alarm>>,
    ResponseHead,
);

/// A request for a connection, and a limit to the time it may take.
///
/// ```no_run
/// use std::time::Duration;
/// use driver_futures::{Connect, Runtime};
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
    connect: connect::Connect,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Connect<R> {
    /// Requests a connection to `url`, without subprotocols or further headers.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self::of(connect::Connect::new(url))
    }

    /// Offers a subprotocol; the first one offered is preferred.
    #[must_use]
    pub fn subprotocol(self, name: impl Into<String>) -> Self {
        Self::of(self.connect.subprotocol(name))
    }

    /// Adds a header. `Host`, `Origin` and `Authorization` replace the default ones.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::of(self.connect.header(name, value))
    }

    /// Sets the `Origin` header, which browsers send (RFC 6455 section 4.1).
    #[must_use]
    pub fn origin(self, origin: impl Into<String>) -> Self {
        Self::of(self.connect.origin(origin))
    }

    /// Sets limits, deadlines and policies of the connection.
    #[must_use]
    pub fn config(self, config: impl Into<Arc<Config>>) -> Self {
        Self::of(self.connect.config(config))
    }

    /// Limits the time of everything together: resolving, connecting, the handshake, redirects. Default 30 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self::of(self.connect.timeout(timeout))
    }

    /// Follows up to `limit` redirects. Default 0, as browsers do.
    ///
    /// `Host`, `Authorization`, `Proxy-Authorization` and `Cookie` headers, and the user and password of the
    /// URL, are sent to the first server only.
    #[must_use]
    pub fn redirects(self, limit: usize) -> Self {
        Self::of(self.connect.redirects(limit))
    }

    const fn of(connect: connect::Connect) -> Self {
        Self {
            connect,
            runtime: PhantomData,
        }
    }

    /// Connects: resolves the name, tries its addresses (RFC 8305), and does the opening handshake.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(&self) -> Result<Connected<R>, ConnectError> {
        let plan = self.connect.plan()?;
        match first(follow::<R>(plan), after::<R>(self.connect.time_limit())).await {
            First::Left(connected) => connected,
            First::Right(()) => Err(ConnectError::TimedOut),
        }
    }
}

async fn follow<R: Runtime>(mut plan: ConnectPlan) -> Result<Connected<R>, ConnectError> {
    loop {
        match attempt::<R>(&plan).await {
            Ok(connected) => return Ok(connected),
            Err(error) => plan.redirect(error)?,
        }
    }
}

async fn attempt<R: Runtime>(plan: &ConnectPlan) -> Result<Connected<R>, ConnectError> {
    let target = plan.target();
    if target.is_secure() {
        return Err(ConnectError::TlsUnsupported);
    }
    let addresses = resolve::host::<R>(target.host(), target.port())
        .await
        .map_err(ConnectError::Resolve)?;
    let transport = dial::<R>(addresses).await.map_err(ConnectError::Dial)?;
    let clock = Timer::of_runtime();
    let mut lease = Lease::take();
    lease.env.set_now(clock.now());
    let connection = plan.begin(&mut lease.env)?;
    handshake::complete(connection, transport, clock, lease)
        .await
        .map_err(ConnectError::Handshake)
}

impl<R> fmt::Debug for Connect<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connect.fmt(f)
    }
}

/// An attempt to connect to one address.
type Attempt<T> = (
    SocketAddr,
    Pin<Box<dyn Future<Output = io::Result<T>> + Send>>,
);

/// Connects to the address that answers first.
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

/// Waits until an attempt has ended, or until the moment `until`.
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
