//! The read buffer, the position up to which it is consumed, and the memory that the last event borrows.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::{
    event::Kind,
    handshake::{HeaderSpan, RequestLine, StatusLine},
    spare::Spare,
    wire::close::Closed,
};

/// A read buffer, and the position up to which it is consumed.
///
/// `B` is the memory: `Box<[u8]>`, `&mut [u8]`, a `Vec<u8>` of fixed length, or a type of your own. One input
/// serves all connections of a thread, one after the other: it is used up whenever
/// [`next_event`](crate::Connection::next_event) returns `Ok(None)` or an error. 64 KiB to 256 KiB is a good
/// size; a message that lies whole in the buffer is not copied.
///
/// ```
/// let mut input = wsproto::Input::new(vec![0; 64 << 10]);
/// input.spare()[..2].copy_from_slice(b"\x8a\x00"); // a transport reads here ...
/// input.filled(2); // ... and says how much it read
/// assert!(!input.is_empty());
/// ```
pub struct Input<B> {
    buf: B,
    start: usize,
    end: usize,
    /// Bytes that a connection had set aside. They come before those of `buf`.
    aside: Aside,
    /// Memory that the last event borrows, if its bytes do not lie in `buf` or `aside`.
    pub(crate) event_buffer: EventBuffer,
    /// Positions of the headers in the head that the last event borrows.
    pub(crate) spans: Vec<HeaderSpan>,
    /// The type of a message that was announced and not taken yet. Nearly all events are messages, and this
    /// is cheaper to write than `ready`.
    announced: Option<Kind>,
    /// Position of the message in `announced`.
    message: Span,
    /// Any other event that was announced and not taken yet.
    pub(crate) ready: Option<Ready>,
}

impl<B: AsMut<[u8]>> Input<B> {
    /// Creates an input over `buf`.
    ///
    /// # Panics
    /// If `buf` is empty: a read into it would look like the end of the stream.
    #[must_use]
    pub fn new(mut buf: B) -> Self {
        assert!(!buf.as_mut().is_empty(), "a read buffer has room");
        Self {
            buf,
            start: 0,
            end: 0,
            aside: Aside::default(),
            event_buffer: EventBuffer::None,
            spans: Vec::new(),
            announced: None,
            message: Span::default(),
            ready: None,
        }
    }

    /// Returns the free part of the buffer, for the transport to read into.
    ///
    /// It is the whole buffer if the input is used up. It may be empty otherwise.
    pub fn spare(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        &mut self.buf.as_mut()[self.end..]
    }

    /// Records that the transport wrote `n` bytes to the front of [`spare`](Self::spare).
    ///
    /// # Panics
    /// If `n` is more than the length of [`spare`](Self::spare).
    pub fn filled(&mut self, n: usize) {
        assert!(
            n <= self.buf.as_mut().len() - self.end,
            "more bytes than there was room for"
        );
        self.end += n;
    }

