//! soketto, polled once. It compresses without takeover, at level 1, with windows of 15 bits, and with
//! a new compressor or inflater for each message. Frames are written one by one, and flushed once per
//! batch.

use std::{cell::Cell, hint::black_box, marker, rc::Rc};

use bench::{
    in_memory::{Source, Subject, compressed::Then},
    json::Corpus,
};
use peers::memory::{Memory, now};
use soketto::{
    Mode, Receiver, Sender,
    connection::Builder,
    extension::{Extension, deflate::Deflate},
};

type Ends = (Sender<Memory>, Receiver<Memory>);

fn open(memory: Memory) -> Ends {
    let mut deflate = Deflate::new(Mode::Server);
    deflate.configure(&[]).expect("no parameter is wrong");
    let deflate: Box<dyn Extension + marker::Send> = Box::new(deflate);
    let mut builder = Builder::new(memory, Mode::Server);
    builder.add_extensions([deflate]);
    builder.finish()
}

/// Receives the whole corpus in each turn, as a server.
pub struct Receive {
    ends: Ends,
    message: Vec<u8>,
    messages: usize,
    then: Then,
}

impl Receive {
    pub fn new(source: Source, then: Then) -> Self {
        Self {
            messages: source.messages,
            ends: open(Memory::reading(source)),
            message: Vec::new(),
            then,
        }
    }
}

impl Subject for Receive {
    fn turn(&mut self) -> usize {
        let Self {
            ends: (sender, receiver),
            message,
            messages,
            then,
        } = self;
        now(async {
            let mut bytes = 0;
            for _ in 0..*messages {
                message.clear();
                let data = receiver.receive_data(message).await;
                assert!(data.expect("the frames are legal").is_text());
                let text = str::from_utf8(black_box(message)).expect("text");
                bytes += text.len();
                if let Then::Echo(_) = then {
                    sender.send_text(text).await.expect("everything is taken");
                }
            }
            sender.flush().await.expect("everything is taken");
            bytes
        })
    }
}

/// Sends the whole corpus in each turn, as a server.
pub struct Send {
    corpus: Corpus,
    ends: Ends,
    written: Rc<Cell<usize>>,
}

impl Send {
    pub fn new(corpus: &Corpus) -> Self {
        let memory = Memory::writing();
        Self {
            corpus: corpus.clone(),
            written: memory.written.clone(),
            ends: open(memory),
        }
    }
}

impl Subject for Send {
    fn turn(&mut self) -> usize {
        let Self {
            corpus,
            ends: (sender, _),
            ..
        } = self;
        now(async {
            let mut bytes = 0;
            for batch in corpus.batches() {
                for message in batch {
                    let message = black_box(message);
                    sender
                        .send_text(message)
                        .await
                        .expect("everything is taken");
                    bytes += message.len();
                }
                sender.flush().await.expect("everything is taken");
            }
            bytes
        })
    }

    fn compressed_to(&self) -> Option<usize> {
        Some(self.written.get())
    }
}
