//! One connection and its transport, driven from inside of polls. All state is in here and none in a
//! future: dropping a future at any await loses nothing.

pub(crate) mod admission;
mod drive;
mod extras;
pub(crate) mod lending;

use std::task::{Context, Poll, ready};

use driver_kit::{
    lease::{Lease, Leased, Slot},
    turn::TurnBudget,
};
use wsproto::{CloseCode, Closed, Connection, Env, Error, Event, Input, SendError, Time};

use self::extras::Extras;
use crate::{
    clock::Clock,
    incoming::{Incoming, READ_AHEAD},
    outcome::Outcome,
    poll::{Found, PollMode, ReadBudget, Receiving},
    transport::Transport,
};

/// The interval at which a task reads that only sends and never has to wait, in ticks of 1.05 ms: just short of a
/// second.
const READ_EVERY: u16 = 953;

/// A connection, its transport and its clock.
#[derive(Debug)]
pub(crate) struct Engine<S, C> {
    pub(crate) connection: Connection,
    pub(crate) transport: S,
    pub(crate) clock: C,
    /// Held only while input is not used up.
    lease: Slot,
    /// Events that were read while nobody received, and how the connection ended.
    extras: Extras,
    /// The transport may have buffered what it took.
    unflushed: bool,
    /// Something that was queued will never be sent.
    lost: bool,
    /// Bytes that were read ahead since a receiver last had to wait.
    ahead: u16,
    budget: TurnBudget,
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
            extras: Extras::default(),
            unflushed: false,
            lost: false,
            ahead: 0,
            budget: TurnBudget::default(),
        }
    }

    // The lease.

    /// The connection, and a lease whose time is set. To be followed by [`release`](Self::release).
    fn lease(&mut self) -> (&mut Connection, &mut Leased) {
        // A batch that is under way is handled at the time of its arrival.
        let is_stale = self.lease.get().is_none() || self.connection.queued() == 0;
        let lease = self.lease.get_or_take();
        if is_stale {
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

    // Receiving.

    /// Receives the next event that is for the application, or `None` at the end.
    pub(crate) fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        let read_ahead = self.extras.pop();
        if read_ahead.is_some() {
            return Poll::Ready(read_ahead);
        }
        if let Some(incoming) = self.incoming_at_hand() {
            return Poll::Ready(Some(incoming));
        }
        Poll::Ready(match ready!(self.poll_event(cx, PollMode::RECEIVE)) {
            Found::Incoming(incoming) => {
                self.release();
                Some(incoming)
            }
            Found::Lendable | Found::Over | Found::TimedOut => None,
        })
    }

    /// Takes an event out of input that is at hand: all messages of a batch but the first come this way,
    /// at little cost. `None` is inconclusive: call [`poll_event`](Self::poll_event) to find out.
    #[inline]
    fn incoming_at_hand(&mut self) -> Option<Incoming> {
        if self.clock.shutting_down().is_some() || self.budget.is_spent() {
            return None;
        }
        let lease = self.lease.get_mut()?;
        let Leased { env, input, .. } = lease;
        let incoming = next_incoming(&mut self.connection, &mut self.extras, env, input)?;
        self.budget.count_event();
        if input.is_empty() {
            self.lease.clear();
        }
        Some(incoming)
    }

    /// Does everything that can be done now until `is_done`. How much is read meanwhile, and what becomes of
    /// it, is up to `receiving`.
    pub(crate) fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        receiving: Receiving,
        deadline: Option<Time>,
        is_done: impl Fn(&Self) -> bool,
    ) -> Poll<()> {
        // Bytes that the transport takes at once are written before anything is read: a Close among the input would be
        // answered before the application has said what it had to say. But a program that only ever sends,
        // and never has to wait, still has to see the Close some time, and answer pings before that.
        let must_read = !is_done(self) && self.ticks_since_read_after_writing(cx) >= READ_EVERY;
        loop {
            if is_done(self) && !must_read {
                self.release();
                return Poll::Ready(());
            }
            let mode = PollMode {
                reads: match receiving {
                    Receiving::Discard => ReadBudget::Unlimited,
                    Receiving::Keep if self.extras.is_full() => ReadBudget::Nothing,
                    Receiving::Keep => ReadBudget::Ahead,
                    Receiving::Lent => ReadBudget::Nothing,
                },
                lend: false,
                deadline,
            };
            match self.poll_event(cx, mode) {
                Poll::Ready(Found::Incoming(incoming)) => {
                    if receiving == Receiving::Keep {
                        self.extras.push(incoming);
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

    /// Returns true if a sender that waits would read ahead.
    pub(crate) fn reads_ahead(&self) -> bool {
        self.ahead < READ_AHEAD && !self.extras.is_full()
    }

    /// Events that were read ahead.
    pub(crate) fn read_ahead(&self) -> usize {
        self.extras.len()
    }

    /// Drops the events that were read ahead.
    pub(crate) fn clear_inbox(&mut self) {
        self.extras.clear_inbox();
    }

    // Sending.

    /// Queues something.
    pub(crate) fn queue<T>(&mut self, queue: impl FnOnce(&mut Connection, &mut Env) -> T) -> T {
        let (connection, lease) = self.lease();
        let queued = queue(connection, &mut lease.env);
        // A lease with input left is held, and stays so.
        if lease.input.is_empty() {
            self.lease.clear();
        }
        queued
    }

    /// Returns true if the transport has taken everything that was queued, and passed it on.
    pub(crate) fn is_flushed(&self) -> bool {
        self.connection.queued() == 0 && !self.unflushed
    }

    /// Waits until the transport has taken everything that is queued.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        receiving: Receiving,
    ) -> Poll<Result<(), SendError>> {
        ready!(self.poll_until(cx, receiving, None, Self::is_flushed));
        Poll::Ready(self.flushed())
    }

    /// An error if something that was queued did not and will not reach the transport.
    pub(crate) fn flushed(&self) -> Result<(), SendError> {
        if self.lost || (self.is_over() && !self.is_flushed()) {
            Err(SendError::Closed)
        } else {
            Ok(())
        }
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

    // The end.

    /// Returns true if nothing is left to receive, to send or to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.has_ended() && self.connection.wants().done
    }

    /// Returns true if the end of the connection is known, though there may be something left to send.
    pub(crate) fn has_ended(&self) -> bool {
        self.extras.outcome().is_some()
    }

    /// How the connection ended, once that is known.
    pub(crate) fn closed(&self) -> Option<&Closed> {
        self.extras.outcome().map(|outcome| &outcome.closed)
    }

    /// How the connection ended, and the error unless it was reported before.
    pub(crate) fn take_outcome(&mut self) -> Option<Outcome> {
        self.extras.take_outcome()
    }

    /// The error that ended the connection; the first call takes it.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.extras.outcome_mut()?.error.take()
    }

    pub(crate) fn failed(&mut self, error: Error) {
        self.extras.set_outcome(Outcome::failed(error));
    }
}

/// Takes the next event that is for the application out of the input. Notes the end of the connection.
#[inline]
fn next_incoming<B: AsMut<[u8]>>(
    connection: &mut Connection,
    extras: &mut Extras,
    env: &mut Env,
    input: &mut Input<B>,
) -> Option<Incoming> {
    loop {
        match connection.next_event(env, input) {
            Ok(Some(Event::Closed(closed))) => {
                extras.set_outcome(Outcome::closed(closed, true));
            }
            Ok(Some(event)) => {
                if let Some(incoming) = Incoming::from_event(event) {
                    return Some(incoming);
                }
            }
            Ok(None) => return None,
            Err(error) => {
                extras.set_outcome(Outcome::failed(error));
                return None;
            }
        }
    }
}
