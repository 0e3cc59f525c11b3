//! A value that comes later, for futures on any runtime and for threads that block.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// Waits for a value. Created by [`promise`].
#[derive(Debug)]
pub(crate) struct Promise<T>(Arc<Shared<T>>);

/// Gives a [`Promise`] its value.
#[derive(Debug)]
pub(crate) struct Giver<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    given: Condvar,
}

#[derive(Debug)]
enum State<T> {
    Waiting(Option<Waker>),
    Given(T),
}

/// Creates a promise, and the giver that resolves it.
pub(crate) fn promise<T>() -> (Promise<T>, Giver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State::Waiting(None)),
        given: Condvar::new(),
    });
    (Promise(Arc::clone(&shared)), Giver(shared))
}

impl<T> Giver<T> {
    pub(crate) fn give(self, value: T) {
        let before = mem::replace(&mut *self.0.state(), State::Given(value));
        self.0.given.notify_all();
        if let State::Waiting(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T: Clone> Promise<T> {
    /// Blocks the thread until there is a value.
    pub(crate) fn wait(&self) -> T {
        let mut state = self.0.state();
        loop {
            if let State::Given(value) = &*state {
                return value.clone();
            }
            state = self
                .0
                .given
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T: Clone> Future for Promise<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut *self.0.state() {
            State::Given(value) => Poll::Ready(value.clone()),
            State::Waiting(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
