//! State that a connection shares with its handles: how many bytes are on the way to its loop, and whether there
//! is room for more.

use std::sync::Arc;
#[cfg(not(all(test, model)))]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[cfg(all(test, model))]
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use wsproto::{Config, Connection, Overflow, Role, SendError};

use crate::event_loop::slab::Key;

/// Shared by a connection and all its handles. Created together with the first handle.
///
/// A call on a handle that returns `Ok` promises that there is room for the message. So the call asks
/// [`Config::admits`] and reserves the bytes in one atomic step, and the loop queues what was promised with
/// [`Connection::send_admitted`].
///
/// `M` is the loop's mailbox.
#[derive(Debug)]
pub(crate) struct HandleState<M> {
    mailbox: Arc<M>,
    key: Key,
    config: Arc<Config>,
    role: Role,
    /// Parts of messages may be compressed, which can make them longer.
    compresses: bool,
    closed: AtomicBool,
    /// Bytes that count when a message is admitted: frames on the way to the loop, headers included, and those in the
    /// connection's queue, unless the policy [makes room](Self::makes_room) there.
    pending: AtomicUsize,
    /// Bytes of payload on the way to the loop.
    on_the_way: AtomicUsize,
    /// Bytes in the connection's queue when its loop last looked. Only the loop writes it.
    queued: AtomicUsize,
}

/// Room that a command needs in the connection's queue, in bytes of payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// A whole message. [`Config::overflow`] applies if there is no room.
    Message(usize),
    /// The start of a message in parts, which queues nothing yet. [`Config::overflow`] applies likewise.
    Start,
    /// A part of a message. It is refused if there is no room, whatever the policy.
    Part(usize),
    /// A ping. It is refused likewise.
    Ping(usize),
}

impl Demand {
    const fn payload(self) -> usize {
        match self {
            Self::Message(len) | Self::Part(len) | Self::Ping(len) => len,
            Self::Start => 0,
        }
    }
}

impl<M> HandleState<M> {
    pub(crate) fn new(mailbox: Arc<M>, key: Key, connection: &Connection) -> Self {
        let state = Self {
            mailbox,
            key,
            config: Arc::clone(connection.config()),
            role: connection.role(),
            compresses: connection.has_compression(),
            closed: AtomicBool::new(false),
            pending: AtomicUsize::new(0),
            on_the_way: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
        };
        state.set_queued(connection.queued());
        state
    }

    pub(crate) const fn key(&self) -> Key {
        self.key
    }

    pub(crate) const fn mailbox(&self) -> &Arc<M> {
        &self.mailbox
    }

    // For handles.

