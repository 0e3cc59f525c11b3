//! One message to many connections, on all loops.

pub(crate) mod state;
pub(crate) mod topics;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use driver_kit::lease::Lease;
use wsproto::Prepared;

pub use self::state::{Reached, SlowReceivers};
use crate::{
    Handle,
    broadcast::state::{BroadcastState, Recipients},
    command::{Command, LoopMailbox},
    event_loop::control::Control,
    handle::promise::Promise,
};

/// Sends messages to many connections at once, from any thread. Cheap to clone.
///
/// Each loop gets one command and goes through its own connections. The message is encoded once, and
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

/// A message to many connections, and the policy for those that are slow.
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

/// A future that resolves when all loops have gone through their connections. It needs no particular runtime.
///
/// Dropping it does not stop the broadcast.
#[derive(Debug)]
#[must_use = "the message is sent anyway; this tells to how many"]
pub struct Broadcasting(Promise<Reached>);

impl Broadcast {
    /// Creates a broadcast of a message to all who are chosen, slow ones included.
    #[must_use]
    pub const fn new(message: Prepared) -> Self {
        Self {
            message,
            except: None,
            slow: SlowReceivers::Queue,
        }
    }

    /// Leaves one connection out, for example the one that the message came from.
    #[must_use]
    pub fn except(mut self, handle: &Handle) -> Self {
        self.except = Some(handle.clone());
        self
    }

    /// Sets the policy for slow receivers. Default: [`SlowReceivers::Queue`].
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
        let broadcast = Sending::new(broadcast.into());
        for mailbox in self.control.mailboxes() {
            broadcast.send(mailbox, Recipients::All);
        }
        broadcast.promise()
    }

    /// Sends to every open connection that has [subscribed](crate::Context::subscribe) to a topic.
    ///
    /// A connection that has subscribed before this call gets the message. Nothing is kept for those that
    /// subscribe later.
    pub fn publish(&self, topic: &str, broadcast: impl Into<Broadcast>) -> Broadcasting {
        let broadcast = Sending::new(broadcast.into());
        let topic: Arc<str> = topic.into();
        for mailbox in self.control.mailboxes() {
            broadcast.send(mailbox, Recipients::Topic(Arc::clone(&topic)));
        }
        broadcast.promise()
    }

    /// Sends to the connections of these handles. Those that belong to other event loops are left out.
    pub fn to<'h>(
        &self,
        handles: impl IntoIterator<Item = &'h Handle>,
        broadcast: impl Into<Broadcast>,
    ) -> Broadcasting {
        let broadcast = Sending::new(broadcast.into());
        let mailboxes = self.control.mailboxes();
        let mut keys = vec![Vec::new(); mailboxes.len()];
        for handle in handles {
            let number = mailboxes.iter().position(|mailbox| handle.is_on(mailbox));
            if let Some(number) = number {
                keys[number].push(handle.key());
            }
        }
        for (mailbox, keys) in mailboxes.iter().zip(keys) {
            if !keys.is_empty() {
                broadcast.send(mailbox, Recipients::Keys(keys));
            }
        }
        broadcast.promise()
    }
}

/// A broadcast that is being sent to one loop after the other.
struct Sending {
    state: Arc<BroadcastState>,
    except: Option<Handle>,
    promise: Promise<Reached>,
}

impl Sending {
    fn new(broadcast: Broadcast) -> Self {
        let (state, promise) = BroadcastState::new(broadcast.message, broadcast.slow);
        Self {
            state,
            except: broadcast.except,
            promise,
        }
    }

    fn send(&self, mailbox: &Arc<LoopMailbox>, recipients: Recipients) {
        let except = self.except.as_ref();
        let except = except.filter(|handle| handle.is_on(mailbox));
        let state = Arc::clone(&self.state);
        let command = Command::Broadcast(state, recipients, except.map(Handle::key));
        // A loop that has ended has no connections.
        let _ = mailbox.push(command);
    }

    fn promise(self) -> Broadcasting {
        Broadcasting(self.promise)
    }
}

/// Adds a compressed form to a message, for the connections that have negotiated compression with a
/// window of at least `window_bits`; see [`Prepared::compressed`].
///
/// `level` is from 0 (not at all) to 9, `window_bits` from 8 to 15.
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
    /// Blocks the thread until the broadcast is through. Must not be called in a callback: its loop would wait for
    /// itself.
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
