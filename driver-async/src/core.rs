//! One connection and its transport, driven from inside of polls. All state is in here, none in a
//! future: dropping a future at any await loses nothing.

use std::{
    io::{ErrorKind, Write},
    task::{Context, Poll, ready},
};

use driver_kit::{
    lease::{Lease, Parts},
    turn::{self, Filled},
};
use wsproto::{CloseCode, Closed, Connection, Env, Error, Event, Time};

use crate::{
    clock::Clock,
    incoming::{Inbox, Incoming},
    transport::{NonBlocking, Transport},
};

/// Reads without a pause, after which other tasks have their turn.
const MAX_READS: u8 = 32;

/// A connection, its transport and its clock.
#[derive(Debug)]
pub(crate) struct Core<S, C> {
    pub(crate) connection: Connection,
    pub(crate) transport: S,
    pub(crate) clock: C,
    /// Held only while input is not used up.
    lease: Option<Lease>,
    /// What was read while nobody received.
    inbox: Option<Box<Inbox>>,
    /// How it ended, once that is known.
    pub(crate) outcome: Option<Box<Outcome>>,
    /// The transport may have buffered what it took.
    unflushed: bool,
    reads: u8,
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) closed: Closed,
    /// The error, until it was reported.
    pub(crate) error: Option<Error>,
}

/// What [`Core::poll_event`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// `next_event` has one.
    Event,
    /// The connection is over: nothing is left to receive, to send or to wait for.
    Over,
    /// The caller's deadline has passed.
    TimedOut,
}

/// What a poll is to do beside what the connection wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    /// Takes input; else the application has enough for now.
    pub(crate) read: bool,
    /// Returns [`Found::TimedOut`] at this moment.
    pub(crate) deadline: Option<Time>,
}

impl Task {
    /// Receives for as long as it takes.
    pub(crate) const RECEIVE: Self = Self {
        read: true,
        deadline: None,
    };
}

impl<S: Transport, C: Clock> Core<S, C> {
    pub(crate) const fn new(connection: Connection, transport: S, clock: C, lease: Lease) -> Self {
        Self {
            connection,
            transport,
            clock,
            lease: Some(lease),
            inbox: None,
            outcome: None,
            unflushed: false,
            reads: 0,
        }
    }

    /// The connection, and a lease with the present set. To be followed by [`release`](Self::release).
    pub(crate) fn lease(&mut self) -> (&mut Connection, &mut Lease) {
        // With a batch under way, the present is that of its arrival.
        let stale = self.lease.is_none() || self.connection.queued() == 0;
        let lease = self.lease.get_or_insert_with(Lease::take);
        if stale {
            lease.env.set_now(self.clock.now());
        }
        (&mut self.connection, lease)
    }

