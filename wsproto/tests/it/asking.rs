//! A client asks for a connection: it checks everything about the answer, shows a refusal, and loses
//! nothing of what comes behind it.

use testkit::{
    Frame, config,
    ends::{Answer, End, Pair, Seen},
};
use wsproto::{
    Accept, Cause, ClientRequest, CloseCode, ClosedBy, Connection, Event, Reject, ResponseError,
    SendError,
};

/// A client whose request has been sent, and the answer that a server would give.
fn asked(asking: ClientRequest<'_>, accept: Accept<'_>) -> (End, String) {
    let mut env = testkit::ends::env(2);
    let connection = Connection::connecting(config(|_| {}), &asking, &mut env);
    let mut client = End::new(connection.expect("the request is valid"), env);
    let mut server = End::accepting(config(|_| {})).with_answer(Answer::Later);
    server.read(&client.drain());
    assert_eq!(server.connection.accept(&mut server.env, &accept), Ok(()));
    let answer = String::from_utf8(server.drain()).expect("an answer in ASCII");
    (client, answer)
}

fn asked_plainly() -> (End, String) {
    asked(ClientRequest::new("localhost", "/"), Accept::new())
}

#[test]
fn bytes_that_come_with_the_response_reach_the_frame_parser() {
    for chunk in [1, 7, 4096] {
        let (mut client, answer) = asked_plainly();
        let bytes = [answer.into_bytes(), Frame::text("early").encode()].concat();
        bytes.chunks(chunk).for_each(|bytes| client.read(bytes));
        let expected = [
            Seen::Open {
                status: 101,
                subprotocol: None,
            },
            Seen::text("early"),
        ];
        assert_eq!(client.take_seen(), expected);
    }
}

#[test]
fn adding_a_header_never_breaks_the_request() {
    let headers = [
        ("X-Mine", "1"),
        ("Cookie", "a=b"),
        ("Host", "other.example.com"),
    ];
    let asking = ClientRequest::new("localhost", "/").headers(&headers);
    let (mut client, answer) = asked(asking, Accept::new());
    client.read(answer.as_bytes());
    assert!(client.connection.is_open());
}

#[test]
fn a_request_that_cannot_be_written_is_no_connection() {
    let mut env = testkit::ends::env(1);
    let injected = [("X", "a\r\nInjected: b")];
    let reserved = [("Sec-WebSocket-Key", "mine")];
    for asking in [
        ClientRequest::new("localhost", "/#fragment"),
        ClientRequest::new("localhost", "/a b"),
        ClientRequest::new("local\r\nhost", "/"),
        ClientRequest::new("localhost", "/").headers(&injected),
        ClientRequest::new("localhost", "/").headers(&reserved),
        ClientRequest::new("localhost", "/").subprotocols(&["a\r\nb"]),
        ClientRequest::new("localhost", "/").subprotocols(&["a, b"]),
    ] {
        let made = Connection::connecting(config(|_| {}), &asking, &mut env);
        assert!(matches!(made, Err(SendError::Handshake(_))), "{asking:?}");
    }
}

#[test]
fn a_client_checks_everything_about_the_answer() {
    use ResponseError::*;
    let asking = ClientRequest::new("localhost", "/").subprotocols(&["chat", "superchat"]);
    let long = format!("Accept: {}", "A".repeat(10_000));
    for (from, to, error) in [
        ("HTTP/1.1 101", "HTTP/1.0 101", UnsupportedHttpVersion),
        ("HTTP/1.1 101", "HTTP/2.0 101", UnsupportedHttpVersion),
        ("HTTP/1.1 101", "SSH-2.0-x", Malformed),
        ("Upgrade: websocket\r\n", "", NoUpgrade),
        ("Upgrade: websocket", "Upgrade: h2c", NoUpgrade),
        (
            "Connection: Upgrade",
            "Connection: close",
            NoConnectionUpgrade,
        ),
        ("Sec-WebSocket-Accept", "X-Accept", MissingAccept),
        ("Accept: ", "Accept: x", WrongAccept),
        ("=\r\n", "=x\r\n", WrongAccept),
        ("Accept: ", &long, WrongAccept),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Accept: x\r\n\r\n",
            RepeatedAccept,
        ),
        ("Protocol: chat", "Protocol: Chat", SubprotocolNotAsked),
        ("Protocol: chat", "Protocol: other", SubprotocolNotAsked),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
            RepeatedSubprotocol,
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            ExtensionNotOffered,
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions: a;;\r\n\r\n",
            MalformedExtensions,
        ),
    ] {
        let (mut client, answer) = asked(asking, Accept::new().subprotocol("chat"));
        let changed = answer.replacen(from, to, 1);
        assert_ne!(changed, answer);
        client.read(changed.as_bytes());
        client.read(&Frame::text("late").encode());
        let seen = client.take_seen();
        let [Seen::Failed(failed)] = &seen[..] else {
            panic!("{to:?} is refused: {seen:?}");
        };
        assert_eq!(failed.cause, Cause::Response(error), "{to:?}");
        assert_eq!(
            (failed.closed.code, failed.closed.clean),
            (CloseCode::ABNORMAL, false)
        );
        let wants = client.connection.wants();
        assert!(wants.shutdown && !wants.write, "{wants:?}");
    }
    let (mut client, answer) = asked(asking, Accept::new().subprotocol("chat"));
    client.read(answer.as_bytes());
    let expected = Seen::Open {
        status: 101,
        subprotocol: Some("chat".to_owned()),
    };
    assert_eq!(client.take_seen(), [expected], "as it was meant");
}

