//! A virtual clock: a test or an idle executor moves it.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    task::{Context, Poll, Waker},
    time::Duration,
};

use driver_futures::Clock;
use wsproto::Time;

/// The clock that all timers of a world share.
#[derive(Debug, Clone)]
pub struct Timeline {
    state: Arc<Mutex<State>>,
    /// Why the server shuts down, once it does.
    shutting_down: Arc<OnceLock<String>>,
}

#[derive(Debug)]
struct State {
    now: Time,
    /// The deadline of each timer that waits.
    armed: Vec<Option<(Option<Time>, Waker)>>,
}

impl Timeline {
    /// A clock at an arbitrary moment.
    pub(super) fn new() -> Self {
        let state = State {
            now: Time::since_epoch(Duration::from_secs(1000)),
            armed: Vec::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            shutting_down: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics with the clock locked")
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.lock().now
    }

    /// A clock for one connection.
    pub fn timer(&self) -> Timer {
        let mut state = self.lock();
        state.armed.push(None);
        Timer {
            timeline: self.clone(),
            index: state.armed.len() - 1,
        }
    }

    /// The earliest deadline of all timers.
    pub fn next(&self) -> Option<Time> {
        let state = self.lock();
        let deadlines = state.armed.iter().flatten();
        deadlines.filter_map(|(deadline, _)| *deadline).min()
    }

    /// Moves to that moment and wakes all timers that are due.
    pub fn advance_to(&self, moment: Time) {
        let mut state = self.lock();
        state.now = state.now.max(moment);
        let now = state.now;
        let is_due = |armed: &mut (Option<Time>, Waker)| armed.0.is_some_and(|at| at <= now);
        let due: Vec<_> = state
            .armed
            .iter_mut()
            .filter_map(|armed| armed.take_if(is_due))
            .collect();
        drop(state);
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Reports through every timer that the server shuts down, and wakes those that wait.
    pub fn shut_down(&self, why: &str) {
        self.shutting_down.get_or_init(|| why.to_owned());
        let mut state = self.lock();
        let all: Vec<_> = state.armed.iter_mut().filter_map(Option::take).collect();
        drop(state);
        all.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

/// One connection's clock.
#[derive(Debug)]
pub struct Timer {
    timeline: Timeline,
    index: usize,
}

impl Clock for Timer {
    fn now(&self) -> Time {
        self.timeline.now()
    }

    fn poll_deadline(
        &mut self,
        cx: &mut Context<'_>,
        now: Time,
        deadline: Option<Time>,
    ) -> Poll<()> {
        let mut state = self.timeline.lock();
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Poll::Ready(());
        }
        match &mut state.armed[self.index] {
            Some((at, waker)) => {
                *at = deadline;
                waker.clone_from(cx.waker());
            }
            slot => *slot = Some((deadline, cx.waker().clone())),
        }
        Poll::Pending
    }

    fn another(&self) -> Self {
        self.timeline.timer()
    }

    fn shutting_down(&self) -> Option<&str> {
        self.timeline.shutting_down.get().map(String::as_str)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let waker = self.timeline.lock().armed[self.index].take();
        drop(waker);
    }
}
