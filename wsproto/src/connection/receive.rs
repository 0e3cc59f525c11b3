//! Incoming frames: headers, payloads, messages, control frames (RFC 6455 5).

use alloc::string::String;

use super::{
    Connection, Role,
    reassembly::{Expect, FramePayload, IncomingMessage},
};
use crate::{
    config::Delivery,
    env::Env,
    error::{Cause, Error, Violation},
    event::Kind,
    input::{ChunkPosition, EventBuffer, Input, Payload, Ready},
    partial::{Assembly, Partial},
    wire::{
        close::{self, Closed},
        frame::{self, Header, MAX_HEADER, Opcode, Rules},
        mask,
        utf8::Carry,
    },
};

/// Text is unmasked, checked and copied in blocks of this many bytes, which stay in the L1 cache meanwhile. A
/// multiple of four, so that every block starts with the same byte of the key.
const BLOCK: usize = 8 << 10;

impl Connection {
    /// Consumes input up to the next event, or until it is used up.
    #[inline]
    pub(super) fn receive<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Error> {
        if !input.unread().is_empty() {
            self.timers.byte_received(env.now());
        }
        loop {
            let chunks_wait = |partial: &Partial| partial.inflating.is_pending();
            let ready = match self.reassembly.expect {
                _ if self.partial.as_deref().is_some_and(chunks_wait) => {
                    self.inflate_chunk(env, input)
                }
                Expect::Header { len: 0, .. } => {
                    let bytes = input.unread();
                    match frame::parse(bytes, &self.rules()) {
                        Ok(Some(header)) => {
                            input.consume(header.size);
                            self.begin_frame(env, input, header)
                        }
                        Ok(None) => {
                            // An incomplete header is shorter than `MAX_HEADER`, so it fits.
                            let len = bytes.len();
                            let mut kept = [0; MAX_HEADER];
                            kept[..len].copy_from_slice(bytes);
                            self.reassembly.expect = Expect::Header {
                                bytes: kept,
                                len: len as u8,
                            };
                            input.consume(len);
                            if input.unread().is_empty() {
                                return Ok(None);
                            }
                            continue;
                        }
                        Err(cause) => Err(cause),
                    }
                }
                Expect::Header { bytes, len } => match self.complete_header(input, bytes, len) {
                    Ok(Some(header)) => {
                        self.reassembly.expect = Expect::default();
                        self.begin_frame(env, input, header)
                    }
                    Ok(None) => return Ok(None),
                    Err(cause) => Err(cause),
                },
                Expect::Payload(payload) => {
                    if payload.missing > 0 && input.unread().is_empty() {
                        return Ok(None);
                    }
                    self.receive_payload(env, input, payload)
                }
            };
            match ready {
                Ok(Some(ready)) => return Ok(Some(ready)),
                Ok(None) => {}
                Err(cause) => {
                    input.clear();
                    return Err(self.fail(env, cause));
                }
            }
        }
    }

    /// The rules that the next frame must follow in the present state.
    #[inline]
    fn rules(&self) -> Rules {
        let config = &*self.config;
        let (in_message, fragments, len) =
            self.reassembly.message.map_or((false, 0, 0), |message| {
                (true, message.fragments, message.len)
            });
        Rules {
            masked: self.role == Role::Server,
            compression: self.deflate.is_some(),
            in_message,
            fragments_left: fragments < config.max_fragments,
            max_frame: config.max_frame,
            room: config.max_message - len,
        }
    }

    /// Adds bytes to an incomplete header one at a time, since any of them may prove a violation.
    #[cold]
    fn complete_header<B: AsMut<[u8]>>(
        &mut self,
        input: &mut Input<B>,
        mut bytes: [u8; MAX_HEADER],
        mut len: u8,
    ) -> Result<Option<Header>, Cause> {
        let rules = self.rules();
        while let Some(byte) = input.unread().first().copied() {
            input.consume(1);
            bytes[usize::from(len)] = byte;
            len += 1;
            let header = frame::parse(&bytes[..usize::from(len)], &rules)?;
            if header.is_some() {
                return Ok(header);
            }
        }
        self.reassembly.expect = Expect::Header { bytes, len };
        Ok(None)
    }

