//! yawc, polled once: level 1, windows of 15 bits, takeover in both directions, UTF-8 checks on (off by
//! default), frames queued for a batch and flushed together.

use std::{cell::Cell, hint::black_box, rc::Rc};

use bench::{
    in_memory::{Source, Subject, compressed::Then},
    json::Corpus,
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use peers::memory::{Memory, now};
use yawc::{CompressionLevel, Frame, OpCode, Options, Role, WebSocket};

fn open(memory: Memory) -> WebSocket<Memory> {
    let options = Options::default()
        .with_compression_level(CompressionLevel::fast())
        .with_utf8()
        .with_backpressure_boundary(64 << 10);
    let extensions = Some("permessage-deflate");
    WebSocket::from_stream_with_extensions(memory, Role::Server, extensions, options)
        .expect("compression is on")
}

/// Receives the whole corpus in each turn, as a server.
pub struct Receive {
    socket: WebSocket<Memory>,
    messages: usize,
    then: Then,
}

impl Receive {
    pub fn new(source: Source, then: Then) -> Self {
        Self {
            messages: source.messages,
            socket: open(Memory::reading(source)),
            then,
        }
    }
}

impl Subject for Receive {
    fn turn(&mut self) -> usize {
        let Self {
            socket,
            messages,
            then,
        } = self;
        now(async {
            let mut bytes = 0;
            for _ in 0..*messages {
                let frame = socket.next().await.expect("the frames are legal");
                assert_eq!(frame.opcode(), OpCode::Text);
                bytes += black_box(frame.payload()).len();
                if let Then::Echo(_) = then {
                    let payload = frame.into_payload();
                    let sent = socket.feed(Frame::text(payload)).await;
                    sent.expect("everything is taken");
                }
            }
            socket.flush().await.expect("everything is taken");
            bytes
        })
    }
}

/// Sends the whole corpus in each turn, as a server.
pub struct Send {
    batches: Vec<Vec<Bytes>>,
    socket: WebSocket<Memory>,
    written: Rc<Cell<usize>>,
}

impl Send {
    pub fn new(corpus: &Corpus) -> Self {
        let shared = |batch: &[String]| batch.iter().cloned().map(Bytes::from).collect();
        let memory = Memory::writing();
        Self {
            batches: corpus.batches().map(shared).collect(),
            written: memory.written.clone(),
            socket: open(memory),
        }
    }
}

impl Subject for Send {
    fn turn(&mut self) -> usize {
        let Self {
            batches, socket, ..
        } = self;
        now(async {
            let mut bytes = 0;
            for batch in batches {
                for message in batch {
                    let message = black_box(message).clone();
                    bytes += message.len();
                    let sent = socket.feed(Frame::text(message)).await;
                    sent.expect("everything is taken");
                }
                socket.flush().await.expect("everything is taken");
            }
            bytes
        })
    }

    fn compressed_to(&self) -> Option<usize> {
        Some(self.written.get())
    }
}
