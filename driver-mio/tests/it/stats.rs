//! Statistics of loops.

use std::{io::Write, os::unix::net::UnixStream};

use driver_mio::{Adopt, Server};
use testkit::{
    blocking::{eventually, frame, open, read_frame},
    handshake::REQUEST,
};
use wsproto::{Agreed, Role};

use crate::handlers::{Echo, Recorder, opened, serve, serve_as};

/// Bytes of the answer to a request that is accepted.
const ANSWER: u64 = 129;

#[test]
fn figures_follow_what_a_connection_does() {
    let (server, address) = serve(Echo);
    let handle = server.handle();
    let before = handle.stats();
    assert_eq!((before.connections, before.begun), (0, 0));
    let mut peer = open(address);
    let frames = frame(0x82, &[7; 100]).repeat(16);
    peer.write_all(&frames).unwrap();
    for _ in 0..16 {
        assert_eq!(read_frame(&mut peer).1, [7; 100]);
    }
    // A write is counted when it has been done, which the peer may see earlier.
    let all = eventually(
        || handle.stats(),
        |stats| stats.bytes_sent >= ANSWER + 16 * 102,
    );
    assert_eq!((all.messages_received, all.messages_sent), (16, 16));
    assert_eq!(all.bytes_received, (REQUEST.len() + frames.len()) as u64);
    assert_eq!(all.bytes_sent, ANSWER + 16 * 102);
    assert!(all.reads <= 1 + 16 && all.writes <= 1 + 16);
    let now = handle.stats();
    assert_eq!((now.connections, now.begun, now.opened), (1, 1, 1));
    drop(peer);
    let end = eventually(|| handle.stats(), |stats| stats.connections == 0);
    assert_eq!((end.begun, end.opened), (1, 1));
    assert_eq!(end.bytes_queued, 0);
    assert!(end.waits > 0 && end.events > 0);
}

#[test]
fn what_a_peer_does_not_take_shows_as_queued() {
    let (recorder, news) = Recorder::new();
    let (server, address) = serve_as(|server| server, recorder);
    let peer = open(address);
    let handle = opened(&news);
    for _ in 0..12 {
        handle.send(vec![0; 1 << 20]).unwrap();
    }
    eventually(
        || server.handle().stats(),
        |stats| stats.bytes_queued >= 1 << 20,
    );
    drop(peer);
    let end = eventually(|| server.handle().stats(), |stats| stats.connections == 0);
    assert_eq!(end.bytes_queued, 0);
}

#[test]
fn each_loop_counts_for_itself() {
    let (server, address) = serve_as(|server| server.loops(3), Echo);
    let _peers: Vec<_> = (0..20).map(|_| open(address)).collect();
    let by_loop: Vec<_> = server.handle().stats_by_loop().collect();
    assert_eq!(by_loop.len(), 3);
    let opened: u64 = by_loop.iter().map(|stats| stats.opened).sum();
    assert_eq!(opened, 20);
    assert_eq!(server.handle().stats().opened, 20);
}

#[test]
fn long_answers_to_what_was_read_in_one_go_leave_in_one_write() {
    let message = frame(0x82, &[7; 32 << 10]);
    for count in [1, 3] {
        let loops = Server::new().loops(1).start(Echo).unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        // All of it is there before the loop reads.
        near.write_all(&message.repeat(count)).unwrap();
        let adopt = Adopt::upgraded(Role::Server, Agreed::default());
        loops.adopt(far, adopt).unwrap();
        for _ in 0..count {
            assert_eq!(read_frame(&mut near).1.len(), 32 << 10);
        }
        let handle = loops.handle();
        let stats = eventually(|| handle.stats(), |stats| stats.writes > 0);
        assert_eq!((stats.reads, stats.writes), (1, 1), "{count}");
    }
}
