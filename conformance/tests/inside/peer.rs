//! A peer that blocks: either end of a connection, which speaks with the suite's own codec and judges nothing.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use conformance::{
    frame::{Decoder, Frame, Part},
    handshake::{Head, accept_key},
};
use socket2::SockRef;

/// Far more than anything takes that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The masking key of clients; any would do.
pub(crate) const MASK: [u8; 4] = [1, 2, 3, 4];

/// Bytes that the kernel keeps for a peer that does not read, so that it is soon full.
const WINDOW: usize = 32 << 10;

/// Listens on a free port.
pub(crate) fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let window = SockRef::from(&listener).set_recv_buffer_size(WINDOW);
    window.expect("a socket");
    let address = listener.local_addr().expect("it is bound");
    (listener, format!("ws://{address}/"))
}

/// Connects to a server, and says nothing.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// A request that every server accepts.
pub(crate) fn request(address: SocketAddr) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// The answer that every client accepts.
pub(crate) fn answer(request: &str) -> String {
    let head = Head::parse(request).expect("a request");
    let key = head.one("Sec-WebSocket-Key").expect("a key");
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept_key(key)
    )
}

/// Reads a head up to its empty line. If the transport ends before, what there is of it.
pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is text")
}

/// Opens a connection to a server.
pub(crate) fn open(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    let request = request(address);
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

/// One end of an open connection.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    mask: Option<[u8; 4]>,
    decoder: Decoder,
    buf: Vec<u8>,
}

impl Peer {
    /// The client's end of a connection that is open.
    pub(crate) fn client(stream: TcpStream) -> Self {
        Self::new(stream, Some(MASK))
    }

    /// Waits for a client, and opens a connection with it.
    pub(crate) fn server(listener: &TcpListener) -> Self {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let request = read_head(&mut stream);
        let answer = answer(&request);
        stream
            .write_all(answer.as_bytes())
            .expect("the client reads");
        Self::new(stream, None)
    }

    fn new(stream: TcpStream, mask: Option<[u8; 4]>) -> Self {
        Self {
            stream,
            mask,
            decoder: Decoder::default(),
            buf: vec![0; 64 << 10],
        }
    }

    /// Returns the bytes of a frame of this end.
    pub(crate) fn encode(&self, frame: &Frame) -> Vec<u8> {
        frame.encode(self.mask)
    }

    /// Sends a frame. If nobody takes it, receiving tells.
    pub(crate) fn send(&mut self, frame: &Frame) {
        let bytes = self.encode(frame);
        let _ = self.stream.write_all(&bytes);
    }

    /// The next frame; `None` if there is none before the end or a reset.
    ///
    /// # Panics
    ///
    /// If the end comes in the middle of a frame, or nothing for long.
    pub(crate) fn receive(&mut self) -> Option<Frame> {
        loop {
            match self.decoder.part() {
                Some(Part::Frame(frame, _)) => return Some(frame),
                Some(Part::Header(_)) => continue,
                None => {}
            }
            match self.stream.read(&mut self.buf) {
                Ok(0) => {
                    assert_eq!(self.decoder.pending(), 0, "a torn frame");
                    return None;
                }
                Ok(n) => self.decoder.push(&self.buf[..n]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let is_silence =
                        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                    assert!(!is_silence, "nothing comes");
                    return None;
                }
            }
        }
    }
}
