//! A handle: sends on a connection and closes it, from any thread.

pub(crate) mod completion;
pub(crate) mod promise;
pub(crate) mod state;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use wsproto::{CloseCode, Kind, Message, Prepared, SendError};

use self::{
    completion::{Completion, Sent},
    state::HandleState,
};
use crate::{
    command::{Call, Command, ConnectionCommand, LoopMailbox},
    connection::context::Context,
    event_loop::slab::Key,
};

/// Reaches one connection from any thread. From [`Context::handle`].
///
/// Nothing here waits. A call that returns `Ok` has sent a command to the connection's loop, which executes the
/// commands of one thread in the order of the calls. The variants that take a callback or return a future tell
/// when the message has gone to the transport. When the connection is over, every call returns
/// [`SendError::Closed`]: a command never reaches another connection that has taken its place.
///
/// # Backpressure
///
/// Messages are refused by the call, not later. Frames on the way to the loop count as queued, and the sum is
/// held to [`queue_limit`](wsproto::Config::queue_limit) by the rule of the connection's own queue,
/// [`Config::admits`](wsproto::Config::admits). The loop queues what a call has admitted, even if callbacks have
/// filled the queue in between. Under the policies [`DropOldest`](wsproto::Overflow::DropOldest) and
/// [`Close`](wsproto::Overflow::Close), only the frames on the way count when a whole message is sent, and the loop
/// applies the policy to the queue.
///
/// # Cost
///
/// A handle is one word, and a clone costs a reference count. All handles of a connection share about 80 bytes,
/// which are allocated with the first one.
#[derive(Clone)]
pub struct Handle(Arc<HandleState<LoopMailbox>>);

