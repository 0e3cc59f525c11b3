//! Futures that are given up, as `select!` and timeouts do.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// The outcome of a future that may have been dropped early.
#[derive(Debug, PartialEq, Eq)]
pub enum Outlived<T> {
    /// It returned.
    Returned(T),
    /// It was dropped.
    GivenUp,
}

/// Polls a future at most `polls` times and drops it right after the last.
pub async fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) -> Outlived<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(Outlived::GivenUp);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Outlived::Returned(value)),
            Poll::Pending if left == 0 => Poll::Ready(Outlived::GivenUp),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Polls a future at most `polls` times and drops it when it is woken after the last.
pub async fn give_up_when_woken<T>(polls: usize, future: impl Future<Output = T>) -> Outlived<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(Outlived::GivenUp);
        }
        left -= 1;
        future.as_mut().poll(cx).map(Outlived::Returned)
    })
    .await
}
