//! Every deadline of a connection, on the clock that the driver passes in.

use alloc::string::ToString;
use core::time::Duration;

use crate::{
    clock::Time,
    close::{CloseCode, ClosedBy},
    connection::{Connection, Notice, Phase},
    env::Env,
    error::Deadline,
};

/// When things happened that deadlines count from.
#[derive(Debug)]
pub(crate) struct Timers {
    /// When the present phase must be over: opening, lifetime, closing or ending.
    pub(crate) until: Option<Time>,
    /// When the peer last sent a byte, or reading resumed.
    pub(crate) heard: Time,
    /// When a message last passed, in either direction.
    pub(crate) active: Time,
    /// Since when a ping of ours, which is sent as far as we can, waits for any byte.
    pub(crate) pinged: Option<Time>,
    /// Since when bytes are queued of which the transport has taken none.
    pub(crate) unsent_since: Option<Time>,
}

impl Timers {
    pub(crate) const fn new(now: Time) -> Self {
        Self {
            until: None,
            heard: now,
            active: now,
            pinged: None,
            unsent_since: None,
        }
    }

    /// The connection opens.
    pub(crate) fn open(&mut self, now: Time, max_lifetime: Option<Duration>) {
        self.run(now, max_lifetime);
        self.heard = now;
        self.active = now;
    }

    /// A phase begins that may last so long.
    pub(crate) fn run(&mut self, now: Time, span: Option<Duration>) {
        self.until = span.map(|span| after(now, span));
    }

    /// Bytes came. Any byte is a sign of life: a pong may have to wait behind a long message.
    #[inline]
    pub(crate) fn heard(&mut self, now: Time) {
        self.heard = now;
        self.pinged = None;
    }

    /// Reading goes on after we had stopped it: the peer is not to blame for that time.
    pub(crate) fn resume(&mut self, now: Time) {
        self.heard = now;
        self.active = now;
        if self.pinged.is_some() {
            self.pinged = Some(now);
        }
    }
}

/// A deadline is always later than what it counts from, however short it was configured.
fn after(from: Time, span: Duration) -> Time {
    from + span.max(Duration::from_nanos(1))
}

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
        if self.timers.until.is_some_and(|until| until <= now) {
            self.timers.until = None;
            match self.phase {
                Phase::Opening => self.opening_timed_out(env),
                Phase::Open => self.close_politely(env, Deadline::Lifetime),
                Phase::Closing => {
                    // The application wanted the end and gets it, though not a clean one.
                    self.closed_by = Some(ClosedBy::Deadline(Deadline::Close));
                    self.end_at_once(env, Notice::Closed);
                }
                Phase::Ending => self.phase = Phase::Over,
                Phase::Over => {}
            }
        }
        if self.write_deadline().is_some_and(|at| at <= now) {
            self.write_timed_out(env);
        }
        if self.phase == Phase::Open && self.pong_deadline().is_some_and(|at| at <= now) {
            // The peer may be gone or only slow: in the second case it learns why.
            self.queue_close(env, CloseCode::INTERNAL_ERROR, &Deadline::Pong.to_string());
            self.release(env);
            self.enter_ending(env, false);
            self.closed_by = Some(ClosedBy::Deadline(Deadline::Pong));
            self.notice = Some(Notice::Failed(Deadline::Pong));
        }
        if self.phase == Phase::Open && self.idle_deadline().is_some_and(|at| at <= now) {
            self.close_politely(env, Deadline::Idle);
        }
        if self.phase == Phase::Open && self.ping_deadline().is_some_and(|at| at <= now) {
            self.queue_ping(env, &[]);
            self.timers.pinged = Some(now);
        }
    }

    /// The earliest of all deadlines.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let earliest = earlier(self.timers.until, self.write_deadline());
        if self.phase != Phase::Open {
            return earliest;
        }
        let heard = earlier(self.pong_deadline(), self.ping_deadline());
        earlier(earliest, earlier(heard, self.idle_deadline()))
    }

    fn write_deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Open | Phase::Closing | Phase::Ending => {}
            Phase::Opening | Phase::Over => return None,
        }
        Some(after(self.timers.unsent_since?, self.config.write_timeout?))
    }

    fn pong_deadline(&self) -> Option<Time> {
        let (pinged, span) = (self.timers.pinged?, self.config.pong_timeout?);
        // While we do not read, a pong could not be seen.
        self.reads().then(|| after(pinged, span))
    }

    fn ping_deadline(&self) -> Option<Time> {
        let interval = self.config.ping_interval?;
        // A further ping is no use while one waits for its pong, unless nothing else ends the wait.
        let from = match self.timers.pinged {
            Some(_) if self.config.pong_timeout.is_some() => return None,
            Some(pinged) => pinged,
            None => self.timers.heard,
        };
        self.reads().then(|| after(from, interval))
    }

    fn idle_deadline(&self) -> Option<Time> {
        let span = self.config.idle_timeout?;
        self.reads().then(|| after(self.timers.active, span))
    }

    /// The peer does not take what is sent: there is no way to tell it.
    fn write_timed_out(&mut self, env: &mut Env) {
        if self.phase == Phase::Ending {
            // How it ended has been reported.
            self.drop_queue(env);
            self.phase = Phase::Over;
            return;
        }
        self.closed_by = Some(ClosedBy::Deadline(Deadline::Write));
        self.end_at_once(env, Notice::Failed(Deadline::Write));
    }

    /// Closes an open connection that did nothing wrong.
    fn close_politely(&mut self, env: &mut Env, deadline: Deadline) {
        let by = ClosedBy::Deadline(deadline);
        self.start_closing(env, CloseCode::GOING_AWAY, &deadline.to_string(), by);
    }

    /// Ends without a further word: nothing more can be sent, or nobody listens.
    pub(crate) fn end_at_once(&mut self, env: &mut Env, notice: Notice) {
        self.drop_queue(env);
        self.release(env);
        self.phase = Phase::Over;
        self.timers.until = None;
        self.notice = Some(notice);
    }
}
