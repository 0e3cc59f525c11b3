//! Executors, which run callbacks off the loops.

/// A job for an executor. It does not panic.
pub type Job = Box<dyn FnOnce() + Send>;

/// Runs callbacks off the loops. Every closure that takes a [`Job`] is an executor: it may hand the job to a
/// thread pool, or spawn it on a runtime.
///
/// ```
/// use driver_mio::{Execute, Job};
///
/// let at_once = |job: Job| job();
/// at_once.execute(Box::new(|| println!("hello")));
/// ```
pub trait Execute: Send + Sync + 'static {
    /// Runs a job soon, on some thread. Must not wait for the job, since this is called on a loop.
    fn execute(&self, job: Job);
}

impl<F: Fn(Job) + Send + Sync + 'static> Execute for F {
    fn execute(&self, job: Job) {
        self(job);
    }
}

/// The thread pool of the crate `blocking`, which the whole process shares. It grows while jobs wait and shrinks
/// when there are none. It has at most 500 threads, or the number in the environment variable
/// `BLOCKING_MAX_THREADS`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ElasticPool;

impl Execute for ElasticPool {
    fn execute(&self, job: Job) {
        blocking::unblock(job).detach();
    }
}
