//! Deadlines on tokio's clock, stopped and moved on by itself when nothing else is to do.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use driver_tokio::{
    Accept, ClientRequest, ClosedBy, Config, Connect, ConnectError, Error, HandshakeError, Server,
    TimedSendError, WebSocket, accept, connect, connect_over,
    wsproto::{Cause, Deadline},
};
use testkit::{config, handshake::REQUEST};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::TcpListener,
    time::Instant,
};

use crate::drivers::support::{ask, echo, pipes};

/// A server's end, and a peer that has got its answer and does what the test makes it do.
async fn open(config: Arc<Config>) -> (WebSocket<DuplexStream>, DuplexStream) {
    let (mut peer, far) = duplex(1 << 10);
    let serve = async {
        let upgrade = accept(far, config).await.expect("a request");
        upgrade.accept(&Accept::new()).await.expect("it is one")
    };
    let (socket, _) = tokio::join!(serve, ask(&mut peer, REQUEST));
    (socket, peer)
}

/// The time that a future takes in whole seconds, rounded down: deadlines are never early.
async fn seconds(future: impl Future) -> u64 {
    let begun = Instant::now();
    future.await;
    begun.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn each_deadline_fires_in_its_time() {
    struct Case {
        name: &'static str,
        change: fn(&mut Config),
        after: u64,
        by: Deadline,
    }
    let cases = [
        Case {
            name: "a ping after 30 s, its pong within 20 s, then the peer does not end",
            change: |_| {},
            after: 30 + 20 + 5,
            by: Deadline::Pong,
        },
        Case {
            name: "no message for too long, then a Close that is not answered",
            change: |config| config.idle_timeout = Some(Duration::from_secs(8)),
            after: 8 + 5,
            by: Deadline::Idle,
        },
        Case {
            name: "too old, then a Close that is not answered",
            change: |config| config.max_lifetime = Some(Duration::from_secs(12)),
            after: 12 + 5,
            by: Deadline::Lifetime,
        },
    ];
    for Case {
        name,
        change,
        after,
        by,
    } in cases
    {
        let (mut socket, _peer) = open(config(change)).await;
        let begun = Instant::now();
        let received = socket.recv().await;
        assert_eq!(begun.elapsed().as_secs(), after, "{name}");
        let deadline = match received {
            Err(Error {
                cause: Cause::Deadline(deadline),
                ..
            }) => deadline,
            received => {
                assert_eq!(received, Ok(None), "{name}");
                match socket.closed().expect("it is over").by {
                    ClosedBy::Deadline(Deadline::Close) => by,
                    other => panic!("{name}: {other:?}"),
                }
            }
        };
        assert_eq!(deadline, by, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let (mut socket, _peer) = open(Arc::default()).await;
    // The pipe holds 1 KiB.
    let sent = socket.send(vec![0; 1 << 20]);
    assert_eq!(seconds(sent).await, 30);
    assert!(socket.recv().await.is_err());
    assert_eq!(
        socket.closed().map(|closed| closed.by),
        Some(ClosedBy::Deadline(Deadline::Write))
    );
}

#[tokio::test(start_paused = true)]
async fn one_send_may_have_a_deadline_of_its_own() {
    let (mut socket, mut peer) = open(Arc::default()).await;
    let begun = Instant::now();
    let sent = socket
        .send_timeout(vec![0; 4 << 10], Duration::from_secs(3))
        .await;
    assert_eq!(sent, Err(TimedSendError::TimedOut { queued: true }));
    assert_eq!(begun.elapsed().as_secs(), 3);
    // It comes all the same: nothing is cut off.
    let receive = async {
        let mut bytes = vec![0; 4 + (4 << 10)];
        peer.read_exact(&mut bytes).await.expect("all of it");
    };
    let (flushed, ()) = tokio::join!(socket.flush(), receive);
    assert_eq!(flushed, Ok(()));
}

/// Counts how often `future` is polled until it is ready.
async fn polls(future: impl Future) -> usize {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx).map(drop)
    })
    .await;
    polls
}

