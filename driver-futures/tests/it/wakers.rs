//! Executors whose wakers have no data: a program with one executor per core may keep everything in statics.

use std::{
    ptr::null,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, RawWaker, RawWakerVTable, Waker},
    time::{Duration, Instant},
};

use driver_futures::{Alarm, Clock, Purpose, Timer, Timers};

/// How often each executor was woken.
static WOKEN: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// An executor whose waker is a null pointer and a table of functions.
struct Static<const N: usize>;

impl<const N: usize> Static<N> {
    const TABLE: RawWakerVTable =
        RawWakerVTable::new(|_| Self::raw(), |_| Self::wake(), |_| Self::wake(), |_| {});

    const fn raw() -> RawWaker {
        RawWaker::new(null(), &Self::TABLE)
    }

    fn wake() {
        WOKEN[N].fetch_add(1, Ordering::Relaxed);
    }

    #[expect(unsafe_code, reason = "there is no other way to a waker without data")]
    fn waker() -> Waker {
        // SAFETY: no function of the table looks at the data, all of them are thread-safe.
        unsafe { Waker::from_raw(Self::raw()) }
    }
}

/// An alarm of which the test is in charge.
#[derive(Debug)]
struct Manual;

impl Alarm for Manual {
    fn start(_: Weak<Timers<Self>>) -> Self {
        Self
    }

    fn now() -> Instant {
        Instant::now()
    }

    fn set(&mut self, _: Option<Instant>) {}

    fn shared() -> Arc<Timers<Self>> {
        static SHARED: OnceLock<Arc<Timers<Manual>>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Timers::start(Purpose::Sharing)))
    }
}

#[test]
fn a_deadline_wakes_the_executor_that_polled_last() {
    let timers = Manual::shared();
    let mut timer = Timer::<Manual>::of_runtime();
    let now = timer.now();
    let deadline = Some(now + Duration::from_millis(1));
    // The two wakers have the same data, and it is null.
    for waker in [Static::<0>::waker(), Static::<1>::waker()] {
        let mut cx = Context::from_waker(&waker);
        assert!(timer.poll_deadline(&mut cx, now, deadline).is_pending());
    }
    let woken = || [0, 1].map(|n| WOKEN[n].load(Ordering::Relaxed));
    while woken() == [0, 0] {
        timers.ring();
        std::thread::yield_now();
    }
    assert_eq!(woken(), [0, 1]);
}
