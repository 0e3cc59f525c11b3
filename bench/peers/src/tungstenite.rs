//! tungstenite, blocking. It reads from its 128 KiB buffer and writes when flushed, which is the
//! default and the fastest configuration. Messages sent are shared payloads, which need no copy.

use std::hint::black_box;

use bench::{
    in_memory::{Role, Source, Subject},
    payload::Case,
};
use bytes::Bytes;
use tungstenite::{Message, Utf8Bytes, WebSocket, protocol};

use peers::memory::Memory;

const fn role(role: Role) -> protocol::Role {
    match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    }
}

pub struct Receive {
    socket: WebSocket<Memory>,
    messages: usize,
}

impl Receive {
    pub fn new(as_role: Role, source: Source) -> Self {
        let messages = source.messages;
        Self {
            socket: WebSocket::from_raw_socket(Memory::reading(source), role(as_role), None),
            messages,
        }
    }
}

impl Subject for Receive {
    fn turn(&mut self) -> usize {
        let mut bytes = 0;
        for _ in 0..self.messages {
            let message = self.socket.read().expect("the frames are legal");
            bytes += black_box(&message).len();
        }
        bytes
    }
}

pub struct Send {
    socket: WebSocket<Memory>,
    message: Message,
    messages: usize,
}

impl Send {
    pub fn new(as_role: Role, case: Case, messages: usize) -> Self {
        let payload = Bytes::from(case.payload());
        let message = if case.content.is_text() {
            Message::Text(Utf8Bytes::try_from(payload).expect("text"))
        } else {
            Message::Binary(payload)
        };
        Self {
            socket: WebSocket::from_raw_socket(Memory::writing(), role(as_role), None),
            message,
            messages,
        }
    }
}

impl Subject for Send {
    fn turn(&mut self) -> usize {
        for _ in 0..self.messages {
            let message = black_box(&self.message).clone();
            self.socket.write(message).expect("everything is taken");
        }
        self.socket.flush().expect("everything is taken");
        self.socket.get_ref().written.replace(0)
    }
}
