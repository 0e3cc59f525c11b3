use std::{sync::Arc, time::Duration};

use wsproto::{Agreed, CloseCode, Config, Event, Role};

use super::*;
use crate::{
    lease::{Lease, Leased},
    turn::{MAX_EVENTS, MAX_READS, handle_read},
};

const HELLO: &[u8] = b"\x81\x85\0\0\0\0hello";
const EMPTY: &[u8] = b"\x81\x80\0\0\0\0";
const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";

/// A server's open connection whose transport and driver are played by a test.
struct Played {
    connection: Connection,
    lease: Lease,
    budget: TurnBudget,
    stepper: Stepper,
    step: Step,
}

impl Played {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let mut lease = Lease::take();
        let agreed = Agreed::default();
        let connection =
            Connection::upgraded(Role::Server, Arc::new(config), &agreed, &mut lease.env);
        let (stepper, step) = Stepper::write_only();
        Self {
            connection,
            lease,
            budget: TurnBudget::default(),
            stepper,
            step,
        }
    }

    fn push(&mut self) {
        let Leased { env, input, .. } = &mut *self.lease;
        let (connection, budget) = (&self.connection, &mut self.budget);
        (self.stepper, self.step) = Stepper::push(connection, input, budget, env.now());
    }

    fn pull(&mut self) {
        (self.stepper, self.step) = Stepper::pull(&self.connection, &self.budget);
    }

    fn write_only(&mut self) {
        (self.stepper, self.step) = Stepper::write_only();
    }

    fn send(&mut self, text: &str) {
        let sent = self.connection.send_text(&mut self.lease.env, text);
        sent.expect("there is room");
    }

    /// Does [`Step::Event`]. Tells if there was one.
    fn take_event(&mut self) -> bool {
        assert_eq!(self.step, Step::Event);
        let Leased { env, input, .. } = &mut *self.lease;
        let event = self.connection.next_event(env, input);
        let there_is_one = matches!(event, Ok(Some(_)));
        self.step = if there_is_one {
            (self.stepper).event_taken(&self.connection, &mut self.budget)
        } else {
            self.stepper.no_event()
        };
        there_is_one
    }

    /// Does [`Step::Flush`] with a transport that takes that many bytes.
    fn flush(&mut self, bytes: usize) {
        assert_eq!(self.step, Step::Flush);
        self.connection.sent(&mut self.lease.env, bytes);
        let now = self.lease.env.now();
        self.step = (self.stepper).flushed(&self.connection, &mut self.budget, now);
    }

    /// Does [`Step::Read`] with a transport that has those bytes.
    fn read(&mut self, bytes: &[u8]) {
        assert_eq!(self.step, Step::Read);
        let Leased { env, input, .. } = &mut *self.lease;
        let room = input.spare().len();
        input.spare()[..bytes.len()].copy_from_slice(bytes);
        let (connection, budget) = (&mut self.connection, &mut self.budget);
        let read = Ok(bytes.len());
        handle_read(connection, env, input, budget, room, read).expect("it read");
        self.step = self.stepper.news(connection, budget);
    }

    /// Does [`Step::Read`] with a transport that has nothing.
    fn read_nothing(&mut self) {
        assert_eq!(self.step, Step::Read);
        self.step = self.stepper.read_blocked();
    }

    /// Polls up to the first read.
    fn pull_to_read(&mut self) {
        self.pull();
        assert!(!self.take_event());
        self.flush(usize::MAX);
        assert_eq!(self.step, Step::Read);
    }
}

#[test]
fn a_poll_takes_events_then_writes_then_reads_then_waits() {
    let mut played = Played::new(|_| {});
    played.pull();
    assert!(!played.take_event());
    played.flush(0);
    played.read(HELLO);
    assert!(played.take_event());
    assert!(!played.take_event());
    played.flush(0);
    played.read_nothing();
    let deadline = played.connection.wants().deadline;
    assert!(deadline.is_some());
    assert_eq!(played.step, Step::Wait(deadline));
    assert_eq!(played.stepper.wants(), played.connection.wants());
}

#[test]
fn a_turn_with_nothing_at_hand_reads_before_it_writes() {
    let mut played = Played::new(|_| {});
    played.send("queued before");
    played.push();
    played.read_nothing();
    played.flush(usize::MAX);
    assert_eq!(played.step, Step::Read);
    // Once it has written, there is nothing to do before it waits.
    played.read_nothing();
    assert!(matches!(played.step, Step::Wait(_)));
}

#[test]
fn a_turn_with_input_at_hand_begins_with_it() {
    let mut played = Played::new(|_| {});
    played.lease.input.spare()[..HELLO.len()].copy_from_slice(HELLO);
    played.lease.input.filled(HELLO.len());
    played.push();
    assert!(played.take_event());
}

#[test]
fn who_takes_no_events_neither_reads_nor_is_offered_any() {
    let mut played = Played::new(|config| config.queue_high = 1);
    played.send("high");
    played.write_only();
    played.flush(usize::MAX);
    assert!(played.connection.wants().event, "the queue has drained");
    assert!(matches!(played.step, Step::Wait(Some(_))));
    played.step = (played.stepper).news(&played.connection, &played.budget);
    assert_eq!(played.step, Step::Flush);
}

#[test]
fn news_of_a_flush_is_reported_before_anything_else() {
    let begin: [fn(&mut Played); 2] = [Played::push, Played::pull];
    for begin in begin {
        let mut played = Played::new(|config| config.queue_high = 1);
        played.send("high");
        begin(&mut played);
        played.step = Step::Flush;
        played.flush(usize::MAX);
        assert_eq!(played.step, Step::Event);
        let Leased { env, input, .. } = &mut *played.lease;
        let event = played.connection.next_event(env, input);
        assert!(matches!(event, Ok(Some(Event::Drained))));
    }
}

