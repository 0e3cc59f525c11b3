//! The deadlines of a connection, on the clock that the driver passes in.

use alloc::string::ToString;

use super::{Connection, Notice, Phase, timers::after};
use crate::{
    clock::Time,
    env::Env,
    error::Deadline,
    wire::close::{CloseCode, ClosedBy},
};

/// Returns the earlier of two deadlines; `None` is later than any.
fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Connection {
    /// Handles every deadline that [`Env::now`](crate::Env::now) has reached; see
    /// [`Wants::deadline`](crate::Wants::deadline).
    ///
    /// Queues a ping, an HTTP answer or a Close frame, or ends the connection, which
    /// [`next_event`](Self::next_event) then reports. Does nothing if no deadline has passed. Afterwards the
    /// next deadline is `None` or later than the present.
    pub fn handle_timeout(&mut self, env: &mut Env) {
        let now = env.now();
        if self.timers.phase_until.is_some_and(|at| at <= now) {
            self.timers.phase_until = None;
            match self.phase {
                Phase::Opening => self.opening_timed_out(env),
                Phase::Open => self.close_going_away(env, Deadline::Lifetime),
                Phase::Closing => {
                    // The connection was closing already, so its end is an event and no error, though not
                    // clean.
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
            // The peer may be gone or only slow. A slow one learns the reason from the Close frame.
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

    /// Returns the earliest of all deadlines.
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
        // A pong cannot be seen while reading is stopped.
        self.reads().then(|| after(sent_at, span))
    }

    fn ping_deadline(&self) -> Option<Time> {
        let interval = self.config.ping_interval?;
        // No further ping is sent while one awaits its pong, unless no pong timeout ends the wait.
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

    /// Ends the connection because the peer does not take our bytes. It cannot be told why.
    fn write_timed_out(&mut self, env: &mut Env) {
        if self.phase == Phase::Ending {
            // The end has been reported already.
            self.enter(env, Phase::Over);
            return;
        }
        let by = ClosedBy::Deadline(Deadline::Write);
        self.end(env, Phase::Over, by, Notice::Failed(Deadline::Write));
    }

    /// Closes an open connection with 1001 because of a deadline that is not the peer's fault.
    fn close_going_away(&mut self, env: &mut Env, deadline: Deadline) {
        let by = ClosedBy::Deadline(deadline);
        self.start_closing(env, CloseCode::GOING_AWAY, &deadline.to_string(), by);
    }
}
