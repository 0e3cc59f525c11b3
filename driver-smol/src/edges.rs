//! Edge-triggered readability of sockets.
//!
//! async-io reports readiness once and is then rearmed, by a system call for each wait. Here an epoll instance of our
//! own watches all sockets all the time, edge-triggered, and is itself one source of async-io, which is rearmed once
//! for everything that has come meanwhile. It needs no task and no thread, since its waker does the work, and so
//! works on every executor.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use async_io::Async;
use rustix::event::{Timespec, epoll};
use slab::Slab;

/// Events that are taken out of epoll at a time.
const BATCH: usize = 64;

/// The epoll instance of the process, and the sockets that it watches.
struct Edges {
    epoll: Async<OwnedFd>,
    sources: Mutex<Slab<Arc<Source>>>,
    /// Takes the events out of epoll, on the thread of the reactor.
    waker: Waker,
}

/// Watches a socket until dropped.
#[derive(Debug)]
pub(crate) struct Watch(Arc<Source>);

#[derive(Debug)]
struct Source {
    key: usize,
    state: Mutex<State>,
}

/// Two flags and a waker.
#[derive(Debug, Default)]
struct State {
    /// An event has come since the last poll.
    ready: bool,
    /// The peer has ended its side. Then a read that leaves room in its buffer has not taken everything: the end of
    /// the stream follows, and no edge will report it.
    ended: bool,
    waker: Option<Waker>,
}

impl Watch {
    /// Watches a socket; `None` if the system refuses, and async-io has to be used. epoll removes a socket when it
    /// is closed.
    pub(crate) fn new(socket: &impl AsFd) -> Option<Self> {
        let edges = Edges::of_process()?;
        let mut sources = lock(&edges.sources);
        let entry = sources.vacant_entry();
        let source = Arc::new(Source {
            key: entry.key(),
            state: Mutex::default(),
        });
        // Another socket gets the key when this one is gone. An event that is under way then causes one read in
        // vain.
        let data = epoll::EventData::new_u64(source.key as u64);
        let flags = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        epoll::add(edges.epoll.get_ref(), socket, data, flags).ok()?;
        entry.insert(Arc::clone(&source));
        Some(Self(source))
    }

    /// Waits until there may be something to read.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0.state);
        // An event that comes from now on, during the read, counts for the next poll.
        if std::mem::take(&mut state.ready) || state.ended {
            return Poll::Ready(());
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => state.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(edges) = Edges::of_process() {
            lock(&edges.sources).remove(self.0.key);
        }
    }
}

impl Edges {
    fn of_process() -> Option<&'static Self> {
        static EDGES: OnceLock<Option<Edges>> = OnceLock::new();
        EDGES.get_or_init(|| Self::new().ok()).as_ref()
    }

    fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let edges = Self {
            // It never blocks: epoll is called with a timeout of zero.
            epoll: Async::new_nonblocking(epoll)?,
            sources: Mutex::default(),
            waker: Arc::new(ReadinessWaker).into(),
        };
        edges.collect();
        Ok(edges)
    }

    /// Wakes the tasks of sockets that have events, until the reactor is rearmed.
    fn collect(&self) {
        let mut cx = Context::from_waker(&self.waker);
        while let Poll::Ready(Ok(())) = self.epoll.poll_readable(&mut cx) {
            while self.take_batch() == BATCH {}
        }
    }

    /// Takes up to a batch of events. Returns their number.
    fn take_batch(&self) -> usize {
        let nothing = epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        };
        let mut events = [nothing; BATCH];
        let at_once = Timespec::default();
        let taken = epoll::wait(self.epoll.get_ref(), &mut events[..], Some(&at_once)).unwrap_or(0);
        let mut wakers = [const { None }; BATCH];
        let sources = lock(&self.sources);
        for (event, woken) in events[..taken].iter().zip(&mut wakers) {
            if let Some(source) = sources.get(event.data.u64() as usize) {
                let mut state = lock(&source.state);
                state.ready = true;
                let ends = epoll::EventFlags::RDHUP | epoll::EventFlags::HUP;
                // Copied out: the structure is packed.
                let flags = event.flags;
                state.ended |= flags.intersects(ends);
                *woken = state.waker.take();
            }
        }
        // A waker may run code of its own: not under a lock, and its panic must not stop the others.
        drop(sources);
        for waker in wakers.into_iter().flatten() {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        taken
    }
}

/// Collects events when the epoll instance is readable, on the thread of the reactor.
struct ReadinessWaker;

impl Wake for ReadinessWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(edges) = Edges::of_process() {
            edges.collect();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io::Write, os::unix::net::UnixStream};

    use futures_util::future::{FutureExt, join_all};

    use super::*;

    fn pair() -> (Watch, UnixStream, UnixStream) {
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        let watch = Watch::new(&near).expect("it can be watched");
        (watch, near, far)
    }

    async fn readable(watch: &Watch) {
        poll_fn(|cx| watch.poll_readable(cx)).await;
    }

    #[test]
    fn news_is_told_once_and_again_when_there_is_more() {
        let (watch, _near, mut far) = pair();
        assert!(readable(&watch).now_or_never().is_none());
        for _ in 0..3 {
            far.write_all(b"news").expect("it is open");
            async_io::block_on(readable(&watch));
            assert!(readable(&watch).now_or_never().is_none());
        }
    }

    #[test]
    fn an_end_is_told_as_often_as_it_is_asked_for() {
        let (watch, _near, mut far) = pair();
        far.write_all(b"the last").expect("it is open");
        drop(far);
        for _ in 0..3 {
            async_io::block_on(readable(&watch));
        }
    }

    #[test]
    fn more_sockets_than_a_batch_are_all_told() {
        let mut pairs: Vec<_> = (0..3 * BATCH).map(|_| pair()).collect();
        for round in 1..=10 {
            let (watches, fars): (Vec<_>, Vec<_>) = pairs
                .iter_mut()
                .map(|(watch, _, far)| (&*watch, far))
                .unzip();
            let told = std::thread::scope(|scope| {
                scope.spawn(|| {
                    for far in fars {
                        far.write_all(&[round]).expect("it is open");
                    }
                });
                async_io::block_on(join_all(watches.into_iter().map(readable))).len()
            });
            assert_eq!(told, 3 * BATCH);
        }
    }

    #[test]
    fn one_that_is_gone_leaves_nothing() {
        let (watch, ..) = pair();
        let source = Arc::downgrade(&watch.0);
        drop(watch);
        assert!(source.upgrade().is_none());
    }
}
