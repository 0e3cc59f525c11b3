//! Reports of a server about connections that no handler gets.

use std::io;

use futures_channel::mpsc;
use futures_util::StreamExt;

use super::support::{pipes, run, spawn};
use crate::{
    driver::{HandshakeError, Server, ServerFailure, wsproto::Cause},
    runtime::{AsyncReadExt, AsyncWriteExt},
};

#[test]
fn failures_without_a_handler_are_told() {
    run(async {
        let (dialer, pipes) = pipes();
        let (tell, mut told) = mpsc::unbounded();
        let server = Server::new(pipes).on_failure(move |failure| {
            tell.unbounded_send(failure).expect("the test listens");
        });
        spawn(server.serve(async |_| panic!("there is no request")));

        dialer.fail(io::ErrorKind::ConnectionAborted.into());
        let failure = told.next().await.expect("a failure");
        let ServerFailure::Accept(error) = &failure else {
            panic!("{failure}");
        };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);

        let mut near = dialer.connect();
        near.write_all(b"garbage\r\n\r\n").await.expect("room");
        let mut answer = String::new();
        near.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        drop(near);
        let failure = told.next().await.expect("a failure");
        let ServerFailure::Handshake(HandshakeError::Failed(error)) = &failure else {
            panic!("{failure}");
        };
        assert!(matches!(error.cause, Cause::Refused(_)), "{failure}");

        drop(dialer.connect());
        let failure = told.next().await.expect("a failure");
        let gone = matches!(failure, ServerFailure::Handshake(HandshakeError::Closed(_)));
        assert!(gone, "{failure}");
    });
}
