//! Messages that are encoded once, in a row, through both kinds of sender; and the address of a client.

use std::sync::Mutex;

use futures_channel::oneshot;
use futures_util::future::join;
use testkit::handshake::REQUEST;

use super::support::{ask, run, serve};
use crate::{
    driver::{
        Accept, ClientRequest, Config, Message, Prepared, SendError, WebSocket, accept,
        connect_over,
    },
    runtime::{Pipe, TcpStream, peer_addr, pipe},
};

/// Both ends of a connection in memory: the client's and the server's.
async fn pair() -> (WebSocket<Pipe>, WebSocket<Pipe>) {
    let (near, far) = pipe(1 << 10);
    let request = ClientRequest::new("localhost", "/");
    let serve = async {
        let upgrade = accept(far, Config::default().into()).await?;
        upgrade.accept(&Accept::new()).await
    };
    let ask = connect_over(near, Config::default().into(), &request);
    let (client, server) = join(ask, serve).await;
    let (client, _) = client.expect("the server accepts");
    (client, server.expect("the client asks"))
}

/// Receives so many messages.
async fn receive(socket: &mut WebSocket<Pipe>, count: usize) -> Vec<Message> {
    let mut received = Vec::new();
    while received.len() < count {
        let message = socket.recv().await.expect("no error");
        received.push(message.expect("the connection is open"));
    }
    received
}

#[test]
fn prepared_messages_that_are_fed_keep_their_places() {
    run(async {
        // More than the pipe takes at a time, and more than the queue takes without waiting.
        let long = "long ".repeat(20_000);
        let expected = ["first", &long, "between", &long, "last"];
        let [first, repeated, last] = ["first", &long, "last"].map(Prepared::text);
        let (mut client, mut server) = pair().await;

        let send = async {
            server.feed_prepared(&first).await?;
            server.feed_prepared(&repeated).await?;
            server.feed("between").await?;
            server.feed_prepared(&repeated).await?;
            server.send_prepared(&last).await
        };
        let (sent, received) = join(send, receive(&mut client, expected.len())).await;
        assert_eq!(sent, Ok(()));
        assert_eq!(received, expected.map(Message::from));

        let (sender, _receiver) = server.split();
        let send = async {
            sender.feed_prepared(&first).await?;
            sender.feed_prepared(&repeated).await?;
            sender.feed("between").await?;
            sender.feed_prepared(&repeated).await?;
            sender.send_prepared(&last).await
        };
        let (sent, received) = join(send, receive(&mut client, expected.len())).await;
        assert_eq!(sent, Ok(()));
        assert_eq!(received, expected.map(Message::from));
    });
}

#[test]
fn what_is_fed_waits_to_be_written() {
    run(async {
        let (_client, mut server) = pair().await;
        server
            .feed_prepared(&Prepared::text("later"))
            .await
            .expect("room");
        assert_eq!(server.connection().queued(), 2 + "later".len());
        assert_eq!(server.flush().await, Ok::<(), SendError>(()));
        assert_eq!(server.connection().queued(), 0);
    });
}

#[test]
fn a_request_tells_what_it_came_by() {
    run(async {
        let (tell, told) = oneshot::channel();
        let tell = Mutex::new(Some(tell));
        let server = serve(move |upgrade| {
            let tell = tell.lock().expect("nobody panics").take();
            async move {
                let peer = peer_addr(&upgrade).expect("it is connected");
                tell.expect("one request")
                    .send(peer)
                    .expect("the test waits");
            }
        })
        .await;
        let mut peer = TcpStream::connect(&server.address).await.expect("a server");
        ask(&mut peer, REQUEST).await;
        assert_eq!(told.await, Ok(peer.local_addr().expect("it is bound")));
    });
}
