//! Clients: requests, redirects, and failures.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use driver_mio::{
    Accept, Connect, ConnectError, Context, EventLoops, Handler, HandshakeError, Reject, Request,
    Server, Upgrade,
};
use testkit::config;

use crate::handlers::{Echo, News, Recorder, next, serve, serve_as};

/// Redirects, and shows those who have arrived what they have sent along.
struct Signpost;

impl Handler for Signpost {
    type State = String;

    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, state: &mut String) {
        let location = match request.path() {
            "/near" => "/here".to_owned(),
            "/far" => format!(
                "ws://localhost:{}/here",
                request.host().unwrap().rsplit(':').next().unwrap()
            ),
            "/circle" => "/circle".to_owned(),
            "/nowhere" => return upgrade.reject(&Reject::new(404).body(b"gone")).unwrap(),
            _ => {
                *state = format!("{:?}", request.header_str("Cookie"));
                return upgrade.accept(&Accept::new()).unwrap();
            }
        };
        let headers = [("Location", location.as_str())];
        upgrade.reject(&Reject::new(307).headers(&headers)).unwrap();
    }

    fn on_open(&self, connection: &mut Context<'_>, state: &mut String) {
        connection.send(state.as_str()).unwrap();
    }
}

fn client() -> (EventLoops<Recorder>, std::sync::mpsc::Receiver<News>) {
    let (recorder, news) = Recorder::new();
    (Server::new().loops(1).start(recorder).unwrap(), news)
}

/// The error that connecting failed with.
fn failure(url: &str, redirects: usize) -> ConnectError {
    let (loops, news) = client();
    let connect = Connect::new(url).redirects(redirects);
    loops.connect_with(&connect, 3).unwrap();
    match next(&news) {
        News::ConnectFailed(3, error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn redirects_are_followed_as_far_as_is_asked_for() {
    let (_server, address) = serve(Signpost);
    let (loops, news) = client();
    // The cookie is not for another host.
    for (path, cookie) in [("/near", "Some(\"a\")"), ("/far", "None")] {
        let connect = Connect::new(format!("ws://{address}{path}"))
            .header("Cookie", "a")
            .redirects(1);
        loops.connect_with(&connect, 5).unwrap();
        loop {
            match next(&news) {
                News::Message(message) => {
                    assert_eq!(message.as_text(), Some(cookie));
                    break;
                }
                News::Response(None) => {}
                News::Opened(state, _) => assert_eq!(state, 5),
                other => panic!("{other:?}"),
            }
        }
    }
    let circle = failure(&format!("ws://{address}/circle"), 5);
    assert!(matches!(circle, ConnectError::Redirect(_)), "{circle}");
    for (path, status) in [("/near", 307), ("/nowhere", 404)] {
        let error = failure(&format!("ws://{address}{path}"), 0);
        let ConnectError::Handshake(HandshakeError::Refused(response)) = error else {
            panic!("{error}");
        };
        assert_eq!(response.view().status(), status);
    }
}

#[test]
fn a_name_is_resolved_and_all_its_addresses_are_tried() {
    // On the one address only: the other of the name refuses.
    let (_server, address) = serve(Echo);
    let (loops, news) = client();
    loops
        .connect(&Connect::new(format!("ws://localhost:{}", address.port())))
        .unwrap();
    assert!(matches!(next(&news), News::Response(_)));
    assert!(matches!(next(&news), News::Opened(0, _)));
}

#[test]
fn why_no_connection_came_about_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = free.local_addr().unwrap();
    drop(free);
    let error = failure(&format!("ws://{refusing}"), 0);
    assert!(matches!(error, ConnectError::Dial(_)), "{error}");

    let error = failure("ws://no-such-name.invalid/", 0);
    assert!(matches!(error, ConnectError::Resolve(_)), "{error}");

    let error = failure(&format!("ws://{}", answering("SSH-2.0-x\r\n\r\n")), 0);
    assert!(
        matches!(error, ConnectError::Handshake(HandshakeError::Failed(_))),
        "{error}"
    );
    let error = failure(&format!("ws://{}", answering("")), 0);
    assert!(
        matches!(error, ConnectError::Handshake(HandshakeError::Closed(_))),
        "{error}"
    );
    let (loops, _) = client();
    let refused = loops.connect(&Connect::new("http//x"));
    assert!(matches!(refused, Err(ConnectError::Url(_))));
    let refused = loops.connect(&Connect::new("wss://localhost"));
    assert!(matches!(refused, Err(ConnectError::TlsUnsupported)));
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    // The kernel accepts, and nobody else does.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hasty = config(|config| {
        config.opening_timeout = Some(std::time::Duration::from_millis(50));
    });
    let (loops, news) = client();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    loops.connect(&Connect::new(url).config(hasty)).unwrap();
    let News::ConnectFailed(_, error) = next(&news) else {
        panic!("it gives up");
    };
    assert!(
        matches!(error, ConnectError::Handshake(HandshakeError::Failed(_))),
        "{error}"
    );
}

#[test]
fn a_client_comes_from_where_it_is_told_to() {
    let (recorder, news) = Recorder::new();
    let (_server, address) = serve_as(|server| server.loops(2), recorder);
    let (loops, _) = client();
    let source: SocketAddr = "127.0.0.9:0".parse().unwrap();
    let connect = Connect::new(format!("ws://{address}/?77"));
    loops.connect_from(source, &connect, 0).unwrap();
    let News::Opened(77, _) = next(&news) else {
        panic!("it connects");
    };
}

/// A server that says this to everybody, and ends.
fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    address
}
