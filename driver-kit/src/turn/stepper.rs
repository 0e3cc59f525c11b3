//! The order in which a driver does things for a connection, without any I/O.
//!
//! ```text
//!            nothing left      everything written
//!   ┌► Event ───────────► Flush ───────────► Over?  Shutdown?  Read? ──► Wait or Pause
//!   │                       ▲                                   │
//!   └───── news: bytes, the end of the stream, a deadline ◄─────┘
//! ```

use std::io;

use wsproto::{Connection, Env, Input, Time, Wants};

use super::budget::TurnBudget;

/// The next thing to do for a connection; see [`Stepper::step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Take an event out of the input and count it ([`TurnBudget::count_event`]). If there is none, or the
    /// connection has failed, call [`Stepper::no_event`].
    Event,
    /// Write everything that is queued, as far as the transport takes it.
    Flush,
    /// Read once, and report the result with [`Stepper::handle_read`]. Report nothing if the transport has
    /// nothing at hand.
    Read,
    /// Shut the transport's writing side. Call [`Stepper::shut`] once that is done.
    Shutdown,
    /// Nothing can be done before the transport is ready or this deadline passes; it may have passed already.
    /// To go on in the same turn after a deadline, call [`Stepper::resume`].
    Wait(Option<Time>),
    /// The share is used up. Let other connections have their turn, then go on with a
    /// [renewed](TurnBudget::renew) budget.
    Pause,
    /// Nothing is left to receive, to send or to wait for.
    Over,
}

/// Says what to do next in one turn, or one poll, of a connection.
///
/// A loop asks [`step`](Self::step), does what it says and reports the result; where nothing is reported, the
/// stepper goes on to the next thing. It does no I/O, calls nothing back, and holds nothing that has to survive
/// the turn: that is in the [`TurnBudget`].
#[derive(Debug)]
pub struct Stepper {
    at: At,
    mode: Mode,
    /// As of the last flush.
    wants: Wants,
}

/// Who takes the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Callbacks, which cannot refuse: they get none while the connection holds back.
    Push,
    /// A task that asks for them.
    Pull,
    /// Nobody.
    WriteOnly,
}

/// How far the turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing is at hand: the turn begins with a read, so that what is queued leaves together with the answers.
    FirstRead,
    Events,
    /// The connection holds back. If that is only because its queue is high, a flush may change it.
    Relief,
    Flush,
    Flushed,
    Read,
    Idle,
    /// The share of events is used up.
    Spent,
}

impl Stepper {
    /// A turn that hands events to callbacks. While the connection
    /// [holds back](Connection::holds_back), it reports nothing that is still in the input.
    #[must_use]
    #[inline]
    pub fn push<B: AsMut<[u8]>>(connection: &Connection, input: &Input<B>) -> Self {
        let wants = connection.wants();
        let at = if wants.event || !input.is_empty() {
            At::Events
        } else {
            At::FirstRead
        };
        Self {
            at,
            mode: Mode::Push,
            wants,
        }
    }

    /// A poll of a task that asks for events.
    #[must_use]
    #[inline]
    pub fn pull() -> Self {
        Self {
            at: At::Events,
            mode: Mode::Pull,
            wants: Wants::default(),
        }
    }

    /// A poll that takes no events and reads nothing: it writes, and keeps deadlines.
    #[must_use]
    #[inline]
    pub fn write_only() -> Self {
        Self {
            at: At::Flush,
            mode: Mode::WriteOnly,
            wants: Wants::default(),
        }
    }

    /// Returns the next thing to do.
    #[inline]
    pub fn step(&mut self, connection: &Connection, budget: &mut TurnBudget, now: Time) -> Step {
        if self.at == At::Events && !budget.is_spent() && !self.holds_back(connection) {
            return Step::Event;
        }
        self.other_step(connection, budget, now)
    }

    fn other_step(&mut self, connection: &Connection, budget: &mut TurnBudget, now: Time) -> Step {
        loop {
            match self.at {
                At::FirstRead => {
                    self.at = At::Flush;
                    if self.wants.read && budget.begin_read(now) {
                        return Step::Read;
                    }
                }
                At::Events if budget.is_spent() => {
                    self.at = At::Spent;
                    return Step::Flush;
                }
                At::Events if self.holds_back(connection) => {
                    self.at = At::Relief;
                    return Step::Flush;
                }
                At::Events => return Step::Event,
                At::Relief if self.holds_back(connection) => self.at = At::Flushed,
                At::Relief => self.at = At::Events,
                At::Flush => {
                    self.at = At::Flushed;
                    return Step::Flush;
                }
                At::Flushed => {
                    self.wants = connection.wants();
                    // A flush may have brought news: the queue has drained, or input that was set aside can go on.
                    if self.wants.event && self.mode != Mode::WriteOnly {
                        self.at = At::Events;
                        continue;
                    }
                    self.at = At::Read;
                    if self.wants.done {
                        return Step::Over;
                    }
                    if self.wants.shutdown {
                        return Step::Shutdown;
                    }
                }
                At::Read => {
                    self.at = At::Idle;
                    if self.wants.read && self.mode != Mode::WriteOnly {
                        if budget.begin_read(now) {
                            return Step::Read;
                        }
                        // There may be more to read, but a peer that never stops sending must not hold up what is due.
                        if self.wants.deadline.is_none_or(|deadline| now < deadline) {
                            return Step::Pause;
                        }
                    }
                }
                At::Idle => return Step::Wait(self.wants.deadline),
                At::Spent => {
                    self.wants = connection.wants();
                    return Step::Pause;
                }
            }
        }
    }

