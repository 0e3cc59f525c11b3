//! State that few connections have at a time, in one box that is made when it is needed.

use wsproto::Event;

use crate::{
    incoming::{Inbox, Incoming},
    outcome::Outcome,
};

/// Events that were read ahead, and how the connection ended. As small as a pointer.
#[derive(Debug, Default)]
pub(crate) struct Extras(Option<Box<Content>>);

#[derive(Debug, Default)]
struct Content {
    inbox: Inbox,
    outcome: Option<Outcome>,
}

impl Extras {
    /// Returns true if nothing was read ahead and the connection has not ended.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn content(&mut self) -> &mut Content {
        self.0.get_or_insert_default()
    }

    // Events that were read ahead.

    /// Events that were read ahead and not taken yet.
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |content| content.inbox.len())
    }

    /// Returns true if no further events may be read ahead.
    pub(super) fn is_full(&self) -> bool {
        (self.0.as_ref()).is_some_and(|content| content.inbox.is_full())
    }

    pub(super) fn push(&mut self, incoming: Incoming) {
        self.content().inbox.push(incoming);
    }

    /// Takes the oldest event.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Incoming> {
        let inbox = &mut self.0.as_mut()?.inbox;
        let incoming = inbox.pop();
        if inbox.len() == 0 {
            self.clear_inbox();
        }
        incoming
    }

    /// Takes the oldest event and lends it, or the end of the connection if nobody was shown that.
    pub(super) fn lend(&mut self) -> Option<Event<'_>> {
        let Content { inbox, outcome } = &mut **self.0.as_mut()?;
        if inbox.len() > 0 {
            return inbox.lend();
        }
        let outcome = outcome.as_mut()?;
        let unseen = std::mem::take(&mut outcome.unseen);
        unseen.then(|| Event::Closed(outcome.closed.clone()))
    }

    pub(super) fn clear_inbox(&mut self) {
        match &mut self.0 {
            Some(content) if content.outcome.is_some() => content.inbox = Inbox::default(),
            content => *content = None,
        }
    }

    // The end.

    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.0.as_ref()?.outcome.as_ref()
    }

    pub(super) fn outcome_mut(&mut self) -> Option<&mut Outcome> {
        self.0.as_mut()?.outcome.as_mut()
    }

    pub(super) fn set_outcome(&mut self, outcome: Outcome) {
        self.content().outcome = Some(outcome);
    }

    pub(super) fn take_outcome(&mut self) -> Option<Outcome> {
        self.0.as_mut()?.outcome.take()
    }
}