    /// Returns true if no byte and no announced event is left.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end && self.aside.is_empty() && !self.is_announced()
    }

    /// Returns true if bytes are left behind the event that [`has_event`](crate::Connection::has_event) has
    /// announced and that is not taken yet.
    ///
    /// If none are left, the connection may process another input before the event is taken out of this one.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.start != self.end || !self.aside.is_empty()
    }

    /// Drops everything that is left, so that another connection may use the input.
    pub fn clear(&mut self) {
        self.start = self.end;
        self.aside.start = self.aside.bytes.len();
        self.announced = None;
        self.ready = None;
    }

    /// Returns the buffer. Bytes that were not consumed are lost.
    #[must_use]
    pub fn into_inner(self) -> B {
        self.buf
    }

    /// Returns true if there is nothing but bytes in the buffer: nothing borrowed, set aside or announced.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.event_buffer, EventBuffer::None)
            && self.aside.bytes.capacity() == 0
            && !self.is_announced()
    }

    /// Announces a message: keeps it for the next call.
    #[inline]
    pub(crate) fn announce(&mut self, kind: Kind, span: Span) {
        self.announced = Some(kind);
        self.message = span;
    }

    /// Takes the announced message.
    #[inline]
    pub(crate) fn take_announced(&mut self) -> Option<(Kind, Span)> {
        let kind = self.announced.take()?;
        Some((kind, self.message))
    }

    /// Returns true if [`has_event`](crate::Connection::has_event) has announced a message, which
    /// [`next_message`](crate::Connection::next_message) returns.
    #[must_use]
    #[inline]
    pub const fn has_message(&self) -> bool {
        self.announced.is_some()
    }

    /// Returns true if an event was announced and not taken yet.
    #[inline]
    pub(crate) const fn is_announced(&self) -> bool {
        self.announced.is_some() || self.ready.is_some()
    }

    /// Returns the unread bytes up to the first gap: those set aside, or those of the buffer. After the
    /// first, there may be more.
    #[inline]
    pub(crate) fn unread(&mut self) -> &mut [u8] {
        if self.aside.is_empty() {
            &mut self.buf.as_mut()[self.start..self.end]
        } else {
            &mut self.aside.bytes[self.aside.start..]
        }
    }

    /// Consumes the first `n` bytes of [`unread`](Self::unread), and returns their position.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) -> Span {
        let aside = !self.aside.is_empty();
        let start = if aside {
            &mut self.aside.start
        } else {
            &mut self.start
        };
        let span = Span {
            start: *start,
            len: n,
            aside,
        };
        *start += n;
        span
    }

    /// Skips `skip` bytes of the buffer and consumes the `n` bytes behind them. The input must be
    /// [plain](Self::is_plain).
    #[inline]
    pub(crate) fn consume_plain(&mut self, skip: usize, n: usize) -> Span {
        let start = self.start + skip;
        self.start = start + n;
        Span {
            start,
            len: n,
            aside: false,
        }
    }

    /// Puts bytes that were set aside in front of the unread ones.
    pub(crate) fn put_before(&mut self, mut aside: Aside, spare: &mut Spare) {
        core::mem::swap(&mut self.aside, &mut aside);
        self.aside.append(aside.unread(), spare);
        aside.recycle(spare);
    }

    /// Moves everything that is left from the input to the end of `aside`.
    pub(crate) fn move_to(&mut self, aside: &mut Aside, spare: &mut Spare) {
        if aside.is_empty() {
            core::mem::swap(&mut self.aside, aside);
        }
        aside.append(self.aside.unread(), spare);
        aside.append(&self.buf.as_mut()[self.start..self.end], spare);
        self.clear();
    }

    /// Takes the announced event, and moves its bytes into memory of its own.
    ///
    /// `check_utf8` says that the bytes of a text were checked when it was announced.
    pub(crate) fn take_announced_event(
        &mut self,
        spare: &mut Spare,
        check_utf8: bool,
    ) -> Option<Announced> {
        let (payload, span) = match (self.take_announced(), self.ready.take()) {
            (Some((kind, span)), _) => (Payload::Message(kind), span),
            (None, Some(Ready::InPlace(payload, span))) => (payload, span),
            (None, Some(ready)) => {
                return Some(Announced {
                    ready,
                    buffer: core::mem::take(&mut self.event_buffer),
                    spans: core::mem::take(&mut self.spans),
                });
            }
            (None, None) => return None,
        };
        let mut bytes = spare.take(span.len);
        bytes.extend_from_slice(self.lend(span).0);
        let buffer = match payload {
            Payload::Message(Kind::Text) if check_utf8 => {
                String::from_utf8(bytes).map_or(EventBuffer::None, EventBuffer::Text)
            }
            Payload::Message(_) | Payload::Chunk(..) | Payload::Ping | Payload::Pong => {
                EventBuffer::Bytes(bytes)
            }
        };
        Some(Announced {
            ready: Ready::Buffered(payload),
            buffer,
            spans: Vec::new(),
        })
    }

    /// Puts back an event that [`take_announced_event`](Self::take_announced_event) moved out of this or
    /// another input.
    pub(crate) fn restore(&mut self, announced: Announced) -> Ready {
        let Announced {
            ready,
            buffer,
            spans,
        } = announced;
        self.event_buffer = buffer;
        self.spans = spans;
        ready
    }

    /// Takes back the memory that the last event borrowed.
    #[inline]
    pub(crate) fn recycle(&mut self, spare: &mut Spare) {
        if !matches!(self.event_buffer, EventBuffer::None) {
            core::mem::take(&mut self.event_buffer).recycle(spare);
        }
        if self.aside.is_empty() && self.aside.bytes.capacity() > 0 {
            self.aside.recycle(spare);
        }
    }

    /// Splits the input into the bytes that an event borrows and a handle on the rest.
    #[inline]
    pub(crate) fn lend(&mut self, span: Span) -> (&mut [u8], Remainder<'_>) {
        let range = span.start..span.start + span.len;
        let aside_len = self.aside.bytes.len();
        let bytes = if span.aside {
            &mut self.aside.bytes[range]
        } else {
            &mut self.buf.as_mut()[range]
        };
        (
            bytes,
            Remainder {
                start: &mut self.start,
                end: self.end,
                aside_start: &mut self.aside.start,
                aside_len,
                announced: &mut self.announced,
                message: &mut self.message,
            },
        )
    }
}

