//! What the tests of the driver share: a server on a free port, a handler made of closures' news, and peers
//! without a library.
#![allow(dead_code, reason = "no file of tests needs all of it")]

use std::{
    fmt::Debug,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use driver_mio::{
    Accept, Cause, Chunk, Closed, Config, ConnectError, Context, EventLoops, Handle, Handler,
    Message, MessageRef, Request, Response, Server, Upgrade,
};

/// Far more than anything takes that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A request that every server accepts.
pub(crate) const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A configuration that differs from the default.
pub(crate) fn config(change: impl FnOnce(&mut Config)) -> Arc<Config> {
    let mut config = Config::default();
    change(&mut config);
    Arc::new(config)
}

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

/// Something that a [`Recorder`] was told.
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

/// Tells a test everything, connections by the number that is their state.
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

/// A figure as soon as it is right, which it must become.
pub(crate) fn eventually<T: Debug>(figure: impl Fn() -> T, is_right: impl Fn(&T) -> bool) -> T {
    let patience = Instant::now() + PATIENCE;
    loop {
        let figure = figure();
        if is_right(&figure) {
            return figure;
        }
        assert!(Instant::now() < patience, "still {figure:?}");
        thread::yield_now();
    }
}

/// The next news, which must come.
pub(crate) fn next(news: &mpsc::Receiver<News>) -> News {
    news.recv_timeout(PATIENCE).expect("something happens")
}

/// The handle of the connection that opens next.
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

/// Connects without a library, and asks for a WebSocket.
pub(crate) fn open(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    let head = ask(&mut stream, REQUEST);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

/// Connects without a library.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Sends a request, and reads the answer up to its empty line.
pub(crate) fn ask(stream: &mut (impl Read + Write), request: &str) -> String {
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the server answers");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is text")
}

/// A client's frame, with a mask of zeros (RFC 6455 5.2).
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            frame.push(0xfe);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(0xff);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Reads a server's frame: its first byte and its payload.
pub(crate) fn read_frame(stream: &mut impl Read) -> (u8, Vec<u8>) {
    let mut header = [0; 2];
    stream.read_exact(&mut header).expect("a frame");
    let mut long = [0; 8];
    let len = match header[1] {
        126 => {
            stream.read_exact(&mut long[6..]).expect("a length");
            u64::from_be_bytes(long)
        }
        127 => {
            stream.read_exact(&mut long).expect("a length");
            u64::from_be_bytes(long)
        }
        len => len.into(),
    };
    let mut payload = vec![0; len as usize];
    stream.read_exact(&mut payload).expect("a payload");
    (header[0], payload)
}