#[test]
fn a_subprotocol_that_nobody_asked_for_is_refused() {
    let (mut client, answer) = asked_plainly();
    let answer = answer.replacen("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n", 1);
    client.read(answer.as_bytes());
    let [Seen::Failed(failed)] = &client.seen[..] else {
        panic!("it is refused");
    };
    assert_eq!(
        failed.cause,
        Cause::Response(ResponseError::SubprotocolNotAsked)
    );
}

#[test]
fn an_over_long_accept_is_an_error_and_no_panic() {
    for len in [0, 27, 29, 1000, 15_000, 1 << 20] {
        let (mut client, answer) = asked_plainly();
        let at = answer.find("Accept: ").expect("an accept") + 8;
        let answer = format!("{}{}{}", &answer[..at], "A".repeat(len), &answer[at + 28..]);
        client.read(answer.as_bytes());
        assert!(matches!(client.seen[..], [Seen::Failed(_)]), "{len} bytes");
    }
}

#[test]
fn interim_responses_are_passed_over_whatever_their_number() {
    for count in [1, 2, 50_000] {
        let (client, answer) = asked_plainly();
        let mut client = client.with_buffer(4 << 20);
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
        client.read((interim.repeat(count) + &answer).as_bytes());
        assert!(client.connection.is_open(), "behind {count}");
    }
}

#[test]
fn a_refusal_surfaces_status_headers_and_body() {
    let mut pair = Pair::connecting(config(|_| {}), config(|_| {}));
    pair.server.answer = Answer::Later;
    pair.settle();
    let (connection, env) = (&mut pair.server.connection, &mut pair.server.env);
    let headers = [("Location", "/elsewhere")];
    let reject = Reject::new(302).headers(&headers).body(b"go there");
    assert_eq!(connection.reject(env, &reject), Ok(()));
    let answer = pair.server.drain();
    let mut location = None;
    pair.client.read_with(&answer, |_, _, event| {
        if let Event::Refused(response) = event {
            location = response.header_str("location").map(str::to_owned);
        }
    });
    assert_eq!(location.as_deref(), Some("/elsewhere"));
    let seen = pair.client.take_seen();
    let refused = Seen::Refused {
        status: 302,
        body: b"go there".to_vec(),
    };
    let [first, Seen::Closed(closed)] = &seen[..] else {
        panic!("the refusal and then the end: {seen:?}");
    };
    assert_eq!(*first, refused);
    assert_eq!(
        (closed.code, closed.by),
        (CloseCode::ABNORMAL, ClosedBy::Peer)
    );
    assert!(pair.client.connection.wants().shutdown);
}

#[test]
fn a_refusals_body_is_shown_up_to_16_kib_however_it_is_framed() {
    let limit = 16 << 10;
    for (len, shown) in [
        (0, 0),
        (10, 10),
        (limit, limit),
        (limit + 1, limit),
        (1 << 20, limit),
    ] {
        let body = "b".repeat(len);
        for (framing, until_end) in [
            (format!("Content-Length: {len}\r\n\r\n{body}"), false),
            (
                format!("Transfer-Encoding: chunked\r\n\r\n{len:x}\r\n{body}\r\n0\r\n\r\n"),
                false,
            ),
            (format!("\r\n{body}"), true),
        ] {
            let (mut client, _) = asked_plainly();
            client.read(format!("HTTP/1.1 403 Forbidden\r\n{framing}").as_bytes());
            if until_end && len < limit {
                assert_eq!(client.seen, [], "the body may go on");
                client.eof();
            }
            let seen = client.take_seen();
            let [Seen::Refused { status: 403, body }, Seen::Closed(_)] = &seen[..] else {
                panic!("a refusal with {len} bytes: {seen:?}");
            };
            assert_eq!(body.len(), shown);
        }
    }
}

#[test]
fn a_refusals_body_that_breaks_off_is_shown_as_far_as_it_came() {
    let (mut client, _) = asked_plainly();
    client.read(b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nhalf");
    client.eof();
    let refused = Seen::Refused {
        status: 500,
        body: b"half".to_vec(),
    };
    assert_eq!(client.seen[0], refused);
    assert!(matches!(client.seen[1..], [Seen::Closed(_)]));
}
