//! Conversations recorded byte by byte, most of them from the RFC, and cut at every point.

use testkit::{
    Frame, config,
    ends::{End, Seen, env},
};
use wsproto::{
    Agreed, ClientRequest, ClosedBy, Config, Connection, Delivery, Entropy, Env, Kind, Role,
};

/// RFC 6455 1.3: what the client of the example sends.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// RFC 6455 1.3: what the server answers, without the subprotocol.
const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// RFC 6455 5.7: "Hello" in one masked text frame.
const MASKED_HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
/// RFC 6455 5.7: "Hello" in one text frame.
const HELLO: &[u8] = b"\x81\x05\x48\x65\x6c\x6c\x6f";
/// RFC 6455 5.7: "Hello" in two frames.
const HEL_LO: &[u8] = b"\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f";
/// RFC 6455 5.7: a ping that says "Hello".
const PING: &[u8] = b"\x89\x05\x48\x65\x6c\x6c\x6f";
/// RFC 6455 5.7: the masked pong that answers it.
const MASKED_PONG: &[u8] = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

/// The nonce behind the key of RFC 6455 1.3, over and over.
struct SampleNonce;

impl Entropy for SampleNonce {
    fn fill(&mut self, buf: &mut [u8]) {
        for (byte, sample) in buf.iter_mut().zip(b"the sample nonce".iter().cycle()) {
            *byte = *sample;
        }
    }
}

/// An end, the bytes that it reads, and the expected events and output.
struct Conversation {
    end: fn() -> End,
    input: Vec<u8>,
    seen: Vec<Seen>,
    /// Code, reason, whether it was clean, by whom.
    closed: (u16, &'static str, bool, ClosedBy),
    output: Vec<u8>,
}

impl Conversation {
    /// Reads the input in pieces, the end of the stream behind it, and compares.
    #[track_caller]
    fn play<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>, early_eof: bool) {
        let mut end = (self.end)();
        let mut pieces = pieces.into_iter().peekable();
        while let Some(piece) = pieces.next() {
            // In one segment with the last bytes came the FIN, and the driver noticed it first.
            if early_eof && pieces.peek().is_none() {
                end.connection.handle_eof(&mut end.env);
            }
            end.read(piece);
        }
        end.eof();
        let Some((last, seen)) = end.seen.split_last() else {
            panic!("nothing was reported")
        };
        assert_eq!(testkit::ends::joined(seen), self.seen);
        let closed = last.closed().expect("the end was reported");
        let outcome = (closed.code.get(), &*closed.reason, closed.clean, closed.by);
        assert_eq!(outcome, self.closed);
        let output = end.drain();
        assert!(output == self.output, "{}", output.escape_ascii());
    }

    /// Uncut, and byte by byte.
    #[track_caller]
    fn play_whole_and_in_bytes(&self) {
        for early_eof in [false, true] {
            self.play([&self.input[..]], early_eof);
            self.play(self.input.chunks(1), early_eof);
        }
    }

    /// Cut once, at each of these points.
    #[track_caller]
    fn play_cut_at(&self, cuts: impl IntoIterator<Item = usize>) {
        for cut in cuts {
            for early_eof in [false, true] {
                let (start, rest) = self.input.split_at(cut);
                self.play([start, rest], early_eof);
            }
        }
    }

    /// Cut twice, everywhere.
    #[track_caller]
    fn play_cut_twice(&self) {
        for second in 0..=self.input.len() {
            let (start, end) = self.input.split_at(second);
            for first in 0..=second {
                let (start, middle) = start.split_at(first);
                self.play([start, middle, end], true);
            }
        }
    }

    #[track_caller]
    fn play_in_every_way(&self) {
        self.play_whole_and_in_bytes();
        self.play_cut_at(0..=self.input.len());
        self.play_cut_twice();
    }
}

fn defaults(_: &mut Config) {}

fn chunks(config: &mut Config) {
    config.delivery = Delivery::Chunks;
}

fn server() -> End {
    End::upgraded(Role::Server, config(defaults))
}

fn client() -> End {
    upgraded_client(defaults)
}

fn upgraded_client(change: fn(&mut Config)) -> End {
    let mut env = Env::new(SampleNonce);
    let agreed = Agreed::default();
    let connection = Connection::upgraded(Role::Client, config(change), &agreed, &mut env);
    End::new(connection, env)
}

fn accepting() -> End {
    End::new(Connection::accepting(config(defaults), &mut env(0)), env(0))
}

/// A client that has sent the request of RFC 6455 1.3.
fn connecting() -> End {
    let mut env = Env::new(SampleNonce);
    let request = ClientRequest::new("server.example.com", "/chat");
    let connection = Connection::connecting(config(defaults), &request, &mut env);
    let mut end = End::new(connection.expect("the request is valid"), env);
    let request = end.drain();
    let key = b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert!(request.windows(key.len()).any(|bytes| bytes == key));
    end
}

const NO_CLOSE: (u16, &str, bool, ClosedBy) = (1006, "", false, ClosedBy::Transport);

#[test]
fn the_examples_of_the_rfc_as_a_client_reads_them() {
    Conversation {
        end: client,
        input: [HELLO, HEL_LO, PING].concat(),
        seen: vec![
            Seen::text("Hello"),
            Seen::text("Hello"),
            Seen::Ping(b"Hello".to_vec()),
        ],
        closed: NO_CLOSE,
        output: Frame::pong("Hello").masked(*b"the ").encode(),
    }
    .play_in_every_way();
}

