//! Connections that come from elsewhere, and transports that are no sockets.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    sync::{Arc, Mutex},
};

use driver_mio::{
    Adopt, CloseCode, Connect, Message, Notifier, Registration, Role, Server, Stream, Transport,
    wsproto::Agreed,
};
use testkit::{
    PATIENCE,
    blocking::{ask, eventually, frame, read_frame},
    handshake::REQUEST,
};

use crate::handlers::{Echo, News, Recorder, next, opened};

fn pair() -> (UnixStream, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_read_timeout(Some(PATIENCE)).unwrap();
    (near, far)
}

#[test]
fn an_upgraded_connection_goes_on_with_what_was_read_already() {
    let loops = Server::new().loops(1).start(Echo).unwrap();
    // Half a frame was read by whoever did the handshake; more than a read buffer has, once.
    for len in [5, 600_000] {
        let (mut near, far) = pair();
        let payload = vec![7; len];
        let bytes = [frame(0x81, b"first"), frame(0x82, &payload)].concat();
        let (read, rest) = bytes.split_at(bytes.len() - 3);
        let adopt = Adopt::upgraded(Role::Server, Agreed::default()).received(read);
        loops.adopt(far, adopt).unwrap();
        assert_eq!(read_frame(&mut near), (0x81, b"first".to_vec()));
        near.write_all(rest).unwrap();
        assert!(read_frame(&mut near) == (0x82, payload));
    }
}

#[test]
fn a_request_is_awaited_on_a_stream_of_ones_own() {
    let (recorder, news) = Recorder::new();
    let loops = Server::new().loops(1).start(recorder).unwrap();
    let (mut near, far) = pair();
    let (begin, rest) = REQUEST.split_at(20);
    loops
        .adopt_with(far, Adopt::accepting().received(begin), 0)
        .unwrap();
    let head = ask(&mut near, rest);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    opened(&news).close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(read_frame(&mut near).0, 0x88);
}

#[test]
fn a_client_asks_over_a_stream_of_its_own() {
    let server = Server::new().loops(1).start(Echo).unwrap();
    let (recorder, news) = Recorder::new();
    let client = Server::new().loops(1).start(recorder).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    server.adopt(far, Adopt::accepting()).unwrap();
    // Whoever brings the stream brings the encryption as well.
    let connect = Connect::new("wss://example.com/");
    client
        .adopt_with(near, Adopt::connecting(connect), 4)
        .unwrap();
    assert!(matches!(next(&news), News::Response(_)));
    let News::Opened(4, handle) = next(&news) else {
        panic!("it opens");
    };
    handle.send("hello").unwrap();
    assert!(matches!(next(&news), News::Message(Message::Text(text)) if text == "hello"));
}

/// One end of a pipe in memory, which takes a few bytes at a time and has no descriptor.
struct Pipe {
    inbound: Arc<Mutex<Half>>,
    outbound: Arc<Mutex<Half>>,
}

/// One direction.
#[derive(Default)]
struct Half {
    bytes: VecDeque<u8>,
    ended: bool,
    /// Those at the two ends.
    ends: Vec<Notifier>,
}

const CAPACITY: usize = 1000;

fn pipe() -> (Pipe, Pipe) {
    let (one, other) = (Arc::default(), Arc::default());
    let near = Pipe {
        inbound: Arc::clone(&one),
        outbound: Arc::clone(&other),
    };
    let far = Pipe {
        inbound: other,
        outbound: one,
    };
    (near, far)
}

impl Half {
    fn notify(&self) {
        self.ends.iter().for_each(Notifier::notify);
    }
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut half = self.inbound.lock().unwrap();
        // Fewer than there are, and than there is room for: that says nothing.
        let n = half.bytes.len().min(buf.len()).min(300);
        if n == 0 {
            return if half.ended {
                Ok(0)
            } else {
                Err(ErrorKind::WouldBlock.into())
            };
        }
        for (slot, byte) in buf.iter_mut().zip(half.bytes.drain(..n)) {
            *slot = byte;
        }
        half.notify();
        Ok(n)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut half = self.outbound.lock().unwrap();
        let n = bytes.len().min(CAPACITY - half.bytes.len()).min(400);
        if n == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        half.bytes.extend(&bytes[..n]);
        half.notify();
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Pipe {
    fn register(&mut self, registration: Registration<'_>) -> io::Result<()> {
        for half in [&self.inbound, &self.outbound] {
            half.lock().unwrap().ends.push(registration.notifier());
        }
        Ok(())
    }

    fn shutdown(&mut self) -> io::Result<()> {
        let mut half = self.outbound.lock().unwrap();
        half.ended = true;
        half.notify();
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        for half in [&self.inbound, &self.outbound] {
            let mut half = half.lock().unwrap();
            half.ended = true;
            half.notify();
        }
    }
}

#[test]
fn two_ends_talk_over_a_transport_without_a_descriptor() {
    let server = Server::new().loops(1).start(Echo).unwrap();
    let (recorder, news) = Recorder::new();
    let client = Server::new().loops(1).start(recorder).unwrap();
    let (near, far) = pipe();
    server
        .adopt(Stream::transport(far), Adopt::accepting())
        .unwrap();
    let connect = Adopt::connecting(Connect::new("ws://pipe/"));
    client.adopt(Stream::transport(near), connect).unwrap();
    let handle = opened(&news);
    let message = Message::from(vec![7; 300_000]);
    handle.send(message.clone()).unwrap();
    loop {
        match next(&news) {
            News::Message(echo) => break assert!(echo == message),
            News::Drained => {}
            other => panic!("{other:?}"),
        }
    }
    handle.close(CloseCode::NORMAL, "").unwrap();
    let News::Closed(closed, None) = next(&news) else {
        panic!("it ends");
    };
    assert!(closed.clean);
    eventually(
        || server.connections() + client.connections(),
        |&connections| connections == 0,
    );
}
