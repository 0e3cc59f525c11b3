//! How a runtime wakes up at a moment, for all connections that share a wheel.

use std::{
    fmt,
    sync::{Arc, Weak},
    task::Context,
    time::Instant,
};

use crate::timers::Timers;

/// Rings [timers](Timers) at the moment that it is set to: the only timer of a runtime's that they use.
pub trait Alarm: fmt::Debug + Send + Sized + 'static {
    /// An alarm for `timers`, set to no moment. The timers are not there yet, and at some time they
    /// will be gone: then the alarm is dropped, and shall leave nothing behind.
    fn start(timers: Weak<Timers<Self>>) -> Self;

    /// The present on the runtime's clock, which in tests may be another than the system's.
    fn now() -> Instant;

    /// Has [`Timers::ring`] called at `moment`, instead of at the one that was set before. `None`: it
    /// need not be called. Rings too early do no harm. The timers are locked meanwhile: an alarm that
    /// is late already must not ring before this returns.
    fn set(&mut self, moment: Option<Instant>);

    /// Wakes a task again, after everything else that is ready. Where the runtime looks for new input only after
    /// some turns of its tasks, a busy one must not be all of them.
    fn wake_after_others(cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    /// The timers of the connections that belong to no server.
    fn shared() -> Arc<Timers<Self>>;
}
