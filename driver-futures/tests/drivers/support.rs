//! A server on a free port, a listener in memory, raw peers and tasks, over the runtime of the driver under test.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_channel::{mpsc, oneshot};
use futures_util::{StreamExt, task::AtomicWaker};

use crate::{
    driver::{Accept, Listener, Server, ServerHandle, Upgrade},
    runtime::{
        AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Pipe, block_on, detach, pipe, yield_now,
    },
};

/// Runs a test on the runtime, in one thread.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    block_on(test)
}

/// A task that goes on when this is dropped.
pub(crate) struct Spawned<T> {
    output: oneshot::Receiver<T>,
    is_finished: Arc<AtomicBool>,
}

/// Runs a future beside the others.
pub(crate) fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Spawned<T> {
    let (tell, output) = oneshot::channel();
    let is_finished = Arc::new(AtomicBool::new(false));
    let finished = Arc::clone(&is_finished);
    detach(async move {
        let output = future.await;
        finished.store(true, Ordering::Release);
        let _ = tell.send(output);
    });
    Spawned {
        output,
        is_finished,
    }
}

impl<T> Spawned<T> {
    pub(crate) fn is_finished(&self) -> bool {
        self.is_finished.load(Ordering::Acquire)
    }
}

impl<T> Future for Spawned<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let output = Pin::new(&mut self.output).poll(cx);
        output.map(|output| output.expect("the task has not panicked"))
    }
}

/// Orders that one task waits for: none is lost.
#[derive(Default)]
pub(crate) struct Signal {
    orders: AtomicUsize,
    waker: AtomicWaker,
}

impl Signal {
    /// Gives an order.
    pub(crate) fn give(&self) {
        self.orders.fetch_add(1, Ordering::AcqRel);
        self.waker.wake();
    }

    /// Waits for an order.
    pub(crate) async fn given(&self) {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            let taken = self
                .orders
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |orders| {
                    orders.checked_sub(1)
                });
            taken.map_or(Poll::Pending, |_| Poll::Ready(()))
        })
        .await;
    }
}

/// A server that runs.
pub(crate) struct Running {
    /// Host and port.
    pub(crate) address: String,
    pub(crate) handle: ServerHandle,
    pub(crate) serve: Spawned<()>,
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
    let serve = spawn(server.serve(handler));
    Running {
        address,
        handle,
        serve,
    }
}

/// Accepts, and returns every message.
pub(crate) async fn echo<S: AsyncRead + AsyncWrite + Unpin + 'static>(upgrade: Upgrade<S>) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        let _ = socket.feed(message).await;
    }
}

/// A listener whose streams are pipes in memory.
pub(crate) struct Pipes(mpsc::UnboundedReceiver<io::Result<Pipe>>);

/// Connects to [`Pipes`].
#[derive(Clone)]
pub(crate) struct Dialer(mpsc::UnboundedSender<io::Result<Pipe>>);

pub(crate) fn pipes() -> (Dialer, Pipes) {
    let (dialer, pipes) = mpsc::unbounded();
    (Dialer(dialer), Pipes(pipes))
}

impl Dialer {
    pub(crate) fn connect(&self) -> Pipe {
        let (near, far) = pipe(64 << 10);
        // If nobody listens, the end of the stream tells.
        let _ = self.0.unbounded_send(Ok(far));
        near
    }

    /// Has an accept fail.
    pub(crate) fn fail(&self, error: io::Error) {
        let _ = self.0.unbounded_send(Err(error));
    }
}

impl Listener for Pipes {
    type Stream = Pipe;

    async fn accept(&mut self) -> io::Result<Pipe> {
        match self.0.next().await {
            Some(stream) => stream,
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
        let mut byte = [0];
        stream
            .read_exact(&mut byte)
            .await
            .expect("the server answers");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is text")
}

/// The size of the future that a function returns.
pub(crate) fn size_of_future<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
    size_of::<F>()
}
