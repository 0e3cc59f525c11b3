//! Requests: accepted, rejected, left for later; and what becomes of those that nobody answers.

use std::{
    io::Read,
    sync::{Mutex, mpsc},
    thread,
};

use driver_mio::{Accept, Context, Failure, Handler, LaterUpgrade, Reject, Request, Upgrade};
use testkit::{
    PATIENCE,
    blocking::{ask, connect, eventually, read_frame},
    config,
    handshake::REQUEST,
};

use crate::handlers::{serve, serve_as};

/// Does with a request what its path says.
struct ByPath(Mutex<mpsc::Sender<LaterUpgrade>>);

impl Handler for ByPath {
    type State = String;

    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, state: &mut String) {
        request.path().clone_into(state);
        match request.path() {
            "/reject" => upgrade.reject(&Reject::new(403).body(b"no")).unwrap(),
            "/later" => self.0.lock().unwrap().send(upgrade.later()).unwrap(),
            "/never" => {}
            "/badly" => {
                // Nobody asked for it.
                assert!(upgrade.accept(&Accept::new().subprotocol("x")).is_err());
            }
            "/panic" => panic!("of the request"),
            _ => upgrade.accept(&Accept::new()).unwrap(),
        }
    }

    fn on_open(&self, connection: &mut Context<'_>, state: &mut String) {
        connection.send(state.as_str()).unwrap();
    }
}

fn by_path() -> (ByPath, mpsc::Receiver<LaterUpgrade>) {
    let (sender, receiver) = mpsc::channel();
    (ByPath(Mutex::new(sender)), receiver)
}

fn request(path: &str) -> String {
    REQUEST.replacen('/', path, 1)
}

#[test]
fn every_request_is_answered() {
    let (handler, _later) = by_path();
    let (_server, address) = serve(handler);
    for (path, status) in [
        ("/", "101"),
        ("/reject", "403"),
        ("/never", "503"),
        ("/badly", "503"),
    ] {
        let mut stream = connect(address);
        let head = ask(&mut stream, &request(path));
        assert_eq!(head.split(' ').nth(1), Some(status), "{path}: {head}");
        if status == "101" {
            assert_eq!(read_frame(&mut stream).1, path.as_bytes());
        } else {
            let mut body = Vec::new();
            stream.read_to_end(&mut body).expect("it ends in order");
            assert!(!body.is_empty());
        }
    }
}

#[test]
fn a_request_that_is_left_for_later_is_answered_from_any_thread() {
    let (handler, later) = by_path();
    let (_server, address) = serve(handler);
    let answers = thread::spawn(move || {
        let answer = || later.recv_timeout(PATIENCE).unwrap();
        answer().accept(&Accept::new().headers(&[("X-Later", "yes")]));
        answer().reject(&Reject::new(401));
        drop(answer());
        answer().accept(&Accept::new().subprotocol("not offered"));
    });
    let ask_later = || {
        let mut stream = connect(address);
        (ask(&mut stream, &request("/later")), stream)
    };
    let (head, mut stream) = ask_later();
    assert!(
        head.starts_with("HTTP/1.1 101 ") && head.contains("X-Later: yes"),
        "{head}"
    );
    assert_eq!(read_frame(&mut stream).1, b"/later");
    for status in ["401", "503", "503"] {
        let (head, _) = ask_later();
        assert_eq!(head.split(' ').nth(1), Some(status), "{head}");
    }
    answers.join().unwrap();
}

#[test]
fn an_answer_that_comes_too_late_reaches_nobody() {
    let (handler, later) = by_path();
    let (server, address) = serve(handler);
    let mut gone = connect(address);
    std::io::Write::write_all(&mut gone, request("/later").as_bytes()).unwrap();
    let first = later.recv_timeout(PATIENCE).unwrap();
    // A client that is gone is noticed when it is answered.
    drop(gone);
    first.reject(&Reject::new(403));
    eventually(|| server.connections(), |&connections| connections == 0);
    let mut next = connect(address);
    let answer = thread::spawn(move || {
        let upgrade = later.recv_timeout(PATIENCE).unwrap();
        upgrade.accept(&Accept::new());
    });
    let head = ask(&mut next, &request("/later"));
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    answer.join().unwrap();
}

#[test]
fn a_request_that_nobody_answers_in_time_is_refused() {
    let (handler, later) = by_path();
    let hasty = config(|config| {
        config.opening_timeout = Some(std::time::Duration::from_millis(50));
    });
    let (_server, address) = serve_as(|server| server.config(hasty), handler);
    let head = ask(&mut connect(address), &request("/later"));
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    later.recv_timeout(PATIENCE).unwrap().accept(&Accept::new());
}

#[test]
fn what_is_no_request_is_reported() {
    let (sender, failures) = mpsc::channel();
    let (handler, _later) = by_path();
    let (_server, address) = serve_as(
        |server| server.on_failure(move |failure| sender.send(failure).unwrap()),
        handler,
    );
    let head = ask(&mut connect(address), "POST / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
    let failure = failures.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(failure, Failure::Handshake(_)), "{failure}");
    // A rejection by the handler is no failure; a panic is one.
    for (path, status) in [("/reject", "403"), ("/panic", "503")] {
        let head = ask(&mut connect(address), &request(path));
        assert_eq!(head.split(' ').nth(1), Some(status), "{head}");
    }
    let failure = failures.recv_timeout(PATIENCE).unwrap();
    assert!(
        matches!(&failure, Failure::Panicked(message) if &**message == "of the request"),
        "{failure}"
    );
}
