//! One connection and its transport, driven from inside of polls. All state is in here, none in a
//! future: dropping a future at any await loses nothing.

mod lending;

use std::{
    io::{ErrorKind, Write},
    task::{Context, Poll, ready},
};

use driver_kit::{
    lease::{Lease, Leased, Slot},
    turn::{self, Filled, MAX_EVENTS},
};
use wsproto::{CloseCode, Connection, Env, Error, Event, Input, Overflow, SendError, Time};

use crate::{
    clock::Clock,
    incoming::{Inbox, Incoming, READ_AHEAD},
    outcome::Outcome,
    poll::{Found, Intake, Receiving, Task},
    transport::{NonBlocking, Transport},
};

pub(crate) use lending::{Lent, Loan};

/// Reads without a pause, after which other tasks have their turn.
const MAX_READS: u8 = turn::MAX_READS as u8;

/// Ticks for which sends that need not wait pass over what has come: just short of a second.
const LOOK_EVERY: u16 = 953;

/// A connection, its transport and its clock.
#[derive(Debug)]
pub(crate) struct Engine<S, C> {
    pub(crate) connection: Connection,
    pub(crate) transport: S,
    pub(crate) clock: C,
    /// Held only while input is not used up.
    lease: Slot,
    /// What was read while nobody received.
    inbox: Option<Box<Inbox>>,
    /// How it ended, once that is known.
    pub(crate) outcome: Option<Box<Outcome>>,
    /// The transport may have buffered what it took.
    unflushed: bool,
    /// Something that was queued will never be sent.
    lost: bool,
    /// The last read took all that there was.
    drained: bool,
    /// Reads since the last pause.
    reads: u8,
    /// Bytes that were read ahead since a receiver last had to wait.
    ahead: u16,
    /// When it was last tried to read, in ticks.
    looked: u16,
    /// Events that were taken since the last pause.
    taken: u16,
}

impl<S: Transport, C: Clock> Engine<S, C> {
    pub(crate) fn new(connection: Connection, transport: S, clock: C, lease: Lease) -> Self {
        let mut slot = Slot::default();
        slot.put(lease);
        Self {
            connection,
            transport,
            clock,
            lease: slot,
            inbox: None,
            outcome: None,
            unflushed: false,
            lost: false,
            drained: false,
            reads: 0,
            ahead: 0,
            looked: 0,
            taken: 0,
        }
    }

