//! The connections of a server: counted, held to a maximum, and ended when patience is.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, task::AbortHandle};

/// The tasks of a server's connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    state: Mutex<State>,
    /// A connection ended.
    ended: Notify,
    /// The server shuts down.
    stopped: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By number; `None` where the number is free or its task only starting.
    tasks: Vec<Option<AbortHandle>>,
    free: Vec<u32>,
    /// The number of the task that is being started and has not ended since.
    starting: Option<u32>,
    count: usize,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Accepting,
    /// No further task is started.
    Stopped,
    /// Those that there are are ended where they wait.
    Aborted,
}

impl Connections {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().count
    }

    /// Starts the task of a connection, unless the server shuts down: then nothing is to begin.
    /// The task is to hold what it is given until it ends. Not to be called by two threads at a time.
    pub(crate) fn spawn<F>(self: &Arc<Self>, task: impl FnOnce(Counted) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut state = self.lock();
        if state.phase != Phase::Accepting {
            return;
        }
        let number = state.free.pop().unwrap_or_else(|| {
            state.tasks.push(None);
            state.tasks.len() as u32 - 1
        });
        state.starting = Some(number);
        state.count += 1;
        drop(state);
        let connections = Arc::clone(self);
        // Not under the lock: a runtime that is shutting down drops the task at once.
        let spawned = tokio::spawn(task(Counted {
            connections,
            number,
        }));
        let mut state = self.lock();
        if state.starting.take().is_some() {
            state.tasks[number as usize] = Some(spawned.abort_handle());
        }
        // The order to abort all may have come since the task was counted.
        let aborted = state.phase == Phase::Aborted;
        drop(state);
        if aborted {
            spawned.abort();
        }
    }

    /// Waits until there are fewer than `limit`.
    pub(crate) async fn fewer_than(&self, limit: usize) {
        loop {
            let mut ended = pin!(self.ended.notified());
            // Before looking, so that no end is missed in between.
            ended.as_mut().enable();
            if self.count() < limit {
                return;
            }
            ended.await;
        }
    }

    /// Starts no further task.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Accepting {
            state.phase = Phase::Stopped;
        }
        drop(state);
        self.stopped.notify_waiters();
    }

    /// Waits for the order to [`stop`](Self::stop).
    pub(crate) async fn stopped(&self) {
        let mut stopped = pin!(self.stopped.notified());
        stopped.as_mut().enable();
        if self.lock().phase == Phase::Accepting {
            stopped.await;
        }
    }

    /// Ends all tasks where they wait.
    pub(crate) fn abort(&self) {
        let mut state = self.lock();
        state.phase = Phase::Aborted;
        let tasks: Vec<_> = state.tasks.iter().flatten().cloned().collect();
        drop(state);
        // Not under the lock: a task that is aborted may be dropped on the spot.
        tasks.iter().for_each(AbortHandle::abort);
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
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.connections.lock();
        let task = state.tasks[self.number as usize].take();
        state.starting.take_if(|starting| *starting == self.number);
        state.free.push(self.number);
        state.count -= 1;
        drop(state);
        // Not under the lock: this may be the last that is left of the task.
        drop(task);
        self.connections.ended.notify_waiters();
    }
}
