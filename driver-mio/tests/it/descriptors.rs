//! A server without free descriptors: clients wait, and are served when there are some.
#![cfg(target_os = "linux")]

use std::{
    net::TcpStream,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use driver_mio::Failure;
use socket2::{Domain, Socket, Type};
use testkit::{PATIENCE, blocking::ask, handshake::REQUEST, process::with_descriptors};

use crate::handlers::{Echo, serve_as};

/// Limit of open files of the process, which has both ends of each connection.
const LIMIT: usize = 64;

#[test]
fn a_server_survives_having_no_descriptors_left() {
    static FAILURES: AtomicUsize = AtomicUsize::new(0);
    if !with_descriptors(LIMIT, a_server_survives_having_no_descriptors_left) {
        return;
    }
    let (sender, failed) = mpsc::channel();
    let observe = move |failure| {
        // The others are clients that go without a request.
        if matches!(failure, Failure::Accept(_)) {
            FAILURES.fetch_add(1, Ordering::Relaxed);
            // Nobody listens any more in the end.
            let _ = sender.send(());
        }
    };
    let (server, address) = serve_as(|server| server.on_failure(observe), Echo);
    // All clients have their descriptors before the first one connects: the server is to run out of them.
    let sockets: Vec<_> = (0..LIMIT * 2 / 3)
        .map(|_| Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap())
        .collect();
    let connected = |socket: Socket| {
        socket.connect(&address.into()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        TcpStream::from(socket)
    };
    let mut clients: Vec<_> = sockets.into_iter().map(connected).collect();
    // Twice, so that one of them came after a pause.
    failed.recv_timeout(PATIENCE).unwrap();
    failed.recv_timeout(PATIENCE).unwrap();
    let accepted = server.connections();
    assert!((1..clients.len()).contains(&accepted), "{accepted}");

    // First come, first served: those who had to wait are at the end.
    let waiting = clients.split_off(accepted);
    drop(clients);
    for mut client in waiting {
        let head = ask(&mut client, REQUEST);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }
    // Pauses grow up to a second: a server that spins would have failed thousands of times.
    let failures = FAILURES.load(Ordering::Relaxed);
    assert!(failures < 100, "{failures}");
}
