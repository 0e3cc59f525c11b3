//! Timers that many connections share, kept by one alarm of the runtime: a million connections do not need a
//! million timers of the runtime.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use driver_kit::wheel::{Key, Wheel};
use wsproto::Time;

use crate::clock::Clock;

/// Tasks that are woken at a time, without the lock.
const BATCH: usize = 64;

/// The deadline of a server's connection that has none of its own: it has to be armed to be found at shutdown.
const LONG: Duration = Duration::from_secs(3600);

/// Calls [`Timers::ring`] at the moment that it is set to. It is the only timer of the runtime that [`Timers`] use.
pub trait Alarm: fmt::Debug + Send + Sized + 'static {
    /// Makes an alarm for `timers` that is not set. It cannot use them before it returns. It is dropped with them,
    /// and must leave nothing behind.
    fn start(timers: Weak<Timers<Self>>) -> Self;

    /// The current time on the runtime's clock, which in tests may differ from the system's.
    fn now() -> Instant;

    /// Sets the moment at which to call [`Timers::ring`], in place of the one before; `None` unsets it. Calls that
    /// come too early do no harm. The timers are locked during this call: an alarm whose moment has passed must not
    /// ring before it returns.
    fn set(&mut self, moment: Option<Instant>);

    /// Wakes a task again after all other tasks that are ready. A runtime that polls for new input only after a
    /// number of tasks have run must poll for it first, so that a busy task does not use up that number alone.
    fn wake_after_others(cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    /// The timers of connections that belong to no server.
    fn shared() -> Arc<Timers<Self>>;
}

/// The deadlines of many connections, kept by one [alarm](Alarm).
#[derive(Debug)]
pub struct Timers<A> {
    /// The epoch of all times.
    epoch: Instant,
    schedule: Mutex<Schedule<A>>,
    /// The reason, once the server that these connections belong to shuts down.
    shutting_down: OnceLock<Box<str>>,
    purpose: Purpose,
}

/// The connections that share timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// All connections of a server, which wakes them when it shuts down.
    Server,
    /// Connections that have nothing else in common.
    Sharing,
}

#[derive(Debug)]
struct Schedule<A> {
    wheel: Wheel<Waker>,
    alarm: A,
    /// The moment that the alarm is set to.
    planned: Option<u64>,
}

impl<A: Alarm> Timers<A> {
    /// Makes timers without deadlines, and starts their alarm.
    #[must_use]
    pub fn start(purpose: Purpose) -> Arc<Self> {
        Arc::new_cyclic(|timers| Self {
            epoch: A::now(),
            schedule: Mutex::new(Schedule {
                wheel: Wheel::new(0),
                alarm: A::start(timers.clone()),
                planned: None,
            }),
            shutting_down: OnceLock::new(),
            purpose,
        })
    }

    /// Wakes the tasks that are due, and sets the alarm to the next moment at which one may be.
    pub fn ring(&self) {
        let now = self.present().as_nanos();
        let mut batch = Vec::new();
        loop {
            let mut schedule = self.lock();
            let due = schedule.wheel.expire(now).take(BATCH);
            batch.extend(due.map(|(_, waker)| waker));
            if batch.is_empty() {
                let next = schedule.wheel.next();
                self.plan(&mut schedule, next);
                return;
            }
            drop(schedule);
            batch.drain(..).for_each(Waker::wake);
        }
    }

    /// Calls `look` with the alarm.
    pub fn look_at_alarm<T>(&self, look: impl FnOnce(&A) -> T) -> T {
        look(&self.lock().alarm)
    }

    /// Closes all connections with the reason of the first call. They are woken to notice, and stay armed.
    pub(crate) fn shut_down(&self, reason: &str) {
        self.shutting_down.get_or_init(|| reason.into());
        let wakers: Vec<_> = self.lock().wheel.values().cloned().collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn present(&self) -> Time {
        Time::since_epoch(A::now().saturating_duration_since(self.epoch))
    }

    fn plan(&self, schedule: &mut Schedule<A>, next: Option<u64>) {
        schedule.planned = next;
        // A moment that cannot be represented never comes.
        let next = next.and_then(|next| self.epoch.checked_add(Duration::from_nanos(next)));
        schedule.alarm.set(next);
    }

    fn lock(&self) -> MutexGuard<'_, Schedule<A>> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's [clock](Clock), which shares its timer with others.
#[derive(Debug)]
pub struct Timer<A: Alarm> {
    timers: Arc<Timers<A>>,
    key: Option<Key>,
    /// The moment at which the connection's task will be woken.
    armed: Option<Time>,
    /// A copy of the waker in the wheel, so that a poll can compare it without the lock.
    waker: Option<Waker>,
}

impl<A: Alarm> Timer<A> {
    /// A clock of the current runtime, for a connection that belongs to no server.
    ///
    /// # Panics
    /// If the runtime has to be entered first, and was not.
    #[must_use]
    pub fn of_runtime() -> Self {
        Self::new(A::shared())
    }

    pub(crate) const fn new(timers: Arc<Timers<A>>) -> Self {
        Self {
            timers,
            key: None,
            armed: None,
            waker: None,
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
            self.timers.plan(&mut schedule, Some(nanos));
        }
        drop(schedule);
        // A waker may run code of its own when it is dropped: not under the lock.
        drop(new);
        self.armed = Some(deadline);
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            known => *known = Some(waker.clone()),
        }
        // A shutdown wakes the tasks that are armed when it begins; this one may have been too late.
        if self.shutting_down().is_some() {
            waker.wake_by_ref();
        }
    }
}

impl<A: Alarm> Clock for Timer<A> {
    fn now(&self) -> Time {
        self.timers.present()
    }

