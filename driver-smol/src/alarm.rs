//! The alarm of the timers: a timer of async-io with a waker of its own. No task has to wait for it, so that it
//! works with every executor.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock, Weak},
    task::{Context, Wake, Waker},
    time::{Duration, Instant},
};

use driver_futures::{Purpose, Timers};

use crate::bulk;

/// Wakes the tasks of connections that are due.
#[derive(Debug)]
pub struct Alarm(async_io::Timer);

impl driver_futures::Alarm for Alarm {
    fn start(timers: Weak<Timers<Self>>) -> Self {
        let mut timer = async_io::Timer::after(Duration::from_secs(3600));
        // The reactor keeps the waker, whatever the timer is set to later.
        let waker = Waker::from(Arc::new(TimerWaker(timers)));
        let polled = Pin::new(&mut timer).poll(&mut Context::from_waker(&waker));
        debug_assert!(polled.is_pending(), "an hour has passed in a moment");
        Self(timer)
    }

    fn now() -> Instant {
        Instant::now()
    }

    fn set(&mut self, moment: Option<Instant>) {
        // If there is nothing to wait for, the old moment stays set: a call that comes too early does no harm.
        if let Some(moment) = moment {
            self.0.set_at(moment);
        }
    }

    /// The reactor is polled first, since it may make other tasks ready.
    fn wake_after_others(cx: &mut Context<'_>) {
        bulk::enough();
        cx.waker().wake_by_ref();
    }

    /// The timers of the process, like the reactor.
    fn shared() -> Arc<Timers<Self>> {
        static SHARED: OnceLock<Arc<Timers<Alarm>>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Timers::start(Purpose::Sharing)))
    }
}

/// Wakes the tasks that are due, on the thread of the reactor.
struct TimerWaker(Weak<Timers<Alarm>>);

impl Wake for TimerWaker {
    fn wake(self: Arc<Self>) {
        if let Some(timers) = self.0.upgrade() {
            timers.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, iter::repeat_with, task::Poll};

    use driver_futures::Clock;
    use futures_util::future::join_all;

    use super::*;
    use crate::Timer;

    /// Waits until a deadline has passed.
    async fn sleep(millis: u64) {
        let mut timer = Timer::of_runtime();
        let deadline = timer.now() + Duration::from_millis(millis);
        poll_fn(|cx| {
            let now = timer.now();
            timer.poll_deadline(cx, now, Some(deadline))
        })
        .await;
        assert!(timer.now() >= deadline);
    }

    #[test]
    fn tasks_are_woken_on_any_executor() {
        smol::block_on(sleep(20));
        smol::future::block_on(sleep(20));
        futures_util::future::FutureExt::now_or_never(sleep(0)).expect("it has passed");
        let executor = smol::Executor::new();
        let task = executor.spawn(sleep(20));
        smol::block_on(executor.run(task));
    }

    #[test]
    fn deadlines_may_come_in_any_order() {
        let mut millis = [90, 30, 60].into_iter().cycle();
        let sleeps = repeat_with(|| sleep(millis.next().expect("a cycle"))).take(300);
        smol::block_on(join_all(sleeps));
    }

    #[test]
    fn the_waker_of_timers_that_are_gone_does_nothing() {
        let timers = Timers::<Alarm>::start(Purpose::Sharing);
        let waker = Arc::new(TimerWaker(Arc::downgrade(&timers)));
        drop(timers);
        waker.wake();
    }

    #[test]
    fn a_deadline_that_has_passed_is_ready_without_the_alarm() {
        let mut timer = Timer::of_runtime();
        let mut cx = Context::from_waker(Waker::noop());
        let now = timer.now();
        assert_eq!(
            timer.poll_deadline(&mut cx, now, Some(now)),
            Poll::Ready(())
        );
    }
}
