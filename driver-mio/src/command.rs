//! Commands that other threads send to a loop.

pub(crate) mod execute;
pub(crate) mod loop_command;

use std::{any::Any, fmt, sync::Arc};

use wsproto::{CloseCode, Kind, Message, Prepared};

use crate::{
    broadcast::state::{BroadcastState, Recipients},
    connection::{context::Context, transport::Notify},
    event_loop::{
        mailbox::{Mailbox, Wake},
        slab::Key,
    },
    handle::{completion::Completion, state::Demand},
    server::answer::Answer,
    stats::Counters,
};

/// The queue of commands to one loop.
pub(crate) type LoopMailbox = Mailbox<Command, LoopWaker>;

/// The parts of a loop beside its queue that other threads can reach: its waker and its figures.
#[derive(Debug)]
pub(crate) struct LoopWaker {
    pub(crate) waker: mio::Waker,
    pub(crate) counters: Counters,
}

impl Wake for LoopWaker {
    fn wake(&self) {
        // It fails only if the loop is gone, which then needs no waking.
        let _ = self.waker.wake();
    }
}

impl LoopMailbox {
    /// The loop's figures.
    #[inline]
    pub(crate) fn counters(&self) -> &Counters {
        &self.waker().counters
    }
}

impl Notify for LoopMailbox {
    fn notify(&self, key: Key) {
        // A loop that has ended has no connections.
        let _ = self.push(Command::Notified(key));
    }
}

/// A command to a loop.
#[derive(Debug)]
pub(crate) enum Command {
    /// A command of a handle to its connection.
    Connection(Key, ConnectionCommand),
    /// The answer to a request that was left for later.
    Answer(Key, Box<Answer>),
    /// A [`LoopCommand`](loop_command::LoopCommand), whose type has the handler's state as a parameter.
    Loop(Box<dyn Any + Send>),
    /// A transport without a descriptor can go on.
    Notified(Key),
    /// A message to many connections, and the one connection that is left out.
    Broadcast(Arc<BroadcastState>, Recipients, Option<Key>),
    Subscribe(Key, Arc<str>),
    Unsubscribe(Key, Arc<str>),
    /// There is room for further connections.
    Accept,
    /// Close everything in order; see [`Control`](crate::event_loop::control::Control).
    ShutDown,
    /// Drop everything at once.
    Abandon,
}

/// A command of a handle to its connection.
#[derive(Debug)]
pub(crate) enum ConnectionCommand {
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

/// A closure to call with the connection, on its loop.
pub(crate) struct Call(pub(crate) Box<dyn FnOnce(&mut Context<'_>) + Send>);

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl ConnectionCommand {
    /// Returns the room that the command needs in the connection's queue; `None` if it is never refused for want of
    /// room.
    pub(crate) fn demand(&self) -> Option<Demand> {
        match self {
            Self::Send(message, _) => Some(Demand::Message(message.as_bytes().len())),
            Self::SendPrepared(message, _) => Some(Demand::Message(message.payload().len())),
            Self::Start(_) => Some(Demand::Start),
            Self::Write(part) | Self::Finish(part, _) => Some(Demand::Part(part.len())),
            Self::Ping(payload) => Some(Demand::Ping(payload.len())),
            Self::Close(..) | Self::Pause | Self::Resume | Self::Call(_) => None,
        }
    }

    /// Completes the command with an error, instead of sending it to the loop.
    pub(crate) fn refuse(self, error: wsproto::SendError) {
        match self {
            Self::Send(_, completion)
            | Self::SendPrepared(_, completion)
            | Self::Finish(_, completion) => {
                if let Some(completion) = completion {
                    completion.complete(Err(error));
                }
            }
            Self::Start(_)
            | Self::Write(_)
            | Self::Ping(_)
            | Self::Close(..)
            | Self::Pause
            | Self::Resume
            | Self::Call(_) => {}
        }
    }
}
