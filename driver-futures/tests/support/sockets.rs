//! Connections that are open already.

use std::sync::Arc;

use driver_futures::{WebSocket, accept, connect};
use wsproto::{Accept, ClientRequest, Config};

use super::{
    clock::Timer,
    peer::Peer,
    pipe::{Awkward, Pipe, pipe},
    world::World,
};

pub(crate) type Socket = WebSocket<Pipe, Timer>;
pub(crate) type Sender = driver_futures::Sender<Pipe, Timer>;
pub(crate) type Receiver = driver_futures::Receiver<Pipe, Timer>;

/// A request that every server accepts.
pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Both ends of an open connection: the client and the server.
pub(crate) fn pair(
    world: &mut World,
    config: &Arc<Config>,
    (client, server): (Pipe, Pipe),
) -> (Socket, Socket) {
    let (client_timer, server_timer) = (world.timer(), world.timer());
    let client_config = Arc::clone(config);
    let client = world.spawn(async move {
        let request = ClientRequest::new("localhost", "/");
        let connected = connect(client, client_timer, client_config, &request).await;
        connected.expect("the server accepts").0
    });
    let server_config = Arc::clone(config);
    let server = world.spawn(async move {
        let upgrade = accept(server, server_timer, server_config).await;
        let upgrade = upgrade.expect("the client asks");
        upgrade.accept(&Accept::new()).await.expect("it is one")
    });
    world.run_until_stalled();
    (client.take(), server.take())
}

/// A server's end of an open connection whose other end the test plays.
pub(crate) fn played(world: &mut World, config: &Arc<Config>, capacity: usize) -> (Socket, Peer) {
    opened(world, config, capacity, Awkward::No)
}

/// A server's end, over an end of a pipe that may be awkward, whose other end the test plays.
pub(crate) fn opened(
    world: &mut World,
    config: &Arc<Config>,
    capacity: usize,
    awkward: Awkward,
) -> (Socket, Peer) {
    let (server, peer) = pipe(capacity, [awkward, Awkward::No]);
    over(world, config, server, Peer(peer))
}

/// A server's end over that end of a pipe.
pub(crate) fn over(
    world: &mut World,
    config: &Arc<Config>,
    server: Pipe,
    peer: Peer,
) -> (Socket, Peer) {
    peer.send(REQUEST);
    let (timer, config) = (world.timer(), Arc::clone(config));
    let socket = world.spawn(async move {
        let upgrade = accept(server, timer, config).await.expect("a request");
        upgrade.accept(&Accept::new()).await.expect("it is one")
    });
    let mut response = Vec::new();
    while !socket.is_there() {
        world.run_until_stalled();
        response.extend(peer.take());
    }
    response.extend(peer.take());
    assert!(response.ends_with(b"\r\n\r\n"), "nothing but the response");
    (socket.take(), peer)
}
