//! The clock of a connection.

use std::task::{Context, Poll};

use wsproto::Time;

/// A runtime's time and timer, for one connection.
pub trait Clock: Unpin + Sized {
    /// The current time.
    fn now(&self) -> Time;

    /// Ready once `deadline` has passed. Until then it is pending, and the task is woken at the deadline or a few
    /// milliseconds later. With `None` there is nothing to wait for. Each call replaces the deadline of the call
    /// before; spurious wake-ups are allowed. `now` is a recent result of [`now`](Self::now), so that a poll reads
    /// the clock once.
    fn poll_deadline(
        &mut self,
        cx: &mut Context<'_>,
        now: Time,
        deadline: Option<Time>,
    ) -> Poll<()>;

    /// Wakes the task again after all other tasks that are ready, and after those that new input makes ready.
    fn wake_after_others(&self, cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    /// Another clock on the same time, for a deadline beside those of the connection.
    #[must_use]
    fn another(&self) -> Self;

    /// The reason, which may be empty, once the server that the connection belongs to shuts down. At that moment
    /// every task whose connection has called [`poll_deadline`](Self::poll_deadline) is woken.
    fn shutting_down(&self) -> Option<&str> {
        None
    }
}
