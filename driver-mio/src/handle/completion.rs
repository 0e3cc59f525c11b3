//! The outcome of a message, for its sender: by a callback, or by a future.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use wsproto::SendError;

use crate::handle::promise::{Promise, promise};

/// A callback for the outcome of a message, called exactly once: with [`SendError::Closed`] if this is dropped.
pub(crate) struct Completion(Option<Callback>);

type Callback = Box<dyn FnOnce(Result<(), SendError>) + Send>;

impl Completion {
    pub(crate) fn new(callback: impl FnOnce(Result<(), SendError>) + Send + 'static) -> Self {
        Self(Some(Box::new(callback)))
    }

    pub(crate) fn complete(mut self, result: Result<(), SendError>) {
        self.call(result);
    }

    fn call(&mut self, result: Result<(), SendError>) {
        if let Some(callback) = self.0.take() {
            // A panic must end neither the loop nor the connection.
            let _ = catch_unwind(AssertUnwindSafe(|| callback(result)));
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        // A queue that is dropped with its connection must not leave its senders waiting.
        self.call(Err(SendError::Closed));
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion").finish_non_exhaustive()
    }
}

/// A future that resolves when a message has gone to the transport, or will not go there. From
/// [`Handle::send_async`](crate::Handle::send_async). It needs no particular runtime.
///
/// Dropping it does not stop the message.
#[derive(Debug)]
#[must_use = "the message is sent anyway; this tells when"]
pub struct Sent(Promise<Result<(), SendError>>);

impl Sent {
    /// Creates a future, and the completion that resolves it.
    pub(crate) fn pair() -> (Self, Completion) {
        let (promise, giver) = promise();
        let completion = Completion::new(|result| giver.give(result));
        (Self(promise), completion)
    }

    /// Blocks the thread until the future resolves. Must not be called in a callback: its loop would wait for
    /// itself.
    ///
    /// # Errors
    /// As the future: see [`Handle::send`](crate::Handle::send).
    pub fn wait(self) -> Result<(), SendError> {
        self.0.wait()
    }
}

impl Future for Sent {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

/// The senders of one connection that wait for their messages to leave, and how much has been queued behind each.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    /// Completions, each with the value of `queued` when it began to wait.
    waiting: VecDeque<(u64, Completion)>,
    /// Bytes of data frames that were queued since the first of them began to wait.
    queued: u64,
}

impl Unsent {
    /// Counts bytes of data frames that were queued.
    pub(crate) fn queued(&mut self, bytes: usize) {
        if !self.waiting.is_empty() {
            self.queued += bytes as u64;
        }
    }

    /// Adds a completion for everything queued so far.
    pub(crate) fn wait(&mut self, completion: Completion) {
        self.waiting.push_back((self.queued, completion));
    }

    /// Completes the messages that have left, given the bytes that are left in the queue. Control frames among these
    /// make a completion late, never early.
    pub(crate) fn left(&mut self, bytes: usize) {
        while let Some((mark, _)) = self.waiting.front()
            && bytes as u64 <= self.queued - mark
        {
            if let Some((_, completion)) = self.waiting.pop_front() {
                completion.complete(Ok(()));
            }
        }
        if self.waiting.is_empty() {
            self.queued = 0;
        }
    }

    /// Completes all with [`SendError::Closed`]: nothing further will be sent.
    pub(crate) fn lost(&mut self) {
        self.waiting.clear();
        self.queued = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        task::Waker,
    };

    use super::*;

    type Log = Arc<Mutex<Vec<Result<(), SendError>>>>;

    fn completion(log: &Log) -> Completion {
        let log = Arc::clone(log);
        Completion::new(move |result| log.lock().unwrap().push(result))
    }

    #[test]
    fn a_sender_is_told_when_all_that_is_left_was_queued_behind_its_message() {
        let log = Log::default();
        let mut unsent = Unsent::default();
        unsent.wait(completion(&log)); // behind 100 bytes
        unsent.queued(50);
        unsent.wait(completion(&log));
        unsent.queued(10);
        for (left, heard) in [(160, 0), (61, 0), (60, 1), (11, 1), (10, 2), (0, 2)] {
            unsent.left(left);
            assert_eq!(log.lock().unwrap().len(), heard, "{left} left");
        }
    }

    #[test]
    fn senders_of_a_dropped_queue_are_told() {
        let log = Log::default();
        let mut unsent = Unsent::default();
        unsent.wait(completion(&log));
        drop(unsent);
        assert_eq!(*log.lock().unwrap(), [Err(SendError::Closed)]);
    }

    #[test]
    fn a_future_resolves_once_it_is_completed() {
        let (mut sent, completion) = Sent::pair();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut sent).poll(&mut cx), Poll::Pending);
        completion.complete(Ok(()));
        assert_eq!(Pin::new(&mut sent).poll(&mut cx), Poll::Ready(Ok(())));
    }
}
