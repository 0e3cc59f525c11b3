//! One timer task for many connections: a million connections do not mean a million timers.

use std::{
    cell::RefCell,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use driver_async::Clock;
use driver_kit::wheel::{Key, Wheel};
use tokio::{
    runtime::{Handle, Id},
    sync::Notify,
    time::{Instant, timeout_at},
};
use wsproto::Time;

/// Tasks that are woken in one go, without the lock.
const BATCH: usize = 64;

/// How long a connection without a deadline stays unknown to its timers, if it must not be unknown.
const LONG: Duration = Duration::from_secs(3600);

/// The deadlines of many connections, kept by one task.
#[derive(Debug)]
pub(crate) struct Timers {
    /// What all times count from. Each runtime has its own, since tests may move its clock.
    epoch: Instant,
    schedule: Mutex<Schedule>,
    /// Tells the task that it must wake up earlier than it planned.
    earlier: Arc<Notify>,
    /// Why the server that these connections belong to shuts down, once it does.
    shutting_down: OnceLock<Box<str>>,
    /// The timers belong to a server.
    served: bool,
    /// The task is there: it goes when its runtime does, whoever still has these timers.
    running: AtomicBool,
}

#[derive(Debug)]
struct Schedule {
    wheel: Wheel<Waker>,
    /// When the task will look next; `None` if only when told to.
    planned: Option<u64>,
}

impl Timers {
    /// Starts the task on the present runtime. It ends when the last connection is gone.
    pub(crate) fn start(served: bool) -> Arc<Self> {
        let earlier = Arc::new(Notify::new());
        let schedule = Schedule {
            wheel: Wheel::new(0),
            planned: None,
        };
        let timers = Arc::new(Self {
            epoch: Instant::now(),
            schedule: Mutex::new(schedule),
            earlier: Arc::clone(&earlier),
            shutting_down: OnceLock::new(),
            served,
            running: AtomicBool::new(true),
        });
        let running = Running(Arc::downgrade(&timers));
        tokio::spawn(run(running, earlier));
        timers
    }

    /// Those of the present runtime and thread.
    fn of_runtime() -> Arc<Self> {
        thread_local! {
            static LAST: RefCell<Option<(Id, Weak<Timers>)>> = const { RefCell::new(None) };
        }
        let runtime = Handle::current().id();
        LAST.with_borrow_mut(|last| {
            let known = last
                .as_ref()
                .filter(|(id, _)| *id == runtime)
                .and_then(|(_, timers)| timers.upgrade())
                // A runtime's number may be used again when it is gone.
                .filter(|timers| timers.running.load(Ordering::Acquire));
            known.unwrap_or_else(|| {
                let timers = Self::start(false);
                *last = Some((runtime, Arc::downgrade(&timers)));
                timers
            })
        })
    }

    fn present(&self) -> Time {
        Time::since_epoch(Instant::now().saturating_duration_since(self.epoch))
    }

    /// Has all connections closed, with the reason that was given first. They are woken to find out,
    /// and stay armed.
    pub(crate) fn shut_down(&self, reason: &str) {
        self.shutting_down.get_or_init(|| reason.into());
        let wakers: Vec<_> = self.lock().wheel.values().cloned().collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Wakes whatever is due, and says when to look next.
    fn wake_due(&self, batch: &mut Vec<Waker>) -> Option<Instant> {
        let now = self.present().as_nanos();
        loop {
            let mut schedule = self.lock();
            let due = schedule.wheel.expire(now).take(BATCH);
            batch.extend(due.map(|(_, waker)| waker));
            if batch.is_empty() {
                schedule.planned = schedule.wheel.next();
                // Further ahead than can be told is never.
                return self
                    .epoch
                    .checked_add(Duration::from_nanos(schedule.planned?));
            }
            drop(schedule);
            batch.drain(..).for_each(Waker::wake);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.earlier.notify_one();
    }
}

/// The timers, without keeping them, for as long as their task is there.
struct Running(Weak<Timers>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(timers) = self.0.upgrade() {
            timers.running.store(false, Ordering::Release);
        }
    }
}

/// Wakes tasks when their time has come, for as long as there are any.
async fn run(running: Running, earlier: Arc<Notify>) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let next = match running.0.upgrade() {
            Some(timers) => timers.wake_due(&mut batch),
            None => return,
        };
        match next {
            Some(next) => {
                let _ = timeout_at(next, earlier.notified()).await;
            }
            None => earlier.notified().await,
        }
    }
}

