//! tokio's side of the tests that the asynchronous drivers share.

use std::{future::Future, io, net::SocketAddr};

use driver_tokio::{Io, Upgrade};
pub(crate) use tokio::{
    io::{
        AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream as Pipe, duplex as pipe,
    },
    net::{TcpStream, UnixStream},
    task::yield_now,
};

/// Runs a future in this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Runs a future beside the others.
pub(crate) fn detach(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}

/// Connects to a Unix socket.
pub(crate) async fn connect_unix(path: &std::path::Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

/// The address of the client.
pub(crate) fn peer_addr(upgrade: &Upgrade) -> io::Result<SocketAddr> {
    let Io(stream) = upgrade.get_ref();
    stream.peer_addr()
}

/// Takes over a socket that does not block.
pub(crate) fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    TcpStream::from_std(stream)
}

/// The addresses of a name and a port.
pub(crate) async fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses = tokio::net::lookup_host((name, port)).await?;
    Ok(addresses.collect())
}

/// A stream that passes on what it is given when it is flushed.
pub(crate) fn buffered(stream: Pipe) -> impl AsyncRead + AsyncWrite + Unpin + 'static {
    tokio::io::BufStream::new(stream)
}
