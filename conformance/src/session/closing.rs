//! Closing by the suite, and its timers for the subject's share.

use std::time::Duration;

use super::Session;
use crate::{
    case::Role,
    frame::{Frame, opcode},
    log::What,
};

/// How long the suite waits for the answer to its Close frame, and then for a server to end the transport.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);

/// The state of the closing of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Close {
    /// True if the suite has sent a Close frame.
    pub(crate) sent: bool,
    /// True if that frame was not an answer.
    pub(crate) by_suite: bool,
    pub(crate) local: Option<(Option<u16>, String)>,
    pub(crate) remote: Option<(Option<u16>, String)>,
    /// The suite found a violation: the first one.
    pub(crate) violation: Option<String>,
    /// The suite has failed the connection (RFC 6455 7.1.7): messages are of no interest any more.
    pub(crate) failed: bool,
    /// The suite ended the transport where the subject should have.
    pub(crate) dropped: bool,
    /// The closing handshake was complete in time.
    pub(crate) clean: bool,
    /// The subject did not answer the suite's Close frame.
    pub(crate) unanswered: bool,
    /// The subject, a server, did not end the transport.
    pub(crate) not_ended: bool,
}

/// The timers of a connection.
#[derive(Default)]
pub(super) struct Timers {
    /// When a connection that should be over is ended.
    kill: Option<Duration>,
    /// When a connection without further expected events is closed.
    close: Option<Duration>,
    /// When the answer to the suite's Close frame is due.
    answer: Option<Duration>,
    /// When the end of the transport after it is due.
    end: Option<Duration>,
    /// When any event is due.
    patience: Option<Duration>,
}

impl Timers {
    /// The first timer of a case or of the closing handshake.
    pub(super) fn next(&self) -> Option<Duration> {
        let timers = [self.kill, self.close, self.answer, self.end];
        timers.into_iter().flatten().min()
    }

    /// The moment at which there has been no sign of life for `patience`.
    pub(super) fn patience(&mut self, until: Duration) -> Duration {
        *self.patience.get_or_insert(until)
    }

    /// Notes a sign of life.
    pub(super) fn forget_patience(&mut self) {
        self.patience = None;
    }

    /// Returns true if the connection should be over by now.
    pub(super) fn kills(&self, now: Duration) -> bool {
        self.kill.is_some_and(|at| at <= now)
    }
}

impl Session {
    /// Sets the timer that ends a connection that should be over.
    pub(crate) fn kill_after(&mut self, span: Duration) {
        self.timers.kill = Some(self.now() + span * self.settings.patience);
    }

    /// Sets the timer that closes a connection without further expected events.
    pub(crate) fn close_after(&mut self, span: Duration) {
        self.timers.close = Some(self.now() + span * self.settings.patience);
    }

    /// Sends a Close frame and begins the closing handshake, unless one has begun.
    pub(crate) fn begin_close(&mut self, payload: Vec<u8>) {
        if self.close.sent || self.is_over() {
            return;
        }
        self.count_as_close(&payload);
        self.queue(&Frame::new(opcode::CLOSE, payload));
        self.flush();
    }

    /// Begins the closing handshake, unless one has begun, by a frame that is sent in another way.
    pub(crate) fn count_as_close(&mut self, payload: &[u8]) {
        if self.close.sent {
            return;
        }
        self.close.by_suite = true;
        self.close.sent = true;
        self.close.local = Some(read_close(payload));
        self.timers.answer = Some(self.now() + TIMEOUT * self.settings.patience);
    }

    fn answer_close(&mut self) {
        self.close.sent = true;
        let payload = 1000_u16.to_be_bytes();
        self.close.local = Some(read_close(&payload));
        self.queue(&Frame::new(opcode::CLOSE, payload));
        self.flush();
    }

    /// Ends our direction.
    pub(crate) fn finish(&mut self) {
        self.flush();
        if let Some(wire) = &mut self.wire {
            wire.finish();
        }
        self.write_down(What::Finished);
    }

