//! Connections over streams that are no TCP sockets: pipes in memory and Unix sockets.

mod support;

use std::sync::Arc;

use driver_tokio::{ClientRequest, CloseCode, Message, Server, WebSocket, accept, connect_over};
use support::{PATIENCE, config, echo, pipes};
use tokio::io::{AsyncRead, AsyncWrite, BufStream, duplex};

/// Talks to an echo server over any stream.
async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin) {
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

#[tokio::test]
async fn a_pipe_in_memory_carries_a_connection() {
    // Far less than a message, or than the handshake.
    for capacity in [1, 64, 1 << 16] {
        let (near, far) = duplex(capacity);
        let serve = async {
            echo(accept(far, Arc::default()).await.expect("a request")).await;
        };
        tokio::join!(serve, converse(near));
    }
}

#[tokio::test]
async fn a_stream_that_buffers_is_flushed() {
    let (near, far) = duplex(1 << 16);
    let serve = async {
        let far = BufStream::new(far);
        echo(accept(far, Arc::default()).await.expect("a request")).await;
    };
    tokio::join!(serve, converse(BufStream::new(near)));
}

#[tokio::test]
async fn a_listener_of_my_own_serves() {
    let (dialer, pipes) = pipes();
    let server = Server::new(pipes);
    let handle = server.handle();
    tokio::spawn(server.serve(echo));
    converse(dialer.connect()).await;
    assert_eq!(handle.shutdown(PATIENCE).await, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_at_both_ends() {
    let path = std::env::temp_dir().join(format!("driver-tokio-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let server = Server::bind_unix(&path).expect("a free path");
    let handle = server.handle();
    let serve = tokio::spawn(server.serve(echo));
    let stream = tokio::net::UnixStream::connect(&path)
        .await
        .expect("a server");
    converse(stream).await;
    assert_eq!(handle.shutdown(PATIENCE).await, 0);
    serve.await.expect("it returns");
    std::fs::remove_file(&path).expect("it was there");
}

/// What each end sends while both read: more than all buffers on the way.
const VOLUME: usize = 16 << 20;

/// Sends messages of `len` octets that make up the volume, and receives as much.
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
    tokio::join!(send, receive);
}

#[tokio::test]
async fn two_ends_that_send_and_read_at_once_both_finish() {
    for len in [1 << 10, VOLUME] {
        // A mebibyte more, so that the largest message and its header fit.
        let roomy = config(|config| config.queue_limit = VOLUME + (1 << 20));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let serve = async {
            let (stream, _) = listener.accept().await.expect("a client");
            let upgrade = accept(stream, Arc::clone(&roomy)).await.expect("a request");
            let socket = upgrade
                .accept(&Default::default())
                .await
                .expect("it is one");
            exchange(socket, len).await;
        };
        let connect = async {
            let (socket, _) = driver_tokio::Connect::new(format!("ws://{address}/"))
                .config(Arc::clone(&roomy))
                .connect()
                .await
                .expect("a connection");
            exchange(socket, len).await;
        };
        tokio::join!(serve, connect);
    }
}
