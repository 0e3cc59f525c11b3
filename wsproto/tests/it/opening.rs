//! A server opens a connection: refusals, decisions of the application, early or late, and bytes behind the request, of
//! which none is lost.

use std::time::Duration;

use testkit::{
    Frame, config,
    ends::{Answer, End, Seen},
};
use wsproto::{
    Accept, Cause, CloseCode, ClosedBy, Config, Event, HandshakeMisuse, Limit, Refusal, Reject,
    Role, SendError,
};

/// The request of RFC 6455 1.2, but for its first line.
const FIELDS: [(&str, &str); 5] = [
    ("Host", "server.example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];
/// The response field that answers its key.
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// A request in which the fields called like one of `changes` are replaced by all of those.
fn request_line(line: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("{line}\r\n");
    let kept = |(name, _): &&(&str, &str)| changes.iter().all(|(change, _)| change != name);
    for (name, value) in FIELDS.iter().filter(kept) {
        head += &format!("{name}: {value}\r\n");
    }
    for (name, value) in changes {
        head += &format!("{name}: {value}\r\n");
    }
    // A change without a value takes the field away.
    let head = head.split("\r\n").filter(|line| !line.ends_with(": "));
    (head.collect::<Vec<_>>().join("\r\n") + "\r\n").into_bytes()
}

fn request(changes: &[(&str, &str)]) -> Vec<u8> {
    request_line("GET /chat HTTP/1.1", changes)
}

fn server(change: impl FnOnce(&mut Config)) -> End {
    End::accepting(config(change))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("an answer in UTF-8")
}

// Bytes behind a head.

#[test]
fn bytes_that_come_with_the_request_reach_the_frame_parser() {
    let early = [
        Frame::text("early"),
        Frame::binary("data"),
        Frame::close(1000, ""),
    ];
    let frames = early.map(|frame| frame.sent_by(Role::Client).encode());
    let bytes = [request(&[]), frames.concat()].concat();
    for chunk in [1, 7, bytes.len()] {
        let mut server = server(|_| {});
        bytes.chunks(chunk).for_each(|bytes| server.read(bytes));
        let seen = server.take_seen();
        assert!(matches!(seen[0], Seen::Request { .. }));
        assert_eq!(seen[1..3], [Seen::text("early"), Seen::binary(b"data")]);
        assert!(matches!(&seen[3..], [Seen::Closed(closed)] if closed.clean));
    }
}

#[test]
fn a_request_may_be_answered_later_while_input_waits_aside() {
    let mut server = server(|_| {}).with_answer(Answer::Later);
    let early = Frame::text("early").sent_by(Role::Client).encode();
    server.read(&[request(&[]), early[..4].to_vec()].concat());
    server.read(&early[4..]);
    assert!(matches!(server.take_seen()[..], [Seen::Request { .. }]));
    assert!(
        server.input.is_empty(),
        "the input may serve another connection"
    );
    let wants = server.connection.wants();
    assert!(
        !wants.read && !wants.write && !wants.event,
        "nothing to do but to wait: {wants:?}"
    );
    assert_eq!(
        server.connection.accept(&mut server.env, &Accept::new()),
        Ok(())
    );
    assert!(server.connection.is_open());
    assert!(server.connection.wants().event, "what waits can go on");
    server.take_events();
    assert_eq!(server.take_seen(), [Seen::text("early")]);
}

#[test]
fn a_peer_that_ended_its_side_before_the_answer_loses_nothing() {
    let mut server = server(|_| {}).with_answer(Answer::Later);
    let early = Frame::text("early").sent_by(Role::Client).encode();
    let close = Frame::close(1000, "done").sent_by(Role::Client).encode();
    server.read(&[request(&[]), early, close].concat());
    server.eof();
    assert!(
        matches!(server.take_seen()[..], [Seen::Request { .. }]),
        "it can still be answered"
    );
    assert_eq!(
        server.connection.accept(&mut server.env, &Accept::new()),
        Ok(())
    );
    server.take_events();
    let seen = server.take_seen();
    assert_eq!(seen[0], Seen::text("early"));
    assert!(
        matches!(&seen[1..], [Seen::Closed(closed)] if closed.clean && &*closed.reason == "done")
    );
}

#[test]
fn the_end_of_the_stream_is_reported_once_the_request_is_answered() {
    let mut server = server(|_| {}).with_answer(Answer::Later);
    server.read(&request(&[]));
    server.eof();
    server.take_seen();
    assert_eq!(
        server.connection.accept(&mut server.env, &Accept::new()),
        Ok(())
    );
    assert!(server.connection.wants().event, "no input will bring it");
    server.take_events();
    assert!(matches!(&server.seen[..], [Seen::Closed(closed)] if closed.by == ClosedBy::Transport));
}

#[test]
fn a_peer_that_is_gone_before_the_answer_is_not_waited_for() {
    let mut server = server(|_| {}).with_answer(Answer::Later);
    server.read(&request(&[]));
    server.take_seen();
    server.connection.handle_lost(&mut server.env);
    server.eof();
    assert!(matches!(&server.seen[..], [Seen::Closed(closed)] if closed.by == ClosedBy::Transport));
    let late = server.connection.accept(&mut server.env, &Accept::new());
    assert_eq!(late, Err(SendError::NoRequest));
    assert!(server.connection.wants().done);
}

#[test]
fn no_pong_overtakes_the_answer_to_the_request() {
    for sent in [0, 1, 100] {
        let mut server = server(|_| {});
        server.read(&request(&[]));
        let mut wire = server.drain_some(sent);
        server.read_frames(&[Frame::ping("p")]);
        wire.extend(server.drain());
        let head = wire.len() - Frame::pong("p").encode().len();
        assert!(wire.starts_with(b"HTTP/1.1 101 ") && wire[..head].ends_with(b"\r\n\r\n"));
        assert_eq!(wire[head..], Frame::pong("p").encode());
    }
}

// Refusals.

/// Reads a request that is refused; returns the answer. The transport has to be ended in order: our
/// side first, the rest once the peer has ended its own.
fn refused(bytes: &[u8], refusal: Refusal) -> String {
    let mut server = server(|_| {});
    server.read(bytes);
    let seen = server.take_seen();
    let [Seen::Failed(error)] = &seen[..] else {
        panic!("one error and nothing else: {seen:?}");
    };
    assert_eq!(error.cause, Cause::Refused(refusal));
    assert_eq!(error.closed.code, CloseCode::ABNORMAL);
    let wants = server.connection.wants();
    assert!(
        wants.write && !wants.shutdown,
        "the answer leaves first: {wants:?}"
    );
    let answer = text(server.drain());
    let wants = server.connection.wants();
    assert!(wants.shutdown && wants.read && !wants.done, "{wants:?}");
    server.connection.handle_shutdown();
    // Unread bytes would turn the end of the transport into a reset, which destroys the answer.
    server.read(&[0xff; 10_000]);
    let wants = server.connection.wants();
    assert!(wants.read && !wants.done && !wants.write, "{wants:?}");
    server.eof();
    assert!(server.connection.wants().done);
    assert_eq!(server.take_seen(), [], "one error is enough");
    answer
}

#[test]
fn every_refusal_is_answered_and_the_answer_survives_unread_input() {
    use Refusal::*;
    let many = ("x", "1");
    for (bytes, refusal, status) in [
        (
            request_line("POST /chat HTTP/1.1", &[]),
            MethodNotAllowed,
            405,
        ),
        (request_line("GET /chat HTTP/1.0", &[]), Http10, 400),
        (
            request_line("GET /chat HTTP/2.0", &[]),
            UnsupportedHttpVersion,
            505,
        ),
        (
            request_line("GET /chat HTTP/0.9", &[]),
            UnsupportedHttpVersion,
            505,
        ),
        (b"\x16\x03\x01\x02\0".to_vec(), Malformed, 400),
        (
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n".to_vec(),
            Malformed,
            400,
        ),
        (request(&[("Upgrade", "")]), UpgradeRequired, 426),
        (request(&[("Upgrade", "h2c")]), UpgradeToOther, 400),
        (request(&[("Connection", "")]), NoConnectionUpgrade, 400),
        (
            request(&[("Connection", "no-upgrade-please")]),
            NoConnectionUpgrade,
            400,
        ),
        (
            request(&[("Sec-WebSocket-Version", "8")]),
            UnsupportedVersion,
            426,
        ),
        (
            request(&[("Sec-WebSocket-Version", "")]),
            MissingVersion,
            400,
        ),
        (request(&[("Sec-WebSocket-Key", "")]), MissingKey, 400),
        (request(&[("Sec-WebSocket-Key", "x")]), InvalidKey, 400),
        (request(&[FIELDS[3], FIELDS[3]]), RepeatedKey, 400),
        (request(&[("Host", "")]), MissingHost, 400),
        (request(&[FIELDS[0], FIELDS[0]]), RepeatedHost, 400),
        (request(&[("Content-Length", "5")]), UnexpectedBody, 400),
        (
            request(&[("Transfer-Encoding", "chunked")]),
            UnexpectedBody,
            400,
        ),
        (request(&[("x", &"y".repeat(16 << 10))]), HeadTooLarge, 431),
        (request(&[many; 64]), TooManyHeaders, 431),
    ] {
        let answer = refused(&bytes, refusal);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("\r\nConnection: close"), "{answer}");
        let told = match refusal {
            MethodNotAllowed => "\r\nAllow: GET\r\n",
            UpgradeRequired => "\r\nUpgrade: websocket\r\n",
            UnsupportedVersion => "\r\nSec-WebSocket-Version: 13\r\n",
            _ => "\r\n",
        };
        assert!(answer.contains(told), "{answer}");
    }
}

#[test]
fn garbage_is_refused_at_its_first_bytes_and_a_long_head_at_its_limit() {
    let mut hello = server(|_| {});
    hello.read(b"\x16");
    assert!(matches!(hello.seen[..], [Seen::Failed(_)]), "a TLS hello");

    let endless = [&b"GET / HTTP/1.1\r\nx: "[..], &b"y".repeat(4 << 20)].concat();
    for chunk in [1, 1000, 64 << 10] {
        let mut server = server(|_| {});
        let mut read = 0;
        while server.seen.is_empty() {
            server.read(&endless[read..][..chunk]);
            read += chunk;
        }
        assert!(read <= (16 << 10) + chunk, "{read} bytes of a head");
    }
}

#[test]
fn the_caps_of_a_head_can_be_chosen() {
    let mut narrow = server(|config| config.max_head = 100);
    narrow.read(&request(&[]));
    assert!(matches!(narrow.seen[..], [Seen::Failed(_)]));
    let long = request(&[("x", &"y".repeat(20 << 10))]);
    let mut wide = server(|config| config.max_head = 32 << 10);
    wide.read(&long);
    assert!(wide.connection.is_open());

    let mut few = server(|config| config.max_headers = 4);
    few.read(&request(&[]));
    assert!(matches!(few.seen[..], [Seen::Failed(_)]));
    let mut many = server(|config| config.max_headers = 200);
    many.read(&request(&[("x", "y"); 190]));
    assert!(many.connection.is_open());
}

#[test]
fn what_is_unusual_but_allowed_is_accepted() {
    for changes in [
        &[("Connection", "keep-alive, Upgrade")][..],
        &[("Connection", "keep-alive"), ("Connection", "upgrade")],
        &[("Upgrade", "WebSocket")],
        &[("Upgrade", "h2c, websocket")],
        &[
            ("Sec-WebSocket-Protocol", "a, b"),
            ("Sec-WebSocket-Protocol", "c"),
        ],
        &[("x", "1"), ("x", "1")],
        &[("Content-Length", "0")],
    ] {
        let mut server = server(|_| {});
        server.read(&request(changes));
        assert!(
            server.connection.is_open(),
            "{changes:?}: {:?}",
            server.seen
        );
        let answer = text(server.drain());
        assert!(answer.contains(ACCEPT), "{answer}");
    }
}

#[test]
fn an_unknown_extension_or_a_bad_offer_is_declined_and_fails_nothing() {
    for offers in [
        &["x-unknown"][..],
        &["permessage-deflate; client_max_window_bits=99"],
        &[
            "x-unknown; a=\"b\", permessage-deflate; nonsense",
            "x-webkit-deflate-frame",
        ],
    ] {
        let changes: Vec<_> = offers
            .iter()
            .map(|offer| ("Sec-WebSocket-Extensions", *offer))
            .collect();
        let mut server = server(|_| {});
        server.read(&request(&changes));
        assert!(server.connection.is_open(), "{offers:?}");
        assert!(!text(server.drain()).contains("Extensions"), "{offers:?}");
    }
}

#[test]
fn a_head_that_breaks_off_is_no_request_and_gets_no_answer() {
    for bytes in [&b""[..], b"GET / HTTP/1.1\r\nHost"] {
        let mut server = server(|_| {});
        server.read(bytes);
        server.eof();
        let [Seen::Closed(closed)] = &server.seen[..] else {
            panic!("the end: {:?}", server.seen);
        };
        assert_eq!(
            (closed.code, closed.by),
            (CloseCode::ABNORMAL, ClosedBy::Transport)
        );
        assert_eq!(server.drain(), b"");
    }
}

// Decisions of the application.

#[test]
fn the_application_sees_the_request_and_chooses() {
    let mut server = server(|_| {}).with_answer(Answer::Later);
    let changes = [
        ("Sec-WebSocket-Protocol", "chat, superchat"),
        ("Origin", "http://example.com"),
        ("cookie", "a=1"),
        ("Cookie", "b=2"),
    ];
    let bytes = request_line("GET /chat?room=1 HTTP/1.1", &changes);
    server.read_with(&bytes, |connection, env, event| {
        let Event::Request(request) = event else {
            panic!("only a request is sent");
        };
        assert_eq!(
            (request.method(), request.target()),
            ("GET", "/chat?room=1")
        );
        assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
        assert_eq!(request.origin(), Some("http://example.com"));
        assert_eq!(
            request.headers_named("COOKIE").collect::<Vec<_>>(),
            [b"a=1", b"b=2"]
        );
        let chosen = request.subprotocols().nth(1);
        let accept = Accept::new()
            .subprotocol(chosen)
            .headers(&[("Set-Cookie", "c=3")]);
        assert_eq!(connection.accept(env, &accept), Ok(()));
    });
    let answer = text(server.drain());
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(
        answer.contains("Sec-WebSocket-Protocol: superchat\r\n"),
        "{answer}"
    );
    assert!(answer.contains("Set-Cookie: c=3\r\n"), "{answer}");
}

#[test]
fn an_answer_that_cannot_be_written_sends_nothing_and_may_be_mended() {
    let mut server = server(|_| {}).with_answer(Answer::Later);
    server.read(&request(&[("Sec-WebSocket-Protocol", "chat")]));
    let (connection, env) = (&mut server.connection, &mut server.env);
    let not_offered = connection.accept(env, &Accept::new().subprotocol("other"));
    assert_eq!(
        not_offered,
        Err(HandshakeMisuse::SubprotocolNotOffered.into())
    );
    for value in ["a\r\nInjected: b", "a\nb", "a\rb", "a\0b"] {
        let headers = [("X", value)];
        let broken = Err(HandshakeMisuse::InvalidHeaderValue.into());
        assert_eq!(
            connection.accept(env, &Accept::new().headers(&headers)),
            broken
        );
        assert_eq!(
            connection.reject(env, &Reject::new(403).headers(&headers)),
            broken
        );
    }
    assert_eq!(connection.queued(), 0);
    assert_eq!(
        connection.accept(env, &Accept::new().subprotocol("chat")),
        Ok(())
    );
    assert_eq!(
        connection.accept(env, &Accept::new()),
        Err(SendError::NoRequest)
    );
    assert_eq!(
        connection.reject(env, &Reject::new(403)),
        Err(SendError::NoRequest)
    );
}

#[test]
fn a_rejection_has_status_headers_and_body_and_ends_the_transport_in_order() {
    let mut server = server(|_| {}).with_answer(Answer::Later);
    let early = Frame::text("in vain").sent_by(Role::Client).encode();
    server.read(&[request(&[]), early].concat());
    server.take_seen();
    let headers = [("WWW-Authenticate", "Basic")];
    let reject = Reject::new(401).headers(&headers).body(b"who are you?");
    assert_eq!(server.connection.reject(&mut server.env, &reject), Ok(()));
    assert!(server.connection.wants().event);
    server.take_events();
    let [Seen::Closed(closed)] = &server.take_seen()[..] else {
        panic!("the end");
    };
    assert_eq!(closed.by, ClosedBy::Application);
    let answer = text(server.drain());
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(
        answer.contains("\r\nWWW-Authenticate: Basic\r\n"),
        "{answer}"
    );
    assert!(
        answer.ends_with("\r\nContent-Length: 12\r\n\r\nwho are you?"),
        "{answer}"
    );
    let wants = server.connection.wants();
    assert!(wants.shutdown && wants.read && !wants.done, "{wants:?}");
}

#[test]
fn plain_http_is_surfaced_on_request_and_answered_with_anything() {
    for (method, body) in [("GET", "the page"), ("POST", "the page"), ("HEAD", "")] {
        let mut server = server(|config| config.surface_plain_http = true);
        server.answer = Answer::Later;
        let bytes = format!("{method} /health HTTP/1.1\r\nHost: a\r\n\r\n");
        server.read(bytes.as_bytes());
        let expected = Seen::Request {
            method: method.to_owned(),
            target: "/health".to_owned(),
        };
        assert_eq!(server.take_seen(), [expected]);
        let (connection, env) = (&mut server.connection, &mut server.env);
        assert_eq!(
            connection.accept(env, &Accept::new()),
            Err(SendError::NoRequest)
        );
        let page = Reject::new(200).body(b"the page");
        assert_eq!(connection.reject(env, &page), Ok(()));
        let answer = text(server.drain());
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(
            answer.ends_with(&format!("Content-Length: 8\r\n\r\n{body}")),
            "{answer}"
        );
    }
}

#[test]
fn a_websocket_is_still_a_websocket_where_plain_http_is_surfaced() {
    let mut open = server(|config| config.surface_plain_http = true);
    open.read(&request(&[]));
    assert!(open.connection.is_open());
    let mut refused = server(|config| config.surface_plain_http = true);
    refused.read(&request(&[("Sec-WebSocket-Key", "x")]));
    assert!(
        matches!(refused.seen[..], [Seen::Failed(_)]),
        "a bad upgrade is no page"
    );
}

#[test]
fn a_request_that_is_given_up_is_answered_and_one_that_is_not_whole_is_dropped() {
    let mut waiting = server(|_| {}).with_answer(Answer::Later);
    waiting.read(&request(&[]));
    waiting.take_seen();
    waiting
        .connection
        .close(&mut waiting.env, CloseCode::GOING_AWAY, "");
    waiting.take_events();
    assert!(
        matches!(&waiting.seen[..], [Seen::Closed(closed)] if closed.by == ClosedBy::Application)
    );
    let answer = text(waiting.drain());
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(waiting.connection.wants().shutdown);

    for mut end in [server(|_| {}), End::connecting(config(|_| {}))] {
        end.connection
            .close(&mut end.env, CloseCode::GOING_AWAY, "");
        end.take_events();
        assert!(
            matches!(&end.seen[..], [Seen::Closed(closed)] if closed.by == ClosedBy::Application)
        );
        assert!(end.connection.wants().done);
        assert_eq!(end.connection.queued(), 0);
    }
}

#[test]
fn a_request_may_be_accepted_with_limits_of_its_own() {
    let mut server = server(|config| {
        config.max_message = 1 << 20;
        config.max_lifetime = None;
    })
    .with_answer(Answer::Later);
    // Bytes behind the request wait for the answer, and fall under its terms.
    let messages = ["12345678", "123456789"].map(|text| Frame::text(text).sent_by(Role::Client));
    server.read(&[request(&[]), messages[0].encode(), messages[1].encode()].concat());
    assert!(matches!(server.take_seen()[..], [Seen::Request { .. }]));

    let own = config(|config| {
        config.max_message = 8;
        config.max_lifetime = Some(Duration::from_secs(1));
    });
    let accept = Accept::new().config(&own);
    assert_eq!(server.connection.accept(&mut server.env, &accept), Ok(()));
    assert!(server.connection.wants().deadline.is_some());
    server.take_events();
    let seen = server.take_seen();
    let [first, Seen::Failed(error)] = &seen[..] else {
        panic!("a message and then the limit: {seen:?}");
    };
    assert_eq!(*first, Seen::text("12345678"));
    assert_eq!(error.cause, Cause::Limit(Limit::Message));
}