#[test]
fn the_examples_of_the_rfc_as_a_client_reads_them_in_chunks() {
    let hello = Seen::Chunk {
        kind: Kind::Text,
        data: b"Hello".to_vec(),
        last: true,
    };
    Conversation {
        end: || upgraded_client(chunks),
        input: [HELLO, HEL_LO, PING].concat(),
        seen: vec![hello.clone(), hello, Seen::Ping(b"Hello".to_vec())],
        closed: NO_CLOSE,
        output: Frame::pong("Hello").masked(*b"the ").encode(),
    }
    .play_in_every_way();
}

#[test]
fn the_examples_of_the_rfc_as_a_server_reads_them() {
    Conversation {
        end: server,
        input: [MASKED_HELLO, MASKED_PONG].concat(),
        seen: vec![Seen::text("Hello"), Seen::Pong(b"Hello".to_vec())],
        closed: NO_CLOSE,
        output: Vec::new(),
    }
    .play_in_every_way();
}

#[test]
fn the_long_examples_of_the_rfc() {
    let medium: Vec<u8> = (0..=255).collect();
    let long: Vec<u8> = medium.repeat(256);
    let input = [
        &b"\x82\x7e\x01\x00"[..],
        &medium,
        b"\x82\x7f\0\0\0\0\0\x01\0\0",
        &long,
    ]
    .concat();
    let len = input.len();
    let conversation = Conversation {
        end: || client().with_buffer(1 << 17),
        input,
        seen: vec![Seen::binary(&medium), Seen::binary(&long)],
        closed: NO_CLOSE,
        output: Vec::new(),
    };
    conversation.play_whole_and_in_bytes();
    // Every point of the first message and of the second's header, then some of the payload.
    conversation.play_cut_at(0..300);
    conversation.play_cut_at((300..len).step_by(4093));
    conversation.play_cut_at(len - 3..=len);
}

#[test]
fn a_server_from_the_handshake_of_the_rfc_to_the_close() {
    let close = Frame::close(1000, "bye").sent_by(Role::Client).encode();
    let conversation = Conversation {
        end: accepting,
        // All at once: the client does not wait for the answer.
        input: [REQUEST, MASKED_HELLO, MASKED_PONG, &close].concat(),
        seen: vec![
            Seen::Request {
                method: "GET".to_owned(),
                target: "/chat".to_owned(),
            },
            Seen::text("Hello"),
            Seen::Pong(b"Hello".to_vec()),
        ],
        closed: (1000, "bye", true, ClosedBy::Peer),
        output: [RESPONSE, &Frame::close(1000, "").encode()].concat(),
    };
    conversation.play_whole_and_in_bytes();
    conversation.play_cut_at(0..=conversation.input.len());
}

#[test]
fn a_client_whose_server_answers_sends_closes_and_ends_in_one_segment() {
    let close = Frame::close(1001, "").encode();
    let conversation = Conversation {
        end: connecting,
        input: [RESPONSE, HELLO, HEL_LO, PING, &close].concat(),
        seen: vec![
            Seen::Open {
                status: 101,
                subprotocol: None,
            },
            Seen::text("Hello"),
            Seen::text("Hello"),
            Seen::Ping(b"Hello".to_vec()),
        ],
        closed: (1001, "", true, ClosedBy::Peer),
        output: [
            // The key of the handshake took the first sixteen bytes of randomness.
            Frame::pong("Hello").masked(*b"the ").encode(),
            Frame::close(1001, "").masked(*b"samp").encode(),
        ]
        .concat(),
    };
    conversation.play_whole_and_in_bytes();
    conversation.play_cut_at(0..=conversation.input.len());
}

#[test]
fn data_close_and_the_end_of_the_stream_in_one_segment_lose_nothing() {
    let close = Frame::close(4321, "é").sent_by(Role::Client).encode();
    Conversation {
        end: server,
        input: [MASKED_HELLO, &close].concat(),
        seen: vec![Seen::text("Hello")],
        closed: (4321, "é", true, ClosedBy::Peer),
        output: Frame::close(4321, "").encode(),
    }
    .play_in_every_way();
}

#[test]
fn what_comes_behind_a_close_is_not_looked_at() {
    let close = Frame::close(1000, "").encode();
    Conversation {
        end: client,
        input: [HELLO, &close, b"\xff\xff\xff", HELLO].concat(),
        seen: vec![Seen::text("Hello")],
        closed: (1000, "", true, ClosedBy::Peer),
        output: Frame::close(1000, "").masked(*b"the ").encode(),
    }
    .play_in_every_way();
}

#[test]
fn messages_before_a_violation_arrive() {
    Conversation {
        end: client,
        input: [HELLO, b"\x81\x03\xe2\x28\xa1", HELLO].concat(),
        seen: vec![Seen::text("Hello")],
        closed: (1007, "a text message is not UTF-8", false, ClosedBy::Error),
        output: Frame::close(1007, "a text message is not UTF-8")
            .masked(*b"the ")
            .encode(),
    }
    .play_in_every_way();
}

#[test]
fn a_stream_that_ends_within_a_frame_was_not_closed() {
    for len in 1..MASKED_HELLO.len() {
        Conversation {
            end: server,
            input: [MASKED_HELLO, &MASKED_HELLO[..len]].concat(),
            seen: vec![Seen::text("Hello")],
            closed: NO_CLOSE,
            output: Vec::new(),
        }
        .play_in_every_way();
    }
}
