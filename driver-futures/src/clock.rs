//! How a runtime keeps time for a connection.

use std::task::{Context, Poll};

use wsproto::Time;

/// A runtime's time, as one connection sees it.
pub trait Clock: Unpin + Sized {
    /// The present.
    fn now(&self) -> Time;

    /// Ready once `deadline` has passed; else the task is woken then, at the latest a few
    /// milliseconds late. `None`: there is nothing to wait for. Each call replaces what the call
    /// before asked for; a task may be woken too early. `now` is what [`now`](Self::now) gave a moment
    /// ago: time is asked for once in a poll.
    fn poll_deadline(
        &mut self,
        cx: &mut Context<'_>,
        now: Time,
        deadline: Option<Time>,
    ) -> Poll<()>;

    /// Wakes the task again, after everything else that is ready, new input of other connections included.
    fn wake_after_others(&self, cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    /// Another clock of the same time, for a deadline that is kept beside those of the connection.
    #[must_use]
    fn another(&self) -> Self;

    /// Why the server that the connection belongs to shuts down, perhaps in no words, once it does.
    /// When that begins, every task whose connection has called
    /// [`poll_deadline`](Self::poll_deadline) is woken.
    fn shutting_down(&self) -> Option<&str> {
        None
    }
}
