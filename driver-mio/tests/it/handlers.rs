//! Handlers for tests, and servers on a free port that run them.

use std::{net::SocketAddr, sync::mpsc};

use driver_mio::{
    Accept, Cause, Chunk, Closed, ConnectError, Context, EventLoops, Handle, Handler, Message,
    MessageRef, Request, Response, Server, Upgrade,
};
use testkit::PATIENCE;

/// Sends every message back.
pub(crate) struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
        connection
            .send(message)
            .expect("an open connection takes messages");
    }
}

/// A call of a [`Recorder`].
#[derive(Debug)]
pub(crate) enum News {
    Response(Option<String>),
    ConnectFailed(u32, ConnectError),
    Opened(u32, Handle),
    Message(Message),
    Chunk(Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Drained,
    Deadline,
    Closed(Closed, Option<Cause>),
}

/// Reports every call to a test, and identifies connections by the number that is their state.
pub(crate) struct Recorder(pub(crate) mpsc::Sender<News>);

impl Recorder {
    pub(crate) fn new() -> (Self, mpsc::Receiver<News>) {
        let (sender, receiver) = mpsc::channel();
        (Self(sender), receiver)
    }

    fn tell(&self, news: News) {
        // A test that has seen enough does not listen any more.
        let _ = self.0.send(news);
    }
}

impl Handler for Recorder {
    type State = u32;

    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, state: &mut u32) {
        *state = request
            .query()
            .and_then(|query| query.parse().ok())
            .unwrap_or(0);
        let subprotocol = request.subprotocols().next();
        let accept = Accept::new().subprotocol(subprotocol);
        upgrade.accept(&accept).expect("it was offered");
    }

    fn on_response(&self, _: &mut Context<'_>, _: &mut u32, response: &Response<'_>) {
        self.tell(News::Response(response.subprotocol().map(str::to_owned)));
    }

    fn on_connect_failed(&self, state: u32, error: ConnectError) {
        self.tell(News::ConnectFailed(state, error));
    }

    fn on_open(&self, connection: &mut Context<'_>, state: &mut u32) {
        self.tell(News::Opened(*state, connection.handle()));
    }

    fn on_message(&self, _: &mut Context<'_>, _: &mut u32, message: MessageRef<'_>) {
        self.tell(News::Message(message.into_message()));
    }

    fn on_chunk(&self, _: &mut Context<'_>, _: &mut u32, chunk: Chunk<'_>) {
        self.tell(News::Chunk(chunk.data.to_vec(), chunk.last));
    }

    fn on_ping(&self, _: &mut Context<'_>, _: &mut u32, payload: &[u8]) {
        self.tell(News::Ping(payload.to_vec()));
    }

    fn on_pong(&self, _: &mut Context<'_>, _: &mut u32, payload: &[u8]) {
        self.tell(News::Pong(payload.to_vec()));
    }

    fn on_drained(&self, _: &mut Context<'_>, _: &mut u32) {
        self.tell(News::Drained);
    }

    fn on_deadline(&self, _: &mut Context<'_>, _: &mut u32) {
        self.tell(News::Deadline);
    }

    fn on_close(&self, _: &mut Context<'_>, _: &mut u32, closed: &Closed, cause: Option<&Cause>) {
        self.tell(News::Closed(closed.clone(), cause.cloned()));
    }
}

/// Waits for the next call.
pub(crate) fn next(news: &mpsc::Receiver<News>) -> News {
    news.recv_timeout(PATIENCE).expect("something happens")
}

/// Waits for the next connection to open, and returns its handle.
pub(crate) fn opened(news: &mpsc::Receiver<News>) -> Handle {
    loop {
        match next(news) {
            News::Opened(_, handle) => return handle,
            News::Response(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Serves on a free port of 127.0.0.1, with one loop.
pub(crate) fn serve<H: Handler>(handler: H) -> (EventLoops<H>, SocketAddr) {
    serve_as(|server| server, handler)
}

/// Serves on a free port of 127.0.0.1, with one loop unless set up otherwise.
pub(crate) fn serve_as<H: Handler>(
    set_up: impl FnOnce(Server) -> Server,
    handler: H,
) -> (EventLoops<H>, SocketAddr) {
    let server = Server::bind("127.0.0.1:0").expect("a free port").loops(1);
    let server = set_up(server);
    let address = server.local_addr().expect("it is bound");
    (server.start(handler).expect("threads"), address)
}
