//! tokio-websockets, polled once. It detects the widest vector instructions at run time; masking keys
//! come from fastrand; up to 64 KiB of frames are queued before one vectored write. Messages sent are
//! shared payloads (a client copies them to mask them).

use std::hint::black_box;

use bench::{
    in_memory::{Role, Source, Subject},
    payload::Case,
};
use futures_util::{SinkExt, StreamExt};
use tokio_websockets::{ClientBuilder, Config, Message, ServerBuilder, WebSocketStream};

use peers::memory::{Memory, now};

fn open(role: Role, memory: Memory) -> WebSocketStream<Memory> {
    let config = Config::default().flush_threshold(64 << 10);
    match role {
        Role::Client => ClientBuilder::new().config(config).take_over(memory),
        Role::Server => ServerBuilder::new().config(config).serve(memory),
    }
}

pub struct Receive {
    socket: WebSocketStream<Memory>,
    messages: usize,
}

impl Receive {
    pub fn new(role: Role, source: Source) -> Self {
        let messages = source.messages;
        Self {
            socket: open(role, Memory::reading(source)),
            messages,
        }
    }
}

impl Subject for Receive {
    fn turn(&mut self) -> usize {
        let Self { socket, messages } = self;
        now(async {
            let mut bytes = 0;
            for _ in 0..*messages {
                let message = socket.next().await.expect("no end");
                let message = message.expect("the frames are legal");
                bytes += black_box(message.as_payload()).len();
            }
            bytes
        })
    }
}

pub struct Send {
    socket: WebSocketStream<Memory>,
    message: Message,
    messages: usize,
}

impl Send {
    pub fn new(role: Role, case: Case, messages: usize) -> Self {
        let payload = case.payload();
        let message = if case.content.is_text() {
            Message::text(String::from_utf8(payload).expect("text"))
        } else {
            Message::binary(payload)
        };
        Self {
            socket: open(role, Memory::writing()),
            message,
            messages,
        }
    }
}

impl Subject for Send {
    fn turn(&mut self) -> usize {
        let Self {
            socket,
            message,
            messages,
        } = self;
        now(async {
            for _ in 0..*messages {
                let message = black_box(&*message).clone();
                socket.feed(message).await.expect("everything is taken");
            }
            socket.flush().await.expect("everything is taken");
        });
        self.socket.get_ref().written.replace(0)
    }
}