    /// Reserves room for a command's frames, until the command is [executed](Self::executed).
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed), [`QueueFull`](SendError::QueueFull), [`Dropped`](SendError::Dropped).
    pub(crate) fn reserve(&self, demand: Demand) -> Result<(), SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        let (payload, frames) = (demand.payload(), self.frames_len(demand));
        // The check and the reservation are one step, so that room for one message is not given to two threads.
        let reserve = |pending: usize| {
            let before = match demand {
                Demand::Part(_) | Demand::Ping(_) if self.makes_room() => {
                    // Read apart from `pending`, it may be out of date. The promise is kept all the same.
                    pending.saturating_add(self.queued.load(Ordering::Relaxed))
                }
                Demand::Message(_) | Demand::Start | Demand::Part(_) | Demand::Ping(_) => pending,
            };
            let admitted = self.config.admits(before, payload);
            admitted.then(|| pending.saturating_add(frames))
        };
        let reserved = self
            .pending
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve);
        if reserved.is_ok() {
            self.on_the_way.fetch_add(payload, Ordering::Relaxed);
            return Ok(());
        }
        Err(match (demand, self.config.overflow) {
            (Demand::Message(_) | Demand::Start, Overflow::DropNewest) => SendError::Dropped,
            _ => SendError::QueueFull,
        })
    }

    /// Returns the number of bytes that were sent and have not gone to the transport, without the headers of frames
    /// on the way to the loop.
    pub(crate) fn buffered(&self) -> usize {
        self.on_the_way.load(Ordering::Relaxed) + self.queued.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    // For the loop.

    /// Returns true if the loop must not refuse the command for want of room, because the call has admitted it.
    ///
    /// Messages under a policy that [makes room](Self::makes_room) are left to the core, which applies the policy.
    pub(crate) fn promises(&self, demand: Demand) -> bool {
        match demand {
            Demand::Message(_) | Demand::Start => !self.makes_room(),
            Demand::Part(_) | Demand::Ping(_) => true,
        }
    }

    /// Releases what was [reserved](Self::reserve) for a command that was executed and has left `queued` bytes in the
    /// queue.
    pub(crate) fn executed(&self, demand: Demand, queued: usize) {
        self.on_the_way
            .fetch_sub(demand.payload(), Ordering::Relaxed);
        self.change_queued(queued, self.frames_len(demand));
    }

    /// Notes the number of bytes in the connection's queue.
    pub(crate) fn set_queued(&self, bytes: usize) {
        self.change_queued(bytes, 0);
    }

    /// Has every further call on a handle return [`SendError::Closed`].
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Replaces the number of bytes in the queue, and takes `arrived` bytes off those on the way. For `pending`,
    /// which may count both, this is one step: no thread sees the bytes of a frame that moves twice, or not at all.
    fn change_queued(&self, queued: usize, arrived: usize) {
        let before = self.queued.swap(queued, Ordering::Relaxed);
        let grown = if self.makes_room() {
            0
        } else {
            queued.wrapping_sub(before)
        };
        let change = grown.wrapping_sub(arrived);
        if change != 0 {
            self.pending.fetch_add(change, Ordering::Relaxed);
        }
    }

    /// Returns true if a full queue makes room for a message, or has the connection closed. Then what is queued is no
    /// reason to refuse a message.
    fn makes_room(&self) -> bool {
        matches!(self.config.overflow, Overflow::DropOldest | Overflow::Close)
    }

    /// Returns an upper bound of the bytes that the command's frames take in the queue.
    fn frames_len(&self, demand: Demand) -> usize {
        match demand {
            Demand::Message(len) => match self.config.fragment_size {
                Some(size) if len > size.get() => {
                    let headers = self.header_len(size.get());
                    let frames = len.div_ceil(size.get());
                    frames.saturating_mul(headers).saturating_add(len)
                }
                // A message is compressed only if that makes it shorter.
                Some(_) | None => self.header_len(len) + len,
            },
            Demand::Start => 0,
            Demand::Part(len) => {
                // A part is compressed even if that makes it longer: a literal takes up to 9 bits (RFC 1951 3.2.6),
                // and each flush ends a block.
                let len = if self.compresses {
                    len + len / 4 + 64
                } else {
                    len
                };
                self.header_len(len) + len
            }
            Demand::Ping(len) => self.header_len(len) + len,
        }
    }

    /// Returns the length of a frame's header (RFC 6455 5.2).
    const fn header_len(&self, payload: usize) -> usize {
        let masking_key = match self.role {
            Role::Client => 4,
            Role::Server => 0,
        };
        let first_bytes = match payload {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        first_bytes + masking_key
    }
}

/// Checks every order in which two threads and a loop can meet:
/// `RUSTFLAGS='--cfg model' LOOM_MAX_PREEMPTIONS=3 cargo test -p driver-mio --lib handle::state`.
#[cfg(all(test, model))]
mod tests {
    use driver_kit::lease::Lease;
    use loom::{model, sync::Arc as Shared, thread};
    use wsproto::Agreed;

    use super::*;
    use crate::event_loop::slab::Slab;

    /// Room for one message of 1000 bytes.
    fn state() -> Shared<HandleState<()>> {
        let mut config = Config::default();
        config.queue_limit = 1000;
        config.queue_high = 0;
        let (config, agreed) = (Arc::new(config), Agreed::default());
        let env = &mut Lease::take().env;
        let connection = Connection::upgraded(Role::Server, config, &agreed, env);
        let key = Slab::<()>::new().next_key();
        Shared::new(HandleState::new(Arc::new(()), key, &connection))
    }

    const MESSAGE: Demand = Demand::Message(600);

    #[test]
    fn room_for_one_message_is_not_given_to_two_threads() {
        model(|| {
            let state = state();
            let other = Shared::clone(&state);
            let other = thread::spawn(move || other.reserve(MESSAGE).is_ok());
            let own = state.reserve(MESSAGE).is_ok();
            assert!(own != other.join().unwrap(), "exactly one is admitted");
        });
    }

    #[test]
    fn a_message_that_arrives_in_the_queue_counts_all_the_while() {
        model(|| {
            let state = state();
            state.reserve(MESSAGE).unwrap();
            let other = Shared::clone(&state);
            let other = thread::spawn(move || other.reserve(MESSAGE));
            state.executed(MESSAGE, 604);
            assert_eq!(other.join().unwrap(), Err(SendError::QueueFull));
        });
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use std::{mem, num::NonZeroUsize};

    use driver_kit::lease::{Lease, Leased};
    use wsproto::{Accept, Agreed, Compression, Event, Kind, Message};

    use super::*;
    use crate::event_loop::slab::Slab;

    fn config(change: impl FnOnce(&mut Config)) -> Arc<Config> {
        let mut config = Config::default();
        change(&mut config);
        Arc::new(config)
    }

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n\r\n";

    /// An open connection; a server's compresses if `config` says so.
    fn open(config: Arc<Config>, role: Role) -> Connection {
        let Leased { env, input, .. } = &mut *Lease::take();
        if role == Role::Client {
            return Connection::upgraded(role, config, &Agreed::default(), env);
        }
        let mut connection = Connection::accepting(config, env);
        input.spare()[..REQUEST.len()].copy_from_slice(REQUEST);
        input.filled(REQUEST.len());
        assert!(matches!(
            connection.next_event(env, input),
            Ok(Some(Event::Request(_)))
        ));
        connection.accept(env, &Accept::new()).unwrap();
        connection.sent(env, connection.queued());
        connection
    }

    fn state(connection: &Connection) -> HandleState<()> {
        HandleState::new(Arc::new(()), Slab::<()>::new().next_key(), connection)
    }

    /// Bytes that do not compress.
    fn noise(len: usize) -> Vec<u8> {
        let mut word = 1_u32;
        let step = |_| {
            word ^= word << 13;
            word ^= word >> 17;
            word ^= word << 5;
            word as u8
        };
        (0..len).map(step).collect()
    }

    /// Checks that the frames that were queued since `before` have the length that was reserved, or less if `at_most`.
    fn check(
        connection: &Connection,
        before: &mut usize,
        state: &HandleState<()>,
        demand: Demand,
        at_most: bool,
    ) {
        let queued = connection.queued() - mem::replace(before, connection.queued());
        let reserved = state.frames_len(demand);
        let is_right = queued == reserved || (at_most && queued < reserved);
        assert!(is_right, "{demand:?}: {queued} bytes, {reserved} reserved");
    }

    #[test]
    fn a_reservation_covers_the_frames_that_the_connection_queues() {
        let configs = [
            config(|_| {}),
            config(|config| config.fragment_size = NonZeroUsize::new(7)),
            config(|config| config.fragment_size = NonZeroUsize::new(130)),
            config(|config| {
                let mut compression = Compression::default();
                compression.send_window_bits = 8;
                config.compression = Some(compression);
            }),
        ];
        let env = &mut Lease::take().env;
        let lens = [0, 1, 64, 125, 126, 260, 0xffff, 0x10000];
        for (config, len) in configs
            .iter()
            .flat_map(|config| lens.map(|len| (config, len)))
        {
            for role in [Role::Server, Role::Client] {
                let mut connection = open(Arc::clone(config), role);
                let compresses = config.compression.is_some() && role == Role::Server;
                assert_eq!(connection.has_compression(), compresses);
                let state = &state(&connection);
                let before = &mut 0;
                let message = Message::Binary(noise(len));
                connection.send_message(env, message).unwrap();
                // The last fragment may have a shorter header.
                let fragments = config.fragment_size.is_some();
                let demand = Demand::Message(len);
                check(&connection, before, state, demand, compresses || fragments);
                connection.start(env, Kind::Binary).unwrap();
                check(&connection, before, state, Demand::Start, false);
                let part = noise(len + 1);
                connection.write(env, &part).unwrap();
                check(
                    &connection,
                    before,
                    state,
                    Demand::Part(len + 1),
                    compresses,
                );
                connection.finish(env, &part[..len]).unwrap();
                check(&connection, before, state, Demand::Part(len), compresses);
                let len = len.min(125);
                connection.send_ping(env, &part[..len]).unwrap();
                check(&connection, before, state, Demand::Ping(len), false);
            }
        }
    }

    #[test]
    fn what_arrives_moves_from_the_way_to_the_queue() {
        for (overflow, more) in [(Overflow::Refuse, 484), (Overflow::DropOldest, 988)] {
            let limited = config(|config| {
                config.queue_limit = 1000;
                config.overflow = overflow;
            });
            let state = state(&open(limited, Role::Server));
            state.reserve(Demand::Message(500)).unwrap();
            assert_eq!(state.buffered(), 500);
            state.executed(Demand::Message(500), 504);
            assert_eq!(state.buffered(), 504);
            // A ping does not make room, whatever the policy.
            assert!(state.reserve(Demand::Ping(497)).is_err());
            state.reserve(Demand::Ping(8)).unwrap();
            // 10 bytes of ping and its header are on the way.
            let full = state.reserve(Demand::Message(more + 3));
            assert_eq!(full, Err(SendError::QueueFull), "{overflow:?}");
            state.reserve(Demand::Message(more)).unwrap();
            state.executed(Demand::Ping(8), 0);
            state.executed(Demand::Message(more), 0);
            assert_eq!(state.buffered(), 0);
            state.reserve(Demand::Message(5000)).unwrap();
        }
    }
}
