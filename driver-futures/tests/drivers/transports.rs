//! Connections over streams that are no TCP sockets: pipes in memory and Unix sockets.

use std::sync::Arc;

use futures_util::future::join;
use testkit::{PATIENCE, config};

use super::support::{Signal, echo, pipes, run, serve_as, spawn};
use crate::{
    driver::{
        Accept, ClientRequest, CloseCode, Connect, Message, Server, Upgrade, WebSocket, accept,
        connect_over,
    },
    runtime::{AsyncRead, AsyncWrite, buffered, connect_unix, pipe},
};

/// Talks to an echo server over any stream.
async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
    let request = ClientRequest::new("localhost", "/");
    let (mut socket, _) = connect_over(stream, Arc::default(), &request)
        .await
        .expect("a connection");
    for message in [
        Message::from("hello"),
        Message::from(""),
        Message::from(vec![7; 30_000]),
    ] {
        socket.feed(message.clone()).await.expect("it is open");
        assert_eq!(socket.recv().await, Ok(Some(message)));
    }
    let closed = socket
        .close(CloseCode::NORMAL, "done")
        .await
        .expect("an answer");
    assert!(closed.clean, "{closed}");
}

#[test]
fn a_pipe_in_memory_carries_a_connection() {
    run(async {
        // Far less than a message, or than the handshake.
        for capacity in [1, 64, 1 << 16] {
            let (near, far) = pipe(capacity);
            let serve = async {
                echo(accept(far, Arc::default()).await.expect("a request")).await;
            };
            join(serve, converse(near)).await;
        }
    });
}

#[test]
fn a_stream_that_buffers_is_flushed() {
    run(async {
        let (near, far) = pipe(1 << 16);
        let serve = async {
            let upgrade = accept(buffered(far), Arc::default()).await;
            echo(upgrade.expect("a request")).await;
        };
        join(serve, converse(buffered(near))).await;
    });
}

#[test]
fn a_listener_of_my_own_serves() {
    run(async {
        let (dialer, pipes) = pipes();
        let server = Server::new(pipes);
        let handle = server.handle();
        spawn(server.serve(echo));
        converse(dialer.connect()).await;
        assert_eq!(handle.shutdown(PATIENCE).await, 0);
    });
}

#[cfg(unix)]
#[test]
fn unix_sockets_at_both_ends() {
    run(async {
        let path = std::env::temp_dir().join(format!(
            "{}-{}.sock",
            env!("CARGO_PKG_NAME"),
            std::process::id()
        ));
        let _ = std::fs::remove_file(&path);
        let server = Server::bind_unix(&path).expect("a free path");
        let handle = server.handle();
        let serve = spawn(server.serve(echo));
        let stream = connect_unix(&path).await.expect("a server");
        converse(stream).await;
        assert_eq!(handle.shutdown(PATIENCE).await, 0);
        serve.await;
        std::fs::remove_file(&path).expect("it was there");
    });
}

/// Bytes that each end sends while both read: more than all buffers on the way.
const VOLUME: usize = 16 << 20;

/// Sends messages of `len` bytes that make up the volume, and receives as much.
async fn exchange(socket: WebSocket, len: usize) {
    let (sender, mut receiver) = socket.split();
    let send = async {
        for _ in 0..VOLUME / len {
            sender.send(vec![1; len]).await.expect("it is open");
        }
    };
    let receive = async {
        let mut received = 0;
        while received < VOLUME {
            let message = receiver.recv().await.expect("no error").expect("more");
            received += message.as_bytes().len();
        }
    };
    join(send, receive).await;
}

#[test]
fn two_ends_that_send_and_read_at_once_both_finish() {
    run(async {
        for len in [1 << 10, VOLUME] {
            // A mebibyte more, so that the largest message and its header fit.
            let roomy = config(|config| config.queue_limit = VOLUME + (1 << 20));
            let served = Arc::new(Signal::default());
            let tell = Arc::clone(&served);
            let server = serve_as(
                |server| server.config(Arc::clone(&roomy)),
                move |upgrade: Upgrade| {
                    let tell = Arc::clone(&tell);
                    async move {
                        let socket = upgrade.accept(&Accept::new()).await.expect("a client");
                        exchange(socket, len).await;
                        tell.give();
                    }
                },
            )
            .await;
            let connect = Connect::new(server.url("/")).config(roomy);
            let (socket, _) = connect.connect().await.expect("a connection");
            exchange(socket, len).await;
            served.given().await;
        }
    });
}