    /// Ends the connection, gracefully or not.
    pub(crate) fn drop_wire(&mut self, abort: bool) {
        self.flush();
        if let Some(end) = self.incoming.end() {
            return self.end(end);
        }
        let Some(mut wire) = self.wire.take() else {
            return;
        };
        self.ended = wire.now();
        self.write_down(What::Finished);
        if abort {
            wire.abort();
        } else {
            wire.finish();
        }
    }

    /// Tells the subject of a violation and ignores its messages from now on. What else it sends still
    /// counts, so that it can close in the proper way, until there is a second violation.
    pub(super) fn refuse(&mut self, code: u16, why: &str) {
        if self.is_over() {
            return;
        }
        self.note(format!("violation: {why}"));
        self.close.violation.get_or_insert_with(|| why.to_owned());
        self.fail(code, why);
    }

    /// Fails the connection (RFC 6455 7.1.7): closes it, or drops it if it was closed.
    fn fail(&mut self, code: u16, reason: &str) {
        self.close.failed = true;
        if self.close.sent {
            self.close.dropped = true;
            self.drop_wire(false);
        } else {
            self.begin_close(Frame::close(code, reason).payload);
        }
    }

    /// The subject has sent a Close frame.
    pub(super) fn handle_close(&mut self, payload: &[u8]) {
        let (code, reason) = read_close(payload);
        self.close.remote = Some((code, reason));
        // 1012 to 1014 were registered after Autobahn was written; it refuses them, we need not.
        if code.is_some_and(|code| !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)) {
            self.refuse(1002, "a code that does not go onto the wire");
        }
        if payload.len() > 2 && std::str::from_utf8(&payload[2..]).is_err() {
            self.refuse(1007, "a reason that is not UTF-8");
        }
        if self.is_over() {
            self.close.clean = false;
            return;
        }
        self.close.clean = self.close.sent || self.answering;
        self.timers.answer = None;
        if !self.answering {
            return;
        }
        if self.looks_behind_close {
            while self.take_part() {}
        }
        let answered = self.close.sent;
        if !answered {
            self.answer_close();
        }
        match self.role {
            // 7.1.1: the server ends the transport first, which is us ...
            Role::Server => self.drop_wire(false),
            // ... or the subject, for which Autobahn waits without a timer if the subject began.
            Role::Client if answered => {
                let end = self.now() + TIMEOUT * self.settings.patience;
                self.timers.end.get_or_insert(end);
            }
            Role::Client => {}
        }
    }

    /// Handles expired timers.
    pub(super) fn fire_timers(&mut self) {
        let now = self.now();
        let due = |timer: &mut Option<Duration>| timer.take_if(|at| *at <= now).is_some();
        if due(&mut self.timers.kill) && !self.is_over() {
            self.write_down(What::Timer("kill"));
            self.fail(1001, "Going Away");
        }
        if due(&mut self.timers.close) && !self.close.sent && !self.is_over() {
            self.write_down(What::Timer("close"));
            self.begin_close(Vec::new());
        }
        if due(&mut self.timers.answer) && !self.is_over() {
            self.close.unanswered = true;
            self.give_up("no answer to Close");
        }
        if due(&mut self.timers.end) && !self.is_over() {
            self.close.not_ended = true;
            self.give_up("the server did not end the transport");
        }
        if due(&mut self.timers.patience) && !self.is_over() {
            self.give_up("nothing happens any more");
        }
    }

    /// Drops a connection that the subject should have ended.
    fn give_up(&mut self, why: &'static str) {
        self.write_down(What::Timer(why));
        self.close.dropped = true;
        self.close.clean = false;
        self.drop_wire(true);
    }
}

/// The code and the reason of a Close frame, as far as there are any.
fn read_close(payload: &[u8]) -> (Option<u16>, String) {
    match payload {
        [high, low, reason @ ..] => (
            Some(u16::from_be_bytes([*high, *low])),
            String::from_utf8_lossy(reason).into_owned(),
        ),
        _ => (None, String::new()),
    }
}
