//! Sockets over pipes in memory, open already.

use std::sync::Arc;

use driver_futures::{WebSocket, accept, connect};
use wsproto::{Accept, ClientRequest, Config};

use super::{
    clock::Timer,
    executor::World,
    peer::Peer,
    pipe::{Awkward, Pipe, pipe},
};
use crate::handshake::REQUEST;

/// A socket of a world.
pub type Socket = WebSocket<Pipe, Timer>;
/// The sending half of a [`Socket`].
pub type Sender = driver_futures::Sender<Pipe, Timer>;
/// The receiving half of a [`Socket`].
pub type Receiver = driver_futures::Receiver<Pipe, Timer>;

/// Both ends of an open connection, the client first.
pub fn pair(
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
pub fn played(world: &mut World, config: &Arc<Config>, capacity: usize) -> (Socket, Peer) {
    opened(world, config, capacity, Awkward::No)
}

/// A server's end, over an end of a pipe that may be awkward, whose other end the test plays.
pub fn opened(
    world: &mut World,
    config: &Arc<Config>,
    capacity: usize,
    awkward: Awkward,
) -> (Socket, Peer) {
    let (server, peer) = pipe(capacity, [awkward, Awkward::No]);
    over(world, config, server, Peer(peer))
}

/// A server's end over that end of a pipe.
pub fn over(world: &mut World, config: &Arc<Config>, server: Pipe, peer: Peer) -> (Socket, Peer) {
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
