//! The alarm of the timers: a task that sleeps on tokio's clock.

use std::{
    cell::RefCell,
    future::Future,
    pin::pin,
    sync::{Arc, Weak},
    task::Context,
    time::Instant,
};

use driver_futures::{Purpose, Timers};
use tokio::{
    runtime::{Handle, Id},
    sync::watch,
    task::yield_now,
    time::timeout_at,
};

/// Wakes the tasks of connections that are due. Each runtime has its own, since tests may move a runtime's clock.
#[derive(Debug)]
pub struct Alarm {
    /// The moment for the task, which ends with its runtime.
    moment: watch::Sender<Option<Instant>>,
}

impl driver_futures::Alarm for Alarm {
    fn start(timers: Weak<Timers<Self>>) -> Self {
        let (moment, told) = watch::channel(None);
        tokio::spawn(run(timers, told));
        Self { moment }
    }

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn set(&mut self, moment: Option<Instant>) {
        self.moment.send_replace(moment);
    }

    /// tokio polls for new input only once in 61 tasks, or when none is ready.
    fn wake_after_others(cx: &mut Context<'_>) {
        // The first poll wakes the task, and that is all that is needed.
        let _ = pin!(yield_now()).poll(cx);
    }

    /// The timers of the current runtime and thread.
    fn shared() -> Arc<Timers<Self>> {
        thread_local! {
            static LAST: RefCell<Option<(Id, Weak<Timers<Alarm>>)>> = const { RefCell::new(None) };
        }
        let runtime = Handle::current().id();
        LAST.with_borrow_mut(|last| {
            let known = last
                .as_ref()
                .filter(|(id, _)| *id == runtime)
                .and_then(|(_, timers)| timers.upgrade())
                // The id of a runtime may be used again when it is gone.
                .filter(|timers| timers.look_at_alarm(|alarm| !alarm.moment.is_closed()));
            known.unwrap_or_else(|| {
                let timers = Timers::start(Purpose::Sharing);
                *last = Some((runtime, Arc::downgrade(&timers)));
                timers
            })
        })
    }
}

/// Rings at each moment that it receives, for as long as there are timers.
async fn run(timers: Weak<Timers<Alarm>>, mut told: watch::Receiver<Option<Instant>>) {
    loop {
        let moment = *told.borrow_and_update();
        let changed = match moment {
            Some(moment) => timeout_at(moment.into(), told.changed()).await,
            None => Ok(told.changed().await),
        };
        match (changed, timers.upgrade()) {
            (Ok(Ok(())), _) => {}
            (Err(_elapsed), Some(timers)) => timers.ring(),
            (Ok(Err(_)), _) | (_, None) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        io::Write,
        net::{TcpListener, TcpStream},
        sync::atomic::{AtomicUsize, Ordering},
        task::{Poll, Waker},
    };

    use super::*;
    use crate::Timer;
    use driver_futures::Clock;

    #[tokio::test]
    async fn the_task_ends_with_the_last_clock() {
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let (one, mut other) = (Timer::of_runtime(), Timer::of_runtime());
        assert_eq!(tasks(), 1, "they share it");
        let now = other.now();
        let deadline = now + std::time::Duration::from_secs(3600);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(
            other
                .poll_deadline(&mut cx, now, Some(deadline))
                .is_pending()
        );
        yield_now().await;
        drop(one);
        yield_now().await;
        assert_eq!(tasks(), 1);
        drop(other);
        while tasks() > 0 {
            yield_now().await;
        }
        drop(Timer::of_runtime());
    }

    #[tokio::test]
    async fn a_busy_task_does_not_keep_the_input_of_others_away() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        near.set_nonblocking(true).unwrap();
        let peer = tokio::net::TcpStream::from_std(near).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        far.write_all(b"news").unwrap();
        let turns = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&turns);
        let busy = tokio::spawn(poll_fn(move |cx| {
            counted.fetch_add(1, Ordering::Relaxed);
            <Alarm as driver_futures::Alarm>::wake_after_others(cx);
            Poll::<()>::Pending
        }));
        peer.readable().await.unwrap();
        busy.abort();
        let turns = turns.load(Ordering::Relaxed);
        assert!(turns <= 3, "{turns}");
    }
}
