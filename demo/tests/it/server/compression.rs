//! Compression as clients see it: when it is agreed to, what the figures tell about it, and the chat
//! that compresses once for everybody.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use driver_tokio::{Compression, Config, WebSocket};
use serde_json::{Value, json};

use super::{ask, open_by_hand, receive, start};
use crate::process::Demo;

over_every_driver! {
    compression_is_agreed_to_unless_somebody_declines,
    the_figures_tell_what_compression_leaves,
    a_line_is_compressed_for_those_who_compress,
}

/// Connects as a client that offers to compress; returns the answer to the offer, too.
async fn connect_compressing(demo: &Demo, path: &str) -> (WebSocket, Option<String>) {
    let mut config = Config::default();
    config.compression = Some(Compression::default());
    let connect = ask(demo, path).config(Arc::new(config));
    let (socket, head) = connect.connect().await.expect("a connection");
    let answer = head.view().header_str("Sec-WebSocket-Extensions");
    (socket, answer.map(str::to_owned))
}

async fn compression_is_agreed_to_unless_somebody_declines(driver: &str) {
    const CHAT: Option<&str> = Some(
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=10",
    );
    const ECHO: Option<&str> =
        Some("permessage-deflate; server_max_window_bits=12; client_max_window_bits=12");
    const STATS: Option<&str> = Some(
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_no_context_takeover",
    );
    for (flags, answers) in [
        (
            &[][..],
            [
                ("/chat", CHAT),
                ("/echo", ECHO),
                ("/stats", STATS),
                ("/chat?compression=off", None),
                ("/echo?compression=off", None),
                ("/stats?from=here&compression=off", None),
                ("/echo?compression=on&nocompression=off", ECHO),
            ],
        ),
        (
            &["--compression", "off"],
            [
                ("/chat", None),
                ("/echo", None),
                ("/stats", None),
                ("/chat?compression=on", None),
                ("/echo?compression=on", None),
                ("/stats?compression=on", None),
                ("/echo?compression=off", None),
            ],
        ),
    ] {
        let demo = start(driver, flags);
        for (path, expected) in answers {
            let (_socket, answer) = connect_compressing(&demo, path).await;
            assert_eq!(answer.as_deref(), expected, "{path} with {flags:?}");
        }
    }
}

/// Has 100 messages in JSON echoed, all at once: the answers to them queue up.
async fn chatter(socket: &mut WebSocket) {
    let messages = (0..100).map(|n| {
        let text = format!("This is line {n} of a talk that goes on for a while.");
        json!({ "type": "said", "name": "Ada", "text": text }).to_string()
    });
    for message in messages.clone() {
        socket.feed(message).await.expect("it is open");
    }
    for message in messages {
        assert_eq!(socket.recv().await, Ok(Some(message.into())));
    }
}

async fn the_figures_tell_what_compression_leaves(driver: &str) {
    let level = ["--compression-level", "9"];
    for (flags, compresses, range) in [
        (&[][..], true, Some(0.1..0.5)),
        (&level, true, Some(0.1..0.5)),
        // Clients that do not compress get a header with each message.
        (&[], false, Some(1.01..1.1)),
        (&["--compression", "off"], true, None),
    ] {
        let demo = start(driver, flags);
        // The reports themselves are compressed in the same way.
        let path = if compresses {
            "/stats"
        } else {
            "/stats?compression=off"
        };
        let (mut early, _) = connect_compressing(&demo, path).await;
        let first = receive(&mut early).await;
        assert_eq!(first.get("compression_ratio"), None, "nothing was sent yet");

        let (mut echo, _) = connect_compressing(&demo, &path.replace("stats", "echo")).await;
        chatter(&mut echo).await;
        let (mut late, _) = connect_compressing(&demo, path).await;
        let ratio = receive(&mut late).await.get("compression_ratio").cloned();
        match range {
            Some(range) => {
                let ratio = ratio.as_ref().and_then(Value::as_f64).expect("a number");
                assert!(range.contains(&ratio), "{ratio} with {flags:?}");
            }
            None => assert_eq!(ratio, None),
        }
    }
}

/// Reads a frame of at most 64 KiB; returns the first byte and the payload.
fn read_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut header = [0; 2];
    stream.read_exact(&mut header).expect("a frame");
    let len = match header[1] {
        126 => {
            let mut len = [0; 2];
            stream.read_exact(&mut len).expect("its length");
            u16::from_be_bytes(len)
        }
        len => len.into(),
    };
    let mut payload = vec![0; len.into()];
    stream.read_exact(&mut payload).expect("its payload");
    (header[0], payload)
}

async fn a_line_is_compressed_for_those_who_compress(driver: &str) {
    let demo = start(driver, &[]);
    let join = r#"{"type":"join","name":"By hand"}"#;
    let offers = ["", "Sec-WebSocket-Extensions: permessage-deflate\r\n"];
    let mut by_hand = offers.map(|offer| {
        let mut stream = open_by_hand(&demo, "/chat", offer);
        // Masked by zeros.
        stream
            .write_all(&[0x81, 0x80 | join.len() as u8, 0, 0, 0, 0])
            .expect("it reads");
        stream.write_all(join.as_bytes()).expect("it reads");
        let (_, welcome) = read_frame(&mut stream);
        assert!(!welcome.is_empty());
        stream
    });
    // The first hears the second.
    read_frame(&mut by_hand[0]);

    let (mut ada, _) = connect_compressing(&demo, "/chat").await;
    let join = json!({ "type": "join", "name": "Ada" }).to_string();
    ada.send(join).await.expect("it is open");
    assert_eq!(receive(&mut ada).await["you"], "Ada");
    let text = "Again and again. ".repeat(100);
    for n in 0..10 {
        let text = format!("{text}{n}");
        let say = json!({ "type": "say", "text": text }).to_string();
        ada.send(say).await.expect("it is open");
        assert_eq!(receive(&mut ada).await["text"], text);
    }
    let [plain, compressing] = &mut by_hand;
    for (stream, first_byte, lengths) in [(plain, 0x81, 1_700..1_800), (compressing, 0xc1, 50..200)]
    {
        // She came.
        read_frame(stream);
        for _ in 0..10 {
            let (first, said) = read_frame(stream);
            assert_eq!(first, first_byte);
            assert!(lengths.contains(&said.len()), "{} bytes", said.len());
        }
    }
}
