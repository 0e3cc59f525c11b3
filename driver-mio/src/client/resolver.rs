//! Resolves names on threads of its own, since the system's resolver blocks, and loops must not.

use std::{
    collections::VecDeque,
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Names that are resolved at the same time.
const MAX_THREADS: usize = 8;

/// Time that an idle thread waits for a further name before it ends.
const LINGER: Duration = Duration::from_secs(10);

/// Resolves names on up to [`MAX_THREADS`] threads, which exist only while there is work.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

struct Job {
    host: String,
    port: u16,
    then: Box<dyn FnOnce(io::Result<Vec<SocketAddr>>) + Send>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

impl Resolver {
    /// Resolves a name and calls `then` with its addresses, on another thread.
    pub(crate) fn resolve(
        self: &Arc<Self>,
        host: String,
        port: u16,
        then: impl FnOnce(io::Result<Vec<SocketAddr>>) + Send + 'static,
    ) {
        let then = Box::new(then);
        let mut state = self.lock();
        state.jobs.push_back(Job { host, port, then });
        if state.idle >= state.jobs.len() || state.threads == MAX_THREADS {
            self.work.notify_one();
            return;
        }
        let resolver = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("resolver".to_owned())
            .spawn(move || resolver.work());
        match spawned {
            Ok(_) => state.threads += 1,
            Err(error) if state.threads == 0 => {
                let job = state.jobs.pop_back();
                drop(state);
                if let Some(job) = job {
                    (job.then)(Err(error));
                }
            }
            // Another thread takes the job.
            Err(_) => {}
        }
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(Job { host, port, then }) = state.jobs.pop_front() {
                drop(state);
                let found = (host.as_str(), port).to_socket_addrs();
                then(found.map(Iterator::collect));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (locked, timeout) = self
                .work
                .wait_timeout(state, LINGER)
                .unwrap_or_else(PoisonError::into_inner);
            state = locked;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
