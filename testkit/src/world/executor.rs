//! An executor that polls a task only when it was woken, so that a forgotten wake-up hangs and is found.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use driver_futures::Clock;
use wsproto::Time;

use super::clock::{Timeline, Timer};
use crate::Random;

/// Tasks in one thread on a virtual clock.
#[expect(missing_debug_implementations, reason = "futures have none")]
pub struct World {
    /// The clock.
    pub timeline: Timeline,
    tasks: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    woken: Arc<Mutex<Vec<usize>>>,
    /// Decides the order of tasks that are woken at the same time. Without it: first come, first served.
    random: Option<Random>,
    polls: usize,
}

/// The value that a task returns, once it has.
#[derive(Debug)]
pub struct Outcome<T>(Rc<RefCell<Option<T>>>);

impl<T> Outcome<T> {
    /// True if the task has returned.
    pub fn is_there(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Takes the value.
    ///
    /// # Panics
    /// If the task has not returned.
    pub fn take(&self) -> T {
        self.0.borrow_mut().take().expect("the task has returned")
    }
}

struct TaskWaker {
    task: usize,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut woken = self
            .woken
            .lock()
            .expect("nothing panics while it is locked");
        if !woken.contains(&self.task) {
            woken.push(self.task);
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world without tasks.
    pub fn new() -> Self {
        Self {
            timeline: Timeline::new(),
            tasks: Vec::new(),
            woken: Arc::default(),
            random: None,
            polls: 0,
        }
    }

    /// A world that runs woken tasks in an order that the seed decides.
    pub fn random(seed: u64) -> Self {
        let random = Some(Random(seed));
        Self {
            random,
            ..Self::new()
        }
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.timeline.now()
    }

    /// A clock for one connection.
    pub fn timer(&self) -> Timer {
        self.timeline.timer()
    }

    /// Polls of tasks so far.
    pub fn polls(&self) -> usize {
        self.polls
    }

    /// Waits that long, in virtual time.
    pub fn sleep(&self, span: Duration) -> impl Future<Output = ()> + use<> {
        let mut timer = self.timer();
        let deadline = Some(self.now() + span);
        poll_fn(move |cx| {
            let now = timer.now();
            timer.poll_deadline(cx, now, deadline)
        })
    }

    /// Adds a task, which runs when the world does.
    pub fn spawn<T: 'static>(&mut self, future: impl Future<Output = T> + 'static) -> Outcome<T> {
        let outcome = Rc::new(RefCell::new(None));
        let returned = Rc::clone(&outcome);
        self.tasks.push(Some(Box::pin(async move {
            let value = future.await;
            *returned.borrow_mut() = Some(value);
        })));
        let mut woken = self
            .woken
            .lock()
            .expect("nothing panics while it is locked");
        woken.push(self.tasks.len() - 1);
        Outcome(outcome)
    }

    /// Polls woken tasks until there are none.
    pub fn run_until_stalled(&mut self) {
        while let Some(task) = self.next_woken() {
            self.polls += 1;
            assert!(self.polls < 2_000_000, "the tasks wake each other for ever");
            let Some(future) = &mut self.tasks[task] else {
                continue;
            };
            let woken = Arc::clone(&self.woken);
            let waker = Waker::from(Arc::new(TaskWaker { task, woken }));
            if future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                self.tasks[task] = None;
            }
        }
    }

    fn next_woken(&mut self) -> Option<usize> {
        let mut woken = self
            .woken
            .lock()
            .expect("nothing panics while it is locked");
        if woken.is_empty() {
            return None;
        }
        let index = match &mut self.random {
            Some(random) => random.below(woken.len()),
            None => 0,
        };
        Some(woken.remove(index))
    }

    /// Moves the clock by `span`, with a stop at each deadline on the way.
    pub fn advance(&mut self, span: Duration) {
        let end = self.now() + span;
        self.run_until_stalled();
        while let Some(next) = self.timeline.next().filter(|next| *next <= end) {
            self.timeline.advance_to(next);
            self.run_until_stalled();
        }
        self.timeline.advance_to(end);
        self.run_until_stalled();
    }

    /// Runs until all tasks have returned, and moves the clock whenever no task is woken.
    ///
    /// # Panics
    /// If a task waits and nothing can wake it.
    pub fn run(&mut self) {
        loop {
            self.run_until_stalled();
            if self.tasks.iter().all(Option::is_none) {
                return;
            }
            let next = self.timeline.next();
            self.timeline
                .advance_to(next.expect("a task waits for ever: nobody wakes it"));
        }
    }

    /// Runs until all tasks have returned, without moving the clock.
    ///
    /// # Panics
    /// If a task waits and nothing but time can wake it.
    pub fn run_at_once(&mut self) {
        self.run_until_stalled();
        let waiting: Vec<_> = (0..self.tasks.len())
            .filter(|task| self.tasks[*task].is_some())
            .collect();
        assert!(waiting.is_empty(), "nobody wakes the tasks {waiting:?}");
    }

    /// Runs until that future has returned, without moving the clock. Other tasks may go on later.
    pub fn block_on<T: 'static>(&mut self, future: impl Future<Output = T> + 'static) -> T {
        let outcome = self.spawn(future);
        self.run_until_stalled();
        outcome.take()
    }
}

/// Waits until the task is woken by something that it has waited for before.
pub async fn woken() {
    let mut waits = true;
    poll_fn(|_| {
        if std::mem::take(&mut waits) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// Lets all other tasks that are woken run first.
pub async fn yield_now() {
    let mut waits = true;
    poll_fn(|cx| {
        if std::mem::take(&mut waits) {
            cx.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}
