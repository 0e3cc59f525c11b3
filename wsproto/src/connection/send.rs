//! Outgoing messages and control frames (RFC 6455 5.4, 5.5).

use alloc::{sync::Arc, vec::Vec};
use core::num::NonZeroUsize;

use super::{Backlog, Connection, OutgoingMessage, Phase, Role};
use crate::{
    config::Overflow,
    deflate::{Deflate, policy::Compress},
    env::Env,
    error::SendError,
    event::Kind,
    message::Message,
    prepared::Prepared,
    wire::{
        close::{CloseCode, ClosedBy},
        frame::{Encoded, FIN, MAX_CONTROL, Opcode, RSV1},
        mask, utf8,
    },
};

/// Prepared frames of at least this many bytes are queued by reference, so that a slow connection owns no
/// copy.
const MIN_SHARED: usize = 256;

/// Owned payloads of at least this many bytes are moved into the queue. Copying shorter ones into one buffer
/// is cheaper than writing many buffers at once.
const MIN_MOVED: usize = 16 << 10;

impl Connection {
    /// Queues a text message.
    ///
    /// # Errors
    /// [`NotOpen`](SendError::NotOpen) before and [`Closed`](SendError::Closed) after the open state;
    /// [`MessageUnfinished`](SendError::MessageUnfinished) between [`start`](Self::start) and
    /// [`finish`](Self::finish); [`QueueFull`](SendError::QueueFull), [`Dropped`](SendError::Dropped) or
    /// [`Closed`](SendError::Closed) if the message is not [admitted](Self::admits), as
    /// [`Config::overflow`](crate::Config::overflow) says. The message is not queued then.
    #[inline]
    pub fn send_text(&mut self, env: &mut Env, text: &str) -> Result<(), SendError> {
        self.send(env, Kind::Text, text.as_bytes(), Compress::Auto)
    }

    /// Queues a binary message.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    #[inline]
    pub fn send_binary(&mut self, env: &mut Env, data: &[u8]) -> Result<(), SendError> {
        self.send(env, Kind::Binary, data, Compress::Auto)
    }

    /// Queues an owned message. A long one is moved into the queue instead of being copied.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text). The message is lost then: ask [`admits`](Self::admits) first where
    /// that matters.
    pub fn send_message(&mut self, env: &mut Env, message: Message) -> Result<(), SendError> {
        let kind = message.kind();
        if message.as_bytes().len() < MIN_MOVED
            || self.config.fragment_size.is_some()
            || self.deflate.is_some()
        {
            let sent = self.send(env, kind, message.as_bytes(), Compress::Auto);
            drop(message);
            return sent;
        }
        let mut payload = message.into_bytes();
        self.admit(env, payload.len())?;
        let key = self.masking_key(env);
        if let Some(key) = key {
            mask::apply(&mut payload, key);
        }
        let header = Encoded::new(FIN | kind.opcode() as u8, payload.len(), key);
        let queue = self.queue.get_or_insert_with(|| env.take_queue());
        header.append_to(queue.reserve(header.len(), &mut env.spare));
        queue.push_payload(payload);
        self.queued_more(env);
        Ok(())
    }

    /// Queues a message, with the choice whether to compress it if compression was negotiated.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), and [`NotUtf8`](SendError::NotUtf8) if `kind` is text and `data` is
    /// not UTF-8.
    pub fn send_compressed(
        &mut self,
        env: &mut Env,
        kind: Kind,
        data: &[u8],
        compress: Compress,
    ) -> Result<(), SendError> {
        if kind == Kind::Text {
            utf8::whole(data).map_err(|_| SendError::NotUtf8)?;
        }
        self.send(env, kind, data, compress)
    }

