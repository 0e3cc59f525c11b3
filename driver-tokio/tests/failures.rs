//! What a server tells about connections that no handler gets.

use std::io;

use driver_tokio::{HandshakeError, Listener, Server, ServerFailure, wsproto::Cause};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// Hands out what it is given, in order, and then waits for ever.
struct Given(UnboundedReceiver<io::Result<DuplexStream>>);

impl Listener for Given {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.recv().await {
            Some(given) => given,
            None => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn failures_without_a_handler_are_told() {
    let (give, given) = unbounded_channel();
    let (tell, mut told) = unbounded_channel();
    let server = Server::new(Given(given)).on_failure(move |failure| {
        tell.send(failure).expect("the test listens");
    });
    tokio::spawn(server.serve(async |_| panic!("there is no request")));

    give.send(Err(io::ErrorKind::ConnectionAborted.into()))
        .expect("the server listens");
    let failure = told.recv().await.expect("a failure");
    let ServerFailure::Accept(error) = &failure else {
        panic!("{failure}");
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);

    let (mut near, far) = duplex(1 << 10);
    give.send(Ok(far)).expect("the server listens");
    near.write_all(b"garbage\r\n\r\n").await.expect("room");
    let mut answer = String::new();
    near.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    drop(near);
    let failure = told.recv().await.expect("a failure");
    let ServerFailure::Handshake(HandshakeError::Failed(error)) = &failure else {
        panic!("{failure}");
    };
    assert!(matches!(error.cause, Cause::Refused(_)), "{failure}");

    let (near, far) = duplex(1 << 10);
    give.send(Ok(far)).expect("the server listens");
    drop(near);
    let failure = told.recv().await.expect("a failure");
    let gone = matches!(failure, ServerFailure::Handshake(HandshakeError::Closed(_)));
    assert!(gone, "{failure}");
}
