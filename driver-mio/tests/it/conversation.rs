//! Servers and clients on the same loops, and each against a peer without a library.

use std::io::{Read, Write};

use driver_mio::{CloseCode, Closed, ClosedBy, Connect, Kind, Message, Server};
use testkit::{
    blocking::{ask, connect, frame, open, read_frame},
    config,
    handshake::REQUEST,
};

use crate::handlers::{Echo, News, Recorder, next, opened, serve, serve_as};

#[test]
fn a_client_and_a_server_talk_and_part() {
    let (_server, address) = serve(Echo);
    let (recorder, news) = Recorder::new();
    let client = Server::new().loops(1).start(recorder).unwrap();
    let connect = Connect::new(format!("ws://{address}")).subprotocol("unknown");
    client.connect_with(&connect, 7).unwrap();
    assert!(matches!(next(&news), News::Response(None)));
    let News::Opened(7, handle) = next(&news) else {
        panic!("it opens with its state");
    };
    for message in [
        Message::from("hello"),
        Message::from(vec![0xff; 100_000]),
        Message::from(""),
    ] {
        handle.send(message.clone()).unwrap();
        let echo = loop {
            match next(&news) {
                News::Message(echo) => break echo,
                // The long one fills the queue.
                News::Drained => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(echo == message);
    }
    handle.close(CloseCode::NORMAL, "done").unwrap();
    let News::Closed(closed, None) = next(&news) else {
        panic!("no end");
    };
    assert_eq!((closed.code, closed.clean), (CloseCode::NORMAL, true));
    assert_eq!(closed.by, ClosedBy::Application);
}

#[test]
fn frames_of_one_read_leave_in_order_behind_the_answer() {
    let (_server, address) = serve(Echo);
    let mut stream = connect(address);
    let mut bytes = REQUEST.as_bytes().to_vec();
    for n in 0..1000_u32 {
        bytes.extend(frame(0x82, &n.to_be_bytes()));
    }
    stream.write_all(&bytes).unwrap();
    let head = ask(&mut stream, "");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    for n in 0..1000_u32 {
        assert_eq!(read_frame(&mut stream), (0x82, n.to_be_bytes().to_vec()));
    }
}

#[test]
fn data_a_close_and_the_end_in_one_segment_are_all_seen() {
    let (recorder, news) = Recorder::new();
    let (_server, address) = serve(recorder);
    let mut stream = open(address);
    let handle = opened(&news);
    let mut bytes = frame(0x81, b"last");
    bytes.extend(frame(0x88, b"\x0f\xa0bye"));
    stream.write_all(&bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(matches!(next(&news), News::Message(Message::Text(text)) if text == "last"));
    let News::Closed(closed, None) = next(&news) else {
        panic!("no end");
    };
    assert_eq!((closed.code.get(), &*closed.reason), (4000, "bye"));
    assert_eq!(closed.by, ClosedBy::Peer);
    assert_eq!(read_frame(&mut stream), (0x88, b"\x0f\xa0".to_vec()));
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "the server ends first");
    assert!(handle.is_closed());
}

#[test]
fn a_message_larger_than_every_buffer_comes_back_whole() {
    let (_server, address) = serve(Echo);
    let stream = open(address);
    let payload: Vec<u8> = (0..5_000_000_u32).map(|n| (n / 3) as u8).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| (&stream).write_all(&frame(0x82, &payload)).unwrap());
        let (first, echo) = read_frame(&mut &stream);
        assert_eq!(first, 0x82);
        assert!(echo == payload);
    });
}

#[test]
fn a_peer_that_does_not_read_is_not_read_either() {
    let (server, address) = serve(Echo);
    let stream = open(address);
    stream.set_nonblocking(true).unwrap();
    let frame = frame(0x82, &[7; 10_000]);
    // Until both directions are full. An echo server that went on reading would take everything.
    let mut sent = 0;
    let mut full = 0;
    while full < 100 {
        match (&stream).write(&frame[sent % frame.len()..]) {
            Ok(n) => {
                sent += n;
                full = 0;
            }
            Err(_) => {
                full += 1;
                std::thread::yield_now();
            }
        }
        assert!(sent < 1 << 30);
    }
    stream.set_nonblocking(false).unwrap();
    for _ in 0..sent / frame.len() {
        assert_eq!(read_frame(&mut &stream).1.len(), 10_000);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn chunks_pings_and_pongs_are_told() {
    let (recorder, news) = Recorder::new();
    let chunks = config(|config| config.delivery = driver_mio::Delivery::Chunks);
    let (_server, address) = serve_as(|server| server.config(chunks), recorder);
    let mut stream = open(address);
    let handle = opened(&news);
    for bytes in [frame(0x89, b"a"), frame(0x8a, b"b"), frame(0x82, b"c")] {
        stream.write_all(&bytes).unwrap();
    }
    assert!(matches!(next(&news), News::Ping(payload) if payload == b"a"));
    assert!(matches!(next(&news), News::Pong(payload) if payload == b"b"));
    assert!(matches!(next(&news), News::Chunk(data, true) if data == b"c"));
    assert_eq!(read_frame(&mut stream), (0x8a, b"a".to_vec()));
    handle.ping(b"d").unwrap();
    assert_eq!(read_frame(&mut stream), (0x89, b"d".to_vec()));
}

#[test]
fn a_message_in_parts_leaves_in_frames() {
    let (recorder, news) = Recorder::new();
    let (_server, address) = serve(recorder);
    let mut stream = open(address);
    let handle = opened(&news);
    handle.start(Kind::Text).unwrap();
    handle.write("one").unwrap();
    handle.ping(b"between").unwrap();
    handle.finish("two").unwrap();
    let mut frames: Vec<_> = (0..3).map(|_| read_frame(&mut stream)).collect();
    // The ping overtakes what has not been sent.
    let ping = frames.iter().position(|(first, _)| *first == 0x89).unwrap();
    frames.remove(ping);
    assert_eq!(frames, [(0x01, b"one".to_vec()), (0x80, b"two".to_vec())]);
}

#[test]
fn loops_that_are_dropped_drop_their_connections() {
    let (recorder, news) = Recorder::new();
    let (server, address) = serve(recorder);
    let mut stream = open(address);
    let handle = opened(&news);
    drop(server);
    assert!(matches!(
        next(&news),
        News::Closed(Closed { clean: false, .. }, None)
    ));
    assert!(handle.send("late").is_err());
    let mut rest = Vec::new();
    // It may be reset, since nobody waits for the end.
    let _ = stream.read_to_end(&mut rest);
}