/// One connection's clock on tokio's time.
#[derive(Debug)]
pub struct Timer {
    timers: Arc<Timers>,
    key: Option<Key>,
    /// When the connection's task will be woken.
    armed: Option<Time>,
    /// Which waker it will be woken by: as long as the wheel holds that waker, no other has its address.
    waker: usize,
}

impl Timer {
    /// A clock of the present runtime's.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    #[must_use]
    pub fn of_runtime() -> Self {
        Self::new(Timers::of_runtime())
    }

    pub(crate) const fn new(timers: Arc<Timers>) -> Self {
        Self {
            timers,
            key: None,
            armed: None,
            waker: 0,
        }
    }

    fn arm(&mut self, waker: &Waker, deadline: Time) {
        let nanos = deadline.as_nanos();
        let mut new = Some(waker.clone());
        let mut schedule = self.timers.lock();
        if let Some(key) = self.key
            && let Some(known) = schedule.wheel.value_mut(key)
        {
            new = new.map(|new| mem::replace(known, new));
            schedule.wheel.rearm(key, nanos);
        } else if let Some(waker) = new.take() {
            self.key = Some(schedule.wheel.arm(nanos, waker));
        }
        if schedule.planned.is_none_or(|planned| nanos < planned) {
            schedule.planned = Some(nanos);
            self.timers.earlier.notify_one();
        }
        drop(schedule);
        // A waker may run code of its own when it is dropped: not under the lock.
        drop(new);
        self.armed = Some(deadline);
        self.waker = waker.data() as usize;
        // Those that were armed when it began are woken, this one perhaps was not.
        if self.shutting_down().is_some() {
            waker.wake_by_ref();
        }
    }
}

impl Clock for Timer {
    fn now(&self) -> Time {
        self.timers.present()
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Option<Time>) -> Poll<()> {
        let now = self.now();
        let deadline = match deadline {
            Some(deadline) if deadline <= now => return Poll::Ready(()),
            Some(deadline) => deadline,
            // A server's connections must be found when it shuts down.
            None if self.timers.served => now + LONG,
            None => return Poll::Pending,
        };
        // Deadlines mostly move away: the old one is kept, and the task looks again when it passes.
        let kept = self
            .armed
            .is_some_and(|armed| now < armed && armed <= deadline);
        if !kept || self.waker != cx.waker().data() as usize {
            self.arm(cx.waker(), deadline);
        }
        Poll::Pending
    }

    fn shutting_down(&self) -> Option<&str> {
        self.timers.shutting_down.get().map(|reason| &**reason)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // The waker may run code of its own when it is dropped: not under the lock.
            let waker = self.timers.lock().wheel.cancel(key);
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    /// Waits for a deadline without an end.
    fn armed(timers: &Arc<Timers>) -> Timer {
        let mut timer = Timer::new(Arc::clone(timers));
        let mut cx = Context::from_waker(Waker::noop());
        let deadline = timer.now() + LONG;
        assert!(timer.poll_deadline(&mut cx, Some(deadline)).is_pending());
        timer
    }

    #[tokio::test]
    async fn a_clock_that_is_dropped_leaves_no_timer_armed() {
        let timers = Timers::start(true);
        let clocks: Vec<_> = (0..100).map(|_| armed(&timers)).collect();
        assert_eq!(timers.lock().wheel.len(), 100);
        drop(clocks);
        assert!(timers.lock().wheel.is_empty());
    }

    #[tokio::test]
    async fn the_task_ends_with_the_last_clock() {
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let (one, other) = (Timer::of_runtime(), Timer::of_runtime());
        assert_eq!(tasks(), 1, "they share it");
        yield_now().await;
        drop(one);
        yield_now().await;
        assert_eq!(tasks(), 1);
        drop(other);
        while tasks() > 0 {
            yield_now().await;
        }
        drop(armed(&Timers::of_runtime()));
    }

    #[tokio::test]
    async fn a_clock_without_a_deadline_is_found_when_its_server_shuts_down() {
        let timers = Timers::start(true);
        let mut timer = Timer::new(Arc::clone(&timers));
        let shut_down = async {
            yield_now().await;
            timers.shut_down("because");
        };
        let wait = std::future::poll_fn(|cx| {
            if timer.shutting_down().is_some() {
                return Poll::Ready(());
            }
            timer.poll_deadline(cx, None)
        });
        tokio::join!(wait, shut_down);
        assert_eq!(timer.shutting_down(), Some("because"));
    }
}
