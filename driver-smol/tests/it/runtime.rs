//! smol's side of the tests that the asynchronous drivers share.

use std::{future::Future, io, net::SocketAddr, os::unix, rc::Rc};

use driver_smol::Upgrade;
use smol::{Async, LocalExecutor};
pub(crate) use smol::{
    future::yield_now,
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) use crate::pipe::{Pipe, pipe};

thread_local! {
    static EXECUTOR: Rc<LocalExecutor<'static>> = Rc::default();
}

/// Runs a future, and those that are detached, in this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let executor = EXECUTOR.with(Rc::clone);
    smol::block_on(executor.run(future))
}

/// Runs a future beside the others.
pub(crate) fn detach(future: impl Future<Output = ()> + Send + 'static) {
    EXECUTOR.with(|executor| executor.spawn(future).detach());
}

/// Connects to a Unix socket.
pub(crate) async fn connect_unix(
    path: &std::path::Path,
) -> io::Result<Async<unix::net::UnixStream>> {
    Async::<unix::net::UnixStream>::connect(path).await
}

/// The address of the client.
pub(crate) fn peer_addr(upgrade: &Upgrade) -> io::Result<SocketAddr> {
    let stream = upgrade.get_ref().get_ref();
    stream.get_ref().peer_addr()
}

/// Takes over a socket that does not block.
pub(crate) fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    Async::new(stream).map(TcpStream::from)
}

/// The addresses of a name and a port.
pub(crate) async fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    smol::net::resolve((name, port)).await
}

/// A stream that passes on what it is given when it is flushed.
pub(crate) fn buffered(stream: Pipe) -> impl AsyncRead + AsyncWrite + Unpin + 'static {
    futures_util::io::BufWriter::new(stream)
}
