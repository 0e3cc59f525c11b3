//! One poll of a connection: does what the kit's [`Stepper`] says, on a transport that may be pending.

use std::{
    io::{self, ErrorKind},
    task::{Context, Poll, ready},
};

use driver_kit::{
    lease::{Lease, Leased},
    turn::{Step, Stepper, handle_read, handle_write, write_queued},
};
use wsproto::{CloseCode, Env, Event, Input, Time};

use super::{Engine, next_incoming};
use crate::{
    clock::Clock,
    incoming::READ_AHEAD,
    outcome::Outcome,
    poll::{Found, PollMode, ReadBudget},
    transport::Transport,
};

/// How old the time is that an environment shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClockFreshness {
    /// The clock was read in this poll, and nothing that takes long has happened since.
    Fresh,
    /// The clock was read in an earlier poll, or the application may have been busy since.
    Stale,
}

type Buffer = Input<Box<[u8]>>;

impl<S: Transport, C: Clock> Engine<S, C> {
    /// Does everything that can be done now, until there is an event or the connection is over.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>, mode: PollMode) -> Poll<Found> {
        let (mut lease, freshness) = match self.lease.take() {
            Some(lease) => (lease, ClockFreshness::Stale),
            None => {
                let mut lease = Lease::take();
                lease.env.set_now(self.clock.now());
                (lease, ClockFreshness::Fresh)
            }
        };
        let found = self.drive(cx, &mut lease, freshness, mode);
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
        mut freshness: ClockFreshness,
        mode: PollMode,
    ) -> Poll<Found> {
        let Leased { env, input, .. } = &mut **lease;
        let takes_events = mode.reads != ReadBudget::Nothing;
        let (mut stepper, mut step) = if takes_events {
            Stepper::pull(&self.connection, &self.budget)
        } else {
            Stepper::write_only()
        };
        self.close_if_shutting_down(env);
        loop {
            step = match step {
                Step::Event => match self.find_event(env, input, mode) {
                    Some(found) => return Poll::Ready(found),
                    None => stepper.no_event(),
                },
                Step::Flush => {
                    if freshness == ClockFreshness::Stale {
                        env.set_now(self.clock.now());
                    }
                    freshness = ClockFreshness::Stale;
                    self.flush(cx, env);
                    self.pause_unless_there_is_room(env, mode.reads);
                    stepper.flushed(&self.connection, &mut self.budget, env.now())
                }
                Step::Read => match self.read(cx, env, input, mode.reads) {
                    Poll::Ready(()) => stepper.news(&self.connection, &self.budget),
                    Poll::Pending => stepper.read_blocked(),
                },
                Step::Shutdown => {
                    // If shutting it fails, the transport is gone, and nothing is left to shut.
                    if !self.unflushed && self.transport.poll_shutdown(cx).is_ready() {
                        self.connection.handle_shutdown();
                        stepper.shut(&self.connection, &mut self.budget, env.now())
                    } else {
                        stepper.shutdown_blocked(&mut self.budget, env.now())
                    }
                }
                Step::Over if takes_events || self.has_ended() => {
                    // The transport could be dropped now, but the application may keep the socket, and a server
                    // waits for the end of the transport (7.1.1). If it is shut or lost this does nothing.
                    let _ = self.transport.poll_shutdown(cx);
                    return Poll::Ready(Found::Over);
                }
                // Over, but the end has not been reported: it lies in input that the receiver holds.
                Step::Over => Step::Wait(stepper.wants().deadline),
                Step::Wait(deadline) => {
                    let deadline = earlier(deadline, mode.deadline);
                    if (self.clock.poll_deadline(cx, env.now(), deadline)).is_pending() {
                        self.budget.renew();
                        return Poll::Pending;
                    }
                    self.expire(env, input, takes_events);
                    if is_due(mode.deadline, env.now()) {
                        return Poll::Ready(Found::TimedOut);
                    }
                    stepper.news(&self.connection, &self.budget)
                }
                Step::Pause if is_due(mode.deadline, env.now()) => {
                    return Poll::Ready(Found::TimedOut);
                }
                Step::Pause => {
                    self.budget.renew();
                    self.clock.wake_after_others(cx);
                    return Poll::Pending;
                }
            };
        }
    }

    /// Starts the closing handshake if the server that the connection belongs to shuts down.
    fn close_if_shutting_down(&mut self, env: &mut Env) {
        if self.connection.is_open()
            && let Some(reason) = self.clock.shutting_down()
        {
            env.set_now(self.clock.now());
            self.connection.close(env, CloseCode::GOING_AWAY, reason);
        }
    }

    /// Takes an event out of the input, or only announces it if it is to be lent.
    #[inline]
    fn find_event(&mut self, env: &mut Env, input: &mut Buffer, mode: PollMode) -> Option<Found> {
        if !mode.lend {
            let incoming = next_incoming(&mut self.connection, &mut self.extras, env, input)?;
            self.budget.count_event();
            return Some(Found::Incoming(incoming));
        }
        match self.connection.has_event(env, input) {
            Ok(true) => Some(Found::Lendable),
            Ok(false) => None,
            Err(error) => {
                self.failed(error);
                None
            }
        }
    }

    /// Bytes that may be read.
    fn room(&self, reads: ReadBudget) -> usize {
        match reads {
            ReadBudget::Unlimited => usize::MAX,
            ReadBudget::Ahead => usize::from(READ_AHEAD - self.ahead),
            ReadBudget::Nothing => 0,
        }
    }

    /// Pauses the connection if nothing may be read, so that the peer's silence is not counted against it.
    fn pause_unless_there_is_room(&mut self, env: &mut Env, reads: ReadBudget) {
        if self.room(reads) == 0 {
            self.connection.pause();
        } else {
            self.connection.resume(env);
        }
    }

    /// Reads once. Pending if the transport has nothing at hand.
    #[inline]
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        env: &mut Env,
        input: &mut Buffer,
        reads: ReadBudget,
    ) -> Poll<()> {
        let spare = input.spare();
        let room = spare.len().min(self.room(reads));
        let read = ready!(self.poll_read(cx, &mut spare[..room]));
        self.ahead = match (reads, &read) {
            (ReadBudget::Unlimited, _) => 0,
            // At most `room` bytes, which fit.
            (ReadBudget::Ahead | ReadBudget::Nothing, Ok(n)) => self.ahead + *n as u16,
            (ReadBudget::Ahead | ReadBudget::Nothing, Err(_)) => self.ahead,
        };
        let had_queued = self.connection.queued() > 0;
        let (connection, budget) = (&mut self.connection, &mut self.budget);
        let told = handle_read(connection, env, input, budget, room, read);
        // The connection reports the error as its end.
        self.lost |= told.is_err() && had_queued;
        Poll::Ready(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.budget.has_drained_transport() && self.transport.poll_readable(cx).is_pending() {
            return Poll::Pending;
        }
        loop {
            match self.transport.poll_read(cx, buf) {
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::WouldBlock => {
                    return Poll::Pending;
                }
                read => return read,
            }
        }
    }

    /// Writes what is queued, as far as the transport takes it.
    fn flush(&mut self, cx: &mut Context<'_>, env: &mut Env) {
        while self.connection.queued() > 0 {
            self.unflushed = true;
            let transport = &mut self.transport;
            match write_queued(&self.connection, |slices| transport.poll_write(cx, slices)) {
                Poll::Pending => break,
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::WouldBlock => break,
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Poll::Ready(written) => {
                    // If it fails, the connection knows, and reports the end when reading fails too.
                    if handle_write(&mut self.connection, env, written).is_err() {
                        self.unflushed = false;
                        self.lost = true;
                    }
                }
            }
        }
        if self.unflushed && self.connection.queued() == 0 {
            match self.transport.poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::WouldBlock => {}
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(_)) => {
                    self.unflushed = false;
                    self.lost = true;
                    self.connection.handle_lost(env);
                }
            }
        }
    }

    /// Writes what is queued and takes nothing that has come. Returns the ticks since the last read.
    pub(super) fn ticks_since_read_after_writing(&mut self, cx: &mut Context<'_>) -> u16 {
        let now = self.clock.now();
        let mut lease = self.lease.take().unwrap_or_else(Lease::take);
        lease.env.set_now(now);
        self.flush(cx, &mut lease.env);
        self.put_back(lease);
        self.budget.ticks_since_read(now)
    }

    /// Tells the connection that time has passed.
    fn expire(&mut self, env: &mut Env, input: &mut Buffer, takes_events: bool) {
        env.set_now(self.clock.now());
        let queued = self.connection.queued();
        self.connection.handle_timeout(env);
        self.lost |= self.connection.queued() < queued;
        if takes_events || !self.connection.wants().done {
            return;
        }
        // A deadline ended it. That is reported without the input, which nobody takes.
        match self.connection.next_event(env, input) {
            Ok(Some(Event::Closed(closed))) => {
                self.extras.set_outcome(Outcome::closed(closed, true));
            }
            Ok(_) => {}
            Err(error) => self.failed(error),
        }
    }
}

/// The earlier of two deadlines that may not be there.
fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn is_due(deadline: Option<Time>, now: Time) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}
