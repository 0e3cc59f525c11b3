//! Listeners, and the distribution of connections over loops.

use std::{
    collections::HashSet, env, io::ErrorKind, net::TcpListener, os::unix::net::UnixStream,
    sync::mpsc, thread,
};

use driver_mio::{Context, Handler, Server};
use testkit::{
    PATIENCE,
    blocking::{ask, connect, frame, open, read_frame},
    handshake::REQUEST,
};

use crate::handlers::{Echo, serve_as};

/// Tells on which thread connections open.
struct Where(mpsc::Sender<thread::ThreadId>);

impl Handler for Where {
    type State = ();

    fn on_open(&self, _: &mut Context<'_>, _: &mut ()) {
        self.0.send(thread::current().id()).unwrap();
    }
}

#[test]
fn every_loop_gets_its_share() {
    let bound = || TcpListener::bind("127.0.0.1:0").unwrap();
    let own = Server::bind("127.0.0.1:0").unwrap();
    let handing_over = Server::new().listener(bound()).unwrap();
    // The kernel spreads by a hash, so it takes some until each has one.
    for (server, connections) in [(own, 200), (handing_over, 3)] {
        let (sender, opened) = mpsc::channel();
        let address = server.local_addr().unwrap();
        let _loops = server.loops(3).start(Where(sender)).unwrap();
        let _streams: Vec<_> = (0..connections).map(|_| open(address)).collect();
        let threads: HashSet<_> = (0..connections)
            .map(|_| opened.recv_timeout(PATIENCE).unwrap())
            .collect();
        assert_eq!(threads.len(), 3);
    }
}

#[test]
fn one_server_listens_on_many_addresses() {
    let path = env::temp_dir().join(format!("driver-mio-{}.socket", std::process::id()));
    let server = Server::bind("127.0.0.1:0")
        .and_then(|server| server.listen("127.0.0.2:0"))
        .and_then(|server| server.listen_unix(&path))
        .unwrap();
    let addresses: Vec<_> = server.local_addrs().collect();
    assert_eq!(addresses.len(), 2);
    let _loops = server.loops(2).start(Echo).unwrap();
    for address in addresses {
        open(address);
    }
    let mut stream = UnixStream::connect(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let head = ask(&mut stream, REQUEST);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    std::io::Write::write_all(&mut stream, &frame(0x81, b"unix")).unwrap();
    assert_eq!(read_frame(&mut stream), (0x81, b"unix".to_vec()));
}

#[test]
fn connections_beyond_the_maximum_wait_their_turn() {
    let (server, address) = serve_as(|server| server.loops(2).max_connections(2), Echo);
    let (first, _second) = (open(address), open(address));
    let mut third = connect(address);
    assert_eq!(server.connections(), 2);
    drop(first);
    let head = ask(&mut third, REQUEST);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(server.connections(), 2);
}

#[test]
fn an_address_that_is_in_use_is_an_error_however_many_loops_there_are() {
    for loops in [1, 3] {
        let (_server, address) = serve_as(|server| server.loops(loops), Echo);
        let second = Server::bind(address).and_then(|server| server.loops(3).start(Echo));
        let refused = second.err().map(|error| error.kind());
        assert_eq!(refused, Some(ErrorKind::AddrInUse));
    }
}
