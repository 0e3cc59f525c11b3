//! What an application wants of permessage-deflate.

/// How messages are compressed (RFC 7692), seen from this side whichever role it has.
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
    /// How hard to try, from 0 (not at all) to 9. Default 1: with a dedicated compressor, level 6
    /// takes six to nine times as long and makes JSON-like messages a fifth to two fifths smaller.
    pub level: u8,
    /// Messages of fewer bytes are sent as they are. Default 64. Streamed messages, whose length is
    /// not known, are always compressed.
    pub threshold: usize,
    /// How far back a compressed message may refer, as a power of two from 8 to 15 (others
    /// count as the nearest of these). Default 12: small messages come out hardly any larger than with
    /// 15, and what a connection keeps is an eighth. With [pooled](Memory::Pooled) compressors at level 1, only
    /// messages of more than 2 KiB gain by more than 12.
    pub send_window_bits: u8,
    /// How far back the peer may refer at most, from 8 to 15. Default 15. A client asks for it; a server
    /// can demand it only of a client that offers it, and otherwise gives the peer no takeover.
    pub receive_window_bits: u8,
    /// How far back a server would rather have its clients refer, from 8 to 15, if that is less than
    /// [`receive_window_bits`](Self::receive_window_bits). Default 12: what is kept for a connection, and is
    /// handed to an inflater for each message, is an eighth of what it is with 15, and small messages come
    /// in hardly any larger. 15 asks nobody.
    ///
    /// Clients are asked if they offer it (`client_max_window_bits`, RFC 7692 7.1.2.2), as Chromium and many
    /// libraries do; the others may refer back as far as they like. They are not asked without
    /// [`receive_takeover`](Self::receive_takeover), when it would save nothing. A client does not ask its server,
    /// since there are servers that overlook it, and an answer that does so fails the connection.
    ///
    /// A client that offers this and does not keep to it fails with
    /// [`INVALID_DATA`](crate::CloseCode::INVALID_DATA), 1007, when it refers back too far. Avoid
    /// 8 for clients that you do not know: zlib cannot keep to it.
    pub preferred_receive_window_bits: u8,
    /// Whether a message may refer to those sent before it: much smaller, at the cost of memory for
    /// each connection. Default `true`.
    pub send_takeover: bool,
    /// Whether the peer's messages may refer to those before them. Costs this side as many bytes for
    /// each connection as they may refer back, once as many have come: by default 32 KiB, and 4 KiB on a
    /// server whose client lets it choose. Default `true`.
    pub receive_takeover: bool,
    /// What a connection with [`send_takeover`](Self::send_takeover) keeps. Default
    /// [`Memory::Pooled`].
    pub memory: Memory,
    /// Bytes of a compressed message that are kept as they came before an inflater is given to it, if
    /// it is not whole by then. Default 16 KiB. A peer that starts a message and stalls pins no more
    /// than these.
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
    /// With windows of the sizes that there are (RFC 7692 7.1.2), the nearest ones.
    pub(crate) fn within_bounds(mut self) -> Self {
        self.send_window_bits = self.send_window_bits.clamp(8, 15);
        self.receive_window_bits = self.receive_window_bits.clamp(8, 15);
        self.preferred_receive_window_bits = self
            .preferred_receive_window_bits
            .clamp(8, self.receive_window_bits);
        self
    }
}

/// What a connection keeps to refer back to when it compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Memory {
    /// The last `2^send_window_bits` bytes that it sent, and some 100 more. A compressor is lent by the
    /// thread's [`Env`](crate::Env), and has to be told these if it was another connection's in between. At
    /// level 1, where telling takes longer than compressing, it is told no more of them than twice what the
    /// message has, or 1 KiB if that is more.
    ///
    /// A connection that has a thread to itself, or sends several messages in a row, is thus served as by
    /// a [`Dedicated`](Self::Dedicated) compressor with the same window. Where connections take turns, with
    /// zlib-rs and 12 bits, a message of 512 bytes takes 2.5 times as long at level 1 and 1.5 times at
    /// level 6, and one of 4 KiB 1.4 and 1.1 times. With so many connections that compressors of their own
    /// would be in no cache, those lent are the faster ones: 200 connections echoed half as many
    /// messages again. See the documentation of the backends for their own costs.
    #[default]
    Pooled,
    /// A compressor of its own: 160 to 320 KiB for each connection, unless the backend is set to less, and
    /// as fast as the backend by itself as long as the caches hold that.
    Dedicated,
}

/// Whether to compress one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compress {
    /// As [`Compression::threshold`] says.
    #[default]
    Auto,
    /// However short it is, if compression was negotiated.
    Always,
    /// Never: it is compressed already, or holds secrets beside what an attacker chose.
    Never,
}
