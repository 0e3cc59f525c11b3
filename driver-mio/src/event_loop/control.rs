//! State that all loops of a server share: the number of connections, and the shutdown.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    command::{Command, LoopMailbox},
    stats::Stats,
};

/// State that all loops share with those outside.
#[derive(Debug)]
pub(crate) struct Control {
    mailboxes: OnceLock<Vec<Arc<LoopMailbox>>>,
    connections: AtomicUsize,
    max_connections: AtomicUsize,
    shutdown: OnceLock<Shutdown>,
    /// The number of loops that run.
    running: Mutex<usize>,
    ended: Condvar,
    /// Connections that were dropped at the end of the grace period.
    dropped: AtomicUsize,
}

/// A shutdown that was ordered.
#[derive(Debug)]
pub(crate) struct Shutdown {
    pub(crate) reason: Box<str>,
    /// The end of the grace period.
    pub(crate) deadline: Option<Instant>,
}

impl Control {
    pub(crate) const fn new() -> Self {
        Self {
            mailboxes: OnceLock::new(),
            connections: AtomicUsize::new(0),
            max_connections: AtomicUsize::new(usize::MAX),
            shutdown: OnceLock::new(),
            running: Mutex::new(0),
            ended: Condvar::new(),
            dropped: AtomicUsize::new(0),
        }
    }

    /// Notes the loops that are about to run.
    pub(crate) fn start(&self, mailboxes: Vec<Arc<LoopMailbox>>, max_connections: usize) {
        self.max_connections
            .store(max_connections, Ordering::Relaxed);
        // Nobody else starts them.
        let _ = self.mailboxes.set(mailboxes);
    }

    pub(crate) fn mailboxes(&self) -> &[Arc<LoopMailbox>] {
        self.mailboxes.get().map_or(&[], Vec::as_slice)
    }

    /// Returns the number of connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Counts a connection that is about to be accepted. Returns false if there are too many.
    pub(crate) fn try_add_connection(&self) -> bool {
        let max = self.max_connections.load(Ordering::Relaxed);
        let one_more = |count| (count < max).then_some(count + 1);
        self.connections
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .is_ok()
    }

    /// Counts a connection that was dialled or adopted, to which no limit applies.
    pub(crate) fn add_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that has ended. If that makes room, all loops accept again.
    pub(crate) fn remove_connection(&self) {
        let before = self.connections.fetch_sub(1, Ordering::Relaxed);
        if before == self.max_connections.load(Ordering::Relaxed) {
            for mailbox in self.mailboxes() {
                // A loop that has ended accepts nothing.
                let _ = mailbox.push(Command::Accept);
            }
        }
    }

    /// Orders all loops to shut down, the first time it is called.
    pub(crate) fn shut_down(&self, reason: &str, grace: Duration) {
        let shutdown = Shutdown {
            reason: reason.into(),
            // A moment that overflows never comes.
            deadline: Instant::now().checked_add(grace),
        };
        if self.shutdown.set(shutdown).is_ok() {
            for mailbox in self.mailboxes() {
                // A loop that has ended needs no command.
                let _ = mailbox.push(Command::ShutDown);
            }
        }
    }

    /// Orders all loops to drop their connections and end at once, also those that are shutting down.
    pub(crate) fn abandon(&self) {
        self.shut_down("", Duration::ZERO);
        for mailbox in self.mailboxes() {
            // A loop that has ended needs no command.
            let _ = mailbox.push(Command::Abandon);
        }
    }

    /// Returns the shutdown, if one was ordered.
    pub(crate) fn shutdown(&self) -> Option<&Shutdown> {
        self.shutdown.get()
    }

    /// Counts a loop that is about to run.
    pub(crate) fn loop_begins(&self) {
        *self.running() += 1;
    }

    /// Counts a loop that has ended, with the number of connections that it has dropped.
    pub(crate) fn loop_ended(&self, dropped: usize) {
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        *self.running() -= 1;
        self.ended.notify_all();
    }

    /// Blocks until all loops have ended. Returns the number of connections that were dropped.
    pub(crate) fn wait(&self) -> usize {
        let mut running = self.running();
        while *running > 0 {
            running = self
                .ended
                .wait(running)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.dropped.load(Ordering::Relaxed)
    }

    fn running(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shuts loops down from any thread, and returns their figures. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    control: Arc<Control>,
}

impl ServerHandle {
    pub(crate) const fn new(control: Arc<Control>) -> Self {
        Self { control }
    }

    /// Returns the number of connections, opening and closing ones included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.control.connections()
    }

    /// Returns the figures of all loops together.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats_by_loop().sum()
    }

    /// Returns the figures of each loop.
    pub fn stats_by_loop(&self) -> impl Iterator<Item = Stats> {
        let mailboxes = self.control.mailboxes().iter();
        mailboxes.map(|mailbox| mailbox.counters().stats(mailbox.len()))
    }

    /// Shuts down in order: stops accepting and dialling, closes every connection with 1001 behind the messages
    /// that it has queued, and blocks until all connections are over. After the grace period it drops those that are
    /// not, and returns their number.
    ///
    /// A request that has not arrived completely is not waited for. One that the handler has left for
    /// [later](crate::Upgrade::later) is, and if it is accepted, the connection is closed at once. Further calls wait
    /// as well, but the grace period and the reason are those of the first call.
    ///
    /// Must not be called in a callback, whose loop would wait for itself: use
    /// [`begin_shutdown`](Self::begin_shutdown) there.
    pub fn shutdown(&self, grace: Duration) -> usize {
        self.shutdown_with("", grace)
    }

    /// As [`shutdown`](Self::shutdown), with a reason for the peers, of up to 123 bytes (RFC 6455 5.5.1).
    pub fn shutdown_with(&self, reason: &str, grace: Duration) -> usize {
        self.control.shut_down(reason, grace);
        self.control.wait()
    }

    /// Begins to [shut down](Self::shutdown_with), and returns at once.
    pub fn begin_shutdown(&self, reason: &str, grace: Duration) {
        self.control.shut_down(reason, grace);
    }
}
