//! What one side allows, expects and does by itself; shared by any number of connections.

use core::{num::NonZeroUsize, time::Duration};

use crate::deflate::policy::Compression;

/// Limits, deadlines and policies of a connection. The defaults are safe against strangers.
///
/// ```
/// # extern crate alloc;
/// use alloc::sync::Arc;
/// use core::time::Duration;
/// use wsproto::Config;
///
/// let mut config = Config::default();
/// config.max_message = 1 << 20;
/// config.idle_timeout = Some(Duration::from_secs(300));
/// let config = Arc::new(config); // one for all connections
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Bytes of an HTTP head, all lines included. Default 16 KiB. A larger request is answered 431.
    pub max_head: usize,
    /// Header lines of an HTTP head. Default 64. More are answered 431.
    pub max_headers: usize,
    /// Bytes of one frame's payload. Default 16 MiB. A larger one is answered 1009, as soon as its
    /// header tells.
    pub max_frame: u64,
    /// Bytes of one message, all fragments together, before and after it is inflated. Default 16 MiB.
    /// A larger one is answered 1009; a compressed one as soon as so much has come out of it.
    pub max_message: u64,
    /// Frames of one message. Default 131 072. More are answered 1009. Fragments need no memory of
    /// their own; the limit is there because each empty one costs a peer next to nothing.
    pub max_fragments: u32,

    /// How long the peer may take to send its half of the opening handshake, and the application to
    /// answer a request. Default 10 s. Answered 408 and 503.
    pub opening_timeout: Option<Duration>,
    /// How long the closing handshake may take, and after it the peer to close the transport. Default 5 s.
    pub close_timeout: Option<Duration>,
    /// After how long without a single byte from the peer a ping is sent. Default 30 s.
    pub ping_interval: Option<Duration>,
    /// How long after such a ping was sent at least one byte must have come. While the transport takes
    /// a long frame that is in front of the ping, the time does not run. Default 20 s.
    pub pong_timeout: Option<Duration>,
    /// After how long without a message in either direction the connection is closed with 1001.
    /// Pings and pongs are no messages. Default none.
    pub idle_timeout: Option<Duration>,
    /// How long the transport may take no byte while some are queued. Default 30 s.
    pub write_timeout: Option<Duration>,
    /// The age at which an open connection is closed with 1001. Default none.
    pub max_lifetime: Option<Duration>,

    /// From how many queued bytes on the outgoing queue counts as high. Default 256 KiB: as much as
    /// drivers read in one go, so that an echo of all of it leaves in one write.
    pub queue_high: usize,
    /// At how many queued bytes a high queue counts as drained. Default 64 KiB.
    pub queue_low: usize,
    /// Bytes that may be queued before [`overflow`](Self::overflow) applies. Default 16 MiB. A single
    /// message of any length is accepted by an empty queue, and by one that holds less than
    /// [`queue_high`](Self::queue_high), unless the limit is less than that.
    pub queue_limit: usize,
    /// What happens to a message that the queue has no room for. Default [`Overflow::Refuse`].
    pub overflow: Overflow,
    /// Stops reading while the outgoing queue is high: right for a server that answers from a
    /// callback (an echo server must not grow), wrong where sends await, because two ends that both
    /// stop reading wait for each other for ever. Default `false`.
    pub pause_when_high: bool,

    /// Whole messages, or parts of them as they come. Default [`Delivery::Messages`].
    pub delivery: Delivery,
    /// Checks that text is UTF-8, as RFC 6455 8.1 demands. Default `true`. Without it, text comes as
    /// [`Event::Binary`](crate::Event::Binary) whose [`kind`](crate::Binary::kind) is text.
    pub check_utf8: bool,
    /// Answers pings by itself. Default `true`. Without it the application owes the peer the pongs.
    pub answer_pings: bool,
    /// Bytes of unsent pongs above which only the newest further one is kept. Default 4 KiB.
    pub max_pong_queue: usize,
    /// Splits outgoing messages into frames of this many bytes. Default none: one frame each.
    pub fragment_size: Option<NonZeroUsize>,
    /// Compresses messages, if the peer agrees (RFC 7692). Default none: it costs time, and memory for
    /// each connection, and must not be used where secrets stand beside what an attacker chooses.
    pub compression: Option<Compression>,
    /// Server: shows the application plain HTTP requests, which ask for no upgrade, instead of
    /// answering 426. Default `false`.
    pub surface_plain_http: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_head: 16 << 10,
            max_headers: 64,
            max_frame: 16 << 20,
            max_message: 16 << 20,
            max_fragments: 1 << 17,
            opening_timeout: Some(Duration::from_secs(10)),
            close_timeout: Some(Duration::from_secs(5)),
            ping_interval: Some(Duration::from_secs(30)),
            pong_timeout: Some(Duration::from_secs(20)),
            idle_timeout: None,
            write_timeout: Some(Duration::from_secs(30)),
            max_lifetime: None,
            queue_high: 256 << 10,
            queue_low: 64 << 10,
            queue_limit: 16 << 20,
            overflow: Overflow::Refuse,
            pause_when_high: false,
            delivery: Delivery::Messages,
            check_utf8: true,
            answer_pings: true,
            max_pong_queue: 4 << 10,
            fragment_size: None,
            compression: None,
            surface_plain_http: false,
        }
    }
}

impl Config {
    /// Whether a message of `len` bytes may be queued behind `queued` bytes; otherwise
    /// [`overflow`](Self::overflow) applies.
    ///
    /// This is the only admission rule: [`Connection`](crate::Connection) applies it to its own queue, and a
    /// driver that keeps messages on the way to a connection applies it to the sum of both. A message is
    /// admitted if it fits [`queue_limit`](Self::queue_limit), if nothing is queued, or if less than
    /// [`queue_high`](Self::queue_high) is queued and that is not above the limit: a peer that reads may
    /// always be sent one message of any length.
    ///
    /// ```
    /// let mut config = wsproto::Config::default();
    /// (config.queue_high, config.queue_limit) = (100, 1000);
    /// assert!(config.admits(99, 5000), "the queue is not high");
    /// assert!(config.admits(900, 100), "the message fits");
    /// assert!(!config.admits(900, 101));
    /// ```
    #[must_use]
    #[inline]
    pub const fn admits(&self, queued: usize, len: usize) -> bool {
        queued.saturating_add(len) <= self.queue_limit
            || queued == 0
            || (queued < self.queue_high && self.queue_high <= self.queue_limit)
    }
}

/// What happens to a message that a full outgoing queue has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// The call returns [`SendError::QueueFull`](crate::SendError::QueueFull); nothing is queued.
    #[default]
    Refuse,
    /// The new message is dropped; the call returns [`SendError::Dropped`](crate::SendError::Dropped).
    DropNewest,
    /// The oldest messages of which nothing has been sent yet make room: the latest wins, as live
    /// media want it. If that is not enough, the new message is refused.
    DropOldest,
    /// The connection is closed with 1008.
    Close,
}

/// How messages are handed to the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Delivery {
    /// Whole messages, as [`Event::Text`](crate::Event::Text) and [`Event::Binary`](crate::Event::Binary).
    #[default]
    Messages,
    /// Parts of messages as they come, as [`Event::Chunk`](crate::Event::Chunk); nothing is assembled.
    Chunks,
}
