//! Events that are lent: they borrow the read buffer and leave the connection free to answer. The receiver of a
//! split socket is lent the buffer itself, so that senders can use the connection meanwhile.

use std::task::{Context, Poll, ready};

use driver_kit::lease::{Lease, Leased};
use wsproto::{Closed, Connection, Env, Error, Event, Input};

use super::{Engine, next_incoming};
use crate::{
    clock::Clock,
    incoming::Incoming,
    outcome::Outcome,
    poll::{Found, PollMode},
    transport::Transport,
};

/// An event, and the parts of the engine that it does not borrow.
pub(crate) struct Lent<'a, C> {
    pub(crate) event: Event<'a>,
    pub(crate) connection: &'a mut Connection,
    /// None if the event does not lie in a read buffer.
    pub(crate) env: Option<&'a mut Env>,
    pub(crate) clock: &'a C,
}

/// An event that is lent to a receiver that does not hold the connection meanwhile.
#[derive(Debug)]
pub(crate) enum Loan {
    /// A read buffer with an event that was announced, and the input behind it.
    InPlace(Lease),
    /// An event that was read ahead.
    ReadAhead(Incoming),
    /// The end of the connection.
    End(Closed),
}

impl Loan {
    /// Returns true if it holds further input, which comes before anything that is read later.
    pub(crate) fn has_more(&self) -> bool {
        match self {
            Self::InPlace(lease) => lease.input.has_more(),
            Self::ReadAhead(_) | Self::End(_) => false,
        }
    }
}

impl<S: Transport, C: Clock> Engine<S, C> {
    /// Waits for an event to lend.
    pub(crate) fn poll_lendable(&mut self, cx: &mut Context<'_>) -> Poll<Found> {
        loop {
            if self.read_ahead() > 0 || self.is_end_unseen() {
                return Poll::Ready(Found::Lendable);
            }
            self.extras.clear_inbox();
            let found = ready!(self.poll_event(cx, PollMode::LEND));
            let lendable = matches!(found, Found::Lendable);
            if !lendable || self.lease.get_mut().is_none_or(Leased::hold) {
                return Poll::Ready(found);
            }
            // Too many read buffers are lent already, to applications that may keep them for any time.
            if let Some(mut lease) = self.lease.take() {
                let Leased { env, input, .. } = &mut *lease;
                if let Some(incoming) =
                    next_incoming(&mut self.connection, &mut self.extras, env, input)
                {
                    self.budget.count_event();
                    self.extras.push(incoming);
                }
                self.put_back(lease);
            }
        }
    }

    /// Lends the event that [`poll_lendable`](Self::poll_lendable) found, without a copy unless it was read ahead.
    #[inline(always)]
    pub(crate) fn lend_event(&mut self) -> Result<Option<Lent<'_, C>>, Error> {
        let announced = (self.lease.get()).is_some_and(|parts| parts.input.has_message());
        if !announced || !self.extras.is_empty() {
            return self.lend_other_event();
        }
        let Some(Leased { env, input, .. }) = self.lease.get_mut() else {
            return Ok(None);
        };
        self.budget.count_event();
        // Inlined as well, so that a message is never put together in memory as an event.
        let event = self.connection.next_message(env, input);
        Ok(event.map(|event| Lent {
            event,
            connection: &mut self.connection,
            env: Some(env),
            clock: &self.clock,
        }))
    }

    /// Lends an event that is not a message in place.
    #[inline(never)]
    fn lend_other_event(&mut self) -> Result<Option<Lent<'_, C>>, Error> {
        if !self.extras.is_empty() {
            return Ok(self.lend_aside());
        }
        let Some(Leased { env, input, .. }) = self.lease.get_mut() else {
            return Ok(None);
        };
        match self.connection.next_event(env, input) {
            Ok(Some(event)) => {
                self.budget.count_event();
                if let Event::Closed(closed) = &event {
                    self.extras
                        .set_outcome(Outcome::closed(closed.clone(), false));
                }
                Ok(Some(Lent {
                    event,
                    connection: &mut self.connection,
                    env: Some(env),
                    clock: &self.clock,
                }))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.extras
                    .set_outcome(Outcome::closed(error.closed.clone(), false));
                Err(error)
            }
        }
    }

    /// Gives away the event that [`poll_lendable`](Self::poll_lendable) found.
    pub(crate) fn lend_away(&mut self) -> Option<Loan> {
        if let Some(incoming) = self.extras.pop() {
            return Some(Loan::ReadAhead(incoming));
        }
        if let Some(outcome) = self.extras.outcome_mut()
            && std::mem::take(&mut outcome.unseen)
        {
            return Some(Loan::End(outcome.closed.clone()));
        }
        self.lease.take().map(Loan::InPlace)
    }

    /// Takes the event out of a read buffer that was [given away](Self::lend_away).
    pub(crate) fn take_announced<'a>(
        &mut self,
        env: &mut Env,
        input: &'a mut Input<Box<[u8]>>,
    ) -> Result<Option<Event<'a>>, Error> {
        self.budget.count_event();
        // It was announced, so it cannot fail any more.
        let event = self.connection.next_event(env, input);
        if let Ok(Some(Event::Closed(closed))) = &event {
            self.extras
                .set_outcome(Outcome::closed(closed.clone(), false));
        }
        event
    }

    /// Takes back a buffer that was [given away](Self::lend_away).
    pub(crate) fn take_back(&mut self, loan: Loan) {
        if let Loan::InPlace(lease) = loan
            && !lease.input.is_empty()
        {
            self.lease.put(lease);
        }
    }

    /// Lends an event that was read ahead, or the end that is still to be shown.
    fn lend_aside(&mut self) -> Option<Lent<'_, C>> {
        self.extras.lend().map(|event| Lent {
            event,
            connection: &mut self.connection,
            env: self.lease.get_mut().map(|parts| &mut parts.env),
            clock: &self.clock,
        })
    }

    fn is_end_unseen(&self) -> bool {
        (self.extras.outcome()).is_some_and(|outcome| outcome.unseen)
    }

    /// Returns true if input that is at hand has an event to lend. False is inconclusive: call
    /// [`poll_lendable`](Self::poll_lendable) to find out.
    #[inline]
    pub(crate) fn is_lendable_at_hand(&mut self) -> bool {
        if self.budget.is_spent() {
            return false;
        }
        let Some(lease) = self.lease.get_mut() else {
            return false;
        };
        if !self.extras.is_empty() || self.clock.shutting_down().is_some() {
            return false;
        }
        let Leased { env, input, .. } = lease;
        match self.connection.has_event(env, input) {
            Ok(has_event) => has_event,
            Err(error) => {
                self.failed(error);
                false
            }
        }
    }
}
