//! Shutting a server down, on tokio's clock, stopped and moved on by itself when nothing else is to do.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use driver_tokio::{ClientRequest, Listener, Server, connect_over};
use testkit::{PATIENCE, config, handshake::REQUEST};
use tokio::time::{Instant, sleep};

use crate::drivers::support::{ask, echo, pipes};
use crate::runtime::Pipe;

/// The order to shut down must not disturb the deadlines of those that are closing.
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_the_close_is_waited_for_until_its_deadline() {
    let (dialer, pipes) = pipes();
    let server = Server::new(pipes);
    let handle = server.handle();
    tokio::spawn(server.serve(echo));
    let mut peer = dialer.connect();
    ask(&mut peer, REQUEST).await;

    let begun = Instant::now();
    assert_eq!(handle.shutdown(PATIENCE).await, 0);
    let waited = begun.elapsed();
    let deadline = config(|_| {}).close_timeout.expect("a default");
    assert!(waited >= deadline, "{waited:?}");
    assert!(waited < deadline + Duration::from_secs(1), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_keeps_its_socket_is_not_waited_for() {
    let (dialer, pipes) = pipes();
    let server = Server::new(pipes);
    let handle = server.handle();
    tokio::spawn(server.serve(echo));
    let request = ClientRequest::new("localhost", "/");
    let (mut socket, _) = connect_over(dialer.connect(), Arc::default(), &request)
        .await
        .expect("a connection");
    let begun = Instant::now();
    let (dropped, received) = tokio::join!(handle.shutdown(PATIENCE), socket.recv());
    assert_eq!((dropped, received), (0, Ok(None)));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

/// Fails as a listener does whose process has no descriptors left.
struct Exhausted(Arc<AtomicUsize>);

impl Listener for Exhausted {
    type Stream = Pipe;

    async fn accept(&mut self) -> io::Result<Pipe> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(io::Error::from_raw_os_error(24))
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_descriptors_neither_spins_nor_misses_the_order() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let server = Server::new(Exhausted(Arc::clone(&attempts)));
    let handle = server.handle();
    let serve = tokio::spawn(server.serve(echo));
    sleep(Duration::from_millis(60_500)).await;
    let attempts = attempts.load(Ordering::Relaxed);
    assert!((60..100).contains(&attempts), "{attempts} in a minute");

    // In the middle of a pause of a second.
    let begun = Instant::now();
    assert_eq!(handle.shutdown(PATIENCE).await, 0);
    serve.await.expect("it returns");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
