//! One timer task for many connections: a million connections do not mean a million timers.

use std::{
    cell::RefCell,
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

/// The moment that all times count from.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

fn present() -> Time {
    Time::since_epoch(Instant::now().saturating_duration_since(epoch()))
}

/// The deadlines of many connections, kept by one task.
#[derive(Debug)]
pub(crate) struct Timers {
    schedule: Mutex<Schedule>,
    /// Tells the task that it must wake up earlier than it planned.
    earlier: Arc<Notify>,
    /// The server that these connections belong to shuts down.
    shutting_down: AtomicBool,
    /// The timers belong to a server.
    served: bool,
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
            wheel: Wheel::new(present().as_nanos()),
            planned: None,
        };
        let timers = Arc::new(Self {
            schedule: Mutex::new(schedule),
            earlier: Arc::clone(&earlier),
            shutting_down: AtomicBool::new(false),
            served,
        });
        tokio::spawn(run(Arc::downgrade(&timers), earlier));
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
                .and_then(|(_, timers)| timers.upgrade());
            known.unwrap_or_else(|| {
                let timers = Self::start(false);
                *last = Some((runtime, Arc::downgrade(&timers)));
                timers
            })
        })
    }

    /// Wakes all connections, to find out that the server shuts down.
    pub(crate) fn shut_down(&self) {
        self.shutting_down.store(true, Ordering::Release);
        self.wake(u64::MAX);
    }

    /// Wakes whatever is due then.
    fn wake(&self, then: u64) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            batch.extend(
                self.lock()
                    .wheel
                    .expire(then)
                    .take(BATCH)
                    .map(|(_, waker)| waker),
            );
            if batch.is_empty() {
                return;
            }
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

/// Wakes tasks when their time has come, for as long as there are any.
async fn run(timers: Weak<Timers>, earlier: Arc<Notify>) {
    loop {
        let planned = {
            let Some(timers) = timers.upgrade() else {
                return;
            };
            timers.wake(present().as_nanos());
            let mut schedule = timers.lock();
            schedule.planned = schedule.wheel.next();
            schedule.planned
        };
        match planned {
            Some(nanos) => {
                let at = epoch() + Duration::from_nanos(nanos);
                let _ = timeout_at(at, earlier.notified()).await;
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

    fn arm(&mut self, cx: &Context<'_>, deadline: Time) {
        let nanos = deadline.as_nanos();
        let mut schedule = self.timers.lock();
        let known = self
            .key
            .is_some_and(|key| match schedule.wheel.value_mut(key) {
                Some(waker) => {
                    waker.clone_from(cx.waker());
                    schedule.wheel.rearm(key, nanos)
                }
                None => false,
            });
        if !known {
            self.key = Some(schedule.wheel.arm(nanos, cx.waker().clone()));
        }
        if schedule.planned.is_none_or(|planned| nanos < planned) {
            schedule.planned = Some(nanos);
            self.timers.earlier.notify_one();
        }
        drop(schedule);
        self.armed = Some(deadline);
        self.waker = cx.waker().data() as usize;
    }
}

impl Clock for Timer {
    fn now(&self) -> Time {
        present()
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Option<Time>) -> Poll<()> {
        let now = present();
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
            self.arm(cx, deadline);
        }
        Poll::Pending
    }

    fn shutting_down(&self) -> bool {
        self.timers.shutting_down.load(Ordering::Acquire)
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
