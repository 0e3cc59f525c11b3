//! tokio as the runtime of servers and clients.

#[cfg(unix)]
use std::path::Path;
use std::{future::Future, io, net::SocketAddr, time::Instant};

use driver_futures::{AcceptFrom, Runtime, Spawn};
use driver_kit::accept_backoff::BACKLOG;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, lookup_host},
    time::sleep_until,
};

use crate::{alarm::Alarm, io::Io, listener::Listener};

/// tokio: the runtime that the current thread has entered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    type Alarm = Alarm;
    type Tcp = Io<TcpStream>;
    type TcpListener = TcpListener;
    #[cfg(unix)]
    type UnixListener = tokio::net::UnixListener;
    type Spawner = Self;

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        lookup_host((host, port)).await.map(Iterator::collect)
    }

    async fn connect(address: SocketAddr) -> io::Result<Io<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Io(stream))
    }

    fn listen(address: SocketAddr) -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // Otherwise a restarted server could not bind before the old connections have timed out.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    }

    fn local_addr(listener: &TcpListener) -> io::Result<SocketAddr> {
        listener.local_addr()
    }

    #[cfg(unix)]
    fn listen_unix(path: &Path) -> io::Result<Self::UnixListener> {
        tokio::net::UnixListener::bind(path)
    }

    fn sleep_until(moment: Instant) -> impl Future<Output = ()> + Send {
        sleep_until(moment.into())
    }
}

impl<L: Listener> AcceptFrom<L> for Tokio {
    type Transport = Io<L::Stream>;

    async fn accept(listener: &mut L) -> io::Result<Self::Transport> {
        listener.accept().await.map(Io)
    }
}

impl Spawn for Tokio {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }
}
