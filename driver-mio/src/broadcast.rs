//! One message to many connections, on all loops.

pub(crate) mod topics;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use driver_kit::lease::Lease;
use wsproto::Prepared;

use crate::{
    Handle,
    command::{Command, Mailbox},
    event_loop::control::Control,
    event_loop::slab::Key,
    handle::promise::{Giver, Promise, promise},
    handle::state::Line,
};

/// Sends messages to many connections at once, from any thread. Cheap to clone.
///
/// Each loop gets one order, and goes through its own connections. The message is encoded once, and
/// compressed once if it was [prepared](compressed) so.
///
/// ```no_run
/// use driver_mio::{Broadcaster, Context, Handler, MessageRef, Prepared, Server};
///
/// struct Chat(Broadcaster);
///
/// impl Handler for Chat {
///     type State = ();
///
///     fn on_open(&self, connection: &mut Context<'_>, _: &mut ()) {
///         connection.subscribe("lobby");
///     }
///
///     fn on_message(&self, _: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
///         if let Some(text) = message.as_text() {
///             let _ = self.0.publish("lobby", Prepared::text(text));
///         }
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let server = Server::bind("127.0.0.1:9001")?;
/// let chat = Chat(server.broadcaster());
/// server.serve(chat)
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Broadcaster {
    control: Arc<Control>,
}

/// A message for many, and what is done about those that are slow.
///
/// ```
/// use driver_mio::{Broadcast, Prepared, SlowReceivers};
///
/// let frame = Broadcast::new(Prepared::binary(&[0; 1000]))
///     .slow_receivers(SlowReceivers::Skip { above: 64 << 10 });
/// # let _ = frame;
/// ```
#[derive(Debug, Clone)]
pub struct Broadcast {
    message: Prepared,
    except: Option<Handle>,
    slow: SlowReceivers,
}

/// What is done about a connection whose outgoing queue is long when a broadcast comes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlowReceivers {
    /// The message is queued, as far as [`queue_limit`](wsproto::Config::queue_limit) and
    /// [`overflow`](wsproto::Config::overflow) of the connection allow.
    #[default]
    Queue,
    /// The connection does not get this message.
    Skip {
        /// Bytes in its queue above which it counts as slow.
        above: usize,
    },
    /// The connection is closed with 1008.
    Close {
        /// Bytes in its queue above which it counts as slow.
        above: usize,
    },
}

/// How many connections a broadcast has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Reached {
    /// Connections that took the message: it is with the system, or in their queues.
    pub sent: usize,
    /// Connections that were too slow for it: skipped, or closed.
    pub slow: usize,
    /// Connections that had no room for it, or were in the middle of a message.
    pub refused: usize,
}

/// Resolves when all loops have gone through their connections. Needs no particular runtime.
///
/// Dropping it changes nothing about the broadcast.
#[derive(Debug)]
#[must_use = "the message is sent anyway; this tells to how many"]
pub struct Broadcasting(Promise<Reached>);

impl Broadcast {
    /// Makes a broadcast of a message.
    #[must_use]
    pub const fn new(message: Prepared) -> Self {
        Self {
            message,
            except: None,
            slow: SlowReceivers::Queue,
        }
    }

    /// Leaves one connection out, the one that the message came from for example.
    #[must_use]
    pub fn except(mut self, handle: &Handle) -> Self {
        self.except = Some(handle.clone());
        self
    }

    /// Sets what is done about slow receivers. Default: [`SlowReceivers::Queue`].
    #[must_use]
    pub const fn slow_receivers(mut self, slow: SlowReceivers) -> Self {
        self.slow = slow;
        self
    }
}

impl From<Prepared> for Broadcast {
    fn from(message: Prepared) -> Self {
        Self::new(message)
    }
}

impl Broadcaster {
    pub(crate) const fn new(control: Arc<Control>) -> Self {
        Self { control }
    }

    /// Sends to every open connection.
    pub fn to_all(&self, broadcast: impl Into<Broadcast>) -> Broadcasting {
        let (round, broadcasting) = Round::new(broadcast.into());
        for mailbox in self.control.mailboxes() {
            send(mailbox, &round, Recipients::All);
        }
        broadcasting
    }

