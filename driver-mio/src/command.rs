//! What a loop can be told from outside.

pub(crate) mod execute;
pub(crate) mod loop_command;

use std::{any::Any, fmt, sync::Arc};

use wsproto::{CloseCode, Config, Kind, Message, Prepared};

use crate::{
    Context,
    broadcast::{Recipients, Round},
    event_loop::mailbox::{self, Wake},
    event_loop::slab::Key,
    handle::completion::Completion,
    handle::state::{Admission, Line},
    stats::Counters,
};

/// The queue of one loop.
pub(crate) type Mailbox = mailbox::Mailbox<Command, Doorbell>;

/// What a loop has beside its queue that other threads can reach.
#[derive(Debug)]
pub(crate) struct Doorbell {
    pub(crate) waker: mio::Waker,
    pub(crate) counters: Counters,
}

impl Wake for Doorbell {
    fn wake(&self) {
        // It fails only if the loop is gone, which then needs no waking.
        let _ = self.waker.wake();
    }
}

impl Mailbox {
    /// What the loop has counted.
    #[inline]
    pub(crate) fn counters(&self) -> &Counters {
        &self.waker().counters
    }
}

/// Something for a loop to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// For the connection at the other end of a line.
    Order(Arc<Line>, Order),
    /// A request that was left for later is answered now.
    Answer(Key, Box<Answer>),
    /// Something that only loops of the right type understand.
    Errand(Box<dyn Any + Send>),
    /// A transport without a descriptor has news.
    Notified(Key),
    /// A message for many connections.
    Broadcast(Arc<Round>, Recipients),
    Subscribe(Key, Arc<str>),
    Unsubscribe(Key, Arc<str>),
    /// There is room for further connections.
    Accept,
    /// The loops end: see [`Control`](crate::event_loop::control::Control).
    ShutDown,
    /// The loops end, and wait for nobody.
    Abandon,
}

/// Something for a connection to do.
#[derive(Debug)]
pub(crate) enum Order {
    Send(Message, Option<Completion>),
    SendPrepared(Prepared, Option<Completion>),
    Start(Kind),
    Write(Vec<u8>),
    Finish(Vec<u8>, Option<Completion>),
    Ping(Box<[u8]>),
    Close(CloseCode, Box<str>),
    Pause,
    Resume,
    Call(Call),
}

/// Something that a thread wants to be done with a connection, on its loop.
pub(crate) struct Call(pub(crate) Box<dyn FnOnce(&mut Context<'_>) + Send>);

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl Order {
    /// Bytes of payload that it sends.
    pub(crate) fn payload_len(&self) -> usize {
        match self {
            Self::Send(message, _) => message.as_bytes().len(),
            Self::SendPrepared(message, _) => message.payload().len(),
            Self::Write(bytes) | Self::Finish(bytes, _) => bytes.len(),
            Self::Ping(bytes) => bytes.len(),
            Self::Start(_) | Self::Close(..) | Self::Pause | Self::Resume | Self::Call(_) => 0,
        }
    }

    /// How it is admitted; `None` if it needs no room.
    pub(crate) const fn admission(&self) -> Option<Admission> {
        match self {
            Self::Send(..) | Self::SendPrepared(..) | Self::Start(_) => Some(Admission::Message),
            Self::Write(_) | Self::Finish(..) | Self::Ping(_) => Some(Admission::Frame),
            Self::Close(..) | Self::Pause | Self::Resume | Self::Call(_) => None,
        }
    }
}

/// The answer to a request, with memory of its own.
#[derive(Debug)]
pub(crate) enum Answer {
    Accept {
        subprotocol: Option<String>,
        headers: Vec<(String, String)>,
        compression: bool,
        config: Option<Arc<Config>>,
    },
    Reject {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
}