#[test]
fn events_that_use_up_the_share_end_in_a_pause_after_a_flush() {
    let mut played = Played::new(|_| {});
    played.pull_to_read();
    played.read(&EMPTY.repeat(MAX_EVENTS + 1));
    for _ in 0..MAX_EVENTS {
        assert!(played.take_event());
    }
    played.flush(0);
    assert_eq!(played.step, Step::Pause);
    // Another poll has no more than is left of the share.
    played.pull();
    played.flush(0);
    assert_eq!(played.step, Step::Pause);
    played.budget.renew();
    played.pull();
    assert!(played.take_event());
}

#[test]
fn a_used_up_share_of_events_keeps_nobody_from_writing_and_waiting() {
    let mut played = Played::new(|_| {});
    (0..MAX_EVENTS).for_each(|_| played.budget.count_event());
    played.write_only();
    played.flush(0);
    assert!(matches!(played.step, Step::Wait(_)));
}

#[test]
fn reads_that_use_up_the_share_end_in_a_pause() {
    let mut played = Played::new(|_| {});
    played.push();
    for _ in 0..MAX_READS {
        played.read(HELLO);
        assert!(played.take_event() && !played.take_event());
        played.flush(0);
    }
    assert_eq!(played.step, Step::Pause);
}

#[test]
fn a_deadline_that_has_passed_comes_before_a_pause() {
    let mut played = Played::new(|_| {});
    played.pull_to_read();
    played.read(HELLO);
    assert!(played.take_event() && !played.take_event());
    // To handle the event took long: another read would have to wait for the next poll.
    let late = played.lease.env.now() + Duration::from_secs(3600);
    played.lease.env.set_now(late);
    played.flush(0);
    let deadline = played.connection.wants().deadline;
    assert!(deadline.is_some_and(|deadline| deadline <= late));
    assert_eq!(played.step, Step::Wait(deadline));
    played.connection.handle_timeout(&mut played.lease.env);
    played.step = (played.stepper).news(&played.connection, &played.budget);
    assert!(!played.take_event());
    played.flush(usize::MAX);
    assert_eq!(played.step, Step::Pause, "now that nothing is due");
}

#[test]
fn callbacks_get_nothing_while_the_connection_holds_back() {
    let mut played = Played::new(|_| {});
    played.push();
    played.read(&HELLO.repeat(2));
    played.connection.pause();
    assert!(played.take_event(), "it was offered before");
    played.flush(0);
    assert!(matches!(played.step, Step::Wait(_)));
    played.push();
    played.flush(0);
    assert!(matches!(played.step, Step::Wait(_)));
}

#[test]
fn a_task_that_asks_for_events_gets_them_though_the_connection_holds_back() {
    let mut played = Played::new(|_| {});
    played.pull_to_read();
    played.read(&HELLO.repeat(2));
    played.connection.pause();
    assert!(played.take_event() && played.take_event());
}

#[test]
fn callbacks_go_on_when_a_flush_has_lowered_the_queue() {
    let mut played = Played::new(|config| {
        (config.queue_high, config.queue_low) = (10, 2);
        config.pause_when_high = true;
    });
    played.push();
    played.read(&HELLO.repeat(3));
    played.send("as high as it gets");
    assert!(played.take_event());
    played.flush(usize::MAX);
    assert!(played.take_event(), "the queue has drained");
    assert!(played.take_event());
    played.send("high again");
    assert!(played.take_event());
    played.flush(1);
    assert!(matches!(played.step, Step::Wait(_)), "it is still high");
}

#[test]
fn the_end_is_reported_then_the_writing_side_is_shut_then_it_is_over() {
    let mut played = Played::new(|_| {});
    played.pull_to_read();
    played.read(CLOSE);
    assert!(played.take_event() && !played.take_event());
    played.flush(usize::MAX);
    assert_eq!(played.step, Step::Shutdown);
    played.connection.handle_shutdown();
    let now = played.lease.env.now();
    played.step = (played.stepper).shut(&played.connection, &mut played.budget, now);
    // 7.1.1: the peer has to end its side, too.
    played.read(b"");
    assert!(!played.take_event());
    played.flush(0);
    assert_eq!(played.step, Step::Over);
}

#[test]
fn a_writing_side_that_cannot_be_shut_yet_does_not_keep_from_reading() {
    let mut played = Played::new(|_| {});
    let env = &mut played.lease.env;
    played.connection.close(env, CloseCode::NORMAL, "");
    played.pull_to_read();
    played.read(CLOSE);
    assert!(played.take_event() && !played.take_event());
    played.flush(usize::MAX);
    assert_eq!(played.step, Step::Shutdown);
    let now = played.lease.env.now();
    played.step = (played.stepper).shutdown_blocked(&mut played.budget, now);
    played.read_nothing();
    assert!(matches!(played.step, Step::Wait(Some(_))));
}

#[test]
fn a_connection_that_has_failed_shuts_its_writing_side_behind_its_answer() {
    let mut played = Played::new(|_| {});
    played.pull_to_read();
    // 5.1: a client masks its frames.
    played.read(b"\x81\x05hello");
    assert!(!played.take_event(), "an error is no event");
    played.flush(usize::MAX);
    assert_eq!(played.step, Step::Shutdown);
}
