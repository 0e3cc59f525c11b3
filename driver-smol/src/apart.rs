//! A future that shares a task with others, and is polled for its own wake-ups only.

use std::{
    future::{Future, poll_fn},
    mem,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

/// A waker that remembers that it was woken, and wakes the task that the future is a part of.
#[derive(Default)]
struct WakeFlag(Mutex<State>);

#[derive(Default)]
struct State {
    woken: bool,
    listener: Option<Waker>,
}

impl WakeFlag {
    /// Returns true if it was woken since the last call. The next wake-up wakes the task of `cx`.
    fn take(&self, cx: &Context<'_>) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut state.listener {
            Some(listener) => listener.clone_from(cx.waker()),
            None => state.listener = Some(cx.waker().clone()),
        }
        mem::take(&mut state.woken)
    }
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.woken = true;
        let listener = state.listener.take();
        drop(state);
        if let Some(listener) = listener {
            listener.wake();
        }
    }
}

/// Polls `future` once, and after that only when it was woken, however often the task around it is polled.
pub(crate) async fn apart<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let flag = Arc::new(WakeFlag::default());
    let waker = Waker::from(Arc::clone(&flag));
    let mut begun = false;
    poll_fn(|cx| {
        if !flag.take(cx) && mem::replace(&mut begun, true) {
            return Poll::Pending;
        }
        future.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Wakes(Mutex<usize>);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            *self.0.lock().expect("no thread has panicked") += 1;
        }
    }

    #[test]
    fn it_is_polled_when_it_was_woken_and_at_no_other_time() {
        let inner: Rc<RefCell<(usize, Option<Waker>)>> = Rc::default();
        let mut future = pin!(apart(poll_fn(|cx| {
            let mut inner = inner.borrow_mut();
            inner.0 += 1;
            inner.1 = Some(cx.waker().clone());
            if inner.0 < 3 {
                Poll::Pending
            } else {
                Poll::Ready("done")
            }
        })));
        let wakes = [(); 2].map(|()| Arc::new(Wakes::default()));
        let [first, second] = [0, 1].map(|n| Waker::from(Arc::clone(&wakes[n])));
        let mut poll = |waker| future.as_mut().poll(&mut Context::from_waker(waker));
        let polled = || inner.borrow().0;
        let ring = || {
            let waker = inner.borrow().1.clone();
            waker.expect("it was polled").wake();
        };
        let woken = || [0, 1].map(|n| *wakes[n].0.lock().expect("no thread has panicked"));

        assert!(poll(&first).is_pending() && poll(&first).is_pending());
        assert_eq!((polled(), woken()), (1, [0, 0]));
        ring();
        assert_eq!(woken(), [1, 0]);
        // It wakes the task that polled last, although that poll did not reach the future.
        assert!(poll(&second).is_pending() && poll(&second).is_pending());
        assert_eq!(polled(), 2);
        ring();
        assert_eq!(woken(), [1, 1]);
        assert_eq!(poll(&first), Poll::Ready("done"));
    }
}
