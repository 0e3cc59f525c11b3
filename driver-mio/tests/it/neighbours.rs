//! Connections that behave badly, and the others of their loop.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
};

use driver_mio::{Adopt, Registration, Role, Stream, Transport, wsproto::Agreed};
use testkit::{
    blocking::{ask, connect, eventually, frame, open, read_frame},
    handshake::REQUEST,
};

use crate::handlers::{Echo, serve};

/// A peer that never stops sending, and takes every answer.
struct Flood {
    frame: Vec<u8>,
    /// Bytes of the frame that were read.
    read: usize,
}

impl Read for Flood {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        for slot in &mut *buf {
            *slot = self.frame[self.read];
            self.read = (self.read + 1) % self.frame.len();
        }
        Ok(buf.len())
    }
}

impl Write for Flood {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Flood {
    fn register(&mut self, _: Registration<'_>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_flood_without_an_end_leaves_the_others_their_turn() {
    let (server, address) = serve(Echo);
    let flood = Flood {
        frame: frame(0x82, &[7; 10_000]),
        read: 0,
    };
    let adopt = Adopt::upgraded(Role::Server, Agreed::default());
    server.adopt(Stream::transport(flood), adopt).unwrap();
    let mut stream = open(address);
    for _ in 0..10 {
        stream.write_all(&frame(0x81, b"me too")).unwrap();
        assert_eq!(read_frame(&mut stream), (0x81, b"me too".to_vec()));
    }
}

#[test]
fn nobody_waits_for_those_who_do_not_read_do_not_go_on_or_only_listen() {
    let (server, address) = serve(Echo);
    // One never reads its echoes, until nothing more fits.
    let deaf = open(address);
    deaf.set_nonblocking(true).unwrap();
    let large = frame(0x82, &[7; 60_000]);
    while (&deaf).write(&large).is_ok() {}
    // One has said a part of its request, one a part of a frame.
    let mut slow = [connect(address), open(address)];
    slow[0].write_all(&REQUEST.as_bytes()[..30]).unwrap();
    slow[1].write_all(&frame(0x81, b"hello")[..8]).unwrap();
    // One has ended its side in the middle of the closing handshake.
    let mut half = open(address);
    half.write_all(&frame(0x88, b"\x03\xe8")).unwrap();
    half.shutdown(Shutdown::Write).unwrap();

    let mut stream = open(address);
    for _ in 0..10 {
        stream.write_all(&frame(0x81, b"me too")).unwrap();
        assert_eq!(read_frame(&mut stream), (0x81, b"me too".to_vec()));
    }
    // They go on where they were.
    slow[0].write_all(&REQUEST.as_bytes()[30..]).unwrap();
    let head = ask(&mut slow[0], "");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    slow[1].write_all(&frame(0x81, b"hello")[8..]).unwrap();
    assert_eq!(read_frame(&mut slow[1]), (0x81, b"hello".to_vec()));
    assert_eq!(read_frame(&mut half), (0x88, b"\x03\xe8".to_vec()));
    drop(half);
    eventually(|| server.connections(), |&connections| connections <= 4);
}
