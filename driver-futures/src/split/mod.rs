//! A WebSocket in two halves, or one receiver and any number of senders.

mod receiver;
mod sender;
mod shared;
mod sink;

use std::sync::Arc;

use crate::{clock::Clock, socket::WebSocket, transport::Transport};

use self::shared::Shared;
pub use self::{receiver::Receiver, sender::Sender};

impl<S: Transport, C: Clock> WebSocket<S, C> {
    /// Splits into a sender, which can be cloned, and a receiver, for tasks of their own.
    ///
    /// Whichever half waits drives the whole connection: a receiver alone still sends pongs and answers a
    /// Close; a sender alone still sees the peer's Close, by reading up to 64 KiB ahead. If the receiver is
    /// dropped, incoming messages are dropped too.
    ///
    /// A message that was [started](Self::start) before can be finished by any sender.
    #[must_use]
    pub fn split(self) -> (Sender<S, C>, Receiver<S, C>) {
        let shared = Arc::new(Shared::new(self.engine));
        (Sender::new(Arc::clone(&shared)), Receiver::new(shared))
    }
}
