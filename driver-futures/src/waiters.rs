//! Any number of futures that wait for the same thing, a connection for example, in one task or in several.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Wake, Waker},
};

/// The futures that wait for one thing. As a waker, it wakes them all.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Mutex<Register>);

#[derive(Debug, Default)]
struct Register {
    /// The id of the newest waiter.
    known: u64,
    /// The ids and wakers of those that wait now.
    waiting: Vec<(u64, Waker)>,
}

impl Waiters {
    /// Wakes all that wait.
    pub(crate) fn wake_all(&self) {
        self.wake_except(None);
    }

    fn lock(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_except(&self, id: Option<u64>) {
        let mut register = self.lock();
        let mut woken = register
            .waiting
            .extract_if(.., |(waiting, _)| Some(*waiting) != id);
        // Mostly there is one: then nothing is allocated.
        let first = woken.next();
        let others: Vec<_> = woken.collect();
        drop(register);
        for (_, waker) in first.into_iter().chain(others) {
            waker.wake();
        }
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

/// One of the futures that wait, until dropped.
///
/// It has an id, because its waker does not identify it: two futures of one task have the same waker, and when one
/// of them changes what the other waits for, the task must be woken.
#[derive(Debug)]
pub(crate) struct Waiter {
    waiters: Arc<Waiters>,
    id: u64,
}

impl Waiter {
    pub(crate) fn new(waiters: Arc<Waiters>) -> Self {
        let mut register = waiters.lock();
        register.known += 1;
        let id = register.known;
        drop(register);
        Self { waiters, id }
    }

    /// Its id, which no other waiter for the same thing has or will have.
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    /// Asks to be woken by `waker`.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut register = self.waiters.lock();
        match register.waiting.iter_mut().find(|(id, _)| *id == self.id) {
            Some((_, known)) => known.clone_from(waker),
            None => register.waiting.push((self.id, waker.clone())),
        }
    }

    /// Stops waiting.
    pub(crate) fn unregister(&self) {
        let mut register = self.waiters.lock();
        let index = register.waiting.iter().position(|(id, _)| *id == self.id);
        let waker = index.map(|index| register.waiting.swap_remove(index));
        // A waker may run code of its own when it is dropped: not under the lock.
        drop(register);
        drop(waker);
    }

    /// Wakes the others.
    pub(crate) fn wake_others(&self) {
        self.waiters.wake_except(Some(self.id));
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.unregister();
    }
}
