//! Raw peers over blocking sockets: bytes in, bytes out, no library.

use std::{
    fmt::Debug,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Instant,
};

use crate::{PATIENCE, handshake::REQUEST};

/// Connects, and gives up on reads after [`PATIENCE`].
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Connects and completes the opening handshake.
pub fn open(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    let head = ask(&mut stream, REQUEST);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

/// Sends a request, and returns the head of the response up to and including its empty line.
pub fn ask(stream: &mut (impl Read + Write), request: &str) -> String {
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    read_head(stream)
}

/// Reads a head up to and including its empty line, and nothing behind it.
pub fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the peer sends a head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is text")
}

/// Encodes a client's frame from its first byte and its payload, with a mask of zeros (RFC 6455 5.2).
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
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

/// Reads a server's frame, and returns its first byte and its payload.
pub fn read_frame(stream: &mut impl Read) -> (u8, Vec<u8>) {
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

/// Evaluates `figure` until `is_right`, and returns it.
///
/// # Panics
/// If that takes longer than [`PATIENCE`].
pub fn eventually<T: Debug>(figure: impl Fn() -> T, is_right: impl Fn(&T) -> bool) -> T {
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
