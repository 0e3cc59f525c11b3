//! Messages that are encoded once, in a row, through both kinds of sender; and who asks.

use driver_tokio::{
    Accept, ClientRequest, Config, Message, Prepared, SendError, WebSocket, accept, connect_over,
};
use tokio::{
    io::{DuplexStream, duplex},
    net::{TcpListener, TcpStream},
};

/// Both ends of a connection in memory: the client's and the server's.
async fn pair() -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(1 << 10);
    let request = ClientRequest::new("localhost", "/");
    let serve = async {
        let upgrade = accept(far, Config::default().into()).await?;
        upgrade.accept(&Accept::new()).await
    };
    let ask = connect_over(near, Config::default().into(), &request);
    let (client, server) = tokio::join!(ask, serve);
    let (client, _) = client.expect("the server accepts");
    (client, server.expect("the client asks"))
}

/// Receives so many messages.
async fn receive(socket: &mut WebSocket<DuplexStream>, count: usize) -> Vec<Message> {
    let mut received = Vec::new();
    while received.len() < count {
        let message = socket.recv().await.expect("no error");
        received.push(message.expect("the connection is open"));
    }
    received
}

#[tokio::test]
async fn prepared_messages_that_are_fed_keep_their_places() {
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
    let (sent, received) = tokio::join!(send, receive(&mut client, expected.len()));
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
    let (sent, received) = tokio::join!(send, receive(&mut client, expected.len()));
    assert_eq!(sent, Ok(()));
    assert_eq!(received, expected.map(Message::from));
}

#[tokio::test]
async fn what_is_fed_waits_to_be_written() {
    let (_client, mut server) = pair().await;
    server
        .feed_prepared(&Prepared::text("later"))
        .await
        .expect("room");
    assert_eq!(server.connection().queued(), 2 + "later".len());
    assert_eq!(server.flush().await, Ok::<(), SendError>(()));
    assert_eq!(server.connection().queued(), 0);
}

#[tokio::test]
async fn a_request_tells_what_it_came_by() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let near = TcpStream::connect(address).await.expect("it listens");
    let expected = near.local_addr().expect("it is bound");
    let (far, _) = listener.accept().await.expect("a stream");
    let request = ClientRequest::new("localhost", "/");
    let ask = connect_over(near, Config::default().into(), &request);
    let serve = async {
        let upgrade = accept(far, Config::default().into())
            .await
            .expect("a request");
        assert_eq!(upgrade.get_ref().0.peer_addr().ok(), Some(expected));
        upgrade.accept(&Accept::new()).await
    };
    let (asked, served) = tokio::join!(ask, serve);
    assert!(asked.is_ok() && served.is_ok());
}
