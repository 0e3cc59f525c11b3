//! What the tests of the driver share: a server on a free port, and peers without a library.
#![allow(dead_code, reason = "no file of tests needs all of it")]

use std::{future::Future, io, sync::Arc, time::Duration};

use driver_tokio::{Accept, Config, Listener, Server, ServerHandle, Upgrade};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
    task::{JoinHandle, yield_now},
};

/// Far more than anything takes that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A request that every server accepts.
pub(crate) const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A server that runs.
pub(crate) struct Running {
    /// Host and port.
    pub(crate) address: String,
    pub(crate) handle: ServerHandle,
    pub(crate) serve: JoinHandle<()>,
}

impl Running {
    /// The URL of a path, which begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// Waits until there are so many connections.
    pub(crate) async fn until_connections(&self, count: usize) {
        while self.handle.connections() != count {
            yield_now().await;
        }
    }
}

/// Serves on a free port of 127.0.0.1 with the defaults.
pub(crate) async fn serve<F>(handler: impl Fn(Upgrade) -> F + Send + Sync + 'static) -> Running
where
    F: Future<Output = ()> + Send + 'static,
{
    serve_as(|server| server, handler).await
}

/// Serves on a free port of 127.0.0.1, set up otherwise.
pub(crate) async fn serve_as<F>(
    set_up: impl FnOnce(Server) -> Server,
    handler: impl Fn(Upgrade) -> F + Send + Sync + 'static,
) -> Running
where
    F: Future<Output = ()> + Send + 'static,
{
    let server = set_up(Server::bind("127.0.0.1:0").await.expect("a free port"));
    let address = server.local_addr().expect("it is bound").to_string();
    let handle = server.handle();
    let serve = tokio::spawn(server.serve(handler));
    Running {
        address,
        handle,
        serve,
    }
}

/// A configuration that differs from the default.
pub(crate) fn config(change: impl FnOnce(&mut Config)) -> Arc<Config> {
    let mut config = Config::default();
    change(&mut config);
    Arc::new(config)
}

/// Accepts, and returns every message.
pub(crate) async fn echo<S: AsyncRead + AsyncWrite + Unpin>(upgrade: Upgrade<S>) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        let _ = socket.feed(message).await;
    }
}

/// A listener whose streams are pipes in memory.
pub(crate) struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

/// Connects to [`Pipes`].
#[derive(Clone)]
pub(crate) struct Dialer(mpsc::UnboundedSender<DuplexStream>);

pub(crate) fn pipes() -> (Dialer, Pipes) {
    let (dialer, pipes) = mpsc::unbounded_channel();
    (Dialer(dialer), Pipes(pipes))
}

impl Dialer {
    pub(crate) fn connect(&self) -> DuplexStream {
        let (near, far) = duplex(64 << 10);
        // If nobody listens, the end of the stream tells.
        let _ = self.0.send(far);
        near
    }
}

impl Listener for Pipes {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.recv().await {
            Some(stream) => Ok(stream),
            None => std::future::pending().await,
        }
    }
}

/// Sends a request, and reads the answer up to its empty line.
pub(crate) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &str,
) -> String {
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the server reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the server answers"));
    }
    String::from_utf8(head).expect("a head is text")
}