    /// Handles a valid header. If the whole payload is available and needs no memory, it is consumed at once.
    #[inline]
    fn begin_frame<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        header: Header,
    ) -> Result<Option<Ready>, Cause> {
        let Header {
            fin,
            compressed,
            opcode,
            len,
            key,
            ..
        } = header;
        let bytes = input.unread();
        let payload = usize::try_from(len)
            .ok()
            .and_then(|len| bytes.get_mut(..len));
        let Some(payload) = payload else {
            self.reassembly.begin_frame(header);
            return Ok(None);
        };
        if opcode.is_control() {
            mask::apply(payload, key);
            let control = self.receive_control(env, opcode, payload)?;
            let span = input.consume(len as usize);
            return Ok(Some(match control {
                Control::Payload(payload) => Ready::InPlace(payload, span),
                Control::Closed(closed) => {
                    input.clear();
                    Ready::Closed(closed)
                }
            }));
        }
        let alone = fin && !compressed && self.config.delivery == Delivery::Messages;
        let Some(kind) = opcode.kind().filter(|_| alone) else {
            self.reassembly.begin_frame(header);
            return Ok(None);
        };
        // A whole message, delivered in place.
        mask::apply(payload, key);
        self.timers.last_message_at = env.now();
        Ok(Some(Ready::InPlace(
            Payload::Message(kind),
            input.consume(len as usize),
        )))
    }

    /// Consumes the available part of the present payload.
    fn receive_payload<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        payload: FramePayload,
    ) -> Result<Option<Ready>, Cause> {
        if payload.opcode.is_control() {
            return self.receive_control_part(env, input, payload);
        }
        // Every part of a message counts as activity, so that a slow one does not hit the idle timeout.
        self.timers.last_message_at = env.now();
        match (self.config.delivery, self.reassembly.is_compressed()) {
            (Delivery::Messages, false) => self.receive_message_part(env, input, payload),
            (Delivery::Messages, true) => self.receive_compressed_part(env, input, payload),
            (Delivery::Chunks, false) => self.receive_chunk(input, payload),
            (Delivery::Chunks, true) => {
                self.receive_compressed_chunk(env, input, payload);
                Ok(None)
            }
        }
    }

    /// Consumes a part of a control frame, and keeps it until the frame is complete.
    fn receive_control_part<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        payload: FramePayload,
    ) -> Result<Option<Ready>, Cause> {
        let bytes = input.unread();
        let len = payload.len_in(bytes.len());
        let piece = &mut bytes[..len];
        mask::apply(piece, payload.key);
        self.reassembly.advance(payload, len);
        let partial = self.partial.get_or_insert_with(|| env.take_partial());
        if partial.control.capacity() == 0 {
            partial.control = env.spare.take(len);
        }
        partial.control.extend_from_slice(piece);
        let whole = payload.ends_after(len);
        if payload.opcode == Opcode::Close && !whole {
            close::check_start(&partial.control)?;
        }
        input.consume(len);
        if whole {
            self.control_complete(env, input, payload.opcode).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Consumes a part of a message that is delivered as a whole.
    fn receive_message_part<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        payload: FramePayload,
    ) -> Result<Option<Ready>, Cause> {
        let bytes = input.unread();
        let len = payload.len_in(bytes.len());
        self.reassembly.advance(payload, len);
        // No room is needed beyond the last frame.
        let declared = if payload.fin {
            payload.missing
        } else {
            u64::MAX
        };
        self.assemble(env, &mut bytes[..len], payload.key, declared)?;
        input.consume(len);
        if payload.ends_message_after(len) {
            self.message_complete(env, input)
        } else {
            Ok(None)
        }
    }

    /// Consumes a part of a compressed message that is delivered as a whole.
    fn receive_compressed_part<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        payload: FramePayload,
    ) -> Result<Option<Ready>, Cause> {
        let bytes = input.unread();
        let len = payload.len_in(bytes.len());
        let piece = &mut bytes[..len];
        mask::apply(piece, payload.key);
        self.reassembly.advance(payload, len);
        let last = payload.ends_message_after(len);
        self.inflate_piece(env, piece, last)?;
        input.consume(len);
        if last {
            self.message_complete(env, input)
        } else {
            Ok(None)
        }
    }

    /// Delivers a part of a message in place.
    fn receive_chunk<B: AsMut<[u8]>>(
        &mut self,
        input: &mut Input<B>,
        payload: FramePayload,
    ) -> Result<Option<Ready>, Cause> {
        let bytes = input.unread();
        let len = payload.len_in(bytes.len());
        let piece = &mut bytes[..len];
        mask::apply(piece, payload.key);
        let checked = self.check_chunk(piece, payload.ends_message_after(len))?;
        // The rest is masked again: the next call unmasks and refuses it.
        mask::apply(&mut piece[checked..], mask::rotated(payload.key, checked));
        let len = checked;
        self.reassembly.advance(payload, len);
        let span = input.consume(len);
        let Some(kind) = self.reassembly.message_kind() else {
            return Ok(None);
        };
        let last = payload.ends_message_after(len);
        if last {
            self.reassembly.end_message();
        }
        let payload = Payload::Chunk(
            kind,
            if last {
                ChunkPosition::Last
            } else {
                ChunkPosition::NotLast
            },
        );
        Ok((last || len > 0).then_some(Ready::InPlace(payload, span)))
    }

    /// Keeps a part of a compressed message. The chunks that it yields are delivered before further input is
    /// consumed.
    fn receive_compressed_chunk<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        payload: FramePayload,
    ) {
        let bytes = input.unread();
        let len = payload.len_in(bytes.len());
        let piece = &mut bytes[..len];
        mask::apply(piece, payload.key);
        self.reassembly.advance(payload, len);
        self.keep_to_inflate(env, piece, payload.ends_message_after(len));
        input.consume(len);
    }

    /// Appends a piece to the message under way, which grows by at most `declared` bytes, those of the piece
    /// included. The piece is masked with `key`, and is unmasked while it is copied.
    pub(super) fn assemble(
        &mut self,
        env: &mut Env,
        piece: &mut [u8],
        key: [u8; 4],
        declared: u64,
    ) -> Result<(), Cause> {
        let Some(message) = &mut self.reassembly.message else {
            return Ok(());
        };
        if piece.is_empty() {
            return Ok(());
        }
        let partial = self.partial.get_or_insert_with(|| env.take_partial());
        if let Assembly::None = partial.message {
            let bytes = env.spare.take(piece.len());
            partial.message = match message.kind {
                // A recycled buffer is empty, and so is valid UTF-8.
                Kind::Text if self.config.check_utf8 => {
                    Assembly::Text(String::from_utf8(bytes).unwrap_or_default())
                }
                Kind::Text | Kind::Binary => Assembly::Bytes(bytes),
            };
        }
        match &mut partial.message {
            Assembly::Text(text) => {
                // The start of a code point may be carried over from the previous piece.
                let (len, declared) = (
                    piece.len() + Carry::MAX,
                    declared.saturating_add(Carry::MAX as u64),
                );
                let additional = growth(text.len(), text.capacity(), len, declared);
                if additional > 0 {
                    env.spare.grow_text(text, additional);
                }
                for block in piece.chunks_mut(BLOCK) {
                    mask::apply(block, key);
                    message
                        .utf8
                        .push(block, |valid| text.push_str(valid))
                        .map_err(|_| Violation::TextNotUtf8)?;
                }
            }
            Assembly::Bytes(bytes) => {
                let additional = growth(bytes.len(), bytes.capacity(), piece.len(), declared);
                if additional > 0 {
                    env.spare.grow(bytes, additional);
                }
                mask::append(bytes, piece, key);
            }
            Assembly::None => {}
        }
        Ok(())
    }

    /// Completes an assembled message whose last byte has come.
    fn message_complete<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Cause> {
        let Some(IncomingMessage { mut utf8, kind, .. }) = self.reassembly.message.take() else {
            return Ok(None);
        };
        utf8.finish().map_err(|_| Violation::TextNotUtf8)?;
        input.event_buffer = match self.partial.as_mut().map(|partial| partial.message.take()) {
            Some(Assembly::Text(text)) => EventBuffer::Text(text),
            Some(Assembly::Bytes(bytes)) => EventBuffer::Bytes(bytes),
            Some(Assembly::None) | None => EventBuffer::None,
        };
        self.timers.last_message_at = env.now();
        Ok(Some(Ready::Buffered(Payload::Message(kind))))
    }

    /// Checks the UTF-8 of a chunk that is delivered in place.
    ///
    /// Returns the number of bytes before the one that proves the text invalid. They are delivered, as they
    /// would be had they come alone, so that chunks do not depend on how the stream was cut.
    pub(super) fn check_chunk(&mut self, piece: &[u8], last: bool) -> Result<usize, Cause> {
        let Some(message) = &mut self.reassembly.message else {
            return Ok(piece.len());
        };
        if message.kind != Kind::Text || !self.config.check_utf8 {
            return Ok(piece.len());
        }
        let mut utf8 = message.utf8;
        let mut checked = utf8.push(piece, |_| {});
        if last {
            checked = checked.and_then(|()| utf8.finish());
        }
        if checked.is_ok() {
            message.utf8 = utf8;
            return Ok(piece.len());
        }
        let mut valid = 0;
        for byte in &piece[..piece.len().saturating_sub(usize::from(last))] {
            let mut utf8 = message.utf8;
            if utf8.push(core::slice::from_ref(byte), |_| {}).is_err() {
                break;
            }
            message.utf8 = utf8;
            valid += 1;
        }
        if valid == 0 {
            return Err(Cause::Violation(Violation::TextNotUtf8));
        }
        Ok(valid)
    }

    /// Handles a control frame that came in parts and is now complete.
    fn control_complete<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        opcode: Opcode,
    ) -> Result<Ready, Cause> {
        let bytes = self
            .partial
            .as_mut()
            .map(|partial| core::mem::take(&mut partial.control))
            .unwrap_or_default();
        let control = self.receive_control(env, opcode, &bytes);
        input.event_buffer = EventBuffer::Bytes(bytes);
        Ok(match control? {
            Control::Payload(payload) => Ready::Buffered(payload),
            Control::Closed(closed) => {
                input.clear();
                Ready::Closed(closed)
            }
        })
    }

    /// Handles a control frame: answers a Ping (RFC 6455 5.5.2) or a Close (5.5.1).
    fn receive_control(
        &mut self,
        env: &mut Env,
        opcode: Opcode,
        payload: &[u8],
    ) -> Result<Control, Cause> {
        match opcode {
            Opcode::Close => {
                let (code, reason) = close::parse(payload)?;
                Ok(Control::Closed(self.peer_closed(env, code, reason)))
            }
            Opcode::Ping => {
                // 5.5.2: a Ping is answered with a Pong, unless a Close frame was received.
                if self.config.answer_pings {
                    self.queue_pong(env, payload);
                }
                Ok(Control::Payload(Payload::Ping))
            }
            Opcode::Pong | Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                Ok(Control::Payload(Payload::Pong))
            }
        }
    }
}

/// The result of a control frame.
enum Control {
    Payload(Payload),
    Closed(Closed),
}

/// Returns the number of bytes to grow a buffer by, in order to append `len` bytes.
///
/// `declared` is an upper bound on the bytes still to come, `len` included. The buffer grows in proportion to
/// the bytes received, never by a length that was only declared.
fn growth(had: usize, capacity: usize, len: usize, declared: u64) -> usize {
    const LEAST: usize = 1 << 10;
    if capacity - had >= len {
        return 0;
    }
    let double = (had + len).max(LEAST) + len;
    // The capacity is exact where `declared` is the end of the message. It must not be exact at the end of
    // each frame: a message of many small fragments would be copied once per fragment.
    usize::try_from(declared)
        .map_or(double, |declared| declared.min(double))
        .max(len)
}
