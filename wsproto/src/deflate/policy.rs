//! The settings of permessage-deflate.

/// The compression settings of an endpoint (RFC 7692), from its own point of view in either role.
///
/// ```
/// use wsproto::{Compression, Config};
///
/// let mut compression = Compression::default();
/// compression.level = 6;
/// compression.receive_takeover = false; // nothing is kept between messages for what comes in
/// let mut config = Config::default();
/// config.compression = Some(compression);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compression {
    /// Compression level, from 0 (none) to 9 (best). Default 1: with a dedicated compressor, level 6 takes
    /// six to nine times as long and makes JSON-like messages a fifth to two fifths smaller.
    pub level: u8,
    /// Minimum length in bytes of a message that is compressed. Default 64. Streamed messages, whose length
    /// is not known, are always compressed.
    pub threshold: usize,
    /// Window for outgoing messages: a reference reaches back at most `2^send_window_bits` bytes. 8 to 15;
    /// other values count as the nearest of these. Default 12: small messages are hardly larger than with 15,
    /// and a connection keeps an eighth of the memory. With [pooled](Memory::Pooled) compressors at level 1,
    /// only messages of more than 2 KiB gain from a larger window.
    pub send_window_bits: u8,
    /// Maximum window for incoming messages, as a power of two from 8 to 15. Default 15. A client asks its
    /// server for it. A server can demand it only of a client that offers `client_max_window_bits`; any other
    /// client gets no context takeover if this is less than 15.
    pub receive_window_bits: u8,
    /// Preferred window of a server for incoming messages, as a power of two from 8 to 15, if it is less than
    /// [`receive_window_bits`](Self::receive_window_bits). Default 12: a connection keeps, and hands to an
    /// inflater for each message, an eighth of the bytes that 15 would need, and small messages are hardly
    /// larger. 15 asks for nothing.
    ///
    /// Clients are asked if they offer `client_max_window_bits` (RFC 7692 7.1.2.2), as Chromium and many
    /// libraries do; the others may refer back as far as they like. They are not asked without
    /// [`receive_takeover`](Self::receive_takeover), since it would save nothing. A client does not ask its
    /// server: some servers ignore such a request, and then the answer fails the connection.
    ///
    /// A client that offers this and does not keep to it fails with
    /// [`INVALID_DATA`](crate::CloseCode::INVALID_DATA), 1007, when it refers to bytes that are no longer
    /// kept. Avoid 8 for clients that you do not know: zlib cannot keep to it.
    pub preferred_receive_window_bits: u8,
    /// Allows outgoing messages to refer to earlier ones (context takeover, RFC 7692 7.1.1). Default `true`:
    /// messages become much smaller, at the cost of memory for each connection.
    pub send_takeover: bool,
    /// Allows incoming messages to refer to earlier ones. Default `true`. It costs as many bytes for each
    /// connection as the window has, once as many have been received: by default 32 KiB, and 4 KiB on a
    /// server whose client lets it choose.
    pub receive_takeover: bool,
    /// Memory that a connection with [`send_takeover`](Self::send_takeover) keeps. Default
    /// [`Memory::Pooled`].
    pub memory: Memory,
    /// Number of compressed bytes of an incomplete message that are kept before it is given an inflater.
    /// Default 16 KiB. A peer that starts a message and stalls occupies no more than these.
    pub inflate_from: usize,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            level: 1,
            threshold: 64,
            send_window_bits: 12,
            receive_window_bits: 15,
            preferred_receive_window_bits: 12,
            send_takeover: true,
            receive_takeover: true,
            memory: Memory::Pooled,
            inflate_from: 16 << 10,
        }
    }
}

impl Compression {
    /// Returns the settings with every window clamped to a size that exists (RFC 7692 7.1.2).
    pub(crate) fn within_bounds(mut self) -> Self {
        self.send_window_bits = self.send_window_bits.clamp(8, 15);
        self.receive_window_bits = self.receive_window_bits.clamp(8, 15);
        self.preferred_receive_window_bits = self
            .preferred_receive_window_bits
            .clamp(8, self.receive_window_bits);
        self
    }
}

/// Memory that a connection keeps in order to refer back to earlier messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Memory {
    /// The last `2^send_window_bits` bytes that it sent, and some 100 bytes more. The compressor is lent by
    /// the thread's [`Env`](crate::Env), and has to be primed with these bytes if another connection used it
    /// in between. At level 1, where priming takes longer than compressing, it is primed with no more than
    /// twice the length of the message, or 1 KiB if that is more.
    ///
    /// A connection that has a thread to itself, or sends several messages in a row, is thus as fast as with
    /// a [`Dedicated`](Self::Dedicated) compressor of the same window. Where connections take turns, with
    /// zlib-rs and 12 bits, a message of 512 bytes takes 2.5 times as long at level 1 and 1.5 times at level
    /// 6, and one of 4 KiB 1.4 and 1.1 times. With so many connections that compressors of their own would
    /// not fit the caches, lent ones are faster: 200 connections echoed half as many messages again. The
    /// documentation of the backends has their own costs.
    #[default]
    Pooled,
    /// A compressor of its own: 160 to 320 KiB for each connection, unless the backend is set to less. It is
    /// as fast as the backend by itself as long as the caches hold it.
    Dedicated,
}

/// The choice whether to compress one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compress {
    /// Compress the message if it has at least [`Compression::threshold`] bytes and becomes smaller.
    #[default]
    Auto,
    /// Compress the message whatever its length, if compression was negotiated.
    Always,
    /// Do not compress the message: it is compressed already, or holds secrets beside data that an attacker
    /// chose.
    Never,
}
