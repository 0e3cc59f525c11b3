//! Every deadline of a connection, on the clock that the driver passes in.

use alloc::string::ToString;

use super::{Connection, Notice, Phase, timers::after};
use crate::{
    clock::Time,
    env::Env,
    error::Deadline,
    wire::close::{CloseCode, ClosedBy},
};

/// The earlier of two deadlines, none being the latest.
fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Connection {
    /// The present has reached [`Wants::deadline`](crate::Wants::deadline), or passed it.
    ///
    /// Does what is due: a ping, an answer, a Close frame, or the end of the connection, which
    /// [`next_event`](Self::next_event) then reports. A call too early does nothing. Afterwards the
    /// next deadline is none or later than the present.
    pub fn handle_timeout(&mut self, env: &mut Env) {
        let now = env.now();
        if self.timers.phase_until.is_some_and(|at| at <= now) {
            self.timers.phase_until = None;
            match self.phase {
                Phase::Opening => self.opening_timed_out(env),
                Phase::Open => self.close_going_away(env, Deadline::Lifetime),
                Phase::Closing => {
                    // The application wanted the end and gets it, though not a clean one.
                    let by = ClosedBy::Deadline(Deadline::Close);
                    self.end(env, Phase::Over, by, Notice::Closed);
                }
                Phase::Ending => self.enter(env, Phase::Over),
                Phase::Over => {}
            }
        }
        if self.write_deadline().is_some_and(|at| at <= now) {
            self.write_timed_out(env);
        }
        if self.phase == Phase::Open && self.pong_deadline().is_some_and(|at| at <= now) {
            // The peer may be gone or only slow: in the second case it learns why.
            self.queue_close(env, CloseCode::INTERNAL_ERROR, &Deadline::Pong.to_string());
            let by = ClosedBy::Deadline(Deadline::Pong);
            self.end(env, Phase::Ending, by, Notice::Failed(Deadline::Pong));
        }
        if self.phase == Phase::Open && self.idle_deadline().is_some_and(|at| at <= now) {
            self.close_going_away(env, Deadline::Idle);
        }
        if self.phase == Phase::Open && self.ping_deadline().is_some_and(|at| at <= now) {
            self.queue_ping(env, &[]);
            self.timers.ping_sent_at = Some(now);
        }
    }

    /// The earliest of all deadlines.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        let earliest = earlier(self.timers.phase_until, self.write_deadline());
        if self.phase != Phase::Open {
            return earliest;
        }
        let keepalive = earlier(self.pong_deadline(), self.ping_deadline());
        earlier(earliest, earlier(keepalive, self.idle_deadline()))
    }

    fn write_deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Open | Phase::Closing | Phase::Ending => {}
            Phase::Opening | Phase::Over => return None,
        }
        Some(after(self.timers.unsent_since?, self.config.write_timeout?))
    }

    fn pong_deadline(&self) -> Option<Time> {
        let (sent_at, span) = (self.timers.ping_sent_at?, self.config.pong_timeout?);
        // While we do not read, a pong could not be seen.
        self.reads().then(|| after(sent_at, span))
    }

    fn ping_deadline(&self) -> Option<Time> {
        let interval = self.config.ping_interval?;
        // A further ping is no use while one waits for its pong, unless nothing else ends the wait.
        let from = match self.timers.ping_sent_at {
            Some(_) if self.config.pong_timeout.is_some() => return None,
            Some(sent_at) => sent_at,
            None => self.timers.last_byte_at,
        };
        self.reads().then(|| after(from, interval))
    }

    fn idle_deadline(&self) -> Option<Time> {
        let span = self.config.idle_timeout?;
        self.reads()
            .then(|| after(self.timers.last_message_at, span))
    }

    /// The peer does not take what is sent: there is no way to tell it.
    fn write_timed_out(&mut self, env: &mut Env) {
        if self.phase == Phase::Ending {
            // How it ended has been reported.
            self.enter(env, Phase::Over);
            return;
        }
        let by = ClosedBy::Deadline(Deadline::Write);
        self.end(env, Phase::Over, by, Notice::Failed(Deadline::Write));
    }

    /// Closes an open connection that did nothing wrong.
    fn close_going_away(&mut self, env: &mut Env, deadline: Deadline) {
        let by = ClosedBy::Deadline(deadline);
        self.start_closing(env, CloseCode::GOING_AWAY, &deadline.to_string(), by);
    }
}
