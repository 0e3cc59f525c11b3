//! Shutting a server down: what the peers are told, who is waited for, and for how long.

mod support;

use std::{
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use driver_tokio::{Accept, ClientRequest, CloseCode, Listener, Server, connect, connect_over};
use support::{PATIENCE, REQUEST, ask, config, echo, pipes, serve, serve_as};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::TcpStream,
    sync::Notify,
    task::yield_now,
    time::{Instant, sleep},
};

#[tokio::test]
async fn every_peer_is_told_why() {
    for reason in ["", "until tomorrow"] {
        let server = serve(echo).await;
        let mut sockets = Vec::new();
        for _ in 0..10 {
            sockets.push(connect(&server.url("/")).await.expect("a connection"));
        }
        let receive_all = async {
            for socket in &mut sockets {
                assert_eq!(socket.recv().await, Ok(None));
                let closed = socket.closed().expect("it is over");
                assert_eq!(
                    (closed.code, &*closed.reason, closed.clean),
                    (CloseCode::GOING_AWAY, reason, true)
                );
            }
        };
        let (dropped, ()) =
            tokio::join!(server.handle.shutdown_with(reason, PATIENCE), receive_all);
        assert_eq!(dropped, 0);
        assert_eq!(server.handle.connections(), 0);
        server.serve.await.expect("it returns");
    }
}

#[tokio::test]
async fn the_close_comes_behind_what_was_sent_before() {
    // More than the kernel buffers while the client does not read.
    const MESSAGES: u8 = 40;
    const LEN: usize = 256 << 10;
    let queued = Arc::new(Notify::new());
    let tell = Arc::clone(&queued);
    let server = serve_as(
        |server| server.config(config(|config| config.queue_high = usize::MAX)),
        move |upgrade| {
            let tell = Arc::clone(&tell);
            async move {
                let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
                for number in 0..MESSAGES {
                    socket.feed(vec![number; LEN]).await.expect("there is room");
                }
                tell.notify_one();
                while let Ok(Some(_)) = socket.recv().await {}
            }
        },
    )
    .await;
    let mut socket = connect(&server.url("/")).await.expect("a connection");
    queued.notified().await;
    let receive_all = async {
        let mut received = Vec::new();
        while let Some(message) = socket.recv().await.expect("all in order") {
            assert_eq!(message.as_bytes().len(), LEN);
            received.push(message.as_bytes()[0]);
        }
        received
    };
    let (dropped, received) = tokio::join!(server.handle.shutdown(PATIENCE), receive_all);
    assert_eq!(dropped, 0);
    assert_eq!(received, (0..MESSAGES).collect::<Vec<_>>());
    let closed = socket.closed().expect("it is over");
    assert_eq!((closed.code, closed.clean), (CloseCode::GOING_AWAY, true));
}

#[tokio::test]
async fn a_handler_that_does_not_notice_is_dropped_when_patience_ends() {
    let server = serve(|upgrade| async move {
        let _socket = upgrade.accept(&Accept::new()).await.expect("a client");
        pending::<()>().await;
    })
    .await;
    let mut socket = connect(&server.url("/")).await.expect("a connection");
    assert_eq!(server.handle.shutdown(Duration::from_millis(1)).await, 1);
    server.serve.await.expect("it returns without the handler");
    assert_eq!(server.handle.connections(), 0);
    assert_eq!(socket.recv().await, Ok(None));
    assert_eq!(
        socket.closed().map(|closed| closed.code),
        Some(CloseCode::ABNORMAL)
    );
}

#[tokio::test]
async fn nothing_is_accepted_afterwards() {
    let server = serve(echo).await;
    assert_eq!(server.handle.shutdown(PATIENCE).await, 0);
    server.serve.await.expect("it returns");
    let error = TcpStream::connect(&server.address)
        .await
        .expect_err("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_server_that_was_shut_down_first_serves_nobody() {
    let (dialer, pipes) = pipes();
    let server = Server::new(pipes);
    assert_eq!(server.handle().shutdown(PATIENCE).await, 0);
    let mut peer = dialer.connect();
    server.serve(echo).await;
    assert_eq!(peer.read(&mut [0]).await.expect("an end in order"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_come_is_not_waited_for() {
    for part in ["", "GET / HTTP/1.1\r\nHost: loc"] {
        let (dialer, pipes) = pipes();
        let server = Server::new(pipes).config(config(|config| config.opening_timeout = None));
        let handle = server.handle();
        let serve = tokio::spawn(server.serve(echo));
        let mut peer = dialer.connect();
        peer.write_all(part.as_bytes()).await.expect("room");
        while handle.connections() == 0 {
            yield_now().await;
        }
        assert_eq!(handle.shutdown(PATIENCE).await, 0);
        serve.await.expect("it returns");
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer)
            .await
            .expect("an end in order");
        assert_eq!(answer, b"");
    }
}

#[tokio::test]
async fn a_request_that_is_being_looked_at_is_answered() {
    let (asked, allowed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (ask, allow) = (Arc::clone(&asked), Arc::clone(&allowed));
    let server = serve(move |upgrade| {
        let (asked, allowed) = (Arc::clone(&ask), Arc::clone(&allow));
        async move {
            asked.notify_one();
            allowed.notified().await;
            echo(upgrade).await;
        }
    })
    .await;
    let url = server.url("/");
    let client = tokio::spawn(async move {
        let mut socket = connect(&url).await.expect("a connection");
        assert_eq!(socket.recv().await, Ok(None));
        socket.closed().expect("it is over").code
    });
    asked.notified().await;
    let shut_down = server.handle.shutdown(PATIENCE);
    let allow = async { allowed.notify_one() };
    let (dropped, ()) = tokio::join!(shut_down, allow);
    assert_eq!(dropped, 0);
    assert_eq!(client.await.expect("no panic"), CloseCode::GOING_AWAY);
}

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
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
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

#[tokio::test]
async fn a_server_that_shuts_down_makes_room_for_nobody() {
    let (dialer, pipes) = pipes();
    let server = Server::new(pipes).max_connections(1);
    let handle = server.handle();
    let serve = tokio::spawn(server.serve(echo));
    let request = ClientRequest::new("localhost", "/");
    let (mut first, _) = connect_over(dialer.connect(), Arc::default(), &request)
        .await
        .expect("a connection");
    let mut waiting = dialer.connect();
    let (dropped, received) = tokio::join!(handle.shutdown(PATIENCE), first.recv());
    assert_eq!((dropped, received), (0, Ok(None)));
    serve.await.expect("it returns");
    assert_eq!(waiting.read(&mut [0]).await.expect("an end in order"), 0);
}