    /// The connection, and a lease with the present set. To be followed by [`release`](Self::release).
    pub(crate) fn lease(&mut self) -> (&mut Connection, &mut Leased) {
        // With a batch under way, the present is that of its arrival.
        let stale = self.lease.get().is_none() || self.connection.queued() == 0;
        let lease = self.lease.get_or_take();
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
            self.lease.put(lease);
        } else {
            let Leased { env, input, .. } = &mut *lease;
            self.connection.set_aside(env, input);
        }
    }

    /// Does everything that can be done now, until there is an event or the connection is over.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>, task: Task) -> Poll<Found> {
        let (mut lease, present) = match self.lease.take() {
            Some(lease) => (lease, Present::Past),
            None => {
                let mut lease = Lease::take();
                lease.env.set_now(self.clock.now());
                (lease, Present::Now)
            }
        };
        let found = if self.has_taken_its_share() && task.intake != Intake::Nothing {
            lease.env.set_now(self.clock.now());
            self.flush(cx, &mut lease.env);
            self.pause(cx);
            Poll::Pending
        } else {
            self.drive(cx, &mut lease, present, task)
        };
        match found {
            Poll::Ready(Found::Incoming(_) | Found::Lendable) => self.lease.put(lease),
            Poll::Ready(Found::Over) => {}
            Poll::Ready(Found::TimedOut) | Poll::Pending => self.put_back(lease),
        }
        found
    }

    fn drive(
        &mut self,
        cx: &mut Context<'_>,
        lease: &mut Lease,
        mut present: Present,
        task: Task,
    ) -> Poll<Found> {
        let Leased { env, input, .. } = &mut **lease;
        let takes = task.intake != Intake::Nothing;
        loop {
            if self.connection.is_open()
                && let Some(why) = self.clock.shutting_down()
            {
                env.set_now(self.clock.now());
                self.connection.close(env, CloseCode::GOING_AWAY, why);
            }
            if takes && task.lend {
                match self.connection.has_event(env, input) {
                    Ok(true) => return Poll::Ready(Found::Lendable),
                    Ok(false) => {}
                    Err(error) => self.failed(error),
                }
            } else if takes
                && let Some(incoming) =
                    next_incoming(&mut self.connection, &mut self.outcome, env, input)
            {
                self.taken = self.taken.saturating_add(1);
                return Poll::Ready(Found::Incoming(incoming));
            }
            match present {
                Present::Now => {}
                // What was at hand may have kept the application busy for long.
                Present::Past => env.set_now(self.clock.now()),
            }
            present = Present::Past;
            self.flush(cx, env);
            let room = match task.intake {
                Intake::Any => usize::MAX,
                Intake::Ahead => usize::from(READ_AHEAD - self.ahead),
                Intake::Nothing => 0,
            };
            // While nothing is read, the peer is not to blame that nothing comes.
            if room == 0 {
                self.connection.pause();
            } else {
                self.connection.resume(env);
            }
            let wants = self.connection.wants();
            if wants.done && (takes || self.outcome.is_some()) {
                // It would be dropped now, but the application may keep the socket, and a server waits
                // for the end of the transport (7.1.1). Where it is shut or lost this does nothing.
                let _ = self.transport.poll_shutdown(cx);
                return Poll::Ready(Found::Over);
            }
            // If shutting it fails, the transport is gone, and nothing is left to shut.
            if wants.shutdown && !self.unflushed && self.transport.poll_shutdown(cx).is_ready() {
                self.connection.handle_shutdown();
                continue;
            }
            if wants.read && room > 0 {
                // The first read, or one of some within a tick: a buffer full of pings keeps a
                // processor as busy as a hundred long messages.
                let now = ticks(env.now());
                if self.reads == 0 || (self.reads < MAX_READS && self.looked == now) {
                    self.looked = now;
                    let queued = self.connection.queued();
                    let mut stream =
                        NonBlocking::new(&mut self.transport, cx, room, &mut self.drained);
                    match turn::fill(&mut self.connection, env, input, &mut stream) {
                        Ok(Filled::Bytes(n)) => {
                            self.reads += 1;
                            self.ahead = match task.intake {
                                Intake::Any => 0,
                                // No more than there was room for.
                                Intake::Ahead | Intake::Nothing => self.ahead + n as u16,
                            };
                            continue;
                        }
                        Ok(Filled::Nothing) => {}
                        // The connection knows, and reports the end.
                        Ok(Filled::End) => continue,
                        Err(_) => {
                            self.lost |= queued > 0;
                            continue;
                        }
                    }
                } else {
                    // There may be more, after what is due had its turn, too.
                    self.pause(cx);
                }
            }
            let deadline = match (wants.deadline, task.deadline) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if self
                .clock
                .poll_deadline(cx, env.now(), deadline)
                .is_pending()
            {
                self.reads = 0;
                self.taken = 0;
                return Poll::Pending;
            }
            env.set_now(self.clock.now());
            let queued = self.connection.queued();
            self.connection.handle_timeout(env);
            self.lost |= self.connection.queued() < queued;
            if task.deadline.is_some_and(|deadline| deadline <= env.now()) {
                return Poll::Ready(Found::TimedOut);
            }
            if !takes && self.connection.wants().done {
                // What ended it is not behind the input that nobody takes.
                match self.connection.next_event(env, input) {
                    Ok(Some(Event::Closed(closed))) => {
                        self.outcome = Some(Box::new(Outcome::closed(closed, true)));
                    }
                    Ok(_) => {}
                    Err(error) => self.failed(error),
                }
            }
        }
    }

    /// Whether other tasks are to have their turn before this one goes on.
    #[inline]
    pub(crate) const fn has_taken_its_share(&self) -> bool {
        self.taken as usize >= MAX_EVENTS
    }

    /// Goes on after other tasks.
    fn pause(&mut self, cx: &mut Context<'_>) {
        self.reads = 0;
        self.taken = 0;
        self.clock.wake_after_others(cx);
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
        // would be answered before the application has said what it had to say. But whoever only ever
        // sends, and never has to wait, shall see the Close some time, and answer pings before that.
        let looks = !is_done(self) && self.write(cx).wrapping_sub(self.looked) >= LOOK_EVERY;
        loop {
            if is_done(self) && !looks {
                self.release();
                return Poll::Ready(());
            }
            let intake = match receiving {
                Receiving::Discard => Intake::Any,
                Receiving::Keep if self.is_inbox_full() => Intake::Nothing,
                Receiving::Keep => Intake::Ahead,
                Receiving::Lent => Intake::Nothing,
            };
            let task = Task {
                intake,
                lend: false,
                deadline,
            };
            match self.poll_event(cx, task) {
                Poll::Ready(Found::Incoming(incoming)) => {
                    if receiving == Receiving::Keep {
                        self.inbox.get_or_insert_default().push(incoming);
                    }
                }
                Poll::Ready(Found::Lendable | Found::Over | Found::TimedOut) => {
                    return Poll::Ready(());
                }
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
        if let Some(incoming) = self.incoming_at_hand() {
            return Poll::Ready(Some(incoming));
        }
        Poll::Ready(match ready!(self.poll_event(cx, Task::RECEIVE)) {
            Found::Incoming(incoming) => {
                self.release();
                Some(incoming)
            }
            Found::Lendable | Found::Over | Found::TimedOut => None,
        })
    }

    /// What [`poll_event`](Self::poll_event) would find first in input that is at hand: the messages of
    /// a batch but the first, at little cost. `None` says nothing.
    #[inline]
    fn incoming_at_hand(&mut self) -> Option<Incoming> {
        if self.clock.shutting_down().is_some() || self.has_taken_its_share() {
            return None;
        }
        let lease = self.lease.get_mut()?;
        let Leased { env, input, .. } = lease;
        let incoming = next_incoming(&mut self.connection, &mut self.outcome, env, input)?;
        self.taken = self.taken.saturating_add(1);
        if input.is_empty() {
            self.lease.clear();
        }
        Some(incoming)
    }

    /// Whether everything queued is with the transport.
    pub(crate) fn is_flushed(&self) -> bool {
        self.connection.queued() == 0 && !self.unflushed
    }

    /// Waits until everything queued is with the transport.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        receiving: Receiving,
    ) -> Poll<Result<(), SendError>> {
        ready!(self.poll_until(cx, receiving, None, Self::is_flushed));
        Poll::Ready(self.flushed())
    }

    /// Whether everything that was ever queued has gone to the transport, or will go.
    pub(crate) fn flushed(&self) -> Result<(), SendError> {
        if self.lost || (self.is_over() && !self.is_flushed()) {
            Err(SendError::Closed)
        } else {
            Ok(())
        }
    }

    /// Whether a message of that many bytes may be queued: what is queued is not too much, or never
    /// will be less.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        let config = self.connection.config();
        let queued = self.connection.queued();
        // The other policies are for those who would rather lose messages than wait.
        let fits =
            config.overflow != Overflow::Refuse || queued.saturating_add(len) <= config.queue_limit;
        queued == 0 || (queued < config.queue_high && fits) || !self.connection.is_open()
    }

    /// Whether a sender that waits would read ahead.
    pub(crate) fn reads_ahead(&self) -> bool {
        self.ahead < READ_AHEAD && !self.is_inbox_full()
    }

    fn is_inbox_full(&self) -> bool {
        self.inbox.as_ref().is_some_and(|inbox| inbox.is_full())
    }

    /// Queues something.
    pub(crate) fn queue<T>(&mut self, queue: impl FnOnce(&mut Connection, &mut Env) -> T) -> T {
        let (connection, lease) = self.lease();
        let queued = queue(connection, &mut lease.env);
        // With input left it is held, and stays so.
        if lease.input.is_empty() {
            self.lease.clear();
        }
        queued
    }

    /// Starts the closing handshake.
    pub(crate) fn close(&mut self, code: CloseCode, reason: &str) {
        let now = self.clock.now();
        self.queue(|connection, env| {
            // Its deadline counts from here, however old the batch is.
            env.set_now(now);
            connection.close(env, code, reason);
        });
    }

    /// Forgets what was read ahead.
    pub(crate) fn clear_inbox(&mut self) {
        self.inbox = None;
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

    pub(crate) fn failed(&mut self, error: Error) {
        self.outcome = Some(Box::new(Outcome::failed(error)));
    }

    /// Writes what is queued, as far as the transport takes it, and looks at nothing that has come.
    /// Returns the present in ticks.
    fn write(&mut self, cx: &mut Context<'_>) -> u16 {
        let now = self.clock.now();
        let mut lease = self.lease.take().unwrap_or_else(Lease::take);
        lease.env.set_now(now);
        self.flush(cx, &mut lease.env);
        self.put_back(lease);
        ticks(now)
    }

    /// Writes what is queued, as far as the transport takes it.
    fn flush(&mut self, cx: &mut Context<'_>, env: &mut Env) {
        let mut stream = NonBlocking::new(&mut self.transport, cx, 0, &mut self.drained);
        if self.connection.queued() > 0 {
            // If it fails, the connection knows, and reports the end when reading fails too.
            self.unflushed = turn::flush(&mut self.connection, env, &mut stream).is_ok();
            self.lost |= !self.unflushed;
        }
        if self.unflushed && self.connection.queued() == 0 {
            match stream.flush() {
                Ok(()) => self.unflushed = false,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    self.unflushed = false;
                    self.lost = true;
                    self.connection.handle_lost(env);
                }
            }
        }
    }
}

/// What an environment shows as the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Present {
    /// The clock was looked at in this poll.
    Now,
    /// Something may have taken long since.
    Past,
}

/// Takes the next thing for the application out of the input, and notes how it ended.
#[inline]
fn next_incoming<B: AsMut<[u8]>>(
    connection: &mut Connection,
    outcome: &mut Option<Box<Outcome>>,
    env: &mut Env,
    input: &mut Input<B>,
) -> Option<Incoming> {
    loop {
        match connection.next_event(env, input) {
            Ok(Some(Event::Closed(closed))) => {
                *outcome = Some(Box::new(Outcome::closed(closed, true)));
            }
            Ok(Some(event)) => {
                if let Some(incoming) = Incoming::from_event(event) {
                    return Some(incoming);
                }
            }
            Ok(None) => return None,
            Err(error) => {
                *outcome = Some(Box::new(Outcome::failed(error)));
                return None;
            }
        }
    }
}

/// A moment in ticks of 1.05 ms, wrapping after 69 s: a connection has two bytes for it. So whoever looks
/// once a second may for once look a second late.
const fn ticks(moment: Time) -> u16 {
    (moment.as_nanos() >> 20) as u16
}
