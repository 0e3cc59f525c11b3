//! Waiting: for a span of time, and for the first of two futures.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use crate::{alarm::Alarm, runtime::Runtime};

/// Waits for as long as this.
pub(crate) async fn after<R: Runtime>(span: Duration) {
    match R::Alarm::now().checked_add(span) {
        Some(moment) => R::sleep_until(moment).await,
        // Further ahead than can be told is never.
        None => pending().await,
    }
}

/// Which of two futures was first, and what it gave.
pub(crate) enum First<A, B> {
    Left(A),
    Right(B),
}

/// Waits until one of two futures is ready, the left one if both are. The other one is dropped.
pub(crate) async fn first<A: Future, B: Future>(a: A, b: B) -> First<A::Output, B::Output> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|cx| match a.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(First::Left(output)),
        Poll::Pending => b.as_mut().poll(cx).map(First::Right),
    })
    .await
}