/// The rest of an input while an event borrows a part of it.
pub(crate) struct Remainder<'a> {
    start: &'a mut usize,
    end: usize,
    aside_start: &'a mut usize,
    aside_len: usize,
    announced: &'a mut Option<Kind>,
    message: &'a mut Span,
}

impl Remainder<'_> {
    pub(crate) fn clear(self) {
        *self.start = self.end;
        *self.aside_start = self.aside_len;
    }

    /// Announces the borrowed message again.
    pub(crate) fn announce(self, kind: Kind, span: Span) {
        *self.announced = Some(kind);
        *self.message = span;
    }
}

impl<B> fmt::Debug for Input<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unread = self.end - self.start + self.aside.unread().len();
        f.debug_struct("Input")
            .field("unread", &unread)
            .finish_non_exhaustive()
    }
}

/// Input that was set aside by a connection that cannot process it yet, unprocessed, in memory of its own.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    bytes: Vec<u8>,
    /// Number of bytes consumed.
    start: usize,
}

impl Aside {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn append(&mut self, bytes: &[u8], spare: &mut Spare) {
        if bytes.is_empty() {
            return;
        }
        if self.bytes.capacity() == 0 {
            self.bytes = spare.take(bytes.len());
        }
        // The unread bytes move to the front only if more than half of the buffer is consumed: the cost of
        // the moves is then linear in the bytes consumed, however often a few are consumed and the rest is
        // set aside.
        if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..core::mem::take(&mut self.start));
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the memory to the pool.
    pub(crate) fn recycle(&mut self, spare: &mut Spare) {
        spare.put(core::mem::take(self).bytes);
    }
}

/// Position of consumed bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    start: usize,
    pub(crate) len: usize,
    /// True if they lie in the bytes set aside, false if in the buffer.
    aside: bool,
}

/// Memory that the last event borrows.
#[derive(Debug, Default)]
pub(crate) enum EventBuffer {
    #[default]
    None,
    Text(String),
    Bytes(Vec<u8>),
}

impl EventBuffer {
    /// Returns the memory to the pool.
    pub(crate) fn recycle(self, spare: &mut Spare) {
        match self {
            Self::None => {}
            Self::Text(text) => spare.put(text.into_bytes()),
            Self::Bytes(bytes) => spare.put(bytes),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// An event before it borrows anything: its type, and the place of its bytes.
#[derive(Debug)]
pub(crate) enum Ready {
    /// The bytes lie in the input, where they were received.
    InPlace(Payload, Span),
    /// The bytes lie in [`Input::event_buffer`].
    Buffered(Payload),
    Request(RequestLine),
    Open(StatusLine),
    /// The number is the offset of the body in the event buffer.
    Refused(StatusLine, usize),
    Drained,
    Closed(Closed),
}

/// An event that was announced and then set aside, with everything that it borrows.
#[derive(Debug)]
pub(crate) struct Announced {
    ready: Ready,
    buffer: EventBuffer,
    spans: Vec<HeaderSpan>,
}

impl Announced {
    /// Returns the memory to the pool.
    pub(crate) fn recycle(self, spare: &mut Spare) {
        self.buffer.recycle(spare);
    }
}

/// The role of an event's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// A whole message.
    Message(Kind),
    Chunk(Kind, ChunkPosition),
    Ping,
    Pong,
}

/// The position of a chunk in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChunkPosition {
    Last,
    NotLast,
}
