//! A server without free descriptors: clients wait, and are served when there are some.
#![cfg(target_os = "linux")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use testkit::{PATIENCE, handshake::REQUEST, process::with_descriptors};

use super::support::{Signal, ask, echo, run, serve_as};
use crate::{driver::ServerFailure, runtime::from_std};

/// Limit of open files of the process, which has both ends of each connection.
const LIMIT: usize = 64;

#[test]
fn a_server_survives_having_no_descriptors_left() {
    if !with_descriptors(LIMIT, a_server_survives_having_no_descriptors_left) {
        return;
    }
    run(async {
        let (failures, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(Signal::default()));
        let (count, tell) = (Arc::clone(&failures), Arc::clone(&failed));
        let observe = move |failure| {
            // The others are clients that go without a request.
            if matches!(failure, ServerFailure::Accept(_)) {
                count.fetch_add(1, Ordering::Relaxed);
                tell.give();
            }
        };
        let server = serve_as(|server| server.on_failure(observe), echo).await;

        // The kernel lets them connect before the server accepts, which has no occasion to meanwhile.
        let mut clients = Vec::new();
        for _ in 0..LIMIT * 2 / 3 {
            let client =
                std::net::TcpStream::connect(&server.address).expect("the kernel has room");
            client.set_nonblocking(true).expect("a socket");
            clients.push(from_std(client).expect("a runtime"));
        }
        // Twice, so that one of them came after a pause.
        failed.given().await;
        failed.given().await;
        let accepted = server.handle.connections();
        assert!((1..clients.len()).contains(&accepted), "{accepted}");

        // First come, first served: those who had to wait are at the end.
        let waiting = clients.split_off(accepted);
        drop(clients);
        for mut client in waiting {
            let head = ask(&mut client, REQUEST).await;
            assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        }
        // Pauses grow up to a second: a server that spins would have failed thousands of times.
        let failures = failures.load(Ordering::Relaxed);
        assert!(failures < 100, "{failures}");
        assert_eq!(server.handle.shutdown(PATIENCE).await, 0);
    });
}
