//! Asynchronous drivers as subjects: a runtime implements how it runs futures and gets the rest.

use std::{
    fmt,
    future::{Future, pending, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use driver_futures::{
    AcceptFrom, Clock, Connect, Runtime, Server, ServerHandle, Transport, WebSocket,
};
use wsproto::{Accept, Config, Event};

use super::{Act, Attempt, Driver, Haste, Offer, Promises, Unanswered};

mod hasty;

/// A runtime with a driver on [`driver_futures`]. Every implementation is a [`Driver`].
pub trait Asynchronous: fmt::Debug + Clone + Send + Sync + 'static {
    /// The driver's half of it.
    type Runtime: AcceptFrom<<Self::Runtime as Runtime>::TcpListener, Transport: Send>
        + Runtime<TcpListener: Send + 'static>;

    /// The name of the driver.
    const NAME: &'static str;

    /// The memory that the driver promises to stay within.
    const PROMISES: Promises;

    /// Blocks the current thread on a future.
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T;

    /// Spawns a future.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);
}

impl<A: Asynchronous> Driver for A {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn promises(&self) -> Promises {
        A::PROMISES
    }

    fn serve(&self, config: Arc<Config>) -> io::Result<SocketAddr> {
        let (address, _) = serve(self, config)?;
        Ok(address)
    }

    fn serve_until_dropped(&self, config: Arc<Config>) -> io::Result<(SocketAddr, Box<dyn Send>)> {
        let (address, handle) = serve(self, config)?;
        let driver = self.clone();
        Ok((address, Box::new(Stop { driver, handle })))
    }

    fn serve_no_answers(&self, config: Arc<Config>, how: Unanswered) -> io::Result<SocketAddr> {
        let server = self.block_on(Server::<_, A::Runtime>::bind("127.0.0.1:0"))?;
        let server = server.config(config);
        let address = server.local_addr()?;
        self.spawn(server.serve(move |upgrade| async move {
            match how {
                Unanswered::AtOnce => drop(upgrade),
                // An answer that nobody waits for is none.
                Unanswered::Later => drop(upgrade.accept(&Accept::new())),
            }
        }));
        Ok(address)
    }

    fn dial(&self, url: String, config: Arc<Config>) {
        self.spawn(async move {
            let connect = Connect::<A::Runtime>::new(url).config(config);
            // Many cases are about connections that must not open.
            if let Ok((mut socket, _)) = connect.connect().await {
                // Most cases break the protocol on purpose, and the peer has been told.
                let _ = echo(&mut socket).await;
            }
        });
    }

    fn dial_until_dropped(&self, url: String) -> io::Result<Box<dyn Attempt>> {
        let future = Box::pin(async move {
            let connected = Connect::<A::Runtime>::new(url).connect().await;
            pending::<()>().await;
            drop(connected);
        });
        let driver = self.clone();
        Ok(Box::new(Dialling { driver, future }))
    }

    fn dial_hastily(&self, url: String, haste: Haste) -> Offer {
        match haste.act {
            Act::Receive | Act::ReceiveLent | Act::Feed | Act::Send | Act::Close => {}
            Act::Call => return Offer::NotMade("the connection belongs to whoever has it"),
        }
        self.spawn(async move {
            if let Ok((socket, _)) = Connect::<A::Runtime>::new(url).connect().await {
                hasty::echo(socket, &haste).await;
            }
        });
        Offer::Made
    }
}

/// Serves an echo; returns where, and what ends it.
fn serve<A: Asynchronous>(
    driver: &A,
    config: Arc<Config>,
) -> io::Result<(SocketAddr, ServerHandle<A::Runtime>)> {
    let server = driver.block_on(Server::<_, A::Runtime>::bind("127.0.0.1:0"))?;
    let server = server.config(config);
    let address = server.local_addr()?;
    let handle = server.handle();
    driver.spawn(server.serve(|upgrade| async move {
        if let Ok(mut socket) = upgrade.accept(&Accept::new()).await {
            // The same as in the echo of a client.
            let _ = echo(&mut socket).await;
        }
    }));
    Ok((address, handle))
}

/// Echoes each message with its type, until the connection is over.
///
/// # Errors
///
/// A violation by the peer, which has been told.
pub async fn echo<S: Transport, C: Clock>(
    socket: &mut WebSocket<S, C>,
) -> Result<(), wsproto::Error> {
    while let Some((event, mut outbox)) = socket.recv_ref().await? {
        let sent = match event {
            Event::Text(text) => outbox.feed_text(&text),
            Event::Binary(bytes) => outbox.feed_binary(&bytes),
            // Pings are answered already, and the rest has no echo.
            _ => Ok(()),
        };
        // If it is closed, receiving tells why.
        drop(sent);
    }
    Ok(())
}

/// Ends a server where it is.
struct Stop<A: Asynchronous> {
    driver: A,
    handle: ServerHandle<A::Runtime>,
}

impl<A: Asynchronous> Drop for Stop<A> {
    fn drop(&mut self) {
        self.driver.block_on(self.handle.shutdown(Duration::ZERO));
    }
}

/// A connection that is opened step by step.
struct Dialling<A> {
    driver: A,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

impl<A: Asynchronous> Attempt for Dialling<A> {
    fn step(&mut self) {
        let future = &mut self.future;
        self.driver.block_on(poll_fn(|cx| {
            // It ends only by being dropped.
            let _ = future.as_mut().poll(cx);
            Poll::Ready(())
        }));
    }
}