    /// Queues a prepared message.
    ///
    /// A server encodes nothing here, and does not copy a long message. The compressed form is sent if
    /// compression was negotiated with a window that is large enough; otherwise the plain form is sent.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_prepared(&mut self, env: &mut Env, message: &Prepared) -> Result<(), SendError> {
        let window_bits = self
            .deflate
            .as_ref()
            .map_or(0, |deflate| deflate.parameters.send_window_bits);
        let form = message.form(window_bits);
        self.admit(env, message.payload().len())?;
        if self.role == Role::Client || self.config.fragment_size.is_some() {
            self.queue_message(env, message.kind(), form.payload(), form.compressed());
        } else {
            let frame = &form.frame;
            let queue = self.queue.get_or_insert_with(|| env.take_queue());
            if frame.len() < MIN_SHARED {
                queue
                    .reserve(frame.len(), &mut env.spare)
                    .extend_from_slice(frame);
            } else {
                queue.push_shared(Arc::clone(frame));
            }
            self.queued_more(env);
        }
        if form.compressed()
            && let (Some(deflate), Some(policy)) = (&mut self.deflate, &self.config.compression)
        {
            deflate.compressed_elsewhere(policy, message.payload());
        }
        Ok(())
    }

    /// Sends a message without queueing it, as far as the transport takes it.
    ///
    /// `write` gets the header and the payload, puts them on the transport, and returns the number of bytes
    /// that the transport took. Only the rest is queued.
    ///
    /// `write` is not called, and the whole message is queued, if something is queued already (it has to go
    /// first), if the payload has to be copied in any case (a client masks it,
    /// [`fragment_size`](crate::Config::fragment_size) splits it, negotiated compression changes it).
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), and [`NotUtf8`](SendError::NotUtf8) if `kind` is text and `data` is
    /// not UTF-8. `write` is not called then.
    pub fn send_through(
        &mut self,
        env: &mut Env,
        kind: Kind,
        data: &[u8],
        write: impl FnOnce(&[&[u8]]) -> usize,
    ) -> Result<(), SendError> {
        if kind == Kind::Text {
            utf8::whole(data).map_err(|_| SendError::NotUtf8)?;
        }
        if self.queue.is_some()
            || self.role == Role::Client
            || self.config.fragment_size.is_some()
            || self.deflate.is_some()
        {
            return self.send(env, kind, data, Compress::Auto);
        }
        self.admit(env, data.len())?;
        let header = Encoded::new(FIN | kind.opcode() as u8, data.len(), None);
        let (header, size) = (header.as_slice(), header.len());
        let taken = write(&[header, data]);
        let left = (size + data.len()).saturating_sub(taken);
        if left > 0 {
            let queue = self.queue.get_or_insert_with(|| env.take_queue());
            let buffer = queue.reserve(left, &mut env.spare);
            buffer.extend_from_slice(header.get(taken..).unwrap_or_default());
            buffer.extend_from_slice(&data[taken.saturating_sub(size)..]);
            if taken > 0 {
                queue.begin_all();
            }
            self.queued_more(env);
        }
        Ok(())
    }

    /// Starts a message of unknown length, to be continued by [`write`](Self::write) and ended by
    /// [`finish`](Self::finish).
    ///
    /// Control frames may be sent in between (RFC 6455 5.4).
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn start(&mut self, env: &mut Env, kind: Kind) -> Result<(), SendError> {
        self.start_compressed(env, kind, Compress::Auto)
    }

    /// Starts a message as [`start`](Self::start) does, with the choice whether to compress it if compression
    /// was negotiated.
    ///
    /// [`Compress::Auto`] compresses it, since its length is not known.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn start_compressed(
        &mut self,
        env: &mut Env,
        kind: Kind,
        compress: Compress,
    ) -> Result<(), SendError> {
        self.admit(env, 0)?;
        let compressed = match (&mut self.deflate, &self.config.compression) {
            (Some(deflate), Some(policy)) => deflate.start(policy, &mut env.pool, compress),
            _ => false,
        };
        self.outgoing_message = Some(OutgoingMessage {
            kind,
            begun: false,
            compressed,
            utf8: utf8::Carry::default(),
        });
        Ok(())
    }

    /// Queues a part of the message that [`start`](Self::start) began, as a frame of its own.
    ///
    /// A part of a text may end inside a code point. An empty part queues nothing.
    ///
    /// # Errors
    /// [`NoMessage`](SendError::NoMessage) without `start`; [`NotUtf8`](SendError::NotUtf8) if the text so
    /// far cannot be valid UTF-8; [`NotOpen`](SendError::NotOpen) and [`Closed`](SendError::Closed) outside
    /// the open state; [`QueueFull`](SendError::QueueFull) if the part is not [admitted](Self::admits),
    /// whatever the policy, since a message in parts cannot be dropped. The part is not queued then, and the
    /// message can be continued.
    pub fn write(&mut self, env: &mut Env, data: &[u8]) -> Result<(), SendError> {
        self.write_fragment(env, data, 0)
    }

    /// Ends the message that [`start`](Self::start) began. The last part may be empty.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn finish(&mut self, env: &mut Env, data: &[u8]) -> Result<(), SendError> {
        self.write_fragment(env, data, FIN)
    }

    /// Queues a Ping frame, which overtakes queued messages.
    ///
    /// # Errors
    /// [`ControlTooLong`](SendError::ControlTooLong) for a payload of more than 125 bytes (RFC 6455 5.5);
    /// [`NotOpen`](SendError::NotOpen) and [`Closed`](SendError::Closed) outside the open state;
    /// [`QueueFull`](SendError::QueueFull) if the payload is not [admitted](Self::admits), whatever the
    /// policy.
    pub fn send_ping(&mut self, env: &mut Env, payload: &[u8]) -> Result<(), SendError> {
        self.check_control(payload)?;
        self.queue_ping(env, payload);
        Ok(())
    }

    /// Queues a Pong frame, which overtakes queued messages.
    ///
    /// It is needed only if [`answer_pings`](crate::Config::answer_pings) is off, or as a unidirectional
    /// heartbeat (RFC 6455 5.5.3).
    ///
    /// # Errors
    /// As [`send_ping`](Self::send_ping).
    pub fn send_pong(&mut self, env: &mut Env, payload: &[u8]) -> Result<(), SendError> {
        self.check_control(payload)?;
        self.queue_pong(env, payload);
        Ok(())
    }

    #[inline]
    fn send(
        &mut self,
        env: &mut Env,
        kind: Kind,
        data: &[u8],
        compress: Compress,
    ) -> Result<(), SendError> {
        self.admit(env, data.len())?;
        if self.deflate.is_some()
            && let Some(compressed) = self.compress(env, data, compress)
        {
            self.queue_message(env, kind, &compressed, true);
            env.spare.put(compressed);
        } else {
            self.queue_message(env, kind, data, false);
        }
        Ok(())
    }

    /// Returns the compressed form of a message, if compression was negotiated and is to be used for it. The
    /// result must be sent.
    fn compress(&mut self, env: &mut Env, data: &[u8], compress: Compress) -> Option<Vec<u8>> {
        let (deflate, policy) = (self.deflate.as_mut()?, self.config.compression.as_ref()?);
        deflate.compress(policy, &mut env.spare, &mut env.pool, data, compress)
    }

    /// Queues a message in one frame, or in frames of [`fragment_size`](crate::Config::fragment_size) bytes.
    #[inline]
    fn queue_message(&mut self, env: &mut Env, kind: Kind, payload: &[u8], compressed: bool) {
        // RFC 7692 6.1: RSV1 on the first frame marks the whole message as compressed.
        let first = kind.opcode() as u8 | if compressed { RSV1 } else { 0 };
        match self.config.fragment_size {
            Some(size) if payload.len() > size.get() => {
                self.queue_fragments(env, first, payload, size);
            }
            Some(_) | None => self.queue_frame(env, FIN | first, payload),
        }
    }

    /// Queues a message in frames of `size` bytes (RFC 6455 5.4).
    #[cold]
    fn queue_fragments(
        &mut self,
        env: &mut Env,
        mut first: u8,
        payload: &[u8],
        size: NonZeroUsize,
    ) {
        let mut parts = payload.chunks(size.get()).peekable();
        while let Some(part) = parts.next() {
            let fin = if parts.peek().is_none() { FIN } else { 0 };
            self.queue_frame(env, fin | first, part);
            first = Opcode::Continuation as u8;
        }
    }

    fn write_fragment(&mut self, env: &mut Env, data: &[u8], fin: u8) -> Result<(), SendError> {
        self.check_open()?;
        let Some(mut message) = self.outgoing_message else {
            return Err(SendError::NoMessage);
        };
        if !self.admits(data.len()) {
            return Err(SendError::QueueFull);
        }
        if message.kind == Kind::Text {
            message
                .utf8
                .push(data, |_| {})
                .map_err(|_| SendError::NotUtf8)?;
            if fin != 0 {
                message.utf8.finish().map_err(|_| SendError::NotUtf8)?;
            }
        }
        if data.is_empty() && fin == 0 {
            return Ok(());
        }
        let first = match (message.begun, message.compressed) {
            (true, _) => Opcode::Continuation as u8,
            (false, true) => message.kind.opcode() as u8 | RSV1,
            (false, false) => message.kind.opcode() as u8,
        };
        message.begun = true;
        self.timers.last_message_at = env.now();
        self.outgoing_message = if fin == 0 { Some(message) } else { None };
        if message.compressed {
            let part = match (&mut self.deflate, &self.config.compression) {
                (Some(deflate), Some(policy)) => {
                    let (spare, pool) = (&mut env.spare, &mut env.pool);
                    deflate.compress_part(policy, spare, pool, data, fin != 0)
                }
                _ => Vec::new(),
            };
            self.queue_frame(env, fin | first, &part);
            env.spare.put(part);
        } else {
            self.queue_frame(env, fin | first, data);
        }
        Ok(())
    }

    /// Checks that a message of `len` bytes may be queued, before anything is, and applies the overflow
    /// policy if not.
    #[inline]
    fn admit(&mut self, env: &mut Env, len: usize) -> Result<(), SendError> {
        self.check_open()?;
        if self.outgoing_message.is_some() {
            return Err(SendError::MessageUnfinished);
        }
        if !self.admits(len) {
            self.overflow(env, len)?;
        }
        self.timers.last_message_at = env.now();
        Ok(())
    }

    /// Returns true if a message of `len` bytes may be queued now; see
    /// [`Config::admits`](crate::Config::admits).
    ///
    /// A send that is not admitted is handled as [`Config::overflow`](crate::Config::overflow) says.
    #[must_use]
    #[inline]
    pub fn admits(&self, len: usize) -> bool {
        self.admitted || self.config.admits(self.queued(), len)
    }

    /// Returns true if a sender should wait before it queues more: the queue holds
    /// [`queue_high`](crate::Config::queue_high) bytes or more. An empty queue is never high.
    #[must_use]
    #[inline]
    pub fn is_high(&self) -> bool {
        let queued = self.queued();
        queued > 0 && queued >= self.config.queue_high
    }

    /// Runs `send`, whose sends are all queued even if [`admits`](Self::admits) returns false by now.
    ///
    /// This is for drivers whose senders are on other threads. The sender's thread asks
    /// [`Config::admits`](crate::Config::admits) and promises that the message will be queued. The
    /// connection's own thread keeps that promise, whatever callbacks have queued in between.
    pub fn send_admitted<T>(&mut self, send: impl FnOnce(&mut Self) -> T) -> T {
        /// Ends the exemption, even if `send` panics.
        struct Exempt<'a>(&'a mut Connection);

        impl Drop for Exempt<'_> {
            fn drop(&mut self) {
                self.0.admitted = false;
            }
        }

        self.admitted = true;
        let exempt = Exempt(self);
        send(exempt.0)
    }

    #[cold]
    fn overflow(&mut self, env: &mut Env, len: usize) -> Result<(), SendError> {
        match self.config.overflow {
            Overflow::Refuse => Err(SendError::QueueFull),
            Overflow::DropNewest => Err(SendError::Dropped),
            Overflow::DropOldest => {
                let queued = self.queued();
                let excess = queued
                    .saturating_add(len)
                    .saturating_sub(self.config.queue_limit)
                    .min(queued);
                let Some(queue) = &mut self.queue else {
                    return Ok(());
                };
                let takeover = |deflate: &Deflate| deflate.parameters.send_takeover;
                let compressed_too = !self.deflate.as_ref().is_some_and(takeover);
                if !queue.drop_oldest(excess, compressed_too) {
                    return Err(SendError::QueueFull);
                }
                if queue.len() == 0 {
                    queue.clear(&mut env.spare);
                    self.queue_emptied(env);
                }
                Ok(())
            }
            Overflow::Close => {
                self.start_closing(
                    env,
                    CloseCode::POLICY_VIOLATION,
                    "too slow",
                    ClosedBy::Overflow,
                );
                Err(SendError::Closed)
            }
        }
    }

    /// Queues a frame behind all others. The payload is copied, and masked in the same pass by a client.
    #[inline]
    pub(super) fn queue_frame(&mut self, env: &mut Env, first: u8, payload: &[u8]) {
        let key = self.masking_key(env);
        let queue = self.queue.get_or_insert_with(|| env.take_queue());
        let header = Encoded::new(first, payload.len(), key);
        let buffer = queue.reserve(header.len() + payload.len(), &mut env.spare);
        header.append_to(buffer);
        match key {
            Some(key) => mask::append(buffer, payload, key),
            None => buffer.extend_from_slice(payload),
        }
        self.queued_more(env);
    }

    /// Queues a Ping whose payload was checked.
    pub(super) fn queue_ping(&mut self, env: &mut Env, payload: &[u8]) {
        let key = self.masking_key(env);
        let queue = self.queue.get_or_insert_with(|| env.take_queue());
        queue.push_control(|out| write_control(out, Opcode::Ping, payload, key));
        self.queued_more(env);
    }

    /// Queues a Pong whose payload was checked, unless it could only follow our Close frame.
    pub(super) fn queue_pong(&mut self, env: &mut Env, payload: &[u8]) {
        // 5.5.1: no frame follows a Close. A Close frame of which no byte was sent yet can still be
        // overtaken.
        let close_waits = self
            .queue
            .as_ref()
            .is_some_and(|queue| queue.has_whole_frame());
        let too_late = self.phase != Phase::Open && !close_waits;
        if too_late || self.transport.is_lost() {
            return;
        }
        let key = self.masking_key(env);
        let queue = self.queue.get_or_insert_with(|| env.take_queue());
        queue.push_pong(self.config.max_pong_queue, |out| {
            write_control(out, Opcode::Pong, payload, key);
        });
        self.queued_more(env);
    }

    /// 5.3: a client chooses a fresh key for each frame.
    #[inline]
    fn masking_key(&self, env: &mut Env) -> Option<[u8; 4]> {
        match self.role {
            Role::Client => Some(env.random()),
            Role::Server => None,
        }
    }

    fn check_control(&self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        if payload.len() > MAX_CONTROL {
            return Err(SendError::ControlTooLong);
        }
        if self.admits(payload.len()) {
            Ok(())
        } else {
            Err(SendError::QueueFull)
        }
    }

    /// Updates the timers and the backlog after something was queued.
    #[inline]
    fn queued_more(&mut self, env: &Env) {
        if self.timers.unsent_since.is_none() {
            self.timers.unsent_since = Some(env.now());
        }
        if self.queued() >= self.config.queue_high {
            self.backlog = Backlog::High;
        }
    }
}

fn write_control(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: Option<[u8; 4]>) {
    Encoded::new(FIN | opcode as u8, payload.len(), key).append_to(out);
    match key {
        Some(key) => mask::append(out, payload, key),
        None => out.extend_from_slice(payload),
    }
}