    /// Gives the lease back, unless its input is not used up.
    pub(crate) fn release(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.put_back(lease);
        }
    }

    fn put_back(&mut self, mut lease: Lease) {
        if lease.input.is_empty() {
            return;
        }
        if lease.hold() {
            self.lease = Some(lease);
        } else {
            let Parts { env, input, .. } = &mut *lease;
            self.connection.set_aside(env, input);
        }
    }

    fn take_lease(&mut self) -> Lease {
        self.lease.take().unwrap_or_else(|| {
            let mut lease = Lease::take();
            lease.env.set_now(self.clock.now());
            lease
        })
    }

    /// Does everything that can be done now, until there is an event or the connection is over.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>, task: Task) -> Poll<Found> {
        let mut lease = self.take_lease();
        let found = self.drive(cx, &mut lease, task);
        match found {
            Poll::Ready(Found::Event) => self.lease = Some(lease),
            Poll::Ready(Found::Over) => {}
            Poll::Ready(Found::TimedOut) | Poll::Pending => self.put_back(lease),
        }
        found
    }

    fn drive(&mut self, cx: &mut Context<'_>, lease: &mut Lease, task: Task) -> Poll<Found> {
        let Parts { env, input, .. } = &mut **lease;
        loop {
            if self.connection.is_open()
                && let Some(why) = self.clock.shutting_down()
            {
                self.connection.close(env, CloseCode::GOING_AWAY, why);
            }
            if task.read {
                match self.connection.has_event(env, input) {
                    Ok(true) => return Poll::Ready(Found::Event),
                    Ok(false) => {}
                    Err(error) => self.failed(error),
                }
            }
            self.flush(cx, env);
            let wants = self.connection.wants();
            if wants.done && (task.read || self.outcome.is_some()) {
                return Poll::Ready(Found::Over);
            }
            // If shutting it fails, the transport is gone, and nothing is left to shut.
            if wants.shutdown && !self.unflushed && self.transport.poll_shutdown(cx).is_ready() {
                self.connection.handle_shutdown();
                continue;
            }
            if wants.read && task.read {
                if self.reads == MAX_READS {
                    self.reads = 0;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                let mut stream = NonBlocking {
                    transport: &mut self.transport,
                    cx,
                };
                match turn::fill(&mut self.connection, env, input, &mut stream) {
                    Ok(Filled::Octets(_)) => {
                        self.reads += 1;
                        env.set_now(self.clock.now());
                        continue;
                    }
                    Ok(Filled::Nothing) => {}
                    // The connection knows, and reports the end.
                    Ok(Filled::End) | Err(_) => continue,
                }
            }
            let deadline = match (wants.deadline, task.deadline) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if self.clock.poll_deadline(cx, deadline).is_pending() {
                self.reads = 0;
                return Poll::Pending;
            }
            env.set_now(self.clock.now());
            if task.deadline.is_some_and(|deadline| deadline <= env.now()) {
                return Poll::Ready(Found::TimedOut);
            }
            self.connection.handle_timeout(env);
            if !task.read && self.connection.wants().done {
                // What ended it is not behind the input that nobody takes.
                match self.connection.next_event(env, input) {
                    Ok(Some(Event::Closed(closed))) => self.closed(closed),
                    Ok(_) => {}
                    Err(error) => self.failed(error),
                }
            }
        }
    }

    /// Does everything that can be done now until `is_done`, reading ahead to a bound.
    pub(crate) fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        receiving: Receiving,
        deadline: Option<Time>,
        is_done: impl Fn(&Self) -> bool,
    ) -> Poll<()> {
        // What the transport takes at once must not wait for what else has come: a Close among it
        // would be answered before the application has said what it had to say.
        if !is_done(self) {
            self.write(cx);
        }
        loop {
            if is_done(self) {
                self.release();
                return Poll::Ready(());
            }
            let full = self.inbox.as_ref().is_some_and(|inbox| inbox.is_full());
            let read = receiving == Receiving::Discard || !full;
            match self.poll_event(cx, Task { read, deadline }) {
                Poll::Ready(Found::Event) => {
                    if let Some(incoming) = self.take_event()
                        && receiving == Receiving::Keep
                    {
                        self.inbox.get_or_insert_default().push(incoming);
                    }
                }
                Poll::Ready(Found::Over | Found::TimedOut) => return Poll::Ready(()),
                Poll::Pending if is_done(self) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The next thing for the application, or `None` at the end.
    pub(crate) fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        if let Some(inbox) = &mut self.inbox {
            let incoming = inbox.pop();
            if inbox.len() == 0 {
                self.inbox = None;
            }
            if incoming.is_some() {
                return Poll::Ready(incoming);
            }
        }
        loop {
            match ready!(self.poll_event(cx, Task::RECEIVE)) {
                Found::Event => {
                    if let Some(incoming) = self.take_event() {
                        self.release();
                        return Poll::Ready(Some(incoming));
                    }
                }
                Found::Over | Found::TimedOut => return Poll::Ready(None),
            }
        }
    }

    /// Whether everything queued is with the transport.
    pub(crate) fn is_flushed(&self) -> bool {
        self.connection.queued() == 0 && !self.unflushed
    }

    /// Whether a further message may be queued: what is queued is not too much, or never will be less.
    pub(crate) fn has_room(&self) -> bool {
        self.connection.queued() < self.connection.config().queue_high || !self.connection.is_open()
    }

    /// Whether nothing is left to receive, to send or to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.outcome.is_some() && self.connection.wants().done
    }

    /// The error that ended the connection, once.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.outcome.as_mut()?.error.take()
    }

    /// Events that were read ahead.
    pub(crate) fn read_ahead(&self) -> usize {
        self.inbox.as_ref().map_or(0, |inbox| inbox.len())
    }

    /// Takes the event that `poll_event` found: to keep, or to note how it ended.
    fn take_event(&mut self) -> Option<Incoming> {
        let Parts { env, input, .. } = &mut **self.lease.as_mut()?;
        let ended = match self.connection.next_event(env, input) {
            Ok(Some(Event::Closed(closed))) => Ok(closed),
            Ok(event) => return event.and_then(Incoming::from_event),
            Err(error) => Err(error),
        };
        match ended {
            Ok(closed) => self.closed(closed),
            Err(error) => self.failed(error),
        }
        None
    }

    /// Waits for something to lend.
    pub(crate) fn poll_lendable(&mut self, cx: &mut Context<'_>) -> Poll<Found> {
        if self.read_ahead() > 0 {
            return Poll::Ready(Found::Event);
        }
        self.inbox = None;
        self.poll_event(cx, Task::RECEIVE)
    }

    /// Takes what [`poll_lendable`](Self::poll_lendable) found, without a copy unless it was read ahead.
    pub(crate) fn lend_event(&mut self) -> Result<Option<Lent<'_>>, Error> {
        let read_ahead = self.read_ahead() > 0;
        if read_ahead {
            self.lease();
        }
        let Self {
            connection,
            lease,
            outcome,
            inbox,
            ..
        } = self;
        let Some(lease) = lease else { return Ok(None) };
        let Parts { env, input, .. } = &mut **lease;
        if let Some(inbox) = inbox
            && read_ahead
        {
            return Ok(inbox.lend().map(|event| (event, connection, env)));
        }
        match connection.next_event(env, input) {
            Ok(event) => {
                if let Some(Event::Closed(closed)) = &event {
                    *outcome = Some(Box::new(Outcome {
                        closed: closed.clone(),
                        error: None,
                    }));
                }
                Ok(event.map(|event| (event, connection, env)))
            }
            Err(error) => {
                *outcome = Some(Box::new(Outcome {
                    closed: error.closed.clone(),
                    error: None,
                }));
                Err(error)
            }
        }
    }

    fn closed(&mut self, closed: Closed) {
        self.outcome = Some(Box::new(Outcome {
            closed,
            error: None,
        }));
    }

    pub(crate) fn failed(&mut self, error: Error) {
        self.outcome = Some(Box::new(Outcome {
            closed: error.closed.clone(),
            error: Some(error),
        }));
    }

    /// Writes what is queued, as far as the transport takes it, and looks at nothing that has come.
    fn write(&mut self, cx: &mut Context<'_>) {
        let mut lease = self.take_lease();
        self.flush(cx, &mut lease.env);
        self.put_back(lease);
    }

    /// Writes what is queued, as far as the transport takes it.
    fn flush(&mut self, cx: &mut Context<'_>, env: &mut Env) {
        let mut stream = NonBlocking {
            transport: &mut self.transport,
            cx,
        };
        if self.connection.queued() > 0 {
            // If it fails, the connection knows, and reports the end when reading fails too.
            self.unflushed = turn::flush(&mut self.connection, env, &mut stream).is_ok();
        }
        if self.unflushed && self.connection.queued() == 0 {
            match stream.flush() {
                Ok(()) => self.unflushed = false,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    self.unflushed = false;
                    self.connection.handle_lost(env);
                }
            }
        }
    }
}

/// An event, and what it leaves free: the connection and the environment.
pub(crate) type Lent<'a> = (Event<'a>, &'a mut Connection, &'a mut Env);

/// What becomes of what is received while the application does something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiving {
    /// It is read ahead, up to a bound.
    Keep,
    /// Nobody will ask for it.
    Discard,
}
