//! Futures that wait: for a span of time, and for the first of two futures.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use crate::{runtime::Runtime, timers::Alarm};

/// Waits for a span of time.
pub(crate) async fn after<R: Runtime>(span: Duration) {
    match R::Alarm::now().checked_add(span) {
        Some(moment) => R::sleep_until(moment).await,
        // A moment that cannot be represented never comes.
        None => pending().await,
    }
}

/// The output of the first of two futures.
pub(crate) enum First<A, B> {
    Left(A),
    Right(B),
}

/// Waits until one of two futures is ready, and drops the other. If both are ready, the left one wins.
pub(crate) async fn first<A: Future, B: Future>(a: A, b: B) -> First<A::Output, B::Output> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|cx| match a.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(First::Left(output)),
        Poll::Pending => b.as_mut().poll(cx).map(First::Right),
    })
    .await
}
