//! Shutting down loops: in order, or when the grace period ends.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::mpsc,
    thread,
    time::Duration,
};

use driver_mio::{
    Accept, CloseCode, Connect, ConnectError, Handler, LaterUpgrade, Request, Server, Upgrade,
};
use testkit::{
    PATIENCE,
    blocking::{ask, connect, eventually, frame, open, read_frame},
    handshake::REQUEST,
};

use crate::handlers::{Echo, News, Recorder, next, opened, serve, serve_as};

#[test]
fn everybody_gets_what_was_sent_and_then_a_close() {
    let (recorder, news) = Recorder::new();
    let (server, address) = serve_as(|server| server.loops(2), recorder);
    let mut streams: Vec<_> = (0..10).map(|_| open(address)).collect();
    let handles: Vec<_> = streams.iter().map(|_| opened(&news)).collect();
    // Half a request is not waited for.
    connect(address).write_all(b"GET / HT").unwrap();
    for handle in &handles {
        handle.send(vec![7; 3 << 20]).unwrap();
    }
    let control = server.handle();
    let shutdown = thread::spawn(move || control.shutdown_with("maintenance", PATIENCE));
    for stream in &mut streams {
        assert_eq!(read_frame(stream).1.len(), 3 << 20);
        assert_eq!(read_frame(stream), (0x88, b"\x03\xe9maintenance".to_vec()));
        stream.write_all(&frame(0x88, b"\x03\xe9")).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    drop(streams);
    assert_eq!(shutdown.join().unwrap(), 0);
    assert_eq!(server.connections(), 0);
    assert!(TcpStream::connect(address).is_err());
    server.join().unwrap();
}

#[test]
fn those_that_do_not_close_are_dropped_and_told() {
    let (recorder, news) = Recorder::new();
    let (server, address) = serve(recorder);
    let _streams = [open(address), open(address)];
    let handles = [opened(&news), opened(&news)];
    assert_eq!(server.handle().shutdown(Duration::from_millis(50)), 2);
    for _ in 0..2 {
        let News::Closed(closed, None) = next(&news) else {
            panic!("every connection has an end");
        };
        assert_eq!((closed.code, closed.clean), (CloseCode::ABNORMAL, false));
    }
    assert!(handles.iter().all(driver_mio::Handle::is_closed));
}

/// Leaves all requests for later.
struct Later(mpsc::Sender<LaterUpgrade>);

impl Handler for Later {
    type State = ();

    fn on_request(&self, _: &Request<'_>, upgrade: Upgrade<'_>, _: &mut ()) {
        self.0.send(upgrade.later()).unwrap();
    }
}

#[test]
fn a_request_that_waits_is_answered_and_what_it_accepts_is_closed() {
    let (sender, later) = mpsc::channel();
    let (server, address) = serve(Later(sender));
    let mut stream = connect(address);
    stream.write_all(REQUEST.as_bytes()).unwrap();
    let upgrade = later.recv_timeout(PATIENCE).unwrap();
    let control = server.handle();
    control.begin_shutdown("", PATIENCE);
    // The loops have seen the order once they accept nothing.
    eventually(|| TcpStream::connect(address), Result::is_err).ok();
    upgrade.accept(&Accept::new());
    let head = ask(&mut stream, "");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(read_frame(&mut stream), (0x88, b"\x03\xe9".to_vec()));
    drop(stream);
    assert_eq!(control.shutdown(PATIENCE), 0);
}

#[test]
fn nothing_is_dialled_or_adopted_any_more() {
    let (recorder, _news) = Recorder::new();
    let loops = Server::new().loops(1).start(recorder).unwrap();
    loops.handle().shutdown(PATIENCE);
    let refused = loops.connect(&Connect::new("ws://127.0.0.1:1"));
    assert!(matches!(refused, Err(ConnectError::ShutDown)));
    let (stream, _) = std::os::unix::net::UnixStream::pair().unwrap();
    assert!(loops.adopt(stream, driver_mio::Adopt::accepting()).is_err());
}

#[test]
fn a_server_that_is_shut_down_before_it_serves_returns_at_once() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    assert_eq!(server.handle().shutdown(PATIENCE), 0);
    let (recorder, _news) = Recorder::new();
    server.serve(recorder).unwrap();
}

#[test]
fn dropping_the_loops_ends_them_at_once_even_if_they_are_ending_with_patience() {
    let (server, address) = serve(Echo);
    let mut stream = open(address);
    let control = server.handle();
    control.begin_shutdown("", PATIENCE);
    assert_eq!(read_frame(&mut stream), (0x88, b"\x03\xe9".to_vec()));
    // The peer answers nothing.
    drop(server);
    assert_eq!(
        control.shutdown(PATIENCE),
        1,
        "it was dropped, and not waited for"
    );
}
