//! What all loops of a server share with those outside: how many connections there are, and the order to
//! end.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Stats,
    command::{Command, Mailbox},
};

/// Shared by all loops.
#[derive(Debug)]
pub(crate) struct Control {
    mailboxes: OnceLock<Vec<Arc<Mailbox>>>,
    connections: AtomicUsize,
    max_connections: AtomicUsize,
    shutdown: OnceLock<Shutdown>,
    /// Loops that run.
    running: Mutex<usize>,
    ended: Condvar,
    /// Connections that were dropped when patience ended.
    dropped: AtomicUsize,
}

/// The order to end.
#[derive(Debug)]
pub(crate) struct Shutdown {
    pub(crate) reason: Box<str>,
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

    /// The loops are about to run.
    pub(crate) fn start(&self, mailboxes: Vec<Arc<Mailbox>>, max_connections: usize) {
        self.max_connections
            .store(max_connections, Ordering::Relaxed);
        // Nobody else starts them.
        let _ = self.mailboxes.set(mailboxes);
    }

    pub(crate) fn mailboxes(&self) -> &[Arc<Mailbox>] {
        self.mailboxes.get().map_or(&[], Vec::as_slice)
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Counts a connection that is about to be accepted, unless there are too many.
    pub(crate) fn admit(&self) -> bool {
        let max = self.max_connections.load(Ordering::Relaxed);
        let one_more = |count| (count < max).then_some(count + 1);
        self.connections
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .is_ok()
    }

    /// Counts a connection that is there, however many there are.
    pub(crate) fn count(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection is gone.
    pub(crate) fn gone(&self) {
        let before = self.connections.fetch_sub(1, Ordering::Relaxed);
        if before == self.max_connections.load(Ordering::Relaxed) {
            for mailbox in self.mailboxes() {
                // A loop that has ended accepts nothing.
                let _ = mailbox.push(Command::Accept);
            }
        }
    }

    /// Orders all loops to end, the first time it is called.
    pub(crate) fn shut_down(&self, reason: &str, patience: Duration) {
        let order = Shutdown {
            reason: reason.into(),
            // Further ahead than can be told is never.
            deadline: Instant::now().checked_add(patience),
        };
        if self.shutdown.set(order).is_ok() {
            for mailbox in self.mailboxes() {
                // One that has ended needs no order.
                let _ = mailbox.push(Command::ShutDown);
            }
        }
    }

    /// Orders all loops to end at once, also those that are ending.
    pub(crate) fn abandon(&self) {
        self.shut_down("", Duration::ZERO);
        for mailbox in self.mailboxes() {
            // One that has ended needs no order.
            let _ = mailbox.push(Command::Abandon);
        }
    }

    /// The order to end, if it was given.
    pub(crate) fn shutdown(&self) -> Option<&Shutdown> {
        self.shutdown.get()
    }

    /// A loop is about to run.
    pub(crate) fn loop_begins(&self) {
        *self.running() += 1;
    }

    /// A loop has ended, and has dropped so many connections.
    pub(crate) fn loop_ended(&self, dropped: usize) {
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        *self.running() -= 1;
        self.ended.notify_all();
    }

    /// Waits until all loops have ended; returns how many connections were dropped.
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

/// Shuts loops down from elsewhere, and counts their connections.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    control: Arc<Control>,
}

impl ServerHandle {
    pub(crate) const fn new(control: Arc<Control>) -> Self {
        Self { control }
    }

    /// How many connections there are, opening and closing ones included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.control.connections()
    }

    /// What all loops have done since they were started, and what they hold.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats_by_loop().sum()
    }

    /// The same for each loop.
    pub fn stats_by_loop(&self) -> impl Iterator<Item = Stats> {
        let mailboxes = self.control.mailboxes().iter();
        mailboxes.map(|mailbox| mailbox.counters().stats(mailbox.len()))
    }

    /// Shuts down in order: accepts and dials nothing further, closes every connection with 1001 behind
    /// what it has queued, and waits until all are over; after `patience` it drops those that are not.
    /// Returns how many those were.
    ///
    /// A request that has not come completely is not waited for; one that the handler has left for
    /// [later](crate::Upgrade::later) is, and what it accepts is closed at once. Everybody who calls this
    /// waits, but the patience and the reason are those of the first call.
    ///
    /// In a callback, [begin](Self::begin_shutdown) it instead: this one would wait for itself.
    pub fn shutdown(&self, patience: Duration) -> usize {
        self.shutdown_with("", patience)
    }

    /// [Shuts down](Self::shutdown), and tells the peers why: a reason of up to 123 bytes
    /// (RFC 6455 5.5.1).
    pub fn shutdown_with(&self, reason: &str, patience: Duration) -> usize {
        self.control.shut_down(reason, patience);
        self.control.wait()
    }

    /// Begins to [shut down](Self::shutdown_with), and waits for nothing.
    pub fn begin_shutdown(&self, reason: &str, patience: Duration) {
        self.control.shut_down(reason, patience);
    }
}
