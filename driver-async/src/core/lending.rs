//! Events that are lent: they borrow the read buffer, and leave the connection free to answer.

use std::task::{Context, Poll, ready};

use driver_kit::lease::{Lease, Parts};
use wsproto::{Connection, Env, Error, Event};

use super::{Core, next_incoming};
use crate::{
    clock::Clock,
    outcome::Outcome,
    task::{Found, Task},
    transport::Transport,
};

/// An event, and what it leaves free.
pub(crate) struct Lent<'a, C> {
    pub(crate) event: Event<'a>,
    pub(crate) connection: &'a mut Connection,
    /// None if the event needs no read buffer.
    pub(crate) env: Option<&'a mut Env>,
    pub(crate) clock: &'a C,
}

impl<S: Transport, C: Clock> Core<S, C> {
    /// Waits for something to lend.
    pub(crate) fn poll_lendable(&mut self, cx: &mut Context<'_>) -> Poll<Found> {
        loop {
            if self.read_ahead() > 0 || self.is_end_unseen() {
                return Poll::Ready(Found::Lendable);
            }
            self.inbox = None;
            let found = ready!(self.poll_event(cx, Task::LEND));
            let lendable = matches!(found, Found::Lendable);
            if !lendable || self.lease.as_mut().is_none_or(Lease::hold) {
                return Poll::Ready(found);
            }
            // Nobody tells when the application has done with what it is lent, and too many read
            // buffers are waiting for that already.
            if let Some(mut lease) = self.lease.take() {
                let Parts { env, input, .. } = &mut *lease;
                if let Some(incoming) =
                    next_incoming(&mut self.connection, &mut self.outcome, env, input)
                {
                    self.inbox.get_or_insert_default().push(incoming);
                }
                self.put_back(lease);
            }
        }
    }

    /// Takes what [`poll_lendable`](Self::poll_lendable) found, without a copy unless it was read ahead.
    #[inline]
    pub(crate) fn lend_event(&mut self) -> Result<Option<Lent<'_, C>>, Error> {
        if self.inbox.is_some() || self.outcome.is_some() {
            return Ok(self.lend_aside());
        }
        let Some(Parts { env, input, .. }) = self.lease.as_deref_mut() else {
            return Ok(None);
        };
        match self.connection.next_event(env, input) {
            Ok(Some(event)) => {
                if let Event::Closed(closed) = &event {
                    self.outcome = Some(Box::new(Outcome::closed(closed.clone(), false)));
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
                self.outcome = Some(Box::new(Outcome::closed(error.closed.clone(), false)));
                Err(error)
            }
        }
    }

    /// Takes what was read ahead, or the end that nobody was shown.
    fn lend_aside(&mut self) -> Option<Lent<'_, C>> {
        let event = match (&mut self.inbox, &mut self.outcome) {
            (Some(inbox), _) if inbox.len() > 0 => inbox.lend(),
            (_, Some(outcome)) if outcome.unseen => {
                outcome.unseen = false;
                Some(Event::Closed(outcome.closed.clone()))
            }
            (_, _) => None,
        };
        event.map(|event| Lent {
            event,
            connection: &mut self.connection,
            env: self.lease.as_deref_mut().map(|parts| &mut parts.env),
            clock: &self.clock,
        })
    }

    fn is_end_unseen(&self) -> bool {
        self.outcome.as_ref().is_some_and(|outcome| outcome.unseen)
    }

    /// Whether [`poll_lendable`](Self::poll_lendable) would find something in input that is at hand.
    /// `false` says nothing.
    #[inline]
    pub(crate) fn is_lendable_at_hand(&mut self) -> bool {
        let Some(lease) = self.lease.as_deref_mut() else {
            return false;
        };
        if self.inbox.is_some() || self.outcome.is_some() || self.clock.shutting_down().is_some() {
            return false;
        }
        let Parts { env, input, .. } = lease;
        match self.connection.has_event(env, input) {
            Ok(has_event) => has_event,
            Err(error) => {
                self.failed(error);
                false
            }
        }
    }
}
