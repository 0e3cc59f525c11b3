//! Readiness of sockets to be read, told by edges.
//!
//! async-io tells of a socket once and is then asked anew, by a system call for each time that somebody
//! waits. Here an epoll instance of our own watches all sockets all the time, edge-triggered, and is itself
//! one source of async-io: that is asked anew once for all that has come meanwhile. It needs no task and
//! no thread, since its waker does the work, and so works on every executor.

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

/// Events that are taken at a time.
const BATCH: usize = 64;

/// What is at the other end of waiting: the epoll instance of the process.
struct Edges {
    epoll: Async<OwnedFd>,
    sources: Mutex<Slab<Arc<Source>>>,
    /// Takes what has come, where the reactor wakes.
    waker: Waker,
}

/// A socket that is watched, until this is dropped.
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
    /// Something has come since this was last asked.
    ready: bool,
    /// The peer has ended its side. A read that leaves room in its buffer says nothing then: the end
    /// is behind what it took, and no edge will tell of it.
    ended: bool,
    waker: Option<Waker>,
}

impl Watch {
    /// Watches a socket; `None` if the system refuses, and async-io is to be asked instead. When the socket is closed,
    /// the system forgets it.
    pub(crate) fn new(socket: &impl AsFd) -> Option<Self> {
        let edges = Edges::of_process()?;
        let mut sources = lock(&edges.sources);
        let entry = sources.vacant_entry();
        let source = Arc::new(Source {
            key: entry.key(),
            state: Mutex::default(),
        });
        // The key is another socket's once this one is gone. Should an event be under way then, that other
        // one is read in vain, which does no harm.
        let data = epoll::EventData::new_u64(source.key as u64);
        let flags = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        epoll::add(edges.epoll.get_ref(), socket, data, flags).ok()?;
        entry.insert(Arc::clone(&source));
        Some(Self(source))
    }

    /// Waits until something has come, or may have.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0.state);
        // What comes from now on, while it is read, is news for the next time.
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
            // It never blocks: it is asked without a time to wait.
            epoll: Async::new_nonblocking(epoll)?,
            sources: Mutex::default(),
            waker: Arc::new(ReadinessWaker).into(),
        };
        edges.collect();
        Ok(edges)
    }

    /// Tells the sockets' tasks what has come, until the reactor promises to tell when more does.
    fn collect(&self) {
        let mut cx = Context::from_waker(&self.waker);
        while let Poll::Ready(Ok(())) = self.epoll.poll_readable(&mut cx) {
            while self.take_batch() == BATCH {}
        }
    }

    /// Takes some of what has come. Returns how much that was.
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
        // A waker may run code of its own: not under a lock, and a panic is its own affair.
        drop(sources);
        for waker in wakers.into_iter().flatten() {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        taken
    }
}

/// Rings, where the reactor wakes.
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
