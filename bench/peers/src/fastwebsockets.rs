//! fastwebsockets, polled once. simdutf8 and vectored writes are on, as by default. Frames are read
//! without its `FragmentCollector`, which costs a little and adds nothing for whole messages. A client
//! masks the application's memory in place, which saves a copy and overwrites the application's
//! payload.

use std::{cell::Cell, hint::black_box, rc::Rc};

use bench::{
    in_memory::{Role, Source, Subject},
    payload::Case,
};
use fastwebsockets::{Frame, Payload, WebSocket};

use peers::memory::{Memory, now};

fn open(role: Role, memory: Memory) -> WebSocket<Memory> {
    let role = match role {
        Role::Client => fastwebsockets::Role::Client,
        Role::Server => fastwebsockets::Role::Server,
    };
    WebSocket::after_handshake(memory, role)
}

pub struct Receive {
    socket: WebSocket<Memory>,
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
                let frame = socket.read_frame().await.expect("the frames are legal");
                bytes += black_box(&*frame.payload).len();
            }
            bytes
        })
    }
}

pub struct Send {
    socket: WebSocket<Memory>,
    payload: Vec<u8>,
    text: bool,
    role: Role,
    messages: usize,
    written: Rc<Cell<usize>>,
}

impl Send {
    pub fn new(role: Role, case: Case, messages: usize) -> Self {
        let memory = Memory::writing();
        let written = Rc::clone(&memory.written);
        Self {
            socket: open(role, memory),
            written,
            payload: case.payload(),
            text: case.content.is_text(),
            role,
            messages,
        }
    }
}

impl Subject for Send {
    fn turn(&mut self) -> usize {
        // It has no buffer for several frames: each frame is a write of its own.
        for _ in 0..self.messages {
            let payload = match self.role {
                Role::Client => Payload::BorrowedMut(black_box(&mut self.payload)),
                Role::Server => Payload::Borrowed(black_box(&self.payload)),
            };
            let frame = if self.text {
                Frame::text(payload)
            } else {
                Frame::binary(payload)
            };
            now(self.socket.write_frame(frame)).expect("everything is taken");
        }
        self.written.replace(0)
    }
}
