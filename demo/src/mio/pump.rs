//! The connection's side of a client of `/chat` or `/stats`: moves messages from the client's mailbox
//! to its connection, on the connection's loop and only while the queue has room.

use std::{
    fmt,
    ops::ControlFlow,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{self, Poll, Wake, Waker},
};

use driver_mio::{Context, Handle, Message};

use crate::{
    client::{Client, Farewell, TOO_SLOW},
    mailbox::Mailbox,
    stats::Stats,
};

/// Messages of one client that are handled before other connections get a turn.
const IN_A_ROW: usize = 32;

/// Empties a mailbox. The pump is the mailbox's waker: when a message is posted, the pump schedules
/// itself on the connection's loop.
pub(super) struct Pump {
    /// `None` once the client has left.
    client: Mutex<Option<Box<dyn Client + Send>>>,
    mailbox: Mailbox,
    handle: Handle,
    stats: Arc<Stats>,
    /// Messages of the client so far.
    handled: AtomicUsize,
    /// True while the pump is scheduled on the loop.
    ordered: AtomicBool,
}

impl Pump {
    /// Creates the pump of one connection.
    pub(super) fn new(
        client: Box<dyn Client + Send>,
        mailbox: Mailbox,
        handle: Handle,
        stats: Arc<Stats>,
    ) -> Arc<Self> {
        Arc::new(Self {
            client: Mutex::new(Some(client)),
            mailbox,
            handle,
            stats,
            handled: AtomicUsize::new(0),
            ordered: AtomicBool::new(false),
        })
    }

    /// Passes a message from the peer to the client.
    pub(super) fn handle(&self, connection: &mut Context<'_>, message: Message) {
        let handled = self.client().as_mut().map(|client| client.handle(message));
        if let Some(ControlFlow::Break(farewell)) = handled {
            return self.send_away(connection, farewell);
        }
        // One read may bring many messages: let other connections empty their mailboxes. Their pumps
        // are already scheduled on the loop.
        if self.handled.fetch_add(1, Ordering::Relaxed) % IN_A_ROW == IN_A_ROW - 1 {
            connection.pause();
            // A connection that has ended need not resume.
            let _ = self.handle.call(|connection| connection.resume());
        }
    }

    /// Removes the client now instead of at the end of the closing handshake.
    pub(super) fn leave(&self) {
        let client = self.client().take();
        drop(client);
    }

    fn send_away(&self, connection: &mut Context<'_>, farewell: Farewell) {
        self.leave();
        let Farewell { code, reason } = farewell;
        connection.close(code, reason);
    }

    fn client(&self) -> MutexGuard<'_, Option<Box<dyn Client + Send>>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends posted messages until the connection's queue is high. `on_drained` calls this again.
    pub(super) fn run(self: &Arc<Self>, connection: &mut Context<'_>) {
        let waker = Waker::from(Arc::clone(self));
        let mut cx = task::Context::from_waker(&waker);
        if pin!(self.mailbox.overflow()).poll(&mut cx).is_ready() {
            return self.send_away(connection, TOO_SLOW);
        }
        let high = connection.connection().config().queue_high;
        while connection.buffered() < high {
            let Poll::Ready(message) = pin!(self.mailbox.take()).poll(&mut cx) else {
                return;
            };
            let queued = connection.buffered();
            // Refused only if the connection is closing.
            if connection.send_prepared(&message).is_ok() {
                let wire = connection.buffered() - queued;
                self.stats.sent(message.payload().len(), wire);
            }
        }
    }
}

impl Wake for Pump {
    fn wake(self: Arc<Self>) {
        if self.ordered.swap(true, Ordering::AcqRel) {
            return;
        }
        let pump = Arc::clone(&self);
        // A connection that has ended has nobody to send to.
        let _ = self.handle.call(move |connection| {
            pump.ordered.store(false, Ordering::Release);
            pump.run(connection);
        });
    }
}

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump").finish_non_exhaustive()
    }
}
