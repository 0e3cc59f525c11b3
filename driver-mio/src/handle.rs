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

use crate::{
    Context,
    command::{Call, Command, Order},
    handle::completion::{Completion, Sent},
    handle::state::Line,
};

/// Reaches one connection from any thread. From [`Context::handle`](crate::Context::handle).
///
/// What one thread does through handles of a connection happens in that order, on the connection's
/// loop; nothing here waits for it. A call that returns `Ok` has passed the order on. Whether the
/// message has left is told by the variants that take a callback or return a future. When the
/// connection is gone, every call returns [`SendError::Closed`]: an order never reaches another
/// connection that has taken its place.
///
/// A call that sends is where a message is refused for want of room: what is on the way to the loop counts
/// as queued, and both together are held to [`queue_limit`](wsproto::Config::queue_limit) as
/// [`Config::admits`](wsproto::Config::admits) says. What a call has admitted the loop queues, even if
/// callbacks have filled the queue in between. Under the policies
/// [`DropOldest`](wsproto::Overflow::DropOldest) and [`Close`](wsproto::Overflow::Close), a message is admitted
/// by what is on the way alone, and the loop applies the policy to the queue.
///
/// # Cost
///
/// A handle is one word, to be cloned at the price of a reference count. All handles of a connection
/// share about 80 bytes, which it does without until the first one is asked for.
#[derive(Clone)]
pub struct Handle(Arc<Line>);

impl Handle {
    pub(crate) const fn new(line: Arc<Line>) -> Self {
        Self(line)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed), [`QueueFull`](SendError::QueueFull),
    /// [`Dropped`](SendError::Dropped).
    pub fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.0.send(Order::Send(message.into(), None))
    }

    /// Sends a message, and tells when it has gone to the transport or will not go there any more. The
    /// callback is called once, in most cases on the loop, which it must not keep busy.
    pub fn send_then(
        &self,
        message: impl Into<Message>,
        then: impl FnOnce(Result<(), SendError>) + Send + 'static,
    ) {
        let completion = Completion::new(then);
        self.send_completed(Order::Send(message.into(), Some(completion)));
    }

    /// Sends a message at once; the future resolves when it has gone to the transport or will not go
    /// there any more. It needs no particular runtime.
    ///
    /// # Errors
    /// As [`send`](Self::send); the future likewise.
    pub fn send_async(&self, message: impl Into<Message>) -> Sent {
        let (sent, completion) = Sent::pair();
        self.send_completed(Order::Send(message.into(), Some(completion)));
        sent
    }

    /// Sends a message that many connections get; see [`Prepared`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_prepared(&self, message: &Prepared) -> Result<(), SendError> {
        self.0.send(Order::SendPrepared(message.clone(), None))
    }

    /// As [`send_prepared`](Self::send_prepared), and tells what has become of it, as
    /// [`send_then`](Self::send_then) does.
    pub fn send_prepared_then(
        &self,
        message: &Prepared,
        then: impl FnOnce(Result<(), SendError>) + Send + 'static,
    ) {
        let completion = Completion::new(then);
        self.send_completed(Order::SendPrepared(message.clone(), Some(completion)));
    }

    /// Starts a message of unknown length, to be followed by [`write`](Self::write) and
    /// [`finish`](Self::finish). Until then other messages are refused on the loop, where only a
    /// completion can tell: one thread should do all the sending meanwhile.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn start(&self, kind: Kind) -> Result<(), SendError> {
        self.0.send(Order::Start(kind))
    }

    /// Sends a part of the message that [`start`](Self::start) began, as a frame of its own.
    ///
    /// # Errors
    /// As [`send`](Self::send). A part that the loop cannot send closes the connection with 1011, since
    /// the message can never be whole.
    pub fn write(&self, part: impl Into<Vec<u8>>) -> Result<(), SendError> {
        self.0.send(Order::Write(part.into()))
    }

    /// Ends the message that [`start`](Self::start) began, with a last part that may be empty.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn finish(&self, part: impl Into<Vec<u8>>) -> Result<(), SendError> {
        self.0.send(Order::Finish(part.into(), None))
    }

    /// As [`finish`](Self::finish), and tells when the whole message has gone to the transport, as
    /// [`send_async`](Self::send_async) does.
    ///
    /// # Errors
    /// As [`write`](Self::write); the future likewise.
    pub fn finish_async(&self, part: impl Into<Vec<u8>>) -> Sent {
        let (sent, completion) = Sent::pair();
        self.send_completed(Order::Finish(part.into(), Some(completion)));
        sent
    }

    /// Sends a ping, which overtakes queued messages.
    ///
    /// # Errors
    /// [`ControlTooLong`](SendError::ControlTooLong) for more than 125 bytes; as [`send`](Self::send).
    pub fn ping(&self, payload: &[u8]) -> Result<(), SendError> {
        // 5.5: all control frames MUST have a payload length of 125 bytes or less.
        if payload.len() > 125 {
            return Err(SendError::ControlTooLong);
        }
        self.0.send(Order::Ping(payload.into()))
    }

    /// Starts the closing handshake, behind everything sent before; see
    /// [`Connection::close`](wsproto::Connection::close).
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is over already.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.0.push(Order::Close(code, reason.into()))
    }

    /// Stops reading until [`resume`](Self::resume): the peer is slowed down. Nothing further is reported
    /// meanwhile; what has been read already waits.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is over.
    pub fn pause(&self) -> Result<(), SendError> {
        self.0.push(Order::Pause)
    }

    /// Goes on reading after [`pause`](Self::pause).
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is over.
    pub fn resume(&self) -> Result<(), SendError> {
        self.0.push(Order::Resume)
    }

    /// Calls with what a callback of the handler gets, on the connection's loop, which must not be kept
    /// busy. A panic has the connection closed, as in a callback.
    ///
    /// ```no_run
    /// # fn share(handle: &driver_mio::Handle) {
    /// handle.call(|connection| println!("{:?}", connection.peer_addr())).ok();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is over. If it ends before the call, there is
    /// none.
    pub fn call(
        &self,
        call: impl FnOnce(&mut Context<'_>) + Send + 'static,
    ) -> Result<(), SendError> {
        self.0.push(Order::Call(Call(Box::new(call))))
    }

    /// Subscribes the connection to a topic; see [`Context::subscribe`](crate::Context::subscribe).
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is over.
    pub fn subscribe(&self, topic: &str) -> Result<(), SendError> {
        let command = Command::Subscribe(self.0.key, topic.into());
        self.0.command(command)
    }

    /// Ends the connection's subscription to a topic, if there is one.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is over.
    pub fn unsubscribe(&self, topic: &str) -> Result<(), SendError> {
        let command = Command::Unsubscribe(self.0.key, topic.into());
        self.0.command(command)
    }

    /// Returns the number of bytes that were sent and have not gone to the transport: payload on the way to the
    /// loop, without the frame headers that admission counts too, and frames in the connection's queue when its loop
    /// last served it.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.0.buffered()
    }

    /// Whether the connection is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    pub(crate) fn line(&self) -> &Line {
        &self.0
    }

    /// Sends a command that has a completion, which is told of every outcome.
    fn send_completed(&self, order: Order) {
        match self.0.reserve(&order) {
            // A command that the loop cannot take is dropped, which completes it.
            Ok(()) => drop(self.0.push(order)),
            Err(error) => order.refuse(error),
        }
    }
}

impl PartialEq for Handle {
    /// Whether both reach the same connection.
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
