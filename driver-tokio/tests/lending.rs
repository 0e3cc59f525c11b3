//! Receiving without a copy: what is lent, and what the peer is told when there is nothing to lend.

use std::sync::Arc;

use driver_tokio::{Accept, accept};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Masked, with a key of zeros.
const NO_TEXT: &[u8] = b"\x81\x82\0\0\0\0\xc3\x28";

#[tokio::test]
async fn the_peer_is_told_of_its_fault_before_the_application_is() {
    let (mut peer, stream) = duplex(1 << 16);
    let server = async {
        let upgrade = accept(stream, Arc::default()).await.expect("a request");
        let mut socket = upgrade.accept(&Accept::new()).await.expect("it is one");
        // What `?` does in an application: the socket is dropped with the error.
        socket.recv_ref().await.map(|_| ()).expect_err("no text")
    };
    let peer = async move {
        peer.write_all(REQUEST).await.expect("there is room");
        let mut octets = Vec::new();
        while !octets.ends_with(b"\r\n\r\n") {
            octets.push(peer.read_u8().await.expect("an answer"));
        }
        peer.write_all(NO_TEXT).await.expect("there is room");
        let mut octets = Vec::new();
        peer.read_to_end(&mut octets).await.expect("a pipe");
        octets
    };
    let (error, octets) = tokio::join!(server, peer);

    let reason = error.closed.reason.as_bytes();
    let mut close = vec![0x88, 2 + reason.len() as u8];
    close.extend_from_slice(&1007_u16.to_be_bytes());
    close.extend_from_slice(reason);
    assert_eq!(octets, close);
}
