//! From a URL to a connection: resolving, trying addresses, the request, redirects, and giving up.

use std::{error::Error, io, net::TcpListener, sync::Mutex};

use futures_channel::mpsc;
use futures_util::StreamExt;

use super::support::{Running, echo, run, serve, spawn};
use crate::{
    driver::{
        Accept, Connect, ConnectError, HandshakeError, Message, Reject, RequestHead, Server,
        Upgrade, connect,
    },
    runtime::resolve,
};

/// A server that accepts everybody and tells what they asked for.
async fn listen_in() -> (Running, mpsc::UnboundedReceiver<RequestHead>) {
    let (tell, told) = mpsc::unbounded();
    let server = serve(move |upgrade: Upgrade| {
        let _ = tell.unbounded_send(upgrade.head());
        echo(upgrade)
    })
    .await;
    (server, told)
}

/// A server that sends everybody to the next of these places, with status and `Location`.
async fn redirect(places: Vec<(u16, String)>) -> Running {
    let places = Mutex::new(places.into_iter());
    serve(move |upgrade| {
        let place = places.lock().expect("nobody panics").next();
        async move {
            let Some((status, location)) = place else {
                return echo(upgrade).await;
            };
            let headers = [("Location", location.as_str())];
            let _ = upgrade.reject(&Reject::new(status).headers(&headers)).await;
        }
    })
    .await
}

#[test]
fn a_url_is_all_that_it_takes() {
    run(async {
        let server = serve(echo).await;
        for url in [
            server.url("/"),
            server.url(""),
            server.url("/a/path?and=query"),
            format!("http://{}/", server.address),
        ] {
            let mut socket = connect(&url).await.expect("a connection");
            socket.send("hello").await.expect("it is open");
            assert_eq!(socket.recv().await, Ok(Some(Message::from("hello"))));
        }
    });
}

/// Whichever family a name's server listens on, and whichever comes first.
#[test]
fn all_addresses_of_a_name_are_tried() {
    run(async {
        for ip in ["127.0.0.1:0", "[::1]:0"] {
            let server = match Server::bind(ip).await {
                Ok(server) => server,
                Err(error) => {
                    println!("not tested, because this machine has no {ip}: {error}");
                    continue;
                }
            };
            let address = server.local_addr().expect("it is bound");
            spawn(server.serve(echo));
            let hosts = ["localhost".to_owned(), address.to_string()];
            for url in [
                format!("ws://{}:{}/", hosts[0], address.port()),
                format!("ws://{}/", hosts[1]),
            ] {
                let resolves = resolve("localhost", address.port())
                    .await
                    .is_ok_and(|all| all.contains(&address));
                if url.contains("localhost") && !resolves {
                    println!("not tested, because localhost is not {address} here");
                    continue;
                }
                let mut socket = connect(&url).await.expect(&url);
                socket.send("hello").await.expect("it is open");
                assert_eq!(socket.recv().await, Ok(Some(Message::from("hello"))));
            }
        }
    });
}

#[test]
fn a_refused_port_is_named() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let error = connect(&format!("ws://{address}/"))
            .await
            .expect_err("nobody listens");
        let text = error.to_string();
        assert!(text.contains(&address.to_string()), "{text}");
        assert!(text.to_lowercase().contains("refused"), "{text}");
        let ConnectError::Dial(error) = error else {
            panic!("{error}");
        };
        assert_eq!(
            io::Error::from(error).kind(),
            io::ErrorKind::ConnectionRefused
        );
    });
}

#[test]
fn a_name_that_does_not_exist_is_an_error_of_resolving() {
    run(async {
        // RFC 6761 6.4: never resolved.
        let error = connect("ws://nobody.invalid/").await.expect_err("no such");
        assert!(matches!(error, ConnectError::Resolve(_)), "{error}");
        assert!(error.source().is_some());
    });
}

#[test]
fn tls_is_refused_in_plain_words_and_not_tried_in_plain_text() {
    run(async {
        let (server, mut told) = listen_in().await;
        let error = connect(&format!("wss://{}/", server.address))
            .await
            .expect_err("no TLS");
        assert!(matches!(error, ConnectError::TlsUnsupported), "{error}");
        assert!(error.to_string().contains("TLS"), "{error}");
        assert!(told.try_recv().is_err());
    });
}

#[test]
fn what_is_no_websocket_url_is_refused() {
    run(async {
        for url in ["", "localhost", "ftp://localhost/", "ws://", "ws://h/#part"] {
            let error = connect(url).await.expect_err(url);
            assert!(matches!(error, ConnectError::Url(_)), "{url}: {error}");
        }
    });
}

#[test]
fn redirects_are_followed_only_on_request() {
    run(async {
        let end = serve(echo).await;
        for status in [301, 302, 303, 307, 308] {
            let way = redirect(vec![(status, "/on".into()), (status, end.url("/end"))]).await;
            let error = connect(&way.url("/")).await.expect_err("not followed");
            let ConnectError::Handshake(HandshakeError::Refused(response)) = error else {
                panic!("{error}");
            };
            assert_eq!(response.view().status(), status);

            let way = redirect(vec![(status, "/on".into()), (status, end.url("/end"))]).await;
            let (mut socket, _) = Connect::new(way.url("/"))
                .redirects(2)
                .connect()
                .await
                .expect("followed");
            socket.send("hello").await.expect("it is open");
            assert_eq!(socket.recv().await, Ok(Some(Message::from("hello"))));
        }
    });
}

