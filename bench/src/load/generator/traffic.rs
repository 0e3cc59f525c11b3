//! Sending, and the measured time window.

use std::{io, time::Duration};

use mio::Events;
use rustix::process::getpid;

use super::{Generator, MILLISECOND, Observe, Stage};
use crate::{
    load::{
        company::Company,
        connection::Connection,
        plan::{Pace, Until, Waiting},
        schedule::Schedule,
    },
    process::Usage,
};

/// Maximum number of open-loop messages sent before the next look at incoming data.
const DUE_AT_ONCE: usize = 1024;

/// The trigger for the next message.
enum Sender {
    /// Answers received.
    Answers,
    /// The clock.
    Clock(Schedule),
    /// Every connection has received the message that was broadcast at this time.
    Rounds(Option<u64>),
}

impl Generator<'_> {
    /// Sends according to the plan until its end, and then waits for missing answers.
    pub(super) fn traffic(
        &mut self,
        events: &mut Events,
        observer: &mut dyn Observe,
    ) -> io::Result<()> {
        let start = self.now();
        self.set_window(start);
        self.stage = Stage::WarmUp;
        let neighbour = self.plan.neighbour;
        self.company = neighbour.map(|neighbour| Company::new(neighbour, self.plan, start));
        let mut sender = match self.plan.pace {
            Pace::Closed { depth } => {
                self.fill(depth, start);
                Sender::Answers
            }
            Pace::Open { rate } => Sender::Clock(Schedule::new(start, rate)),
            Pace::Broadcast => Sender::Rounds(None),
        };
        let mut give_up = u64::MAX;
        while !self.open.is_empty() {
            let now = self.now();
            if self.stage == Stage::WarmUp && now >= self.tally.begin {
                self.stage = Stage::Measuring;
                self.take_stock(0);
            }
            // Limits the wait so that stages change on time and the observer is called.
            let mut wait = 10 * MILLISECOND;
            if self.stage != Stage::Draining {
                let next = self.send_next(&mut sender, now);
                if let Some(next) = next {
                    wait = wait.min(next.saturating_sub(self.now()));
                }
                let all_sent = next.unwrap_or(now) >= self.tally.end || self.budget == 0;
                if all_sent && self.stage == Stage::Measuring {
                    self.stage = Stage::Draining;
                    give_up = now + nanos(self.plan.patience);
                    self.take_stock(1);
                }
            }
            let all_answered = self.stage == Stage::Draining && self.tally.in_flight() == 0;
            if all_answered || now >= give_up {
                break;
            }
            let wait = match self.plan.waiting {
                // Bad neighbours never wait.
                Waiting::Exact if self.company.is_some() => None,
                Waiting::Exact => (wait >= MILLISECOND).then_some(wait),
                Waiting::Relaxed => Some(wait.max(MILLISECOND)),
            };
            self.turn(events, wait)?;
            if self.tick(observer).is_break() {
                self.tally.end = self.tally.end.min(now.max(self.tally.begin + 1));
            }
        }
        // The last round ends when every connection has the message, or never.
        if let Sender::Rounds(Some(round)) = sender
            && self.tally.in_flight() == 0
        {
            self.tally.round(round, self.tally.last);
        }
        if self.tally.end == u64::MAX {
            self.tally.end = self.tally.last.max(self.tally.begin + 1);
            self.take_stock(1);
        }
        Ok(())
    }

    fn set_window(&mut self, start: u64) {
        match self.plan.until {
            Until::Elapsed(duration) => {
                self.tally.begin = start + nanos(self.plan.warm_up);
                self.tally.end = self.tally.begin + nanos(duration);
            }
            Until::Messages(_) => self.tally.begin = start,
        }
    }

    /// Sends the messages that are due. Returns the time of the next message, unless it depends on
    /// answers.
    fn send_next(&mut self, sender: &mut Sender, now: u64) -> Option<u64> {
        match sender {
            Sender::Answers => None,
            Sender::Clock(schedule) => {
                // Messages that were due before the end are sent, however late this loop is.
                self.send_due(schedule, now);
                Some(schedule.next_due())
            }
            Sender::Rounds(round) => {
                if self.tally.in_flight() == 0 && self.budget > 0 && now < self.tally.end {
                    if let Some(start) = round.replace(now) {
                        self.tally.round(start, self.tally.last);
                    }
                    self.broadcast(now);
                }
                None
            }
        }
    }

    /// Records the usage and progress at the start (0) or end (1) of the measurement.
    fn take_stock(&mut self, moment: usize) {
        self.own[moment] = Usage::of(getpid());
        self.watched[moment] = self.usage();
        self.misdeeds[moment] = self.company.as_ref().map(Company::misdeeds);
    }

    /// Starts a closed loop.
    fn fill(&mut self, depth: u32, now: u64) {
        for index in self.open.clone() {
            self.guard(index, |generator, connection| {
                generator.send(connection, depth, now, now);
                connection.flush(&generator.script)
            });
        }
    }

    /// Sends a message on the first connection, which all connections are to receive.
    fn broadcast(&mut self, now: u64) {
        self.budget -= 1;
        for (n, &index) in self.open.iter().enumerate() {
            let Some(connection) = &mut self.connections[index] else {
                continue;
            };
            if n == 0 {
                connection.owe(1, now);
            } else {
                connection.expect(now, &self.script);
            }
            self.tally.sent(1, now, now);
        }
        self.guard(self.open[0], |generator, connection| {
            connection.flush(&generator.script)
        });
    }

    /// Sends the messages of an open loop that are due, on all connections in turn.
    fn send_due(&mut self, schedule: &mut Schedule, now: u64) {
        let mut touched = Vec::new();
        while touched.len() < DUE_AT_ONCE && self.budget > 0 {
            let due = schedule.next_due();
            if due > now || due >= self.tally.end {
                break;
            }
            let turn = schedule.take() as usize % self.open.len();
            let index = self.open[turn];
            if let Some(mut connection) = self.connections[index].take() {
                self.send(&mut connection, 1, due, now);
                self.connections[index] = Some(connection);
                touched.push(index);
            }
        }
        for index in touched {
            self.guard(index, |generator, connection| {
                connection.flush(&generator.script)
            });
        }
    }

    /// Sends up to `n` messages that are due at `due`.
    pub(super) fn send(&mut self, connection: &mut Connection, n: u32, due: u64, now: u64) {
        let n = u32::try_from(self.budget).map_or(n, |budget| budget.min(n));
        if n > 0 {
            self.budget -= u64::from(n);
            connection.owe(n, due);
            self.tally.sent(n, due, now);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
