//! State that a connection shares with its handles: where its loop is, and how many bytes are on the way there.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use wsproto::{Config, Connection, Overflow, Role, SendError};

use crate::{
    command::{Command, Mailbox, Order},
    event_loop::slab::Key,
};

/// How the core treats a frame that the queue has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// A whole message, or the start of one in parts: [`Config::overflow`] applies.
    Message,
    /// A part of a message or a ping: refused whatever the policy.
    Frame,
}

/// Shared by a connection and all its handles. Created together with the first handle.
///
/// A call on a handle that returns `Ok` promises that there is room for the message. So the call asks
/// [`Config::admits`] and reserves the bytes in one atomic step, and the loop queues what was promised with
/// [`Connection::send_admitted`].
#[derive(Debug)]
pub(crate) struct Line {
    mailbox: Arc<Mailbox>,
    pub(crate) key: Key,
    config: Arc<Config>,
    role: Role,
    /// Streamed messages may be compressed, by which a part can grow.
    compresses: bool,
    closed: AtomicBool,
    /// Bytes that the admission of messages counts: frames on the way to the loop, header included; and, where the
    /// policy is to refuse, those in the connection's queue.
    pending: AtomicUsize,
    /// Payload bytes on the way to the loop.
    on_the_way: AtomicUsize,
    /// Bytes in the connection's queue when its loop last looked.
    queued: AtomicUsize,
}

impl Line {
    pub(crate) fn new(mailbox: Arc<Mailbox>, key: Key, connection: &Connection) -> Self {
        let this = Self {
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
        this.set_queued(connection.queued());
        this
    }

    // For handles.

    /// Reserves room for a command's frames, and sends the command to the loop.
    pub(crate) fn send(self: &Arc<Self>, order: Order) -> Result<(), SendError> {
        self.reserve(&order)?;
        self.push(order)
    }

    /// Reserves room for a command's frames. A command that is admitted has to be [pushed](Self::push).
    pub(crate) fn reserve(&self, order: &Order) -> Result<(), SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        let Some(admission) = order.admission() else {
            return Ok(());
        };
        let (payload, frames) = (order.payload_len(), self.frames_len(order));
        // The check and the reservation are one step: room for one message is not given to two threads.
        let reserve = |pending: usize| {
            let before = match admission {
                // The core refuses these although the policy makes room. `queued` is read apart from `pending`;
                // where it is out of date, the promise is kept all the same.
                Admission::Frame if self.makes_room() => {
                    pending.saturating_add(self.queued.load(Ordering::Relaxed))
                }
                Admission::Frame | Admission::Message => pending,
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
        Err(match (self.config.overflow, admission) {
            (Overflow::DropNewest, Admission::Message) => SendError::Dropped,
            _ => SendError::QueueFull,
        })
    }

    /// Sends a command to the loop that was admitted, or needs no admission.
    pub(crate) fn push(self: &Arc<Self>, order: Order) -> Result<(), SendError> {
        self.command(Command::Order(Arc::clone(self), order))
    }

    /// Whether the connection is on the loop with that mailbox.
    pub(crate) fn is_on(&self, mailbox: &Arc<Mailbox>) -> bool {
        Arc::ptr_eq(&self.mailbox, mailbox)
    }

    /// Passes a command on to the loop that is no order.
    pub(crate) fn command(&self, command: Command) -> Result<(), SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        self.mailbox.push(command).map_err(|_| SendError::Closed)
    }

    /// Bytes that were sent and have not gone to the transport.
    pub(crate) fn buffered(&self) -> usize {
        self.on_the_way.load(Ordering::Relaxed) + self.queued.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    // For the loop.

    /// Returns true if a command that was admitted by the call must not be refused for want of room.
    ///
    /// Under a policy that makes room for messages, it is the loop that does so, by the core's rule.
    pub(crate) fn promises(&self, order: &Order) -> bool {
        match order.admission() {
            Some(Admission::Frame) => true,
            Some(Admission::Message) => !self.makes_room(),
            None => false,
        }
    }

    /// Releases the reservation of a command that was executed, which left `queued` bytes in the queue.
    pub(crate) fn executed(&self, reserved: Reservation, queued: usize) {
        self.on_the_way
            .fetch_sub(reserved.payload, Ordering::Relaxed);
        self.change_queued(queued, reserved.frames);
    }

    /// What [`reserve`](Self::reserve) has reserved for a command.
    pub(crate) fn reservation(&self, order: &Order) -> Reservation {
        Reservation {
            payload: order.payload_len(),
            frames: self.frames_len(order),
        }
    }

    /// Notes the number of bytes in the connection's queue.
    pub(crate) fn set_queued(&self, bytes: usize) {
        self.change_queued(bytes, 0);
    }

    /// Marks the connection as closed to handles.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Replaces the bytes in the queue, and takes `arrived` bytes off those on the way, in one step as far as
    /// `pending` counts both.
    fn change_queued(&self, queued: usize, arrived: usize) {
        // Only the loop writes it.
        let before = self.queued.swap(queued, Ordering::Relaxed);
        let change = if self.makes_room() {
            0_usize.wrapping_sub(arrived)
        } else {
            queued.wrapping_sub(before).wrapping_sub(arrived)
        };
        if change != 0 {
            self.pending.fetch_add(change, Ordering::Relaxed);
        }
    }

    /// Returns true if the queue makes room for a message, or has the connection closed: then the queue is no
    /// reason to refuse the call.
    fn makes_room(&self) -> bool {
        matches!(self.config.overflow, Overflow::DropOldest | Overflow::Close)
    }

    /// Bytes that the frames of a command take in the queue, or a few more.
    fn frames_len(&self, order: &Order) -> usize {
        let len = order.payload_len();
        match order {
            Order::Send(..) | Order::SendPrepared(..) => match self.config.fragment_size {
                Some(size) if len > size.get() => {
                    let frames = len.div_ceil(size.get());
                    let header = self.header_len(size.get());
                    frames.saturating_mul(header).saturating_add(len)
                }
                // Compressed, it is sent only if that is shorter.
                Some(_) | None => self.header_len(len) + len,
            },
            Order::Write(_) | Order::Finish(..) => {
                // The parts of a streamed message are compressed even if that makes them longer: a literal takes
                // up to 9 bits (RFC 1951 3.2.6), and each flush ends a block.
                let len = if self.compresses {
                    len + len / 4 + 64
                } else {
                    len
                };
                self.header_len(len) + len
            }
            Order::Ping(_) => self.header_len(len) + len,
            Order::Start(_) | Order::Close(..) | Order::Pause | Order::Resume | Order::Call(_) => 0,
        }
    }

    /// Bytes of a frame's header (RFC 6455 5.2); a client's has a masking key.
    const fn header_len(&self, payload: usize) -> usize {
        let mask = match self.role {
            Role::Client => 4,
            Role::Server => 0,
        };
        let lengths = match payload {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        lengths + mask
    }
}

/// Bytes that are reserved for a command until it is executed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reservation {
    payload: usize,
    frames: usize,
}