    /// Sends to every open connection that has [subscribed](crate::Context::subscribe) to a topic.
    ///
    /// A connection that has subscribed before this is called gets the message. Nothing is kept for
    /// those who come later.
    pub fn publish(&self, topic: &str, broadcast: impl Into<Broadcast>) -> Broadcasting {
        let (round, broadcasting) = Round::new(broadcast.into());
        let topic: Arc<str> = topic.into();
        for mailbox in self.control.mailboxes() {
            send(mailbox, &round, Recipients::Topic(Arc::clone(&topic)));
        }
        broadcasting
    }

    /// Sends to these connections.
    pub fn to<'h>(
        &self,
        handles: impl IntoIterator<Item = &'h Handle>,
        broadcast: impl Into<Broadcast>,
    ) -> Broadcasting {
        let (round, broadcasting) = Round::new(broadcast.into());
        let mailboxes = self.control.mailboxes();
        let mut keys = vec![Vec::new(); mailboxes.len()];
        for line in handles.into_iter().map(Handle::line) {
            let number = mailboxes.iter().position(|mailbox| line.is_on(mailbox));
            // Connections of other loops than these are not ours to send to.
            if let Some(number) = number {
                keys[number].push(line.key);
            }
        }
        for (mailbox, keys) in mailboxes.iter().zip(keys) {
            if !keys.is_empty() {
                send(mailbox, &round, Recipients::These(keys));
            }
        }
        broadcasting
    }
}

fn send(mailbox: &Mailbox, round: &Arc<Round>, recipients: Recipients) {
    // A loop that has ended has no connections.
    let _ = mailbox.push(Command::Broadcast(Arc::clone(round), recipients));
}

/// Adds a compressed form to a message, for the connections that have negotiated compression with a
/// window of at least `window_bits`; see [`Prepared::compressed`].
///
/// ```
/// use driver_mio::{Prepared, compressed};
///
/// let news = compressed(Prepared::text(&"news ".repeat(100)), 6, 12);
/// assert_eq!(news.payload().len(), 500);
/// ```
#[must_use]
pub fn compressed(message: Prepared, level: u8, window_bits: u8) -> Prepared {
    let mut lease = Lease::take();
    message.compressed(&mut lease.env, level, window_bits)
}

impl Broadcasting {
    /// Waits without a runtime. Not to be called in a callback, whose loop would wait for itself.
    #[must_use]
    pub fn wait(self) -> Reached {
        self.0.wait()
    }
}

impl Future for Broadcasting {
    type Output = Reached;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reached> {
        Pin::new(&mut self.0).poll(cx)
    }
}

/// Who gets a broadcast on one loop.
#[derive(Debug)]
pub(crate) enum Recipients {
    All,
    Topic(Arc<str>),
    These(Vec<Key>),
}

/// A broadcast on its way to all loops. When the last of them has let go of it, its count is complete,
/// also if that loop has ended without looking at it.
pub(crate) struct Round {
    pub(crate) message: Prepared,
    pub(crate) slow: SlowReceivers,
    except: Option<Handle>,
    sent: AtomicUsize,
    too_slow: AtomicUsize,
    refused: AtomicUsize,
    giver: Option<Giver<Reached>>,
}

impl Round {
    fn new(broadcast: Broadcast) -> (Arc<Self>, Broadcasting) {
        let (promise, giver) = promise();
        let round = Self {
            message: broadcast.message,
            slow: broadcast.slow,
            except: broadcast.except,
            sent: AtomicUsize::new(0),
            too_slow: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            giver: Some(giver),
        };
        (Arc::new(round), Broadcasting(promise))
    }

    /// The connection of that loop that does not get it.
    pub(crate) fn except(&self, mailbox: &Arc<Mailbox>) -> Option<Key> {
        let line: &Line = self.except.as_ref()?.line();
        line.is_on(mailbox).then_some(line.key)
    }

    /// So many connections of one loop were reached.
    pub(crate) fn count(&self, reached: Reached) {
        self.sent.fetch_add(reached.sent, Ordering::Relaxed);
        self.too_slow.fetch_add(reached.slow, Ordering::Relaxed);
        self.refused.fetch_add(reached.refused, Ordering::Relaxed);
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        let reached = Reached {
            sent: *self.sent.get_mut(),
            slow: *self.too_slow.get_mut(),
            refused: *self.refused.get_mut(),
        };
        if let Some(giver) = self.giver.take() {
            giver.give(reached);
        }
    }
}

impl fmt::Debug for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Round")
            .field("slow", &self.slow)
            .finish_non_exhaustive()
    }
}
