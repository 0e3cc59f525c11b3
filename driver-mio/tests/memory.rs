//! What connections cost and leave behind, counted by the allocator on the thread of their loop.

mod support;

#[path = "../../wsproto/tests/support/allocation.rs"]
#[allow(dead_code, reason = "this file needs a part of it")]
mod allocation;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use allocation::{Counting, live, total};
use driver_mio::{Context, EventLoops, Handler, MessageRef};
use support::{eventually, frame, open, read_frame, serve};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Echoes, but answers an empty message with what its thread has allocated.
struct Counted;

impl Handler for Counted {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
        if message.as_bytes().is_empty() {
            let counts = [total().to_be_bytes(), live().to_be_bytes()];
            connection.send(counts.as_flattened()).unwrap();
        } else {
            connection.send(message).unwrap();
        }
    }
}

/// How often the loop has allocated, and how many octets it has.
fn counts(stream: &mut TcpStream) -> (u64, i64) {
    stream.write_all(&frame(0x82, b"")).unwrap();
    let (_, counts) = read_frame(stream);
    let (total, live) = counts.split_at(8);
    (
        u64::from_be_bytes(total.try_into().unwrap()),
        i64::from_be_bytes(live.try_into().unwrap()),
    )
}

#[test]
fn echoes_allocate_nothing() {
    let (_server, address) = serve(Counted);
    let mut stream = open(address);
    let small = frame(0x81, b"hello").repeat(16);
    let large = frame(0x82, &[7; 100_000]);
    let mut echo = vec![0; large.len()];
    let mut round = |stream: &mut TcpStream| {
        for (octets, headers) in [(&small, 16 * 4), (&large, 4)] {
            stream.write_all(octets).unwrap();
            stream
                .read_exact(&mut echo[..octets.len() - headers])
                .unwrap();
        }
    };
    // What is recycled has to be there once.
    (0..20).for_each(|_| round(&mut stream));
    let (before, _) = counts(&mut stream);
    (0..200).for_each(|_| round(&mut stream));
    assert_eq!(counts(&mut stream).0 - before, 0);
}

fn settle(server: &EventLoops<Counted>, connections: usize) {
    eventually(|| server.connections(), |&now| now == connections);
}

/// So many at a time, with an echo each.
fn crowd(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut streams: Vec<_> = (0..count).map(|_| open(address)).collect();
    for stream in &mut streams {
        stream.write_all(&frame(0x81, b"hello")).unwrap();
        assert_eq!(read_frame(stream).1, b"hello");
    }
    streams
}

#[test]
fn an_idle_connection_has_220_octets() {
    const COUNT: usize = 1_024;
    let (server, address) = serve(Counted);
    let mut observer = open(address);
    drop(crowd(address, 8));
    settle(&server, 1);
    let (_, before) = counts(&mut observer);
    let streams = crowd(address, COUNT);
    let (_, after) = counts(&mut observer);
    let each = (after - before) as usize / COUNT;
    // The wheel doubles what it has, so that up to another 20 are waiting for the next connections.
    assert!(each <= 240, "{each} octets");
    drop(streams);
}

#[test]
fn thousands_of_connections_leave_nothing_behind() {
    let (server, address) = serve(Counted);
    let mut observer = open(address);
    let come_and_go = |rounds| {
        for _ in 0..rounds {
            drop(crowd(address, 100));
            settle(&server, 1);
        }
    };
    come_and_go(2);
    let (_, before) = counts(&mut observer);
    come_and_go(20);
    let (_, after) = counts(&mut observer);
    // A place in the slab is two hundred octets: of two thousand it would be twenty times as much.
    assert!(after - before < 20_000, "{} octets", after - before);
}
