//! The connections of a server: counted, held to a maximum, and ended when patience is.

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
    /// The tasks are to end where they wait.
    aborted: AtomicBool,
    /// Who waits for connections to end.
    ended: Arc<Waiters>,
    /// Who waits for the server to shut down.
    stopped: Arc<Waiters>,
}

#[derive(Debug, Default)]
struct State {
    /// By number; `None` where the number is free or its task only starting.
    tasks: Vec<Option<Waker>>,
    free: Vec<u32>,
    count: usize,
    is_stopped: bool,
}

impl Connections {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().count
    }

    /// Counts one more, unless the server shuts down: then nothing is to begin.
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

    /// Waits until there are fewer than `limit`.
    pub(crate) async fn fewer_than(&self, limit: usize) {
        self.until(&self.ended, |state| state.count < limit).await;
    }

    /// Begins nothing further.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.stopped.wake_all();
    }

    /// Waits for the order to [`stop`](Self::stop).
    pub(crate) async fn stopped(&self) {
        self.until(&self.stopped, |state| state.is_stopped).await;
    }

    /// Ends all tasks where they wait.
    pub(crate) fn abort(&self) {
        // A task that registers later than this sees it, and the others are woken.
        self.aborted.store(true, Ordering::SeqCst);
        let tasks: Vec<_> = self.lock().tasks.iter().flatten().cloned().collect();
        tasks.into_iter().for_each(Waker::wake);
    }

    async fn until(&self, news: &Arc<Waiters>, is_so: impl Fn(&State) -> bool) {
        let waiter = Waiter::new(Arc::clone(news));
        poll_fn(|cx| {
            // Before looking, so that no news is missed in between.
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

/// One of the connections, until dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    connections: Arc<Connections>,
    number: u32,
    /// The waker that its task is known by. Kept here as well, so that a poll need not take the lock to compare.
    waker: Option<Waker>,
}

impl Counted {
    /// The task of the connection: ends with `future`, when that panics, or when all are to end.
    pub(crate) const fn task<F: Future<Output = ()>>(self, future: F) -> ConnectionTask<F> {
        ConnectionTask {
            counted: self,
            future,
        }
    }

    /// Whether the task is to end, of which else it will be woken.
    fn is_aborted(&mut self, waker: &Waker) -> bool {
        if !(self.waker.as_ref()).is_some_and(|known| known.will_wake(waker)) {
            let mut state = self.connections.lock();
            let known = state.tasks[self.number as usize].replace(waker.clone());
            drop(state);
            // Not under the lock: this may be the last that is left of a task.
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
        // Not under the lock: this may be the last that is left of the task.
        drop(task);
        self.connections.ended.wake_all();
    }
}

pin_project! {
    /// The task of a connection.
    pub(crate) struct ConnectionTask<F> {
        // Dropped last: a connection counts until nothing is left of it.
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
        // Whatever has panicked is dropped next, and touched by nobody in between. Some executors would
        // take the panic for their own.
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
