//! Events that were announced, and are set aside before they are taken.

use testkit::{
    Frame, Opcode, config,
    ends::{Answer, BOTH, End, Seen, open, sent_to},
};
use wsproto::{Config, Delivery, Input, Role};

/// Reads `bytes` and takes no event.
fn read(end: &mut End, bytes: &[u8]) {
    end.input.spare()[..bytes.len()].copy_from_slice(bytes);
    end.input.filled(bytes.len());
}

/// Announces the next event, sets it aside, and takes it out of another input.
fn next_through_aside(end: &mut End) -> Option<Seen> {
    let End {
        connection,
        env,
        input,
        ..
    } = end;
    if !connection.has_event(env, input).expect("no failure") {
        return None;
    }
    connection.set_aside(env, input);
    assert!(input.is_empty(), "it may serve another connection");
    assert!(connection.wants().event, "the event waits");
    let mut other = Input::new(vec![0; 100]);
    let event = connection.next_event(env, &mut other).expect("no failure");
    let seen = event.as_ref().map(Seen::from);
    connection.set_aside(env, &mut other);
    seen
}

fn all_through_aside(end: &mut End) -> Vec<Seen> {
    std::iter::from_fn(|| next_through_aside(end)).collect()
}

#[test]
fn an_announced_event_that_is_set_aside_is_not_lost_and_keeps_its_place() {
    for role in BOTH {
        let mut end = open(role, |_| {});
        let frames = [
            Frame::text("text"),
            Frame::text(""),
            Frame::new(Opcode::Ping, b"ping"),
            Frame::text("in ").unfinished(),
            Frame::new(Opcode::Pong, b""),
            Frame::continuation("parts"),
            Frame::new(Opcode::Binary, b"binary"),
            Frame::new(Opcode::Close, b"\x03\xe8bye"),
        ];
        read(&mut end, &sent_to(role, &frames));
        let seen = all_through_aside(&mut end);
        assert_eq!(
            seen[..7],
            [
                Seen::text("text"),
                Seen::text(""),
                Seen::Ping(b"ping".to_vec()),
                Seen::Pong(Vec::new()),
                Seen::text("in parts"),
                Seen::binary(b"binary"),
                seen[6].clone(),
            ]
        );
        let closed = seen[6].closed().expect("the peer's Close");
        assert_eq!((&*closed.reason, seen.len()), ("bye", 7));
    }
}

#[test]
fn unchecked_text_and_chunks_that_are_set_aside_stay_what_they_are() {
    for role in BOTH {
        let unchecked = |config: &mut Config| config.check_utf8 = false;
        let mut end = open(role, unchecked);
        read(
            &mut end,
            &sent_to(role, &[Frame::new(Opcode::Text, b"\xff")]),
        );
        assert_eq!(
            all_through_aside(&mut end),
            [Seen::Binary(wsproto::Kind::Text, b"\xff".to_vec())]
        );
        let mut end = open(role, |config| config.delivery = Delivery::Chunks);
        read(
            &mut end,
            &sent_to(role, &[Frame::text("chunk"), Frame::text("")]),
        );
        let chunk = |data: &[u8]| Seen::Chunk {
            kind: wsproto::Kind::Text,
            data: data.to_vec(),
            last: true,
        };
        assert_eq!(all_through_aside(&mut end), [chunk(b"chunk"), chunk(b"")]);
    }
}

#[test]
fn a_request_that_is_set_aside_is_shown_and_can_be_answered() {
    let mut server = End::accepting(config(|_| {})).with_answer(Answer::Later);
    let mut client = End::connecting(config(|_| {}));
    read(&mut server, &client.drain());
    let seen = all_through_aside(&mut server);
    assert!(matches!(&seen[..], [Seen::Request { method, .. }] if method == "GET"));
    let End {
        connection, env, ..
    } = &mut server;
    assert_eq!(connection.accept(env, &Default::default()), Ok(()));
    read(&mut client, &server.drain());
    assert!(matches!(
        all_through_aside(&mut client)[..],
        [Seen::Open { status: 101, .. }]
    ));
    assert_eq!(server.connection.role(), Role::Server);
}
