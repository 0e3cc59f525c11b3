//! A bounded queue of messages for one client: any thread adds messages, and the task that owns the
//! connection takes them.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use wsproto::Prepared;

/// A bounded queue of messages for one client. Clones are the same queue.
///
/// Adding a message never waits. No message is skipped, so a client that is too slow for its mailbox
/// loses its connection: the mailbox overflows for good. Only one task at a time may wait for messages.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    messages: VecDeque<Prepared>,
    capacity: usize,
    overflown: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    /// Creates an empty mailbox for up to `capacity` messages.
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            messages: VecDeque::new(),
            capacity,
            overflown: false,
            waker: None,
        })))
    }

    /// Adds a message. If the mailbox is full, it overflows: it is emptied and stays empty.
    pub(crate) fn post(&self, message: &Prepared) {
        let mut state = self.lock();
        if state.overflown {
            return;
        }
        if state.messages.len() < state.capacity {
            state.messages.push_back(message.clone());
        } else {
            state.overflown = true;
            state.messages = VecDeque::new();
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits for the next message.
    pub(crate) async fn take(&self) -> Prepared {
        poll_fn(|cx| self.poll(cx, |state| state.messages.pop_front())).await
    }

    /// Waits until the mailbox has overflowed.
    pub(crate) async fn overflow(&self) {
        poll_fn(|cx| self.poll(cx, |state| state.overflown.then_some(()))).await;
    }

    fn poll<T>(&self, cx: &Context<'_>, find: impl FnOnce(&mut State) -> Option<T>) -> Poll<T> {
        let mut state = self.lock();
        if let Some(found) = find(&mut state) {
            return Poll::Ready(found);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is safe to use: nothing panics in the middle of a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Mailbox {
    /// Takes all messages, as text.
    pub(crate) fn read(&self) -> Vec<String> {
        let messages = std::mem::take(&mut self.lock().messages);
        let text = |message: Prepared| String::from_utf8(message.payload().to_vec()).unwrap();
        messages.into_iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
    };

    use super::*;

    /// Counts wake-ups.
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll<T>(future: impl Future<Output = T>, bell: &Arc<Bell>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(&Waker::from(Arc::clone(bell))))
    }

    #[test]
    fn messages_come_in_order_and_wake_whoever_waits() {
        let mailbox = Mailbox::new(2);
        let bell = Arc::new(Bell(AtomicUsize::new(0)));
        assert!(poll(mailbox.take(), &bell).is_pending());
        for text in ["one", "two"] {
            mailbox.post(&Prepared::text(text));
        }
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        for text in ["one", "two"] {
            let Poll::Ready(message) = poll(mailbox.take(), &bell) else {
                panic!("{text} was posted");
            };
            assert_eq!(message.payload(), text.as_bytes());
        }
        assert!(poll(mailbox.take(), &bell).is_pending());
    }

    #[test]
    fn one_message_too_many_is_the_end() {
        let mailbox = Mailbox::new(2);
        let bell = Arc::new(Bell(AtomicUsize::new(0)));
        for text in ["one", "two"] {
            mailbox.post(&Prepared::text(text));
        }
        assert!(poll(mailbox.overflow(), &bell).is_pending());
        mailbox.post(&Prepared::text("three"));
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        mailbox.post(&Prepared::text("four"));
        assert!(poll(mailbox.overflow(), &bell).is_ready());
        assert!(poll(mailbox.take(), &bell).is_pending());
    }
}
