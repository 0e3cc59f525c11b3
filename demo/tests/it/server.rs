//! The demo as programs see it, over each driver: pages, endpoints, limits, figures, and how it ends.

/// Makes a test of each function for each driver.
macro_rules! over_every_driver {
    ($($tests:tt)*) => {
        over_driver!(over_mio, "mio": $($tests)*);
        over_driver!(over_smol, "smol": $($tests)*);
        over_driver!(over_tokio, "tokio": $($tests)*);
    };
}

/// Makes a test of each function for one driver.
macro_rules! over_driver {
    ($module:ident, $driver:literal: $($(#[$attribute:meta])* $test:ident,)*) => {
        mod $module {
            $(
                $(#[$attribute])*
                #[tokio::test]
                async fn $test() {
                    super::$test($driver).await;
                }
            )*
        }
    };
}

mod compression;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use driver_tokio::{
    CloseCode, ClosedBy, Config, Connect, ConnectError, HandshakeError, Message, WebSocket,
};
use serde_json::{Value, json};
use testkit::{blocking::read_head, handshake};

use crate::process::{self, Demo};

over_every_driver! {
    the_page_is_served_with_its_types_and_headers,
    other_requests_are_told_what_is_wrong_with_them,
    garbage_is_answered_and_logged,
    pages_are_served_beside_open_connections,
    there_are_no_other_endpoints,
    pages_of_others_may_use_the_echo_only,
    two_people_chat,
    who_does_not_read_the_chat_is_closed_and_holds_nobody_up,
    a_flood_of_one_person_reaches_the_others,
    messages_of_64_mib_come_back_even_in_a_row,
    longer_messages_are_refused,
    figures_follow_what_happens,
    an_address_that_cannot_be_had_is_an_error_of_one_line,
    #[cfg(unix)]
    a_signal_closes_every_connection_and_says_why,
    #[cfg(unix)]
    a_shutdown_does_not_wait_for_ever,
    #[cfg(unix)]
    a_second_signal_ends_it_at_once,
}

fn start(driver: &str, flags: &[&str]) -> Demo {
    Demo::start("127.0.0.1:0", &[&["--driver", driver], flags].concat())
}

/// Sends bytes, and reads until the server closes.
fn exchange(demo: &Demo, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(demo.address()).expect("it listens");
    stream.write_all(bytes).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    String::from_utf8(answer).expect("an answer in UTF-8")
}

/// A request over HTTP; returns head and body of the answer.
fn request(demo: &Demo, method: &str, target: &str) -> (String, String) {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\n\r\n",
        demo.address()
    );
    let answer = exchange(demo, request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    (head.to_owned(), body.to_owned())
}

fn ask(demo: &Demo, path: &str) -> Connect {
    let mut config = Config::default();
    config.max_message = 64 << 20;
    config.max_frame = 64 << 20;
    Connect::new(format!("ws://{}{path}", demo.address())).config(Arc::new(config))
}

async fn connect(demo: &Demo, path: &str) -> WebSocket {
    let (socket, _) = ask(demo, path).connect().await.expect("a connection");
    socket
}

/// The status of a refusal.
async fn refusal(connect: Connect) -> u16 {
    match connect.connect().await {
        Err(ConnectError::Handshake(HandshakeError::Refused(response))) => response.view().status(),
        other => panic!("no refusal: {other:?}"),
    }
}

/// Opens a connection by hand: a stream that answers nothing. `header` is a whole line, or nothing.
fn open_by_hand(demo: &Demo, path: &str, header: &str) -> TcpStream {
    let mut stream = TcpStream::connect(demo.address()).expect("it listens");
    let request = handshake::request(path, header);
    stream.write_all(request.as_bytes()).expect("it reads");
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

/// Receives an object in JSON.
async fn receive(socket: &mut WebSocket) -> Value {
    let message = socket.recv().await.expect("no error").expect("a message");
    serde_json::from_str(message.as_text().expect("text")).expect("JSON")
}

/// Receives until the end; returns code and reason of the Close frame.
async fn end(socket: &mut WebSocket) -> (CloseCode, String) {
    while let Ok(Some(_)) = socket.recv().await {}
    let closed = socket.closed().expect("it is over");
    assert_eq!(closed.by, ClosedBy::Peer, "{closed}");
    (closed.code, closed.reason.to_string())
}

async fn join(demo: &Demo, name: &str) -> WebSocket {
    let mut socket = connect(demo, "/chat").await;
    let message = json!({ "type": "join", "name": name }).to_string();
    socket.send(message).await.expect("it is open");
    let welcome = receive(&mut socket).await;
    assert_eq!(welcome["you"], name, "{welcome}");
    socket
}

async fn the_page_is_served_with_its_types_and_headers(driver: &str) {
    let demo = start(driver, &[]);
    for (target, content_type, content) in [
        (
            "/",
            "text/html; charset=utf-8",
            include_str!("../../static/index.html"),
        ),
        (
            "/index.html?a=b",
            "text/html; charset=utf-8",
            include_str!("../../static/index.html"),
        ),
        (
            "/style.css",
            "text/css; charset=utf-8",
            include_str!("../../static/style.css"),
        ),
        (
            "/app.js",
            "text/javascript; charset=utf-8",
            include_str!("../../static/app.js"),
        ),
        (
            "/icon.svg",
            "image/svg+xml",
            include_str!("../../static/icon.svg"),
        ),
    ] {
        let (head, body) = request(&demo, "GET", target);
        let lines: Vec<&str> = head.lines().collect();
        assert_eq!(lines[0], "HTTP/1.1 200 OK", "{target}");
        let length = format!("Content-Length: {}", content.len());
        let content_type = format!("Content-Type: {content_type}");
        for line in [&*length, &content_type, "X-Content-Type-Options: nosniff"] {
            assert!(lines.contains(&line), "{target} without {line}: {head}");
        }
        assert!(
            head.contains("Content-Security-Policy: default-src 'self'"),
            "{head}"
        );
        assert_eq!(body, content, "{target}");

        let (only_head, no_body) = request(&demo, "HEAD", target);
        assert_eq!((only_head, &*no_body), (head, ""), "{target}");
    }
}

async fn other_requests_are_told_what_is_wrong_with_them(driver: &str) {
    let demo = start(driver, &[]);
    for (method, target, status, header) in [
        (
            "GET",
            "/nowhere",
            "404 Not Found",
            "Cache-Control: no-cache",
        ),
        (
            "GET",
            "/static/index.html",
            "404 Not Found",
            "Content-Length: ",
        ),
        (
            "GET",
            "/../src/main.rs",
            "404 Not Found",
            "Content-Length: ",
        ),
        ("POST", "/", "405 Method Not Allowed", "Allow: GET, HEAD"),
        ("GET", "/chat", "426 Upgrade Required", "Upgrade: websocket"),
        ("GET", "/echo", "426 Upgrade Required", "Upgrade: websocket"),
        (
            "GET",
            "/stats?x",
            "426 Upgrade Required",
            "Upgrade: websocket",
        ),
    ] {
        let (head, _) = request(&demo, method, target);
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{target}: {head}"
        );
        assert!(head.contains(&format!("\r\n{header}")), "{target}: {head}");
    }
}

async fn garbage_is_answered_and_logged(driver: &str) {
    let mut demo = start(driver, &[]);
    let tls_hello = [
        0x16, 0x03, 0x01, 0x00, 0xc8, 0x01, 0x00, 0x00, 0xc4, 0x03, 0x03,
    ];
    for garbage in [
        &b"garbage\r\n\r\n"[..],
        &tls_hello,
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let answer = exchange(&demo, garbage);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let line = demo.wait_for_line("no acceptable request came");
        assert!(line.contains("DEBUG"), "{line}");
    }
}

async fn pages_are_served_beside_open_connections(driver: &str) {
    let demo = start(driver, &[]);
    let mut socket = connect(&demo, "/echo").await;
    for text in ["before", "after"] {
        socket.send(text).await.expect("it is open");
        assert_eq!(socket.recv().await, Ok(Some(text.into())));
        let (head, _) = request(&demo, "GET", "/");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }
}

async fn there_are_no_other_endpoints(driver: &str) {
    let demo = start(driver, &[]);
    for path in ["/", "/nowhere", "/chat/", "/app.js"] {
        assert_eq!(refusal(ask(&demo, path)).await, 404, "{path}");
    }
}

async fn pages_of_others_may_use_the_echo_only(driver: &str) {
    let demo = start(driver, &[]);
    let own = format!("http://{}", demo.address());
    for path in ["/chat", "/stats"] {
        let strange = ask(&demo, path).origin("http://example.com");
        assert_eq!(refusal(strange).await, 403, "{path}");
        let connected = ask(&demo, path).origin(&own).connect().await;
        assert!(connected.is_ok(), "{path}: {connected:?}");
    }
    let connected = ask(&demo, "/echo").origin("null").connect().await;
    assert!(connected.is_ok(), "{connected:?}");

    let demo = start(driver, &["--origin", "http://example.com"]);
    assert_eq!(refusal(ask(&demo, "/chat").origin(own)).await, 403);
    let listed = ask(&demo, "/chat").origin("http://example.com");
    let connected = listed.connect().await;
    assert!(connected.is_ok(), "{connected:?}");
}

async fn two_people_chat(driver: &str) {
    let demo = start(driver, &[]);
    let mut ada = join(&demo, "Ada").await;
    let mut bob = join(&demo, "Bob").await;
    let joined = receive(&mut ada).await;
    assert_eq!(
        joined,
        json!({ "type": "joined", "name": "Bob", "online": ["Ada", "Bob"] })
    );
    let say = json!({ "type": "say", "text": "Grüße" }).to_string();
    bob.send(say).await.expect("it is open");
    for socket in [&mut ada, &mut bob] {
        let said = receive(socket).await;
        assert_eq!(
            (&said["name"], &said["text"]),
            (&json!("Bob"), &json!("Grüße"))
        );
    }
    bob.close(CloseCode::NORMAL, "").await.expect("no error");
    let left = receive(&mut ada).await;
    assert_eq!(
        left,
        json!({ "type": "left", "name": "Bob", "online": ["Ada"] })
    );

    ada.send(vec![1]).await.expect("it is open");
    assert_eq!(end(&mut ada).await.0, CloseCode::UNSUPPORTED_DATA);
}

async fn who_does_not_read_the_chat_is_closed_and_holds_nobody_up(driver: &str) {
    let demo = start(driver, &["--mailbox", "8"]);
    let mut ada = join(&demo, "Ada").await;
    let mut idle = join(&demo, "Idle").await;
    assert_eq!(receive(&mut ada).await["type"], "joined");
    let say = json!({ "type": "say", "text": "🦀".repeat(2_000) }).to_string();
    let left = loop {
        // One at a time: Ada herself keeps up.
        ada.send(&*say).await.expect("it is open");
        let heard = receive(&mut ada).await;
        if heard["type"] != "said" {
            break heard;
        }
    };
    assert_eq!(
        left,
        json!({ "type": "left", "name": "Idle", "online": ["Ada"] })
    );
    let (code, reason) = end(&mut idle).await;
    assert_eq!((code, &*reason), (CloseCode::TRY_AGAIN_LATER, "too slow"));
}

async fn a_flood_of_one_person_reaches_the_others(driver: &str) {
    const LINES: usize = 20_000;
    // All tasks in one thread: the speaker's task has to make room for the others.
    let demo = start(driver, &["--threads", "1", "--mailbox", "1024"]);
    let mut ada = join(&demo, "Ada").await;
    let mut bob = join(&demo, "Bob").await;
    assert_eq!(receive(&mut ada).await["type"], "joined");
    let (sender, mut receiver) = ada.split();
    let flood = async {
        for n in 0..LINES {
            let say = json!({ "type": "say", "text": n.to_string() }).to_string();
            sender.feed(say).await.expect("it is open");
        }
        sender.flush().await.expect("it is open");
    };
    let own = async {
        for _ in 0..LINES {
            receiver.recv().await.expect("no error").expect("a line");
        }
    };
    let others = async {
        for n in 0..LINES {
            assert_eq!(receive(&mut bob).await["text"], n.to_string());
        }
    };
    tokio::join!(flood, own, others);
}

async fn messages_of_64_mib_come_back_even_in_a_row(driver: &str) {
    let demo = start(driver, &[]);
    let socket = connect(&demo, "/echo").await;
    let text = "0123456789abcdef".repeat(4 << 20);
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(64 << 20).collect();
    let (sender, mut receiver) = socket.split();
    let send = async {
        sender.feed("first").await?;
        sender.feed(&*text).await?;
        sender.feed(&*bytes).await?;
        sender.send("last").await
    };
    let receive = async {
        let mut received = Vec::new();
        while received.len() < 4 {
            received.push(receiver.recv().await.expect("no error").expect("an echo"));
        }
        received
    };
    let (sent, received) = tokio::join!(send, receive);
    assert_eq!(sent, Ok(()));
    let expected = [
        "first".into(),
        text.into(),
        bytes.into(),
        Message::from("last"),
    ];
    // Not by assert_eq!, which would print them.
    assert!(received == expected, "something else came back");
}

async fn longer_messages_are_refused(driver: &str) {
    let demo = start(driver, &["--max-message", "2K"]);
    for (path, limit) in [("/chat", 64 << 10), ("/echo", 2 << 10), ("/stats", 1 << 10)] {
        let mut socket = connect(&demo, path).await;
        let message = " ".repeat(limit);
        socket.send(&*message).await.expect("it is open");
        let answer = socket.recv().await.expect("no error");
        assert!(answer.is_some(), "{path} takes {limit} bytes");
        socket.send(message + " ").await.expect("it is open");
        assert_eq!(end(&mut socket).await.0, CloseCode::TOO_BIG, "{path}");
    }
}

async fn figures_follow_what_happens(driver: &str) {
    let demo = start(driver, &[]);
    let mut figures = connect(&demo, "/stats").await;
    let first = receive(&mut figures).await;
    assert_eq!(first["driver"], driver);
    assert_eq!(first["connections"], 1);
    let mut echo = connect(&demo, "/echo").await;
    while receive(&mut figures).await["connections"] != 2 {}
    for _ in 0..10 {
        echo.send(vec![0; 100_000]).await.expect("it is open");
        echo.recv().await.expect("no error").expect("an echo");
    }
    // One report may have it all, or two a part each. The reports themselves count too, but are nothing
    // beside that.
    let mut missing = vec!["messages_in", "bytes_in", "messages_out", "bytes_out"];
    while !missing.is_empty() {
        let report = receive(&mut figures).await;
        missing.retain(|name| {
            let rate = report[format!("{name}_per_second")].as_f64();
            let enough = if name.starts_with("bytes") {
                5_000.0
            } else {
                0.0
            };
            rate.expect("a rate") <= enough
        });
    }
    drop(echo);
    while receive(&mut figures).await["connections"] != 1 {}
    assert_eq!(receive(&mut figures).await["connections_total"], 2);
}

async fn an_address_that_cannot_be_had_is_an_error_of_one_line(driver: &str) {
    let demo = start(driver, &[]);
    for (address, why) in [
        (demo.address(), "address in use"),
        ("nonsense", "invalid socket address"),
        ("127.0.0.1:99999", "invalid port value"),
    ] {
        let output = process::command(&["--driver", driver, "--addr", address])
            .output()
            .expect("it runs");
        let log = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert_eq!(log, format!("error: cannot listen on {address}: {why}\n"));
    }
}

#[cfg(unix)]
async fn a_signal_closes_every_connection_and_says_why(driver: &str) {
    for signal in ["TERM", "INT"] {
        // Without deadlines: nothing but the shutdown itself may end them.
        let mut demo = start(
            driver,
            &["--opening-timeout", "off", "--shutdown-timeout", "1h"],
        );
        let mut sockets = vec![join(&demo, "Ada").await];
        for path in ["/echo", "/stats"] {
            sockets.push(connect(&demo, path).await);
        }
        // Browsers connect ahead of need.
        let silent = TcpStream::connect(demo.address()).expect("it listens");
        demo.wait_for_line("endpoint=Stats");
        demo.signal(signal);
        for socket in &mut sockets {
            let (code, reason) = end(socket).await;
            assert_eq!(
                (code, &*reason),
                (CloseCode::GOING_AWAY, "server is shutting down")
            );
        }
        let address = demo.address().to_owned();
        let (status, log) = demo.wait();
        assert!(status.success(), "{log}");
        assert!(log.contains("all connections are closed"), "{log}");
        assert!(
            TcpStream::connect(address).is_err(),
            "nobody listens any more"
        );
        drop(silent);
    }
}

#[cfg(unix)]
async fn a_shutdown_does_not_wait_for_ever(driver: &str) {
    let demo = start(
        driver,
        &["--close-timeout", "off", "--shutdown-timeout", "50ms"],
    );
    let stream = open_by_hand(&demo, "/echo", "");
    demo.signal("TERM");
    let (status, log) = demo.wait();
    assert!(status.success(), "{log}");
    assert!(
        log.contains("some connections did not close in time dropped=1"),
        "{log}"
    );
    drop(stream);
}

#[cfg(unix)]
async fn a_second_signal_ends_it_at_once(driver: &str) {
    let mut demo = start(
        driver,
        &["--close-timeout", "off", "--shutdown-timeout", "1h"],
    );
    let stream = open_by_hand(&demo, "/echo", "");
    demo.signal("INT");
    demo.wait_for_line("shutting down");
    demo.signal("INT");
    let (_, log) = demo.wait();
    assert!(log.contains("stopping at once dropped=1"), "{log}");
    drop(stream);
}
