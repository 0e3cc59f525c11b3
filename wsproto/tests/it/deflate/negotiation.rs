//! permessage-deflate in the opening handshake (RFC 7692 7.1): the bytes of offers and answers, and answers that do not
//! fit the offer.
use std::sync::Arc;

use testkit::{
    config,
    ends::{
        Answer, End, Pair, Seen,
        deflate::{compressing, extensions, json, request, response},
        env,
    },
};
use wsproto::{Accept, Cause, Compression, Config, ResponseError};

/// A policy by its windows and takeovers: sending, then receiving.
fn policy(send: (u8, bool), receive: (u8, bool)) -> Arc<Config> {
    compressing(|_, compression| {
        (compression.send_window_bits, compression.send_takeover) = send;
        (
            compression.receive_window_bits,
            compression.receive_takeover,
        ) = receive;
    })
}

#[test]
fn a_client_offers_what_its_policy_says() {
    let offer = |config| extensions(&End::connecting(config).drain());
    assert_eq!(offer(config(|_| {})), None);
    for (config, expected) in [
        (
            policy((15, true), (15, true)),
            "permessage-deflate; client_max_window_bits",
        ),
        (
            policy((9, false), (10, false)),
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
             client_no_context_takeover; client_max_window_bits",
        ),
        // Windows that there are not count as the nearest one.
        (
            policy((15, true), (0, true)),
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits",
        ),
    ] {
        assert_eq!(offer(config).as_deref(), Some(expected));
    }
}

/// A server's answer to an offer.
fn answer(config: Arc<Config>, offered: &str, accept: &Accept<'_>) -> Option<String> {
    let mut server = End::accepting(config).with_answer(Answer::Later);
    server.read(&request(offered));
    assert_eq!(server.connection.accept(&mut server.env, accept), Ok(()));
    let answered = extensions(&server.drain());
    assert_eq!(server.connection.has_compression(), answered.is_some());
    answered
}

