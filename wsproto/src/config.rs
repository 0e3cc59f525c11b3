//! Limits, deadlines and policies of one endpoint, shared by any number of connections.

use core::{num::NonZeroUsize, time::Duration};

use crate::deflate::policy::Compression;

/// The configuration of a connection: limits, deadlines and policies. The defaults are safe against untrusted
/// peers. A deadline of `None` never passes.
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
    /// Maximum length of an HTTP head in bytes. Default 16 KiB. A server answers a longer request with 431; a
    /// client fails on a longer response.
    pub max_head: usize,
    /// Maximum number of header fields in an HTTP head. Default 64. A server answers a request with more with
    /// 431; a client fails on such a response.
    pub max_headers: usize,
    /// Maximum payload length of a data frame in bytes. Default 16 MiB. A longer frame is answered with 1009
    /// as soon as its header shows the length.
    pub max_frame: u64,
    /// Maximum length of a message in bytes, all fragments together. Default 16 MiB. For a compressed message
    /// it applies both to the compressed and to the inflated length. A longer message is answered with 1009
    /// as soon as it exceeds the limit.
    pub max_message: u64,
    /// Maximum number of frames in a message. Default 131 072. More are answered with 1009. Fragments need no
    /// memory of their own; the limit is there because an empty fragment costs a peer next to nothing.
    pub max_fragments: u32,

    /// Maximum time for the peer to send its half of the opening handshake, and again for the application to
    /// answer a request. Default 10 s. A server answers with 408 in the first case and with 503 in the
    /// second.
    pub opening_timeout: Option<Duration>,
    /// Maximum time without a byte sent, from our Close frame to the peer's, and again from there until the
    /// peer closes the transport. Default 5 s.
    pub close_timeout: Option<Duration>,
    /// Time without a byte from the peer after which a ping is sent. Default 30 s.
    pub ping_interval: Option<Duration>,
    /// Maximum time from a ping of [`ping_interval`](Self::ping_interval) to the next byte from the peer.
    /// Default 20 s. The connection fails with 1011 after it. The time starts anew with each write while the
    /// ping waits behind a long frame.
    pub pong_timeout: Option<Duration>,
    /// Time without a message in either direction after which the connection is closed with 1001. Default
    /// none. Pings and pongs are not messages; each part of a long message counts.
    pub idle_timeout: Option<Duration>,
    /// Maximum time for which the transport takes no byte while some are queued. Default 30 s. It applies
    /// once the connection is open.
    pub write_timeout: Option<Duration>,
    /// Time from the end of the opening handshake after which the connection is closed with 1001. Default
    /// none.
    pub max_lifetime: Option<Duration>,

    /// Number of queued bytes from which on the outgoing queue is high. Default 256 KiB: as much as drivers
    /// read at a time, so that an echo of all of it is sent in one write.
    pub queue_high: usize,
    /// Number of queued bytes at or below which a queue that was high has drained. Default 64 KiB.
    pub queue_low: usize,
    /// Maximum number of queued bytes before [`overflow`](Self::overflow) applies. Default 16 MiB. A message
    /// of any length is accepted by an empty queue, and by one that holds less than
    /// [`queue_high`](Self::queue_high) unless the limit is less than that; see [`admits`](Self::admits).
    pub queue_limit: usize,
    /// Policy for a message that is not [admitted](Self::admits). Default [`Overflow::Refuse`].
    pub overflow: Overflow,
    /// Stops reading while the outgoing queue is high. Default `false`. This is right for a server that
    /// answers from a callback (an echo server must not grow), and wrong where sends await: two ends that
    /// both stop reading would wait for each other for ever.
    pub pause_when_high: bool,

    /// Delivery of whole messages, or of their parts as they come. Default [`Delivery::Messages`].
    pub delivery: Delivery,
    /// Checks that text is UTF-8, as RFC 6455 8.1 demands. Default `true`. If it is off, text is delivered as
    /// [`Event::Binary`](crate::Event::Binary) whose [`kind`](crate::Binary::kind) is text.
    pub check_utf8: bool,
    /// Answers each Ping with a Pong (RFC 6455 5.5.2). Default `true`. If it is off, the application must
    /// send the pongs.
    pub answer_pings: bool,
    /// Number of bytes of unsent control frames from which on a new Pong replaces the newest one (RFC 6455
    /// 5.5.3). Default 4 KiB.
    pub max_pong_queue: usize,
    /// Maximum payload length in bytes of the frames that an outgoing message is split into (RFC 6455 5.4).
    /// Default none: one frame per message.
    pub fragment_size: Option<NonZeroUsize>,
    /// Compresses messages if the peer agrees (RFC 7692). Default none: compression costs time, and memory
    /// for each connection, and must not be used where secrets stand beside data that an attacker chooses.
    pub compression: Option<Compression>,
    /// Server: shows plain HTTP requests, which ask for no upgrade, to the application instead of answering
    /// them with 426. Default `false`.
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
    /// Returns true if a message of `len` bytes may be queued behind `queued` bytes. If not,
    /// [`overflow`](Self::overflow) applies.
    ///
    /// This is the only admission rule. [`Connection`](crate::Connection) applies it to its own queue, and a
    /// driver that holds messages on their way to a connection applies it to the sum of both. A message is
    /// admitted in three cases: it fits into [`queue_limit`](Self::queue_limit); nothing is queued; or less
    /// than [`queue_high`](Self::queue_high) is queued, and `queue_high` is not above the limit. So a peer
    /// that reads can always be sent one message of any length.
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

/// Policy for a message that the outgoing queue has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// The call returns [`SendError::QueueFull`](crate::SendError::QueueFull); nothing is queued.
    #[default]
    Refuse,
    /// The new message is dropped; the call returns [`SendError::Dropped`](crate::SendError::Dropped).
    DropNewest,
    /// The oldest messages of which nothing has been sent are dropped to make room, as suits live media. If
    /// that is not enough, the call returns [`SendError::QueueFull`](crate::SendError::QueueFull).
    DropOldest,
    /// The connection is closed with 1008; the call returns [`SendError::Closed`](crate::SendError::Closed).
    Close,
}

/// Unit in which messages are delivered to the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Delivery {
    /// Whole messages, as [`Event::Text`](crate::Event::Text) and [`Event::Binary`](crate::Event::Binary).
    #[default]
    Messages,
    /// Parts of messages as they come, as [`Event::Chunk`](crate::Event::Chunk). Nothing is assembled.
    Chunks,
}