    /// What the connection wants, as of the last flush.
    #[must_use]
    #[inline]
    pub const fn wants(&self) -> Wants {
        self.wants
    }

    /// Records that there is no further event.
    #[inline]
    pub const fn no_event(&mut self) {
        self.at = At::Flush;
    }

    /// Tells the connection, the input and the budget how a read into the first `room` bytes of
    /// [`Input::spare`] ended: with bytes, with 0 at the end of the stream, or with an error.
    ///
    /// Not for a read that would block or was interrupted.
    ///
    /// # Errors
    /// The error of the read.
    #[inline]
    pub fn handle_read<B: AsMut<[u8]>>(
        &mut self,
        connection: &mut Connection,
        env: &mut Env,
        input: &mut Input<B>,
        budget: &mut TurnBudget,
        room: usize,
        read: io::Result<usize>,
    ) -> io::Result<()> {
        self.resume();
        match read {
            Ok(0) => {
                connection.handle_eof(env);
                Ok(())
            }
            Ok(n) => {
                input.filled(n);
                budget.count_read(n, room);
                Ok(())
            }
            Err(error) => {
                connection.handle_lost(env);
                connection.handle_eof(env);
                Err(error)
            }
        }
    }

    /// Tells the connection that the transport's writing side is shut.
    pub fn shut(&mut self, connection: &mut Connection) {
        connection.handle_shutdown();
        self.at = At::Flushed;
    }

    /// Goes on after news: a deadline has passed and the connection was told.
    #[inline]
    pub fn resume(&mut self) {
        self.at = match self.mode {
            Mode::Push | Mode::Pull => At::Events,
            Mode::WriteOnly => At::Flush,
        };
    }

