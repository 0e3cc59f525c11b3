//! The connections of a server: counts them, enforces `max_connections`, and aborts stragglers when the shutdown
//! grace period ends.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;

use crate::waiters::{Waiter, Waiters};

/// The tasks of a server's connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    state: Mutex<State>,
    /// All tasks are to end.
    aborted: AtomicBool,
    /// Waiters for the end of a connection.
    ended: Arc<Waiters>,
    /// Waiters for the shutdown of the server.
    stopped: Arc<Waiters>,
}

#[derive(Debug, Default)]
struct State {
    /// By number. `None` if the number is free, or its task was not polled yet.
    tasks: Vec<Option<Waker>>,
    free: Vec<u32>,
    count: usize,
    is_stopped: bool,
}

impl Connections {
    /// The number of connections.
    pub(crate) fn count(&self) -> usize {
        self.lock().count
    }

    /// Counts one more connection. `None` once the server shuts down: nothing may begin any more.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<Counted> {
        let mut state = self.lock();
        if state.is_stopped {
            return None;
        }
        let number = state.free.pop().unwrap_or_else(|| {
            state.tasks.push(None);
            state.tasks.len() as u32 - 1
        });
        state.count += 1;
        drop(state);
        Some(Counted {
            connections: Arc::clone(self),
            number,
            waker: None,
        })
    }

    /// Waits until there are fewer than `limit` connections.
    pub(crate) async fn fewer_than(&self, limit: usize) {
        self.until(&self.ended, |state| state.count < limit).await;
    }

    /// Refuses further connections.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.stopped.wake_all();
    }

    /// Waits until [`stop`](Self::stop) is called.
    pub(crate) async fn stopped(&self) {
        self.until(&self.stopped, |state| state.is_stopped).await;
    }

    /// Has all tasks end, by dropping their futures.
    pub(crate) fn abort(&self) {
        // A task that registers later than this sees it, and the others are woken.
        self.aborted.store(true, Ordering::SeqCst);
        let tasks: Vec<_> = self.lock().tasks.iter().flatten().cloned().collect();
        tasks.into_iter().for_each(Waker::wake);
    }

    async fn until(&self, news: &Arc<Waiters>, is_so: impl Fn(&State) -> bool) {
        let waiter = Waiter::new(Arc::clone(news));
        poll_fn(|cx| {
            // Before the check, so that no change is missed in between.
            waiter.register(cx.waker());
            if is_so(&self.lock()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the connections; it counts until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    connections: Arc<Connections>,
    number: u32,
    /// A copy of the waker in `tasks`, so that a poll can compare it without the lock.
    waker: Option<Waker>,
}

impl Counted {
    /// Makes the task of the connection. It ends with `future`, when `future` panics, or when all are aborted.
    pub(crate) const fn task<F: Future<Output = ()>>(self, future: F) -> ConnectionTask<F> {
        ConnectionTask {
            counted: self,
            future,
        }
    }

    /// Returns true if the task is to end. Otherwise it is woken when it is.
    fn is_aborted(&mut self, waker: &Waker) -> bool {
        if !(self.waker.as_ref()).is_some_and(|known| known.will_wake(waker)) {
            let mut state = self.connections.lock();
            let known = state.tasks[self.number as usize].replace(waker.clone());
            drop(state);
            // After the lock is released, because this may drop a task.
            drop(known);
            self.waker = Some(waker.clone());
        }
        self.connections.aborted.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.connections.lock();
        let task = state.tasks[self.number as usize].take();
        state.free.push(self.number);
        state.count -= 1;
        drop(state);
        // Not under the lock: this may drop the task.
        drop(task);
        self.connections.ended.wake_all();
    }
}

pin_project! {
    /// The task of a connection.
    pub(crate) struct ConnectionTask<F> {
        // Dropped before `counted`: a connection counts until nothing is left of it.
        #[pin]
        future: F,
        counted: Counted,
    }
}

impl<F: Future<Output = ()>> Future for ConnectionTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.counted.is_aborted(cx.waker()) {
            return Poll::Ready(());
        }
        // The future that has panicked is dropped next, and nothing touches it in between. Some executors would
        // let the panic end their own thread.
        catch_unwind(AssertUnwindSafe(|| this.future.poll(cx))).unwrap_or(Poll::Ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waker that does nothing has no data, like those of executors that keep everything in statics.
    #[test]
    fn a_task_whose_waker_has_no_data_is_known() {
        assert!(Waker::noop().data().is_null());
        let connections = Arc::new(Connections::default());
        let mut counted = connections.begin().expect("nothing is stopped");
        assert!(!counted.is_aborted(Waker::noop()));
        let known = || connections.lock().tasks.iter().flatten().count();
        assert_eq!(known(), 1);
        drop(counted);
        assert_eq!(known(), 0);
    }
}