#[test]
fn redirects_end() {
    run(async {
        let hops = (0..9).map(|n| (302, format!("/{n}"))).collect();
        let way = redirect(hops).await;
        let error = Connect::new(way.url("/"))
            .redirects(3)
            .connect()
            .await
            .expect_err("too many");
        assert!(matches!(error, ConnectError::Redirect(_)), "{error}");

        let circle = redirect(vec![(302, "/a".into()), (302, "/".into())]).await;
        let error = Connect::new(circle.url("/"))
            .redirects(9)
            .connect()
            .await
            .expect_err("a circle");
        assert!(matches!(error, ConnectError::Redirect(_)), "{error}");
    });
}

#[test]
fn another_server_does_not_get_what_was_meant_for_the_first() {
    run(async {
        let secrets = |url: String| {
            Connect::new(url)
                .header("Cookie", "session=1")
                .header("Authorization", "Bearer 2")
                .header("Host", "virtual.example")
                .header("X-Tag", "anybody")
                .redirects(1)
        };
        let (end, mut told) = listen_in().await;
        let way = redirect(vec![(302, end.url("/end"))]).await;
        secrets(way.url("/")).connect().await.expect("followed");
        let head = told.next().await.expect("a request");
        let request = head.view();
        assert_eq!(request.header("Cookie"), None);
        assert_eq!(request.header("Authorization"), None);
        assert_eq!(request.host(), Some(&*end.address));
        assert_eq!(request.header_str("X-Tag"), Some("anybody"));

        // The same server does.
        let (tell, mut told) = mpsc::unbounded();
        let server = serve(move |upgrade: Upgrade| {
            let tell = tell.clone();
            async move {
                if upgrade.request().path() == "/end" {
                    let _ = tell.unbounded_send(upgrade.head());
                    return echo(upgrade).await;
                }
                let on = Reject::new(302).headers(&[("Location", "/end")]);
                let _ = upgrade.reject(&on).await;
            }
        })
        .await;
        secrets(server.url("/")).connect().await.expect("followed");
        let head = told.next().await.expect("a request");
        assert_eq!(head.view().header_str("Cookie"), Some("session=1"));
        assert_eq!(head.view().header_str("Authorization"), Some("Bearer 2"));
        assert_eq!(head.view().host(), Some("virtual.example"));
    });
}

#[test]
fn user_and_password_of_the_url_are_basic_credentials() {
    run(async {
        let (server, mut told) = listen_in().await;
        connect(&format!("ws://Aladdin:open%20sesame@{}/", server.address))
            .await
            .expect("a connection");
        let head = told.next().await.expect("a request");
        // RFC 7617 section 2.
        assert_eq!(
            head.view().header_str("Authorization"),
            Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        );
        assert_eq!(head.view().host(), Some(&*server.address));
    });
}

#[test]
fn headers_of_mine_come_on_top_of_those_that_it_needs() {
    run(async {
        let (server, mut told) = listen_in().await;
        Connect::new(server.url("/"))
            .header("Cookie", "a=1")
            .header("Host", "virtual.example:81")
            .connect()
            .await
            .expect("a connection");
        let head = told.next().await.expect("a request");
        let request = head.view();
        assert_eq!(request.header_str("Cookie"), Some("a=1"));
        let hosts: Vec<_> = request.headers_named("Host").collect();
        assert_eq!(hosts, [b"virtual.example:81"]);
        assert_eq!(request.header_str("Sec-WebSocket-Version"), Some("13"));
    });
}

#[test]
fn a_header_that_would_break_the_request_is_refused() {
    run(async {
        let (server, mut told) = listen_in().await;
        for (name, value) in [
            ("X-Tag", "a\r\nX-Evil: b"),
            ("X-Tag", "a\0b"),
            ("Sec-WebSocket-Key", "mine"),
        ] {
            let error = Connect::new(server.url("/"))
                .header(name, value)
                .connect()
                .await
                .expect_err(name);
            assert!(
                matches!(error, ConnectError::Handshake(HandshakeError::Misuse(_))),
                "{error}"
            );
        }
        assert!(told.try_recv().is_err());
    });
}

#[test]
fn what_is_logged_of_an_attempt_shows_no_secret() {
    let attempt = Connect::new("ws://user:open-sesame@localhost/path")
        .header("Cookie", "session=12345")
        .subprotocol("chat.v1");
    let text = format!("{attempt:?}");
    assert!(!text.contains("sesame"), "{text}");
    assert!(!text.contains("12345"), "{text}");
    assert!(text.contains("localhost/path"), "{text}");
    assert!(text.contains("chat.v1"), "{text}");
}

#[test]
fn the_answer_comes_with_the_connection() {
    run(async {
        let server = serve(|upgrade: Upgrade| async move {
            let accept = Accept::new().headers(&[("Set-Cookie", "seen=1")]);
            let _socket = upgrade.accept(&accept).await;
        })
        .await;
        let (_, response) = Connect::new(server.url("/")).connect().await.expect("open");
        assert_eq!(response.view().header_str("Set-Cookie"), Some("seen=1"));
        assert_eq!(response.view().subprotocol(), None);
    });
}
