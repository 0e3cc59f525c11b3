//! The order in which a driver does things for a connection, without any I/O.
//!
//! ```text
//!               nothing left     what can be written is
//!   ┌──► Event ─────────────► Flush ─────────────► Over?  Shutdown?  Read? ──► Wait or Pause
//!   │                           ▲                                      │
//!   └──── news: bytes, the end of the stream, a deadline ◄─────────────┘
//! ```

use std::mem;

use wsproto::{Connection, Input, Time, Wants};

use super::budget::TurnBudget;

/// The next thing to do for a connection, and how to report that it is done. Each report returns the step
/// after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Take an event out of the input: [`Stepper::event_taken`]. If there is none, or the connection has
    /// failed: [`Stepper::no_event`].
    Event,
    /// Write everything that is queued, as far as the transport takes it: [`Stepper::flushed`].
    Flush,
    /// Read once: [`handle_read`](super::handle_read), then [`Stepper::news`]. If the transport has nothing at
    /// hand: [`Stepper::read_blocked`].
    Read,
    /// Shut the transport's writing side: [`Stepper::shut`]. If that is not possible yet:
    /// [`Stepper::shutdown_blocked`].
    Shutdown,
    /// Nothing can be done before the transport is ready or this deadline passes; it may have passed already.
    /// To go on in the same turn, tell the connection that it has passed, and then report [`Stepper::news`].
    Wait(Option<Time>),
    /// The share is used up. Let other connections have their turn, then go on with a
    /// [renewed](TurnBudget::renew) budget.
    Pause,
    /// Nothing is left to receive, to send or to wait for.
    Over,
}

/// Says what to do next in one turn, or one poll, of a connection.
///
/// A loop does what the [`Step`] says, reports the result, and gets the next step. The stepper does no I/O,
/// calls nothing back, and holds nothing that has to survive the turn: that is in the [`TurnBudget`].
#[derive(Debug)]
pub struct Stepper {
    mode: Mode,
    /// The turn has begun with a read: what is queued was not written yet.
    has_begun_with_read: bool,
    /// Events wait because the connection holds back.
    is_held: bool,
    /// The connection's wants, as of the last flush.
    wants: Wants,
}

/// How events reach the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// By callbacks, which cannot refuse: they get none while the connection holds back.
    Push,
    /// A task asks for them.
    Pull,
    /// No events are taken.
    WriteOnly,
}

impl Stepper {
    /// Begins a turn that hands events to callbacks. While the connection
    /// [holds back](Connection::holds_back), they get nothing that is still in the input.
    ///
    /// With nothing at hand the turn begins with a read, so that what is queued already leaves in one write
    /// with the answers.
    #[must_use]
    #[inline]
    pub fn push<B: AsMut<[u8]>>(
        connection: &Connection,
        input: &Input<B>,
        budget: &mut TurnBudget,
        now: Time,
    ) -> (Self, Step) {
        let mut stepper = Self::new(Mode::Push);
        let wants = connection.wants();
        let step = if wants.event || !input.is_empty() {
            stepper.news(connection, budget)
        } else if wants.read && budget.begin_read(now) {
            stepper.has_begun_with_read = true;
            Step::Read
        } else {
            Step::Flush
        };
        (stepper, step)
    }

    /// Begins a poll of a task that asks for events.
    #[must_use]
    #[inline]
    pub fn pull(connection: &Connection, budget: &TurnBudget) -> (Self, Step) {
        let mut stepper = Self::new(Mode::Pull);
        let step = stepper.news(connection, budget);
        (stepper, step)
    }

    /// Begins a poll that takes no events and reads nothing: it writes, and keeps deadlines.
    #[must_use]
    #[inline]
    pub fn write_only() -> (Self, Step) {
        (Self::new(Mode::WriteOnly), Step::Flush)
    }

    #[inline]
    fn new(mode: Mode) -> Self {
        Self {
            mode,
            has_begun_with_read: false,
            is_held: false,
            wants: Wants::default(),
        }
    }

    /// Counts an event that was taken.
    #[inline]
    pub fn event_taken(&mut self, connection: &Connection, budget: &mut TurnBudget) -> Step {
        budget.count_event();
        self.news(connection, budget)
    }

    /// There is no further event.
    #[inline]
    pub const fn no_event(&self) -> Step {
        Step::Flush
    }

    /// There may be events: a read has brought bytes or found the end of the stream, or the connection was
    /// told that a deadline has passed.
    #[inline]
    pub fn news(&mut self, connection: &Connection, budget: &TurnBudget) -> Step {
        match self.mode {
            Mode::Push | Mode::Pull if budget.is_spent() => Step::Flush,
            // News that no input brings is reported all the same.
            Mode::Push if connection.holds_back() && !connection.wants().event => {
                self.is_held = true;
                Step::Flush
            }
            Mode::Push | Mode::Pull => Step::Event,
            Mode::WriteOnly => Step::Flush,
        }
    }

    /// The transport takes nothing more, or nothing is queued any more.
    #[inline]
    pub fn flushed(&mut self, connection: &Connection, budget: &mut TurnBudget, now: Time) -> Step {
        self.has_begun_with_read = false;
        // If the connection held back only because its queue was high, the flush may be all that it takes.
        if mem::take(&mut self.is_held) && !connection.holds_back() {
            return Step::Event;
        }
        self.wants = connection.wants();
        if self.mode != Mode::WriteOnly {
            if budget.is_spent() {
                return Step::Pause;
            }
            // A flush may bring news: the queue has drained, or input that was set aside can go on.
            if self.wants.event {
                return Step::Event;
            }
        }
        if self.wants.done {
            Step::Over
        } else if self.wants.shutdown {
            Step::Shutdown
        } else {
            self.read_or_wait(budget, now)
        }
    }

    /// The writing side is shut, and the connection was [told](Connection::handle_shutdown).
    pub fn shut(&mut self, connection: &Connection, budget: &mut TurnBudget, now: Time) -> Step {
        self.flushed(connection, budget, now)
    }

    /// The writing side cannot be shut yet.
    pub fn shutdown_blocked(&self, budget: &mut TurnBudget, now: Time) -> Step {
        self.read_or_wait(budget, now)
    }

    /// A read would block.
    #[inline]
    pub const fn read_blocked(&self) -> Step {
        if self.has_begun_with_read {
            Step::Flush
        } else {
            Step::Wait(self.wants.deadline)
        }
    }

    /// The connection's wants, as of the last flush.
    #[must_use]
    #[inline]
    pub const fn wants(&self) -> Wants {
        self.wants
    }

    #[inline]
    fn read_or_wait(&self, budget: &mut TurnBudget, now: Time) -> Step {
        let deadline = self.wants.deadline;
        if self.mode == Mode::WriteOnly || !self.wants.read {
            Step::Wait(deadline)
        } else if budget.begin_read(now) {
            Step::Read
        } else if deadline.is_some_and(|deadline| deadline <= now) {
            // A peer that never stops sending must not hold up what is due.
            Step::Wait(deadline)
        } else {
            Step::Pause
        }
    }
}

#[cfg(test)]
mod tests;