impl Handle {
    /// Sends a message.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is closing or over; if there is no room,
    /// [`Dropped`](SendError::Dropped) under the policy [`DropNewest`](wsproto::Overflow::DropNewest) and
    /// [`QueueFull`](SendError::QueueFull) under the others.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.command(ConnectionCommand::Send(message.into(), None))
    }

    /// Sends a message, and calls `then` once: with `Ok` when the message has gone to the transport, and with an
    /// error if it will not go there. `then` is called on the loop in most cases, and must not block.
    pub fn send_then(
        &self,
        message: impl Into<Message>,
        then: impl FnOnce(Result<(), SendError>) + Send + 'static,
    ) {
        let completion = Completion::new(then);
        self.command_completed(ConnectionCommand::Send(message.into(), Some(completion)));
    }

    /// Sends a message at once, and returns a future that resolves when the message has gone to the transport, or will
    /// not go there. The future needs no particular runtime.
    ///
    /// # Errors
    /// The future resolves to the errors of [`send`](Self::send).
    pub fn send_async(&self, message: impl Into<Message>) -> Sent {
        let (sent, completion) = Sent::pair();
        self.command_completed(ConnectionCommand::Send(message.into(), Some(completion)));
        sent
    }

    /// Sends a message that many connections get; see [`Prepared`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        self.command(ConnectionCommand::SendPrepared(message.clone(), None))
    }

    /// As [`send_prepared`](Self::send_prepared), and calls `then` as [`send_then`](Self::send_then) does.
    pub fn send_prepared_then(
        &self,
        message: &Prepared,
        then: impl FnOnce(Result<(), SendError>) + Send + 'static,
    ) {
        let completion = Completion::new(then);
        let command = ConnectionCommand::SendPrepared(message.clone(), Some(completion));
        self.command_completed(command);
    }

    /// Starts a message of unknown length, to be followed by [`write`](Self::write) and
    /// [`finish`](Self::finish). Until then the loop refuses other messages, and only a completion tells their
    /// senders: meanwhile one thread should do all the sending.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn start(&self, kind: Kind) -> Result<(), SendError> {
        self.command(ConnectionCommand::Start(kind))
    }

    /// Sends a part of the message that [`start`](Self::start) began, as a frame of its own.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed); [`QueueFull`](SendError::QueueFull), whatever the policy. The part is not sent
    /// then, and the message can go on. A part that the loop refuses for another reason, for example because the
    /// text is not UTF-8, closes the connection with 1011, since the message cannot become whole.
    pub fn write(&self, part: impl Into<Vec<u8>>) -> Result<(), SendError> {
        self.command(ConnectionCommand::Write(part.into()))
    }

    /// Ends the message that [`start`](Self::start) began, with a last part that may be empty.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn finish(&self, part: impl Into<Vec<u8>>) -> Result<(), SendError> {
        self.command(ConnectionCommand::Finish(part.into(), None))
    }

    /// As [`finish`](Self::finish), and returns a future that resolves when the whole message has gone to the
    /// transport, as [`send_async`](Self::send_async) does.
    ///
    /// # Errors
    /// The future resolves to the errors of [`write`](Self::write).
    pub fn finish_async(&self, part: impl Into<Vec<u8>>) -> Sent {
        let (sent, completion) = Sent::pair();
        self.command_completed(ConnectionCommand::Finish(part.into(), Some(completion)));
        sent
    }

    /// Sends a ping, which overtakes queued messages.
    ///
    /// # Errors
    /// [`ControlTooLong`](SendError::ControlTooLong) for a payload of more than 125 bytes;
    /// [`Closed`](SendError::Closed); [`QueueFull`](SendError::QueueFull), whatever the policy.
    pub fn ping(&self, payload: &[u8]) -> Result<(), SendError> {
        // 5.5: all control frames MUST have a payload length of 125 bytes or less.
        if payload.len() > 125 {
            return Err(SendError::ControlTooLong);
        }
        self.command(ConnectionCommand::Ping(payload.into()))
    }

    /// Starts the closing handshake, behind everything sent before; see
    /// [`Connection::close`](wsproto::Connection::close).
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is closing or over already.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.command(ConnectionCommand::Close(code, reason.into()))
    }

    /// Stops reading until [`resume`](Self::resume), which slows the peer down. No further event is reported
    /// meanwhile, even of bytes that have been read.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is closing or over.
    pub fn pause(&self) -> Result<(), SendError> {
        self.command(ConnectionCommand::Pause)
    }

    /// Resumes reading after [`pause`](Self::pause).
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is closing or over.
    pub fn resume(&self) -> Result<(), SendError> {
        self.command(ConnectionCommand::Resume)
    }

    /// Calls `call` with the connection on its loop, as a callback of the handler. It must not block. If it panics,
    /// the connection is closed with 1011.
    ///
    /// ```no_run
    /// # fn share(handle: &driver_mio::Handle) {
    /// handle.call(|connection| println!("{:?}", connection.peer_addr())).ok();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is closing or over. If it ends after this returned and before the
    /// loop gets there, `call` is dropped.
    pub fn call(
        &self,
        call: impl FnOnce(&mut Context<'_>) + Send + 'static,
    ) -> Result<(), SendError> {
        self.command(ConnectionCommand::Call(Call(Box::new(call))))
    }

    /// Subscribes the connection to a topic; see [`Context::subscribe`].
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is closing or over.
    pub fn subscribe(&self, topic: &str) -> Result<(), SendError> {
        self.push(Command::Subscribe(self.key(), topic.into()))
    }

    /// Ends the connection's subscription to a topic, if there is one.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is closing or over.
    pub fn unsubscribe(&self, topic: &str) -> Result<(), SendError> {
        self.push(Command::Unsubscribe(self.key(), topic.into()))
    }

    /// Returns the number of bytes that were sent and have not gone to the transport: payload on the way to the
    /// loop, and frames in the connection's queue when the loop last served it.
    ///
    /// Frames on the way count without their headers here. For [`queue_limit`](wsproto::Config::queue_limit), the
    /// headers count from the call on.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.0.buffered()
    }

    /// Returns true if the connection is closing or over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Returns true if the connection is on the loop with that mailbox.
    pub(crate) fn is_on(&self, mailbox: &Arc<LoopMailbox>) -> bool {
        Arc::ptr_eq(self.0.mailbox(), mailbox)
    }

    pub(crate) fn key(&self) -> Key {
        self.0.key()
    }

    /// Sends a command to the connection, if there is room for its frames.
    fn command(&self, command: ConnectionCommand) -> Result<(), SendError> {
        if let Some(demand) = command.demand() {
            self.0.reserve(demand)?;
        }
        self.push(Command::Connection(self.key(), command))
    }

    /// As [`command`](Self::command). The command has a completion, which is told of every outcome.
    fn command_completed(&self, command: ConnectionCommand) {
        let reserved = command
            .demand()
            .map_or(Ok(()), |demand| self.0.reserve(demand));
        match reserved {
            // A command that the loop does not take is dropped, which completes it.
            Ok(()) => drop(self.push(Command::Connection(self.key(), command))),
            Err(error) => command.refuse(error),
        }
    }

    fn push(&self, command: Command) -> Result<(), SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        (self.0.mailbox().push(command)).map_err(|_| SendError::Closed)
    }
}

impl Context<'_> {
    /// Returns a handle, which reaches this connection from any thread.
    pub fn handle(&mut self) -> Handle {
        Handle(self.attachments.handle_state(self.connection))
    }
}

impl PartialEq for Handle {
    /// Returns true if both reach the same connection.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Handle {}

impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("buffered", &self.buffered())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