#[tokio::test(start_paused = true)]
async fn an_idle_hour_is_spent_asleep() {
    let hour = config(|config| config.max_lifetime = Some(Duration::from_secs(3600)));
    let (near, far) = duplex(1 << 10);
    let request = ClientRequest::new("localhost", "/");
    let serve = async {
        let upgrade = accept(far, hour).await.expect("a request");
        let mut socket = upgrade.accept(&Accept::new()).await.expect("it is one");
        polls(socket.recv()).await
    };
    let connect = async {
        let (mut socket, _) = connect_over(near, Arc::default(), &request)
            .await
            .expect("a connection");
        polls(socket.recv()).await
    };
    let begun = Instant::now();
    let (server, client) = tokio::join!(serve, connect);
    assert_eq!(begun.elapsed().as_secs(), 3600);
    // A ping of each side every 30 s, its pong, and a look at a deadline that has moved. Both are
    // polled when either is woken.
    for polls in [server, client] {
        assert!(polls < 120 * 10, "{polls}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_connections_sleep_on_one_timer() {
    let (dialer, pipes) = pipes();
    let server = Server::new(pipes);
    let handle = server.handle();
    tokio::spawn(server.serve(echo));
    let mut peers = Vec::new();
    for _ in 0..500 {
        let mut peer = dialer.connect();
        ask(&mut peer, REQUEST).await;
        peers.push(peer);
    }
    assert_eq!(handle.connections(), 500);
    let begun = Instant::now();
    // None of them answers a ping.
    for peer in &mut peers {
        peer.read_to_end(&mut Vec::new()).await.expect("an end");
    }
    assert_eq!(begun.elapsed().as_secs(), 50);
    drop(peers);
    while handle.connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_stops_sending_gets_no_older_than_allowed() {
    let limits = config(|config| config.max_lifetime = Some(Duration::from_secs(5)));
    let (mut socket, mut peer) = open(limits).await;
    let over = Cell::new(false);
    let flood = async {
        // Whole reads of the server's, without a pause. The time moves with each of them.
        let frames = b"\x82\x80\0\0\0\0".repeat(100);
        while peer.write_all(&frames).await.is_ok() && !over.get() {
            tokio::time::advance(Duration::from_millis(10)).await;
        }
    };
    let receive = async {
        while socket.connection().is_open() {
            let _ = socket.recv().await;
        }
        over.set(true);
    };
    let begun = Instant::now();
    tokio::select! {
        () = receive => {}
        () = flood => {}
    }
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn timeouts_without_an_end_are_no_timeouts() {
    let (dialer, pipes) = pipes();
    tokio::spawn(Server::new(pipes).serve(echo));
    let endless = config(|config| {
        config.ping_interval = Some(Duration::MAX);
        config.opening_timeout = Some(Duration::MAX);
    });
    let request = ClientRequest::new("localhost", "/");
    let (mut socket, _) = connect_over(dialer.connect(), endless, &request)
        .await
        .expect("a connection");
    let sent = socket.send_timeout("hello", Duration::MAX).await;
    assert_eq!(sent, Ok(()));
    assert!(socket.recv().await.expect("an echo").is_some());
    // The arithmetic of a client's deadline as well.
    let refused = Connect::new("ws://127.0.0.1:1/").timeout(Duration::MAX);
    assert!(refused.connect().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_in_time() {
    // The kernel accepts, and nobody reads.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
    let begun = Instant::now();
    let error = Connect::new(&url)
        .config(config(|config| config.opening_timeout = None))
        .timeout(Duration::from_secs(7))
        .connect()
        .await
        .expect_err("no answer");
    assert!(matches!(error, ConnectError::TimedOut), "{error}");
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(7), "{waited:?}");
    assert!(waited < Duration::from_secs(8), "{waited:?}");

    // The handshake alone has a deadline too.
    let error = connect(&url).await.expect_err("no answer");
    let ConnectError::Handshake(HandshakeError::Failed(error)) = error else {
        panic!("{error}");
    };
    assert_eq!(error.to_string(), "the opening handshake took too long");
}
