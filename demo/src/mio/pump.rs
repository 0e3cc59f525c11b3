//! A client of an endpoint that speaks unasked, and what brings its mailbox's messages to its connection: on
//! the connection's loop, and no more than it has room for.

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

/// Messages of one client that are handled before others have their turn.
const IN_A_ROW: usize = 32;

/// Empties a mailbox. It is the mailbox's waker: whenever something is posted, it has itself run on the
/// connection's loop.
pub(super) struct Pump {
    /// Until it is sent away.
    client: Mutex<Option<Box<dyn Client + Send>>>,
    mailbox: Mailbox,
    handle: Handle,
    stats: Arc<Stats>,
    /// Messages of the client so far.
    handled: AtomicUsize,
    /// It is on its way to the loop.
    ordered: AtomicBool,
}

impl Pump {
    /// For one connection.
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

    /// Hands the client a message of its own.
    pub(super) fn handle(&self, connection: &mut Context<'_>, message: Message) {
        let handled = self.client().as_mut().map(|client| client.handle(message));
        if let Some(ControlFlow::Break(farewell)) = handled {
            return self.send_away(connection, farewell);
        }
        // Many messages may have come in one read: lets others empty their mailboxes, whose pumps are on
        // their way to the loop already.
        if self.handled.fetch_add(1, Ordering::Relaxed) % IN_A_ROW == IN_A_ROW - 1 {
            connection.pause();
            // A connection that is over has nothing to go on with.
            let _ = self.handle.call(|connection| connection.resume());
        }
    }

    /// The client leaves now, not only when the closing handshake is through.
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

    /// Sends what has been posted, until the connection's queue is high. When that has drained, it is to
    /// be run again.
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
            // Refused only where the connection closes.
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
        // A connection that is over has nobody to send to.
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
