//! The half that receives.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use driver_kit::lease::Leased;
use futures_core::Stream;
use wsproto::{Closed, Error, Event, Message};

use super::shared::Shared;
use crate::{
    clock::Clock,
    engine::lending::Loan,
    incoming::Incoming,
    poll::{Found, Receiving},
    transport::Transport,
    waiters::Waiter,
};

#[cfg(doc)]
use crate::{Sender, WebSocket};

/// The receiving half of a [split](WebSocket::split) WebSocket; a stream of messages.
pub struct Receiver<S: Transport, C: Clock> {
    shared: Arc<Shared<S, C>>,
    waiter: Waiter,
    /// The event that was lent last.
    loan: Option<Loan>,
}

impl<S: Transport, C: Clock> Receiver<S, C> {
    pub(super) fn new(shared: Arc<Shared<S, C>>) -> Self {
        let waiter = shared.waiter();
        Self {
            shared,
            waiter,
            loan: None,
        }
    }

    /// Receives the next message, as [`WebSocket::recv`] does.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Receives the next message, chunk, ping or pong.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv_incoming(&mut self) -> Result<Option<Incoming>, Error> {
        poll_fn(|cx| self.poll_recv_incoming(cx)).await
    }

    /// Receives the next event without copying it, as [`WebSocket::recv_ref`] does: it borrows a read buffer until
    /// the next call. Meanwhile a [`Sender`] can send answers.
    ///
    /// In a steady state this allocates nothing. [`Event::Closed`] is the last event; continue until `None` to
    /// complete the closing handshake.
    ///
    /// If the buffer holds more than the event, senders that wait read nothing until the next call, and so do not
    /// see the peer's Close. They write all the same.
    ///
    /// ```no_run
    /// # async fn echo<S: driver_futures::Transport, C: driver_futures::Clock>(socket: driver_futures::WebSocket<S, C>) -> Result<(), Box<dyn std::error::Error>> {
    /// use wsproto::Event;
    ///
    /// let (sender, mut receiver) = socket.split();
    /// while let Some(event) = receiver.recv_ref().await? {
    ///     if let Event::Text(text) = event {
    ///         sender.feed(text.len().to_string()).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv_ref(&mut self) -> Result<Option<Event<'_>>, Error> {
        poll_fn(|cx| self.poll_loan(cx)).await?;
        match &mut self.loan {
            None => Ok(None),
            Some(Loan::ReadAhead(incoming)) => Ok(Some(incoming.as_event())),
            Some(Loan::End(closed)) => Ok(Some(Event::Closed(closed.clone()))),
            Some(Loan::InPlace(lease)) => {
                let Leased { env, input, .. } = &mut **lease;
                let event = self.shared.lock().engine.take_announced(env, input);
                // Other halves may have been polled since the event was announced, and have seen no end.
                if let Ok(Some(Event::Closed(_))) = event {
                    self.waiter.wake_others();
                }
                event
            }
        }
    }

    /// As [`recv`](Self::recv), for futures that are written by hand.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        loop {
            let incoming = ready!(self.poll_recv_incoming(cx))?;
            let Some(incoming) = incoming else {
                return Poll::Ready(Ok(None));
            };
            if let Some(message) = incoming.into_message() {
                return Poll::Ready(Ok(Some(message)));
            }
        }
    }

    /// How the connection ended, once that is known.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.shared.closed()
    }

    fn poll_recv_incoming(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Incoming>, Error>> {
        self.shared.poll(&self.waiter, cx, |state, cx| {
            state.take_back(&mut self.loan);
            match ready!(state.engine.poll_incoming(cx)) {
                Some(incoming) => Poll::Ready(Ok(Some(incoming))),
                None => Poll::Ready(state.engine.take_error().map_or(Ok(None), Err)),
            }
        })
    }

    /// Waits for an event to lend, and takes its buffer out of the connection, which senders use meanwhile. At the
    /// end there is none.
    fn poll_loan(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.poll(&self.waiter, cx, |state, cx| {
            state.take_back(&mut self.loan);
            if !state.engine.is_lendable_at_hand() {
                let found = ready!(state.engine.poll_lendable(cx));
                if !matches!(found, Found::Lendable) {
                    return Poll::Ready(state.engine.take_error().map_or(Ok(()), Err));
                }
            }
            self.loan = state.engine.lend_away();
            // Nothing may be read that would overtake the rest of this buffer.
            if self.loan.as_ref().is_some_and(Loan::has_more) {
                state.receiving = Receiving::Lent;
            }
            Poll::Ready(Ok(()))
        })
    }
}

/// Yields the messages, then at most one error, then ends.
impl<S: Transport, C: Clock> Stream for Receiver<S, C> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Result::transpose)
    }
}

impl<S: Transport, C: Clock> Drop for Receiver<S, C> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // There may be a ping or the Close behind the event that was lent.
        state.take_back(&mut self.loan);
        state.receiving = Receiving::Discard;
        state.engine.clear_inbox();
        drop(state);
        // A sender that waits has to read in place of the receiver.
        self.waiter.wake_others();
    }
}

impl<S: Transport, C: Clock> fmt::Debug for Receiver<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