#[test]
fn a_server_answers_the_first_offer_that_it_can_take() {
    let any = policy((15, true), (15, true));
    let small = policy((10, true), (11, true));
    let frugal = policy((15, false), (15, false));
    for (config, offered, expected) in [
        (&any, "permessage-deflate", Some("permessage-deflate")),
        // The offer of browsers.
        (
            &any,
            "permessage-deflate; client_max_window_bits",
            Some("permessage-deflate; client_max_window_bits=12"),
        ),
        (
            &small,
            "permessage-deflate; client_max_window_bits",
            Some("permessage-deflate; server_max_window_bits=10; client_max_window_bits=11"),
        ),
        // A window that the client did not offer to limit is kept for no message.
        (
            &small,
            "permessage-deflate",
            Some("permessage-deflate; server_max_window_bits=10; client_no_context_takeover"),
        ),
        (
            &frugal,
            "permessage-deflate; client_max_window_bits",
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        // An accepted parameter is confirmed, even if it changes nothing.
        (
            &any,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
            Some("permessage-deflate; server_no_context_takeover; server_max_window_bits=15"),
        ),
        (
            &any,
            "permessage-deflate; server_max_window_bits=\"9\"; client_max_window_bits = 12",
            Some("permessage-deflate; server_max_window_bits=9; client_max_window_bits=12"),
        ),
        // Several offers on several lines.
        (
            &any,
            "x-other\r\nSec-WebSocket-Extensions: permessage-deflate; unknown, \
             permessage-deflate; server_max_window_bits=10",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (&any, "permessage-deflate; server_max_window_bits=7", None),
        (
            &any,
            "permessage-deflate; client_max_window_bits=8; client_max_window_bits=8",
            None,
        ),
        (&any, "x-other; a=b", None),
        (&config(|_| {}), "permessage-deflate", None),
    ] {
        let answered = answer(config.clone(), offered, &Accept::new());
        assert_eq!(answered.as_deref(), expected, "{offered}");
    }
}

#[test]
fn a_server_may_veto_compression_for_one_request() {
    let any = policy((15, true), (15, true));
    let accept = Accept::new().compression(false);
    assert_eq!(answer(any.clone(), "permessage-deflate", &accept), None);

    let mut server = End::accepting(any).with_answer(Answer::Later);
    server.read(&request("permessage-deflate"));
    server.connection.accept(&mut server.env, &accept).unwrap();
    server.drain();
    server
        .connection
        .send_text(&mut server.env, &json(500, 1))
        .unwrap();
    assert_eq!(server.drain_frames()[0].reserved, 0);
}

#[test]
fn the_configuration_that_comes_with_the_answer_decides() {
    let none = config(|_| {});
    let any = policy((15, true), (15, true));
    let small = policy((9, false), (10, true));
    let offered = "permessage-deflate; client_max_window_bits";
    let small_answer = "permessage-deflate; server_no_context_takeover; \
                        server_max_window_bits=9; client_max_window_bits=10";
    for (before, after, expected) in [
        (&any, &small, Some(small_answer)),
        (&none, &small, Some(small_answer)),
        (&any, &none, None),
    ] {
        let accept = Accept::new().config(after);
        assert_eq!(
            answer(before.clone(), offered, &accept).as_deref(),
            expected
        );
    }
}

/// A client's reaction to an answer under that policy.
fn client_gets(config: Arc<Config>, answered: &str) -> Vec<Seen> {
    let mut client = End::connecting(config);
    let head = response(&client.drain(), answered);
    client.read(&head);
    client.seen
}

#[test]
fn a_client_takes_every_answer_that_fits_its_offer() {
    let any = policy((15, true), (15, true));
    let small = policy((10, false), (11, false));
    for (config, answered) in [
        (&any, "permessage-deflate"),
        (&any, "permessage-deflate; server_no_context_takeover"),
        (&any, "permessage-deflate; client_no_context_takeover"),
        (&any, "permessage-deflate; server_max_window_bits=8"),
        (&any, "permessage-deflate; client_max_window_bits=\"9\""),
        (
            &any,
            "permessage-deflate;client_max_window_bits=15;server_max_window_bits=15",
        ),
        (
            &small,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
        ),
        (
            &small,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; \
             client_max_window_bits=11; client_no_context_takeover",
        ),
    ] {
        let seen = client_gets(config.clone(), answered);
        assert!(
            matches!(seen[..], [Seen::Open { .. }]),
            "{answered}: {seen:?}"
        );
    }
}

#[test]
fn a_client_fails_at_an_answer_that_does_not_fit_its_offer() {
    use ResponseError::{ExtensionNotOffered, IllegalCompression, MalformedExtensions};
    let any = policy((15, true), (15, true));
    let small = policy((10, false), (11, false));
    let none = config(|_| {});
    for (config, answered, expected) in [
        (&none, "permessage-deflate", ExtensionNotOffered),
        (&any, "x-other", ExtensionNotOffered),
        (
            &any,
            "permessage-deflate; client_max_window_bits",
            IllegalCompression,
        ),
        (
            &any,
            "permessage-deflate; server_max_window_bits",
            IllegalCompression,
        ),
        (
            &any,
            "permessage-deflate; server_max_window_bits=16",
            IllegalCompression,
        ),
        (
            &any,
            "permessage-deflate; server_max_window_bits=07",
            IllegalCompression,
        ),
        (
            &any,
            "permessage-deflate; server_no_context_takeover=1",
            IllegalCompression,
        ),
        (&any, "permessage-deflate; unknown", IllegalCompression),
        (
            &any,
            "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
            IllegalCompression,
        ),
        (
            &any,
            "permessage-deflate, permessage-deflate",
            IllegalCompression,
        ),
        (&any, "permessage-deflate; =", MalformedExtensions),
        // More than was offered, or less than was asked for.
        (
            &small,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=12",
            IllegalCompression,
        ),
        (
            &small,
            "permessage-deflate; server_no_context_takeover",
            IllegalCompression,
        ),
        (
            &small,
            "permessage-deflate; server_max_window_bits=11",
            IllegalCompression,
        ),
    ] {
        let seen = client_gets(config.clone(), answered);
        let [Seen::Failed(error)] = &seen[..] else {
            panic!("{answered}: {seen:?}");
        };
        assert_eq!(error.cause, Cause::Response(expected), "{answered}");
    }
}

#[test]
fn whatever_the_policies_both_ends_understand_each_other() {
    let policies: Vec<Compression> = [(15, true), (15, false), (8, true), (11, false)]
        .into_iter()
        .flat_map(|send| [(15, true), (9, true), (12, false)].map(|receive| policy(send, receive)))
        .filter_map(|config| config.compression)
        .collect();
    let text = json(3000, 1);
    for client in &policies {
        for server in &policies {
            let [client, server] = [*client, *server]
                .map(|policy| compressing(|_, compression| *compression = policy));
            let mut pair = Pair::opened_in((env(1), client), (env(2), server));
            for _ in 0..3 {
                for end in [&mut pair.client, &mut pair.server] {
                    end.connection.send_text(&mut end.env, &text).unwrap();
                }
                pair.settle();
            }
            let expected = [(); 3].map(|()| Seen::text(&text));
            assert_eq!(pair.client.seen, expected);
            assert_eq!(pair.server.seen, expected);
        }
    }
}

#[cfg(feature = "http")]
#[test]
fn what_an_http_library_negotiated_holds_for_the_messages() {
    use wsproto::{ClientRequest, ClientUpgrade, Connection, Role, ServerUpgrade};

    let config = policy((10, true), (15, true));
    let compression = config.compression.as_ref();
    let asking = ClientRequest::new("localhost", "/");
    let (request, client) = ClientUpgrade::new(&asking, [7; 16], compression).unwrap();
    let server = ServerUpgrade::new(&request).unwrap();
    let (response, ours) = server.accept(&Accept::new(), compression).unwrap();
    let theirs = client.check(&response).unwrap();
    let [mut server, mut client] =
        [(Role::Server, ours), (Role::Client, theirs)].map(|(role, agreed)| {
            let mut env = env(1);
            End::new(
                Connection::upgraded(role, config.clone(), &agreed, &mut env),
                env,
            )
        });
    let text = json(3000, 1);
    for _ in 0..3 {
        server.connection.send_text(&mut server.env, &text).unwrap();
        let bytes = server.drain();
        assert!(bytes.len() < text.len() / 2);
        client.read(&bytes);
        assert_eq!(client.take_seen(), [Seen::text(&text)]);
        client.connection.send_text(&mut client.env, &text).unwrap();
        server.read(&client.drain());
        assert_eq!(server.take_seen(), [Seen::text(&text)]);
    }
}