    fn poll_deadline(
        &mut self,
        cx: &mut Context<'_>,
        now: Time,
        deadline: Option<Time>,
    ) -> Poll<()> {
        let deadline = match (deadline, self.timers.purpose) {
            (Some(deadline), _) if deadline <= now => return Poll::Ready(()),
            (Some(deadline), _) => deadline,
            (None, Purpose::Server) => now + LONG,
            (None, Purpose::Sharing) => return Poll::Pending,
        };
        // Deadlines mostly move away: the old one stays armed, and the task checks again when it passes.
        let kept = self
            .armed
            .is_some_and(|armed| now < armed && armed <= deadline);
        let same = (self.waker.as_ref()).is_some_and(|waker| waker.will_wake(cx.waker()));
        if !kept || !same {
            self.arm(cx.waker(), deadline);
        }
        Poll::Pending
    }

    fn another(&self) -> Self {
        Self::new(Arc::clone(&self.timers))
    }

    fn wake_after_others(&self, cx: &mut Context<'_>) {
        A::wake_after_others(cx);
    }

    fn shutting_down(&self) -> Option<&str> {
        self.timers.shutting_down.get().map(|reason| &**reason)
    }
}

impl<A: Alarm> Drop for Timer<A> {
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
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
    };

    use super::*;

    /// An alarm that shows the moment that it is set to, and never rings by itself.
    #[derive(Debug, Default)]
    struct Silent(Option<Instant>);

    impl Alarm for Silent {
        fn start(_: Weak<Timers<Self>>) -> Self {
            Self::default()
        }

        fn now() -> Instant {
            Instant::now()
        }

        fn set(&mut self, moment: Option<Instant>) {
            self.0 = moment;
        }

        fn shared() -> Arc<Timers<Self>> {
            Timers::start(Purpose::Sharing)
        }
    }

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_set(timers: &Timers<Silent>) -> Option<Instant> {
        timers.look_at_alarm(|alarm| alarm.0)
    }

    /// Waits for what is `after` from now.
    fn armed(timers: &Arc<Timers<Silent>>, waker: &Waker, after: Duration) -> Timer<Silent> {
        let mut timer = Timer::new(Arc::clone(timers));
        let mut cx = Context::from_waker(waker);
        let now = timer.now();
        let polled = timer.poll_deadline(&mut cx, now, Some(now + after));
        assert!(polled.is_pending());
        timer
    }

    #[test]
    fn a_clock_that_is_dropped_leaves_no_timer_armed() {
        let timers = Timers::start(Purpose::Server);
        let clocks: Vec<_> = (0..100)
            .map(|_| armed(&timers, Waker::noop(), LONG))
            .collect();
        assert_eq!(timers.lock().wheel.len(), 100);
        drop(clocks);
        assert!(timers.lock().wheel.is_empty());
    }

    #[test]
    fn the_alarm_is_set_to_the_earliest_deadline() {
        let timers = Timers::start(Purpose::Sharing);
        assert_eq!(is_set(&timers), None);
        let _later = armed(&timers, Waker::noop(), 2 * LONG);
        let first = is_set(&timers).expect("one waits");
        let _earlier = armed(&timers, Waker::noop(), LONG);
        let second = is_set(&timers).expect("two wait");
        assert!(second < first);
        let _between = armed(&timers, Waker::noop(), LONG + LONG / 2);
        assert_eq!(is_set(&timers), Some(second));
    }

    #[test]
    fn a_ring_wakes_what_is_due_and_sets_the_alarm_to_the_rest() {
        let timers = Timers::start(Purpose::Sharing);
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        // More than are woken in one go.
        let soon: Vec<_> = (0..BATCH + 1)
            .map(|_| armed(&timers, &waker, Duration::from_nanos(1 << 20)))
            .collect();
        let _later = armed(&timers, &waker, LONG);
        while count.0.load(Ordering::Relaxed) < soon.len() {
            timers.ring();
        }
        timers.ring();
        assert_eq!(count.0.load(Ordering::Relaxed), soon.len());
        assert!(is_set(&timers).is_some());
        drop(_later);
        timers.ring();
        assert_eq!(is_set(&timers), None);
    }

    #[test]
    fn a_clock_without_a_deadline_is_found_when_its_server_shuts_down() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        for (purpose, woken) in [(Purpose::Server, 1), (Purpose::Sharing, 0)] {
            count.0.store(0, Ordering::Relaxed);
            let timers = Timers::<Silent>::start(purpose);
            let mut timer = Timer::new(Arc::clone(&timers));
            let now = timer.now();
            assert!(timer.poll_deadline(&mut cx, now, None).is_pending());
            timers.shut_down("because");
            timers.shut_down("for another reason");
            assert_eq!(timer.shutting_down(), Some("because"));
            assert_eq!(count.0.load(Ordering::Relaxed), 2 * woken, "{purpose:?}");
        }
    }

    #[test]
    fn who_is_armed_when_it_shuts_down_already_looks_at_once() {
        let timers = Timers::start(Purpose::Server);
        timers.shut_down("");
        let count = Arc::new(Count::default());
        let _timer = armed(&timers, &Waker::from(Arc::clone(&count)), LONG);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
