//! Output that a peer must get: the answers to everything that it sent, and the reason if it broke the protocol.

use std::sync::Arc;

use futures_util::future::join;
use testkit::handshake::REQUEST;

use super::support::{ask, run};
use crate::{
    driver::{Accept, CloseCode, Event, WebSocket, accept},
    runtime::{AsyncReadExt, AsyncWriteExt, Pipe, pipe},
};

/// The moment at which a peer sends its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// Behind the request, in the same write.
    WithRequest,
    /// Once it has the answer to the request.
    Later,
}

/// Runs a server against a peer that sends `frames`; returns what each of them has got.
async fn converse<T>(
    sent: Sent,
    frames: &[u8],
    server: impl AsyncFnOnce(WebSocket<Pipe>) -> T,
) -> (T, Vec<u8>) {
    let (mut peer, stream) = pipe(1 << 16);
    let server = async {
        let upgrade = accept(stream, Arc::default()).await.expect("a request");
        let socket = upgrade.accept(&Accept::new()).await.expect("it is one");
        server(socket).await
    };
    let peer = async move {
        let (first, second) = match sent {
            Sent::WithRequest => ([REQUEST.as_bytes(), frames].concat(), &[][..]),
            Sent::Later => (REQUEST.into(), frames),
        };
        peer.write_all(&first).await.expect("there is room");
        ask(&mut peer, "").await;
        peer.write_all(second).await.expect("there is room");
        let mut answers = Vec::new();
        peer.read_to_end(&mut answers).await.expect("a pipe");
        answers
    };
    join(server, peer).await
}

/// A frame of a client, with a key of zeros.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let header = [0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    [&header, payload].concat()
}

fn close_frame(code: CloseCode, reason: &str) -> Vec<u8> {
    let header = [0x88, 2 + reason.len() as u8];
    [&header, &code.get().to_be_bytes()[..], reason.as_bytes()].concat()
}

/// Three texts and a Close, and what an echo server makes of them.
fn batch() -> (Vec<u8>, Vec<u8>) {
    let texts = [b"a", b"b", b"c"].map(|text| frame(1, text)).concat();
    let close = frame(8, &CloseCode::NORMAL.get().to_be_bytes());
    let echoes = b"\x81\x01a\x81\x01b\x81\x01c";
    let closed = close_frame(CloseCode::NORMAL, "");
    ([texts, close].concat(), [&echoes[..], &closed].concat())
}

#[test]
fn every_message_is_answered_before_the_close_that_came_with_it() {
    run(async {
        let (frames, answers) = batch();
        for sent in [Sent::WithRequest, Sent::Later] {
            let ((), got) = converse(sent, &frames, async |mut socket| {
                while let Ok(Some(message)) = socket.recv().await {
                    socket.send(message).await.expect("it is open");
                }
            })
            .await;
            assert_eq!(got, answers, "sent, {sent:?}");

            let ((), got) = converse(sent, &frames, async |mut socket| {
                while let Ok(Some(message)) = socket.recv().await {
                    socket.feed(message).await.expect("it is open");
                }
            })
            .await;
            assert_eq!(got, answers, "fed, {sent:?}");

            let ((), got) = converse(sent, &frames, async |mut socket| {
                while let Ok(Some((event, mut outbox))) = socket.recv_ref().await {
                    if let Event::Text(text) = event {
                        outbox.feed_text(&text).expect("it is open");
                    }
                }
            })
            .await;
            assert_eq!(got, answers, "lent, {sent:?}");
        }
    });
}

#[test]
fn the_peer_is_told_of_its_fault_before_the_application_is() {
    run(async {
        for sent in [Sent::WithRequest, Sent::Later] {
            let (error, got) = converse(sent, &frame(1, b"\xc3\x28"), async |mut socket| {
                // As with `?` in an application: the socket is dropped with the error.
                socket.recv_ref().await.map(|_| ()).expect_err("no text")
            })
            .await;
            let close = close_frame(CloseCode::INVALID_DATA, &error.closed.reason);
            assert_eq!(got, close, "{sent:?}");
        }
    });
}