    /// Returns true if events have to wait.
    #[inline]
    fn holds_back(&self, connection: &Connection) -> bool {
        // News that no input brings is reported all the same.
        self.mode == Mode::Push && connection.holds_back() && !connection.wants().event
    }
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, sync::Arc, time::Duration};

    use wsproto::{Agreed, CloseCode, Config, Event, Role};

    use super::*;
    use crate::{
        lease::{Lease, Leased},
        turn::{MAX_EVENTS, MAX_READS},
    };

    const HELLO: &[u8] = b"\x81\x85\0\0\0\0hello";
    const EMPTY: &[u8] = b"\x81\x80\0\0\0\0";

    /// A server's open connection and a budget, in the hands of a test.
    struct Served {
        connection: Connection,
        lease: Lease,
        budget: TurnBudget,
    }

    impl Served {
        fn new(change: impl FnOnce(&mut Config)) -> Self {
            let mut config = Config::default();
            change(&mut config);
            let mut lease = Lease::take();
            let agreed = Agreed::default();
            let connection =
                Connection::upgraded(Role::Server, Arc::new(config), &agreed, &mut lease.env);
            Self {
                connection,
                lease,
                budget: TurnBudget::default(),
            }
        }

        fn push(&self) -> Stepper {
            Stepper::push(&self.connection, &self.lease.input)
        }

        fn step(&mut self, stepper: &mut Stepper) -> Step {
            stepper.step(&self.connection, &mut self.budget, self.lease.env.now())
        }

        /// Reports a read that brought these bytes.
        fn read(&mut self, stepper: &mut Stepper, bytes: &[u8]) {
            let Leased { env, input, .. } = &mut *self.lease;
            let room = input.spare().len();
            input.spare()[..bytes.len()].copy_from_slice(bytes);
            let (connection, budget) = (&mut self.connection, &mut self.budget);
            stepper
                .handle_read(connection, env, input, budget, room, Ok(bytes.len()))
                .expect("it read");
        }

        /// Takes an event as [`Step::Event`] says; tells if there was one.
        fn take_event(&mut self, stepper: &mut Stepper) -> bool {
            let lease = &mut *self.lease;
            match self.connection.next_event(&mut lease.env, &mut lease.input) {
                Ok(Some(_)) => {
                    self.budget.count_event();
                    true
                }
                Ok(None) | Err(_) => {
                    stepper.no_event();
                    false
                }
            }
        }

        fn send(&mut self, text: &str) {
            let sent = self.connection.send_text(&mut self.lease.env, text);
            sent.expect("there is room");
        }

        /// Has everything written.
        fn flush(&mut self) {
            self.connection.sent(&mut self.lease.env, usize::MAX);
        }
    }

    #[test]
    fn a_poll_takes_events_then_writes_then_reads_then_waits() {
        let mut served = Served::new(|_| {});
        let mut poll = Stepper::pull();
        assert_eq!(served.step(&mut poll), Step::Event);
        assert!(!served.take_event(&mut poll));
        assert_eq!(served.step(&mut poll), Step::Flush);
        assert_eq!(served.step(&mut poll), Step::Read);
        served.read(&mut poll, HELLO);
        assert_eq!(served.step(&mut poll), Step::Event);
        assert!(served.take_event(&mut poll));
        assert_eq!(served.step(&mut poll), Step::Event, "there may be another");
        assert!(!served.take_event(&mut poll));
        assert_eq!(served.step(&mut poll), Step::Flush);
        assert_eq!(served.step(&mut poll), Step::Read);
        // Nothing is reported: the read would block.
        let deadline = served.connection.wants().deadline;
        assert!(deadline.is_some());
        assert_eq!(served.step(&mut poll), Step::Wait(deadline));
        assert_eq!(poll.wants(), served.connection.wants());
    }

    #[test]
    fn a_turn_with_nothing_at_hand_reads_before_it_writes() {
        let mut served = Served::new(|_| {});
        served.send("queued before");
        let mut turn = served.push();
        assert_eq!(served.step(&mut turn), Step::Read);
        assert_eq!(
            served.step(&mut turn),
            Step::Flush,
            "even if there is nothing to read"
        );
    }

    #[test]
    fn a_turn_with_input_at_hand_begins_with_it() {
        let mut served = Served::new(|_| {});
        served.lease.input.spare()[..HELLO.len()].copy_from_slice(HELLO);
        served.lease.input.filled(HELLO.len());
        let mut turn = served.push();
        assert_eq!(served.step(&mut turn), Step::Event);
    }

    #[test]
    fn who_takes_no_events_neither_reads_nor_is_offered_any() {
        let mut served = Served::new(|config| config.queue_high = 1);
        served.send("high");
        let mut poll = Stepper::write_only();
        assert_eq!(served.step(&mut poll), Step::Flush);
        served.flush();
        assert!(served.connection.wants().event, "the queue has drained");
        assert!(matches!(served.step(&mut poll), Step::Wait(_)));
    }

    #[test]
    fn news_of_a_flush_is_reported_before_anything_else() {
        let mut served = Served::new(|config| config.queue_high = 1);
        served.send("high");
        for mut stepper in [served.push(), Stepper::pull()] {
            stepper.no_event();
            assert_eq!(served.step(&mut stepper), Step::Flush);
            served.flush();
            assert_eq!(served.step(&mut stepper), Step::Event);
            let lease = &mut *served.lease;
            let event = served
                .connection
                .next_event(&mut lease.env, &mut lease.input);
            assert!(matches!(event, Ok(Some(Event::Drained))));
            served.send("high again");
        }
    }

    #[test]
    fn events_that_use_up_the_share_end_in_a_pause_after_a_flush() {
        let mut served = Served::new(|_| {});
        let mut poll = Stepper::pull();
        poll.no_event();
        assert_eq!(served.step(&mut poll), Step::Flush);
        assert_eq!(served.step(&mut poll), Step::Read);
        served.read(&mut poll, &EMPTY.repeat(MAX_EVENTS + 1));
        for _ in 0..MAX_EVENTS {
            assert_eq!(served.step(&mut poll), Step::Event);
            assert!(served.take_event(&mut poll));
        }
        assert_eq!(served.step(&mut poll), Step::Flush);
        assert_eq!(served.step(&mut poll), Step::Pause);
        // Another poll has no more than is left of the share.
        let mut poll = Stepper::pull();
        assert_eq!(served.step(&mut poll), Step::Flush);
        assert_eq!(served.step(&mut poll), Step::Pause);
        served.budget.renew();
        assert_eq!(served.step(&mut Stepper::pull()), Step::Event);
    }

    #[test]
    fn reads_that_use_up_the_share_end_in_a_pause() {
        let mut served = Served::new(|_| {});
        let mut turn = served.push();
        for _ in 0..MAX_READS {
            assert_eq!(served.step(&mut turn), Step::Read);
            served.read(&mut turn, HELLO);
            while served.step(&mut turn) == Step::Event {
                served.take_event(&mut turn);
            }
        }
        assert_eq!(served.step(&mut turn), Step::Pause);
    }

    #[test]
    fn a_deadline_that_has_passed_comes_before_a_pause() {
        let mut served = Served::new(|_| {});
        let mut poll = Stepper::pull();
        served.budget.begin_read(served.lease.env.now());
        served.budget.count_read(1, 1);
        let late = served.lease.env.now() + Duration::from_secs(3600);
        served.lease.env.set_now(late);
        poll.no_event();
        assert_eq!(served.step(&mut poll), Step::Flush);
        let deadline = served.connection.wants().deadline;
        assert!(deadline.is_some_and(|deadline| deadline <= late));
        assert_eq!(served.step(&mut poll), Step::Wait(deadline));
        served.connection.handle_timeout(&mut served.lease.env);
        poll.resume();
        assert_eq!(served.step(&mut poll), Step::Event);
    }

    #[test]
    fn callbacks_get_nothing_while_the_connection_holds_back() {
        let mut served = Served::new(|_| {});
        let mut turn = served.push();
        assert_eq!(served.step(&mut turn), Step::Read);
        served.read(&mut turn, &HELLO.repeat(2));
        assert_eq!(served.step(&mut turn), Step::Event);
        assert!(served.take_event(&mut turn));
        served.connection.pause();
        assert_eq!(
            served.step(&mut turn),
            Step::Flush,
            "this may be all that it takes"
        );
        assert!(matches!(served.step(&mut turn), Step::Wait(_)));
    }

    #[test]
    fn callbacks_go_on_when_a_flush_has_lowered_the_queue() {
        let mut served = Served::new(|config| {
            (config.queue_high, config.pause_when_high) = (10, true);
        });
        let mut turn = served.push();
        assert_eq!(served.step(&mut turn), Step::Read);
        served.read(&mut turn, HELLO);
        served.send("as high as it gets");
        assert_eq!(served.step(&mut turn), Step::Flush);
        served.flush();
        assert_eq!(served.step(&mut turn), Step::Event);
    }

    #[test]
    fn the_end_is_reported_then_the_writing_side_is_shut_then_it_is_over() {
        let mut served = Served::new(|_| {});
        let mut poll = Stepper::pull();
        poll.no_event();
        assert_eq!(served.step(&mut poll), Step::Flush);
        assert_eq!(served.step(&mut poll), Step::Read);
        served.read(&mut poll, b"\x88\x82\0\0\0\0\x03\xe8");
        assert_eq!(served.step(&mut poll), Step::Event);
        assert!(served.take_event(&mut poll), "it is closed");
        assert!(!served.take_event(&mut poll));
        assert_eq!(served.step(&mut poll), Step::Flush);
        served.flush();
        assert_eq!(served.step(&mut poll), Step::Shutdown);
        poll.shut(&mut served.connection);
        // 7.1.1: the peer has to end its side, too.
        assert_eq!(served.step(&mut poll), Step::Read);
        served.read(&mut poll, b"");
        assert_eq!(served.step(&mut poll), Step::Event);
        assert!(!served.take_event(&mut poll));
        assert_eq!(served.step(&mut poll), Step::Flush);
        assert_eq!(served.step(&mut poll), Step::Over);
    }

    #[test]
    fn a_writing_side_that_cannot_be_shut_yet_does_not_keep_from_reading() {
        let mut served = Served::new(|_| {});
        let mut poll = Stepper::pull();
        let lease = &mut *served.lease;
        served
            .connection
            .close(&mut lease.env, CloseCode::NORMAL, "");
        served.read(&mut poll, b"\x88\x82\0\0\0\0\x03\xe8");
        assert!(served.take_event(&mut poll) && !served.take_event(&mut poll));
        assert_eq!(served.step(&mut poll), Step::Flush);
        served.flush();
        assert_eq!(served.step(&mut poll), Step::Shutdown);
        assert_eq!(served.step(&mut poll), Step::Read);
        assert!(matches!(served.step(&mut poll), Step::Wait(Some(_))));
    }

    #[test]
    fn a_read_that_fails_ends_both_directions() {
        let mut served = Served::new(|_| {});
        served.send("never written");
        let mut poll = Stepper::pull();
        let Leased { env, input, .. } = &mut *served.lease;
        let read = Err(ErrorKind::ConnectionReset.into());
        let told = poll.handle_read(
            &mut served.connection,
            env,
            input,
            &mut served.budget,
            1,
            read,
        );
        assert_eq!(told.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(served.connection.queued(), 0);
        assert!(served.take_event(&mut poll), "it is closed");
        assert!(!served.take_event(&mut poll));
        assert_eq!(served.step(&mut poll), Step::Flush);
        assert_eq!(served.step(&mut poll), Step::Over);
    }
}
